"""Tables for a terminal: the matrix, the balance, what stayed unlinked, files and clocks.

Every function gives a sheet for ``printing.show``. Times are UTC, bytes have decimal prefixes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from egresslog.report.clocks import clock_rows
from egresslog.report.human import UNKNOWN, known, number, single_date, size, time
from egresslog.report.layout import WIDTH, Column, Line, Sheet, layout
from egresslog.report.matrix import matrix
from egresslog.report.rows import Row, rows
from egresslog.report.summary import client_name, host_name, top, total
from egresslog.schema import FATES, LINKS, REASONS

if TYPE_CHECKING:
    import pyarrow as pa

Cell = tuple[Column, Callable[[Row], str]]

_TOTAL, _HEADING, _WARNING = "bold", "bold cyan", "bold red"
_CLOCK = ("Zone", "Offset", "Error", "Spread", "Drift", "Steps", "Links", "By")
_RARE = ("Zone", "Drift", "Steps")
_INPUT_LINES = ("parsed", "rejected", "skipped", "continued")


def matrix_table(table: pa.Table, width: int = WIDTH, limit: int | None = None) -> Sheet:
    """Clients as headings, their hosts beneath, and a total; ``table`` is what ``matrix`` gives.

    Zeros are left blank, and the date where all times share it; ``>`` marks bytes up that are known
    for some of the records only. With ``limit``, the rows of most transactions are shown and the
    others added up in one line.
    """
    listed = list(rows(table))
    day = _day(listed)
    cells = [*_outcome_cells(listed), *_byte_cells(), *_time_cells(day)]
    shown, others = top(listed, limit)
    lines = _by_client(shown, cells)
    if others:
        lines.append(_line(f"and {number(len(others))} more", total(others), cells))
    lines.append(_line(f"Total of {number(len(listed))}", total(listed), cells, _TOTAL))
    columns = [column for column, _ in cells]
    name = "Client, host:port" if "port" in table.column_names else "Client, host"
    return layout(f"Mesh clients and external hosts{_utc(day)}", name, columns, lines, width)


def unlinked_table(transactions: pa.Table, width: int = WIDTH, limit: int | None = None) -> Sheet:
    """Clients of the transactions whose connection is not known, by reason.

    With ``limit``, only so many clients per reason, those of most records.
    """
    clients = {reason: _clients(part) for reason, part in _by_reason(transactions)}
    everyone = [row for found in clients.values() for row in found]
    day = _day(everyone)
    cells = [*_client_cells(), *_time_cells(day)]
    lines: list[Line] = []
    for reason, found in clients.items():
        lines.append(_line(reason, total(found) | {"hosts": None}, cells, _HEADING))
        shown, others = top(found, limit)
        lines += [_line(f"  {row['name']}", row, cells) for row in shown]
        lines += [Line(f"  and {number(len(others))} more")] if others else []
    columns = [column for column, _ in cells]
    return layout(f"Connection not known{_utc(day)}", "Reason, client", columns, lines, width)


def balance_table(transactions: pa.Table, connections: pa.Table, width: int = WIDTH) -> Sheet:
    """Both sides of the correlation in records and bytes: Squid's by link, Envoy's by fate.

    Bytes up are those of single records, with of how many they are known.
    """
    lines = [
        *_side("Squid records", transactions, ("link", "bytes_up", "bytes_down"), LINKS),
        *_side("Envoy records", connections, ("fate", "bytes_received", "bytes_sent"), FATES),
    ]
    heads = [Column(head) for head in ("Records", "Up", "Known", "Down")]
    return layout("Balance", "Side", heads, lines, width)


def files_table(files: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Sheet:
    """Lines per file (keys path, kind, lines, parsed, rejected, skipped, continued, recovered, duplicate).

    Where lines do not add up, a column of its own says by how many.
    """
    recovered = ("recovered",) if any(file.get("recovered") for file in files) else ()
    counts = ("lines", *_INPUT_LINES, *recovered, "duplicate")
    total_row = {name: sum(file[name] for file in files) for name in counts}
    listed = [*files, {"path": f"Total of {number(len(files))}", "kind": "all", **total_row}]
    off = any(map(_off, files))
    lines = []
    for file in listed:
        cells = [file["kind"] or UNKNOWN, *(number(file[name]) for name in counts)]
        cells += [number(_off(file))] if off else []
        lines.append(Line(file["path"], cells, _WARNING if _off(file) else ""))
    columns = [Column("Kind", 1), *(Column(name.capitalize()) for name in counts)]
    columns += [Column("Off by")] if off else []
    return layout("Lines = parsed + rejected + skipped + continued", "File", columns, lines, width)


def clocks_table(clocks: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Sheet:
    """Clock of each Squid instance, and of each Envoy host that deviates, Squid minus Envoy.

    Keys as ``clocks.clock_entries`` gives them; time zone, drift and steps where there are any.
    """
    listed = list(clock_rows(clocks))
    heads = [head for head in _CLOCK if any(cells.get(head) for _, cells in listed) or head not in _RARE]
    columns = [Column(head) for head in heads]
    lines = [Line(name, [cells.get(head, "") for head in heads]) for name, cells in listed]
    return layout("Clocks, Squid minus Envoy", "Squid", columns, lines, width)


def formats_table(files: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Sheet:
    """What each file was found to hold, in which wrapping, and the line that shows it.

    Keys path, kind, found (format, records, first_line), doubtful, first, last.
    """
    day = single_date(file[name] for file in files for name in ("first", "last"))
    lines = [line for file in files for line in _found(file, day)]
    columns = [Column("Records"), Column("From line"), Column("Doubtful"), Column("First"), Column("Last")]
    return layout(f"Formats, by content{_utc(day)}", "File, format", columns, lines, width)


def _found(file: Mapping[str, Any], day: str | None) -> list[Line]:
    """The file, then each format with the number of its records and the first line in it."""
    what = "" if file["found"] else f" ({file['kind']})"
    head = Line(file["path"] + what, ["", "", number(file["doubtful"]), *_span(file, day)])
    found = ((f"  {f['format']}", number(f["records"]), number(f["first_line"])) for f in file["found"])
    return [head, *(Line(format, [records, line, "", "", ""]) for format, records, line in found)]


def skipped_table(files: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Sheet:
    """What was passed over as no access line, by kind (key skipped_by_kind)."""
    kinds: Counter[str] = Counter()
    holding: Counter[str] = Counter()
    for file in files:
        kinds.update(file["skipped_by_kind"])
        holding.update(file["skipped_by_kind"].keys())
    lines = [Line(kind, [number(count), number(holding[kind])]) for kind, count in sorted(kinds.items())]
    return layout("Skipped, no access lines", "Kind", [Column("Lines"), Column("Files")], lines, width)


def coverage_table(coverage: Sequence[Mapping[str, Any]], width: int = WIDTH) -> Sheet:
    """Records, first start and last end per pod (keys cluster, namespace, pod, records, first, last)."""
    day = single_date(entry[name] for entry in coverage for name in ("first", "last"))
    lines = [
        Line("/".join(filter(None, (entry["cluster"], entry["namespace"], entry["pod"]))) or "(no name)",
             [number(entry["records"]), *_span(entry, day)])
        for entry in coverage
    ]  # fmt: skip
    return layout(
        f"Envoy logs per pod{_utc(day)}",
        "Pod",
        [Column("Records"), Column("First"), Column("Last")],
        lines,
        width,
    )


def _span(entry: Mapping[str, Any], day: str | None) -> list[str]:
    return [time(entry[name], with_date=day is None) for name in ("first", "last")]


def _day(listed: Sequence[Row]) -> str | None:
    return single_date(row[name] for row in listed for name in ("first", "last"))


def _utc(day: str | None) -> str:
    return f", {day} (UTC)" if day else " (UTC)"


def _outcome_cells(listed: Sequence[Row]) -> Iterator[Cell]:
    """Tunnels, denied and failed apart; what is neither (requests, 407s, unclear) together."""
    for name in ("tunnels", "denied", "failed"):
        yield Column(name.capitalize()), lambda row, name=name: _count(row[name])  # type: ignore[misc]
    if any(map(_other, listed)):
        yield Column("Other"), lambda row: _count(_other(row))
    if any(row["ambiguous"] or row["unlinked"] for row in listed):
        yield Column("Unsure"), lambda row: _count(row["ambiguous"] + row["unlinked"])


def _other(row: Row) -> int:
    return int(row["requests"] + row["auth"] + row["unclear"])


def _count(count: int) -> str:
    """A count; nothing for zero, so that what is there stands out."""
    return number(count) if count else ""


def _byte_cells() -> Iterator[Cell]:
    """Bytes up are never shown without of how many records they are known."""
    yield Column("Up"), lambda row: _at_least(row) + size(row["bytes_up"])
    yield Column("Known"), lambda row: known(row["bytes_up_known"], row["transactions"])
    yield Column("Down"), lambda row: size(row["bytes_down"])


def _at_least(row: Row) -> str:
    return ">" if 0 < row["bytes_up_known"] < row["transactions"] else ""


def _client_cells() -> Iterator[Cell]:
    yield Column("Records"), lambda row: number(row["transactions"])
    yield Column("Hosts"), lambda row: "" if row["hosts"] is None else number(row["hosts"])
    yield Column("Down"), lambda row: size(row["bytes_down"])


def _time_cells(day: str | None) -> Iterator[Cell]:
    yield Column("First", 2), lambda row: time(row["first"], with_date=day is None)
    yield Column("Last", 3), lambda row: time(row["last"], with_date=day is None)


def _line(name: str, row: Row, cells: Sequence[Cell], style: str = "") -> Line:
    return Line(name, [show(row) for _, show in cells], style)


def _by_client(listed: Sequence[Row], cells: Sequence[Cell]) -> list[Line]:
    lines: list[Line] = []
    for client, found in groupby(listed, client_name):
        lines.append(Line(client, style=_HEADING))
        lines += [_line(f"  {host_name(row)}", row, cells) for row in found]
    return lines


def _by_reason(transactions: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Transactions without a connection, per reason in the order of ``REASONS``."""
    import pyarrow as pa

    unsure = [link in ("ambiguous", "none") for link in transactions.column("link").to_pylist()]
    unlinked = transactions.filter(pa.array(unsure, pa.bool_()))
    reasons: list[str | None] = unlinked.column("reason").to_pylist()
    found = set(reasons)
    for reason in [*REASONS, *sorted(name for name in found - {*REASONS} if name), None]:
        if reason in found:
            wanted = pa.array([each == reason for each in reasons], pa.bool_())
            yield reason or "no reason given", unlinked.filter(wanted)


def _clients(transactions: pa.Table) -> list[Row]:
    """One row per client: the sums of its rows in the matrix, and how many these are."""
    clients = []
    for name, found in groupby(rows(matrix(transactions)), client_name):
        hosts = list(found)
        clients.append(total(hosts) | {"name": name, "hosts": len(hosts)})
    return clients


def _side(name: str, table: pa.Table, columns: tuple[str, str, str], order: Sequence[str]) -> list[Line]:
    """A heading with the sums, and a line per kind and reason that occurs."""
    kind, up, down = columns
    measures: Any = [([], "count_all"), (up, "sum"), (up, "count"), (down, "sum")]
    (whole,) = table.group_by([], use_threads=False).aggregate(measures).to_pylist()
    parts = table.group_by([kind, "reason"], use_threads=False).aggregate(measures).to_pylist()
    place = {value: index for index, value in enumerate(order)}
    parts.sort(key=lambda row: (place.get(row[kind], len(order)), row[kind], row["reason"] or ""))
    lines = [(name, whole, _HEADING), *((f"  {_heading(row, kind)}", row, "") for row in parts)]
    return [
        Line(
            name,
            [
                number(row["count_all"]),
                size(row[f"{up}_sum"]),
                known(row[f"{up}_count"], row["count_all"]),
                size(row[f"{down}_sum"]),
            ],
            style,
        )
        for name, row, style in lines
    ]


def _heading(row: Row, kind: str) -> str:
    return str(row[kind]) if row["reason"] is None else f"{row[kind]}: {row['reason']}"


def _off(file: Mapping[str, Any]) -> int:
    return int(file["lines"] - sum(file[name] for name in _INPUT_LINES))
