"""How an answer about single records is printed: on a terminal, or as one JSON object."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from egresslog.cli.messages import say, warn
from egresslog.errors import Exit

if TYPE_CHECKING:
    from egresslog.api import Correlation
    from egresslog.report.explanation import Explanation


_WHOLE = 3  # answers that are shown whole


class AnswerForm(StrEnum):
    """How the answer is printed."""

    TABLE = "table"
    JSON = "json"


Form = Annotated[AnswerForm, typer.Option("--format", help="How to print.")]


def print_explanation(explanation: Explanation) -> None:
    """The whole page on standard output."""
    from egresslog.report.printing import screen, show

    to = screen(sys.stdout)
    show(explanation.blocks(to.width), to)


def print_explanations(explanations: Sequence[Explanation]) -> None:
    """The whole page of each; of more than a few, a line each."""
    if len(explanations) > 1:
        say(f"{len(explanations)} records of this client were under way at that moment")
    if len(explanations) <= _WHOLE:
        for explanation in explanations:
            print_explanation(explanation)
        return
    from egresslog.report.explanation.tables import overview_table
    from egresslog.report.printing import screen, show

    to = screen(sys.stdout)
    show([overview_table([one.facts["transaction"] for one in explanations], to.width)], to)
    say("--host chooses among them; egresslog explain PATH... FILE:LINE tells all of one")


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    from egresslog.report.writers import write_document

    write_document(document, sys.stdout.buffer)


def is_run(paths: Sequence[str]) -> bool:
    """True for the folder of a run alone."""
    from egresslog.report.run import MANIFEST

    return len(paths) == 1 and os.path.isfile(os.path.join(paths[0], MANIFEST))


def leave(found: Correlation) -> None:
    """Say what is incomplete, and exit accordingly."""
    warn(found.manifest["problems"])
    raise typer.Exit(Exit.INCOMPLETE if found.manifest["flags"]["incomplete"] else Exit.OK)
