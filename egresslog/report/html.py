"""The matrix as HTML for a notebook: headline numbers and one escaped table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from egresslog.report.human import counted, known, number, size, time
from egresslog.report.matrix import OUTCOMES
from egresslog.report.neutralise import for_html
from egresslog.report.rows import Row, rows
from egresslog.report.summary import client_name, host_name, top, total

if TYPE_CHECKING:
    import pyarrow as pa

LIMIT = 50
_HEADS = ("client", "host", *OUTCOMES, "up", "up known for", "down", "first (UTC)", "last (UTC)")


def matrix_html(matrix: pa.Table, limit: int | None = LIMIT) -> str:
    """Headline numbers and a table of the ``limit`` rows of most transactions, as an HTML fragment.

    Everything that comes from a log is neutralised and escaped; there is no script and no link.
    """
    listed = list(rows(matrix))
    shown, others = top(listed, limit)
    more = f"<p>and {counted(len(others), 'more row')}</p>" if others else ""
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "".join(_row(_cells(row)) for row in shown)
    return (
        f"<p>{headline(listed)}</p>\n"
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n{more}"
    )


def headline(listed: Iterable[Row]) -> str:
    """One sentence of numbers: clients, hosts, tunnels, refusals and bytes of rows of the matrix."""
    listed = list(listed)
    sums = total(listed)
    clients, hosts = ({name(row) for row in listed} for name in (client_name, host_name))
    up = known(sums["bytes_up_known"], sums["transactions"])
    return (
        f"{counted(len(clients), 'client')}, {counted(len(hosts), 'host')}, "
        f"{counted(sums['tunnels'], 'tunnel')}, "
        f"{number(sums['denied'])} denied, {number(sums['failed'])} failed; "
        f"{size(sums['bytes_up'])} up (known for {up}), {size(sums['bytes_down'])} down"
    )


def _cells(row: Row) -> list[str]:
    return [
        client_name(row), host_name(row), *(number(row[name]) for name in OUTCOMES), size(row["bytes_up"]),
        known(row["bytes_up_known"], row["transactions"]), size(row["bytes_down"]),
        time(row["first"]), time(row["last"]),
    ]  # fmt: skip


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<td>{for_html(cell)}</td>' for cell in cells)}</tr>\n"


def table_html(table: pa.Table, caption: str) -> str:
    """A table's rows as an HTML fragment under a caption, every text neutralised, cut and escaped."""
    head = "".join(f"<th>{for_html(name)}</th>" for name in table.column_names)
    body = "".join(_row("" if value is None else str(value) for value in row.values()) for row in rows(table))
    top_lines = f"<caption>{for_html(caption)}</caption>\n<thead><tr>{head}</tr></thead>"
    return f"<table>\n{top_lines}\n<tbody>\n{body}</tbody>\n</table>"
