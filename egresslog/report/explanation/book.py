"""The tables of a correlation, looked up for one answer: each is passed over once, whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egresslog.arrow import rows_of
from egresslog.report.explanation.lookup import Tables
from egresslog.report.mask import masked
from egresslog.report.rows import Row, rows

if TYPE_CHECKING:
    import pyarrow as pa

_HOPS = 8
_SLACK = 1_000_000  # us between the starts of two hops


@dataclass(frozen=True)
class Entry:
    """A row twice: ``shown`` with ISO times and secrets masked, ``plain`` with times in us."""

    shown: Row
    plain: Row


class Book:
    """Entries of the tables by id, raw lines, clocks and hops."""

    def __init__(self, tables: Tables, manifest: Mapping[str, Any]) -> None:
        self.tables, self.clocks = tables, manifest.get("clocks", ())

    def entries(self, name: str, column: str, values: Iterable[str | None]) -> dict[str, Entry]:
        """The rows of ``transactions`` or ``connections`` with these values, by their own id."""
        found = some(self.tables[name], column, values)
        key = f"{name.removesuffix('s')}_id"
        shown = list(rows(masked(found)))
        return {row[key]: Entry(row, plain) for row, plain in zip(shown, rows_of(found), strict=True)}

    def pairs(self, column: str, value: str) -> list[Row]:
        """The candidate pairs of a transaction or of a connection."""
        return list(rows(some(self.tables["candidates"], column, [value])))

    def raw(self, ids: Iterable[str]) -> dict[str, str]:
        """Raw lines by record id; a run may come without."""
        if "raw" not in self.tables:
            return {}
        found = masked(some(self.tables["raw"], "record_id", ids)).select(["record_id", "raw"])
        return {row["record_id"]: row["raw"] for row in found.to_pylist()}

    def clock(self, proxy: str) -> Row | None:
        """The clock of a Squid instance; None where nothing is known of it."""
        return next((dict(clock) for clock in self.clocks if clock["proxy"] == proxy), None)

    def lines(self, connections: Iterable[str]) -> dict[str, list[Entry]]:
        """The transactions linked to each of these connections, in the order of their ends."""
        found = self.entries("transactions", "connection_id", connections).values()
        listed: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in sorted(found, key=lambda entry: (entry.plain["end"] or 0, entry.plain["squid_line"])):
            listed[entry.plain["connection_id"]].append(entry)
        return listed

    def at_proxy(self, connections: Iterable[Row]) -> dict[str, Row]:
        """The record that the proxy met of each connection: its own, or that of the last gateway."""
        met = {row["connection_id"]: row for row in connections}
        for _ in range(_HOPS):
            following = self._next_hops(met)
            if not following:
                break
            met |= following
        return met

    def _next_hops(self, met: Mapping[str, Row]) -> dict[str, Row]:
        hops = some(self.tables["connections"], "fate", ["hop"])
        addresses = {row["upstream_local_address"] for row in met.values()}
        near = rows_of(some(hops, "downstream_remote_address", addresses))
        chosen: dict[str, Row] = {}
        for name, row in met.items():
            fits = [hop for hop in near if _carries_on(hop, row)]
            if fits:
                chosen[name] = min(fits, key=lambda hop: abs(hop["start"] - row["start"]))
        return chosen


def some(table: pa.Table, column: str, values: Iterable[str | None]) -> pa.Table:
    """The rows with one of these values."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    wanted = pa.array(sorted({value for value in values if value is not None}), pa.string())
    return table.filter(pc.is_in(table[column], value_set=wanted))


def _carries_on(hop: Row, row: Row) -> bool:
    same = (hop["downstream_remote_address"], hop["downstream_remote_port"]) == (
        row["upstream_local_address"],
        row["upstream_local_port"],
    )
    known = None not in (hop["downstream_remote_port"], hop["start"], row["start"], row["end"])
    is_other = hop["connection_id"] != row["connection_id"]
    return same and known and is_other and row["start"] - _SLACK <= hop["start"] <= row["end"] + _SLACK
