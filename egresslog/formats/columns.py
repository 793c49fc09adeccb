"""One field per column: where several directives of a format say the same fact, one of them is kept.

The directive that stands first in the catalogue wins, then the one that stands first in the format.
An operator marked ``fallback`` (the physical peer, which is not always the client) fills address and
port only where nothing else of the format fills either: both come from one point of view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from egresslog.formats.codes import codes
from egresslog.formats.program import Field


def one_per_column(fields: Sequence[Field]) -> list[Field]:
    """The fields in their order; a column that another field fills gets a name no table has."""
    rank = {(entry.code, entry.arg): at for at, entry in enumerate(codes("envoy"))}
    order = sorted(range(len(fields)), key=lambda at: (rank[fields[at].code.code, fields[at].code.arg], at))
    told = {_pair(c) for field in fields if not field.code.fallback for c in field.columns}
    taken: set[str] = set()
    kept = list(fields)
    for at in order:
        field = fields[at]
        barred = field.code.fallback and any(_pair(column) in told for column in field.columns)
        columns = tuple(f"{c}#{at}" if barred or c in taken else c for c in field.columns)
        taken.update(columns)
        kept[at] = replace(field, columns=columns)
    return kept


def _pair(column: str) -> str:
    """What an address and its port have in common."""
    return column.removesuffix("_address").removesuffix("_port")
