"""``egresslog formats``: presets, and every known format code and command operator."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from egresslog.errors import UsageError
from egresslog.formats.codes import Dialect


class FormatsForm(StrEnum):
    """How the list is printed."""

    TABLE = "table"
    JSON = "json"


def formats_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[PRESET|FORMAT]", help="Show what one format reads.")
    ] = None,
    dialect: Annotated[Dialect | None, typer.Option(help="List the codes of one dialect.")] = None,
    form: Annotated[FormatsForm, typer.Option("--format", help="How to print.")] = FormatsForm.TABLE,
) -> None:
    """List the presets; with --dialect every known code; with a format, its fields.

    A format string that does not compile is shown with a caret under the place and a hint.
    """
    from egresslog.report.catalogue import code_rows, field_rows, preset_rows, print_rows

    if name is not None:
        rows = field_rows(name, _dialect_of(name, dialect))
    else:
        rows = code_rows(dialect) if dialect else preset_rows()
    print_rows(rows, sys.stdout, as_json=form is FormatsForm.JSON)


def _dialect_of(text: str, dialect: Dialect | None) -> Dialect:
    """A preset knows its dialect; Envoy closes its operators with a percent sign, Squid does not."""
    from egresslog.formats import PRESETS

    if dialect is not None:
        return dialect
    if text in PRESETS:
        return PRESETS[text].dialect
    if "%" not in text:
        raise UsageError(f"{text!r} is not a preset", hint="egresslog formats lists them")
    import re

    return "envoy" if re.search(r"%[A-Z0-9_]{3,}(\(.*?\))?(:\d+)?%", text) else "squid"
