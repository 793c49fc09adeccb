"""All readings of a line by plain recursion: slow, obvious, and written apart from the parser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from proxies import NUMBERS

from egresslog.formats import Field, Literal, LogFormat
from egresslog.formats.codes import constraints
from egresslog.formats.program import Item
from egresslog.parse.values import BadValue, Value, read_values

Values = dict[str, Value]


def readings(log_format: LogFormat, line: bytes) -> list[tuple[bytes, ...]]:
    """The raw fields of every way to read a line: filled as Squid fills, or, if there is none, anyhow."""
    items, found = log_format.items, list(_readings(log_format.items, line))
    fields = [at for at, item in enumerate(items) if isinstance(item, Field)]
    kept = [pieces for pieces in found if _is_filled(items, pieces)] or found
    return [tuple(pieces[at] for at in fields) for pieces in kept]


def _is_filled(items: Sequence[Item], pieces: Sequence[bytes]) -> bool:
    """Every value and the spaces beside it are as wide as asked for, or the value alone is wider, or "-"."""
    for at, item in enumerate(items):
        if isinstance(item, Field) and (width := _width(item)):
            value, spaces = pieces[at], pieces[at + 1 if width < 0 else at - 1]
            is_nothing = value in (b"-", b"") and not spaces
            if not is_nothing and len(value + spaces) != max(abs(width), len(value)):
                return False
    return True


def _width(field: Field) -> int:
    """The minimum width a Squid directive asks spaces for, negative where they stand behind the value."""
    found = re.match("%[\"'\\[#/]?(-?)(0?)([0-9]*)", field.directive)
    width = int(found[3] or 0) if found else 0
    is_number = field.code.type.name in NUMBERS
    return 0 if width < 2 or (found and found[2] and is_number) else -width if found and found[1] else width


def published(log_format: LogFormat, line: bytes) -> tuple[Values, bool] | None:
    """What may be said of a line: values equal in all readings, and whether they differ; None: no reading."""
    found = [values for raw in readings(log_format, line) if (values := _values(log_format, raw)) is not None]
    if not found:
        return None
    equal = {c: v if all(other[c] == v for other in found) else None for c, v in found[0].items()}
    return equal, any(other != found[0] for other in found)


def _readings(items: Sequence[Item], line: bytes) -> Iterator[tuple[bytes, ...]]:
    if not items:
        yield from [()] if not line else []
        return
    first, *rest = items
    for end in range(len(line) + 1):
        if _fits(first, line[:end]):
            yield from ((line[:end], *tail) for tail in _readings(rest, line[end:]))


def _fits(item: Item, piece: bytes) -> bool:
    if isinstance(item, Literal):
        return piece == item.text
    if isinstance(item, Field):
        return re.fullmatch(item.pattern.encode("latin-1"), piece, re.DOTALL) is not None
    return not piece.strip(b" ")


def _values(log_format: LogFormat, raw: Sequence[bytes]) -> Values | None:
    values: Values = {}
    for field, piece in zip(log_format.fields, raw, strict=True):
        try:
            values.update(zip(field.columns, read_values(field, piece), strict=True))
        except BadValue:
            return None
    return values if _allowed(log_format, values) else None


def _allowed(log_format: LogFormat, values: Values) -> bool:
    rules = [rule for rule in constraints(log_format.dialect) if {rule.when, rule.column} <= values.keys()]
    return all(
        values[rule.when] != rule.equals or re.fullmatch(rule.pattern, str(values[rule.column]), re.DOTALL)
        for rule in rules
    )
