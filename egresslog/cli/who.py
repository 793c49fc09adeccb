"""``egresslog who``: one Squid line, or a client and a moment: the ranked candidates, without a run."""

from __future__ import annotations

from typing import Annotated

import typer

from egresslog.cli import options
from egresslog.cli.answers import AnswerForm, Form, is_run, leave, print_explanations, print_json
from egresslog.cli.bundles import Joining, Reading
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say
from egresslog.errors import UsageError


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
    form: Form = AnswerForm.TABLE,
) -> None:
    """Tell which pod was behind one Squid line, with every candidate and its evidence."""
    api = library()

    given = list(arguments or ())
    line = given.pop(0) if client is None and given else None
    if not (given or reading.squid or reading.envoy):
        raise UsageError("no logs to ask", hint="egresslog who 'SQUID LINE' logs/")
    if is_run(given):
        raise UsageError(f"{given[0]}: a run, and who asks logs", hint="egresslog explain RUN ID|FILE:LINE")
    inputs, terms = reading.inputs(given, joining), joining.terms(reading.max_rejected)
    moment, name = options.moment("--at", at), host.lower() if host else None
    question = api.Question(line, client, moment, name, inputs.formats["squid"])
    with progress("reading") as show:
        answer = api.who(inputs, question, terms, show)
    if answer.looked:
        say(str(answer.looked))
    if form is AnswerForm.JSON:
        answers = [explanation.to_dict() for explanation in answer.explanations]
        print_json({"flags": answer.found.manifest["flags"], "answers": answers})
    else:
        print_explanations(answer.explanations)
    leave(answer.found)
