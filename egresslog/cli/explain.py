"""``egresslog explain``: why a record is linked, or why not, from a run or straight from logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from egresslog.cli.answers import AnswerForm, Form, is_run, leave, print_explanation, print_json
from egresslog.cli.bundles import Joining, Reading
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say
from egresslog.errors import UsageError

if TYPE_CHECKING:
    from egresslog.api import Correlation
    from egresslog.report.explanation import Explanation

_HINT = "egresslog explain RUN ID, or egresslog explain logs/ access.log:12"


def explain_command(
    reading: Reading,
    joining: Joining,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN|PATH... ID|FILE:LINE", help="A run folder or logs; last, the record to explain."
        ),
    ] = None,
    form: Form = AnswerForm.TABLE,
) -> None:
    """Show why a Squid or Envoy record is linked, or why not: every piece of evidence as a bar.

    The record is an id, the beginning of one, or FILE:LINE, of either side.
    """
    *paths, record = arguments or [""]
    if not record or not (paths or reading.squid or reading.envoy):
        raise UsageError("explain needs a run or logs, and a record", hint=_HINT)
    found, explanation = _from_run(paths[0], record) if is_run(paths) else _from_logs(
        paths, record, reading, joining
    )  # fmt: skip
    if form is AnswerForm.JSON:
        print_json({"flags": found.manifest["flags"], **explanation.to_dict()})
    else:
        print_explanation(explanation)
    leave(found)


def _from_run(folder: str, record: str) -> tuple[Correlation, Explanation]:
    found: Correlation = library().load(folder)
    return found, found.explain(record)


def _from_logs(
    paths: list[str], record: str, reading: Reading, joining: Joining
) -> tuple[Correlation, Explanation]:
    inputs, terms = reading.inputs(paths, joining), joining.terms(reading.max_rejected)
    with progress("reading") as show:
        answer = library().explain_logs(inputs, record, terms, show)
    if answer.looked:
        say(str(answer.looked))
    return answer.found, answer.explanations[0]
