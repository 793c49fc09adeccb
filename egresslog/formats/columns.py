"""One field per column: where several directives of a format say the same fact, one of them is kept.

The lowest ``rank`` wins, then the directive that stands first in the catalogue, then first in the format.
One marked ``fallback`` (the physical peer, which is not always the client) fills address and port only
where nothing else of the format fills either: both come from one point of view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from egresslog.formats.codes import Dialect, codes
from egresslog.formats.program import Field, Item

Items = tuple[Item, ...]


def one_per_column(groups: Sequence[Items], dialect: Dialect) -> list[Items]:
    """The items of a record's format strings; a column that another field fills gets a name no table has."""
    kept = iter(_kept([item for items in groups for item in items if isinstance(item, Field)], dialect))
    return [tuple(next(kept) if isinstance(item, Field) else item for item in items) for items in groups]


def _kept(fields: Sequence[Field], dialect: Dialect) -> list[Field]:
    place = {(entry.code, entry.arg): at for at, entry in enumerate(codes(dialect))}
    entries = [field.code for field in fields]
    order = sorted(
        range(len(fields)), key=lambda at: (entries[at].rank, place[entries[at].code, entries[at].arg])
    )
    told = {_pair(c) for field in fields if not field.code.fallback for c in field.columns}
    taken: set[str] = set()
    kept = list(fields)
    for at in order:
        barred = entries[at].fallback and any(_pair(column) in told for column in fields[at].columns)
        columns = tuple(f"{c}#{at}" if barred or c in taken else c for c in fields[at].columns)
        taken.update(columns)
        kept[at] = replace(fields[at], columns=columns)
    return kept


def _pair(column: str) -> str:
    """What an address and its port have in common."""
    return column.removesuffix("_address").removesuffix("_port")
