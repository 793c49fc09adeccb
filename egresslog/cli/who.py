"""``egresslog who``: one Squid line, or a client and a moment: the ranked candidates, without a run."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from egresslog.cli import options
from egresslog.cli.bundles import Joining, Reading
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.errors import Exit, UsageError

if TYPE_CHECKING:
    from egresslog.api import Correlation


class WhoForm(StrEnum):
    """How the answer is printed."""

    TABLE = "table"
    JSON = "json"


def who_command(
    reading: Reading,
    joining: Joining,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="['SQUID LINE'] PATH...", help="The line, unless --client is given; then the logs."
        ),
    ] = None,
    client: Annotated[str | None, typer.Option(metavar="ADDR", help="Squid's client address.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="A moment in the transaction (ISO, UTC).")
    ] = None,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="The requested host.")] = None,
    form: Annotated[WhoForm, typer.Option("--format", help="How to print.")] = WhoForm.TABLE,
) -> None:
    """Tell which pod was behind one Squid line, with every candidate and its evidence."""
    api = library()

    given = list(arguments or ())
    line = given.pop(0) if client is None and given else None
    if not (given or reading.squid or reading.envoy):
        raise UsageError("no logs to ask", hint="egresslog who 'SQUID LINE' logs/")
    inputs, terms = reading.inputs(given, joining), joining.terms(reading.max_rejected)
    moment, name = options.moment("--at", at), host.lower() if host else None
    question = api.Question(line, client, moment, name, inputs.formats["squid"])
    with progress("reading") as show:
        logs = api.read_both(inputs, show)
    found, asked = api.who(logs, question, inputs, terms)
    _print(found, asked, form)
    warn([*found.manifest["problems"], *found.manifest["warnings"]])
    raise typer.Exit(Exit.INCOMPLETE if found.manifest["flags"]["incomplete"] else Exit.OK)


def _print(found: Correlation, asked: list[str], form: WhoForm) -> None:
    from egresslog.report.answer import answer, print_answer

    entries = [answer(found.tables, identifier) for identifier in asked]
    if form is WhoForm.JSON:
        from egresslog.report.writers import write_document

        write_document({"flags": found.manifest["flags"], "answers": entries}, sys.stdout.buffer)
        return
    for entry in entries:
        print_answer(entry, sys.stdout)
    if len(entries) > 1:
        say(f"{len(entries)} records of this client were under way at that moment")
