"""Rows of Python values <-> Arrow tables of a declared schema; times as integers (us)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from egresslog.schema import Table

if TYPE_CHECKING:
    import pyarrow as pa


def table_of(table: Table, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The rows as an Arrow table of this schema; a column that a row lacks is null."""
    import pyarrow as pa

    rows, schema = list(rows), table.arrow()
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def values_of(table: pa.Table, column: str) -> list[Any]:
    """One column as Python values, times as integers (us)."""
    import pyarrow as pa

    values = table[column]
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return values.to_pylist()


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """The table's rows with times as integers (us), as ``table_of`` takes them."""
    import pyarrow as pa

    plain = [pa.int64() if pa.types.is_timestamp(field.type) else field.type for field in table.schema]
    schema = pa.schema([field.with_type(type) for field, type in zip(table.schema, plain, strict=True)])
    rows: list[dict[str, Any]] = table.cast(schema).to_pylist()
    return rows
