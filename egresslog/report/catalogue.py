"""The catalogue for people: presets, codes, and what a format reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TextIO

from egresslog.formats import NAMED
from egresslog.formats.codes import Code, Dialect, codes
from egresslog.formats.given import Stated
from egresslog.report.neutralise import for_terminal
from egresslog.report.printing import write_text

Row = dict[str, str]


def preset_rows() -> list[Row]:
    """Every preset: name, dialect, title, versions, format string."""
    return [
        {
            "name": p.name,
            "dialect": p.dialect,
            "title": p.title,
            "versions": p.versions,
            "format": p.text or json.dumps(p.json),
        }
        for p in NAMED.values()
    ]


def code_rows(dialect: Dialect) -> list[Row]:
    """Every known code of a dialect: code, other names, type, unit, columns, sample, source."""
    return [
        {
            "code": _shown(dialect, code),
            "also": ", ".join(f"%{name}%" if dialect == "envoy" else f"%{name}" for name in code.also),
            "type": code.type.name,
            "unit": code.unit,
            "columns": ", ".join(code.columns),
            "sample": code.sample,
            "source": code.source,
        }
        for code in codes(dialect)
    ]


def field_rows(stated: Stated) -> list[Row]:
    """What a format reads, field by field; and where it stands, of one found in a file."""
    place = {"in": stated.where} if stated.where else {}
    return [
        {
            "directive": field.directive,
            "key": ".".join(map(str, field.key)),
            "type": field.type.name,
            "unit": field.code.unit,
            "columns": ", ".join(field.columns),
            "source": field.code.source,
            **place,
        }
        for field in stated.format.fields
    ]


def print_rows(rows: Sequence[Row], stream: TextIO, *, as_json: bool = False) -> None:
    """The rows as blocks of ``name: value``, or as a JSON array."""
    blocks = [json.dumps(rows, indent=1)] if as_json else (line for row in rows for line in _block(row))
    write_text("".join(f"{block}\n" for block in blocks), stream)


def _block(row: Row) -> list[str]:
    head, *rest = [(name, value) for name, value in row.items() if value]
    return [for_terminal(head[1]), *(f"    {name + ':':<9} {for_terminal(value)}" for name, value in rest)]


def _shown(dialect: Dialect, entry: Code) -> str:
    code, arg = entry.code, entry.arg
    if dialect == "squid":
        return f"%{code}" if arg is None else f"%{{{'Name' if arg == '*' else arg}}}{code}"
    given = "" if arg is None else f"({'...' if arg == '*' else arg})"
    return f"%{code}[{given}]%" if entry.optional else f"%{code}{given}%"
