"""Rows of the matrix -> names, totals and a selection: what every view of it shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from egresslog.report.matrix import MATRIX
from egresslog.report.rows import Row

_COUNTS = tuple(
    column.name for column in MATRIX if column.type == "int64" and not column.nullable
)  # fmt: skip


def client_name(row: Row) -> str:
    """``cluster/namespace/client`` as far as they are known."""
    return "/".join(row[name] for name in ("cluster", "namespace", "client") if row[name] is not None)


def host_name(row: Row) -> str:
    """``host:port``, ``?`` for what is unknown, an IPv6 address in brackets; without ports the host."""
    host = "?" if row["host"] is None else row["host"]
    if "port" not in row:
        return str(host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{host}:{'?' if row['port'] is None else row['port']}"


def total(rows: Iterable[Row]) -> Row:
    """One row of sums, earliest first and latest last; a sum of which nothing is known is None."""
    listed = list(rows)
    sums: Row = {name: sum(row[name] for row in listed) for name in _COUNTS}
    for name, fold in (("bytes_up", sum), ("bytes_down", sum), ("first", min), ("last", max)):
        values = [row[name] for row in listed if row[name] is not None]
        sums[name] = fold(values) if values else None
    return sums


def top(rows: Sequence[Row], limit: int | None) -> tuple[list[Row], list[Row]]:
    """The ``limit`` rows of most transactions, in their old order, and the others."""
    if limit is None or limit >= len(rows):
        return list(rows), []
    ranked = sorted(range(len(rows)), key=lambda index: (-rows[index]["transactions"], index))
    first = set(ranked[:limit])
    return [rows[i] for i in sorted(first)], [row for i, row in enumerate(rows) if i not in first]
