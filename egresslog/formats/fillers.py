"""Which directive fills a column when several could: the one of the lowest rank, then the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from egresslog.formats.program import Field, Item


def one_filler_each(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items, with columns of directives that lost renamed to ``column.2``, ``column.3``, ..."""
    fields = [item for item in items if isinstance(item, Field)]
    names = _names(fields)
    renamed = iter(
        replace(field, columns=tuple(names[index, column] for column in field.columns))
        for index, field in enumerate(fields)
    )
    return tuple(next(renamed) if isinstance(item, Field) else item for item in items)


def _names(fields: Sequence[Field]) -> dict[tuple[int, str], str]:
    """The name of each field's column, by the field's position and the column it would fill."""
    rivals: defaultdict[str, list[int]] = defaultdict(list)
    for index, field in enumerate(fields):
        for column in field.columns:
            rivals[column].append(index)
    return {
        (index, column): column if place == 0 else f"{column}.{place + 1}"
        for column, found in rivals.items()
        for place, index in enumerate(sorted(found, key=lambda i: fields[i].code.rank))
    }
