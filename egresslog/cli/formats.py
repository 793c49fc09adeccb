"""``egresslog formats``: presets, every known format code and command operator; dangers of a format."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from egresslog.errors import Exit, UsageError
from egresslog.formats.codes import Dialect


class FormatsForm(StrEnum):
    """How the list is printed."""

    TABLE = "table"
    JSON = "json"


def formats_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[PRESET|FORMAT|@FILE]",
            help="Show what one format reads; @FILE holds a format string, a squid.conf, or a mesh's "
            "configuration.",
        ),
    ] = None,
    lint: Annotated[
        bool, typer.Option("--lint", help="Show what the format lets clients and servers do to the log.")
    ] = False,
    dialect: Annotated[Dialect | None, typer.Option(help="List the codes of one dialect.")] = None,
    form: Annotated[FormatsForm, typer.Option("--format", help="How to print.")] = FormatsForm.TABLE,
) -> None:
    """List the presets; with --dialect every known code; with a format, its fields.

    A format string that does not compile is shown with a caret under the place and a hint.

    --lint shows who can break its records or forge its fields, and how to write it so that nobody can; exit
    code 1 if somebody can.

    \b
    egresslog formats combined                      what Squid's combined format tells
    egresslog formats --lint '%ts %un %ssl::>sni'   what others can do to its log
    egresslog formats --lint @squid.conf            the same of every format in force
    """
    if lint:
        _lint(name, dialect, form)
    from egresslog.formats.given import stated_formats
    from egresslog.report.catalogue import code_rows, field_rows, preset_rows, print_rows

    if name is not None:
        rows = [row for stated in stated_formats(name, dialect) for row in field_rows(stated)]
    else:
        rows = code_rows(dialect) if dialect else preset_rows()
    print_rows(rows, sys.stdout, as_json=form is FormatsForm.JSON)


def _lint(name: str | None, dialect: Dialect | None, form: FormatsForm) -> None:
    from egresslog.formats.given import stated_formats
    from egresslog.report.dangers import findings, print_findings

    if name is None:
        raise UsageError("--lint needs a format", hint="egresslog formats --lint combined")
    found = findings(stated_formats(name, dialect))
    print_findings(found, sys.stdout, as_json=form is FormatsForm.JSON)
    has_danger = any(danger.severity == "danger" for _, danger in found)
    raise typer.Exit(Exit.FINDINGS if has_danger else Exit.OK)
