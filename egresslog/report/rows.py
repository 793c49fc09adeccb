"""Arrow table -> plain rows: what JSON, CSV and every table for people are written from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]

_ROWS_AT_ONCE = 8192


def iso(times: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Timestamps (us, UTC) as ISO 8601 text with microseconds and Z; null stays null."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    # Without the zone, so that no time zone database is asked; datetime would stop at year 9999.
    local = pc.cast(pc.cast(times, pa.timestamp("us")), pa.string())
    text: pa.ChunkedArray[Any] = pc.binary_join_element_wise(pc.replace_substring(local, " ", "T"), "Z", "")
    return text


def rows(table: pa.Table) -> Iterator[Row]:
    """Yield one dict per row: ISO times, lists, numbers, strings; null and NaN are None."""
    for part in plain_parts(table):
        yield from part.to_pylist()


def plain_parts(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table into short ones that hold only what JSON has: ISO times, finite numbers, null."""
    for start in range(0, len(table), _ROWS_AT_ONCE):
        yield _plain(table.slice(start, _ROWS_AT_ONCE))


def to_json(value: object, *, canonical: bool = False) -> str:
    """JSON on one line in ASCII, so that no control or bidi character survives; no NaN.

    ``canonical`` sorts the keys and leaves out spaces.
    """
    text = json.dumps(
        value, sort_keys=canonical, allow_nan=False, separators=(",", ":") if canonical else (", ", ": ")
    )
    return text.replace("\x7f", "\\u007f")


def digest(table: pa.Table) -> str:
    """SHA-256 (hex) over the rows as canonical JSON lines; the order of columns does not count."""
    state = hashlib.sha256()
    for row in rows(table):
        state.update(to_json(row, canonical=True).encode() + b"\n")
    return state.hexdigest()


def _plain(table: pa.Table) -> pa.Table:
    """Times as text and NaN or infinity as null: neither exists in JSON."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, iso(column))
        elif pa.types.is_floating(field.type):
            finite = pc.if_else(pc.is_finite(column), column, None)
            table = table.set_column(index, field.name, finite)
    return table
