"""Record by record on a terminal: every transaction, or every connection, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egresslog.report.human import UNKNOWN, size, time
from egresslog.report.layout import WIDTH, Column, Line, Sheet, layout
from egresslog.report.rows import Row, rows
from egresslog.report.summary import host_name

if TYPE_CHECKING:
    import pyarrow as pa


def listing(table: pa.Table, which: str, width: int = WIDTH) -> Sheet:
    """``which`` is transactions or connections: time and host, then client, outcome, bytes, link or fate."""
    show, last = (_transaction, "Link") if which == "transactions" else (_connection, "Fate")
    columns = [Column("Client"), Column("Outcome", 2), Column("Up", 1), Column("Down"), Column(last)]
    return layout(
        which.capitalize(), "End (UTC), host:port", columns, [show(row) for row in rows(table)], width
    )


def _transaction(row: Row) -> Line:
    outcome = f"{row['result'] or UNKNOWN}/{row['status'] or UNKNOWN}"
    cells = [_client(row, row["client_address"]), outcome, size(row["bytes_up"]), size(row["bytes_down"])]
    return Line(f"{time(row['end'])} {host_name(row)}", [*cells, row["reason"] or row["link"]])


def _connection(row: Row) -> Line:
    outcome = row["response_flags"] or str(row["response_code"] or UNKNOWN)
    target = row["host"] or f"{row['upstream_address'] or UNKNOWN}:{row['upstream_port'] or UNKNOWN}"
    cells = [
        _client(row, row["upstream_local_address"]),
        outcome,
        size(row["bytes_received"]),
        size(row["bytes_sent"]),
    ]
    return Line(f"{time(row['end'])} {target}", [*cells, row["reason"] or row["fate"]])


def _client(row: Row, address: str | None) -> str:
    return str(row["workload"] or row["pod"] or address or UNKNOWN)
