"""How an answer about single records is printed: on a terminal, or as one JSON object."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from egresslog.cli.messages import warn
from egresslog.errors import Exit

if TYPE_CHECKING:
    from egresslog.api import Correlation
    from egresslog.report.explanation import Explanation


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


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    from egresslog.report.writers import write_document

    write_document(document, sys.stdout.buffer)


def leave(found: Correlation) -> None:
    """Say what is incomplete, and exit accordingly."""
    warn(found.manifest["problems"])
    raise typer.Exit(Exit.INCOMPLETE if found.manifest["flags"]["incomplete"] else Exit.OK)
