"""Gateway hops: a sidecar's upstream ip:port is the gateway's downstream ip:port, exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egresslog.arrow import values_of

if TYPE_CHECKING:
    import pyarrow as pa

SLACK = 1_000_000  # us between the two Envoys' starts; ports are reused within seconds
MAX_HOPS = 8


@dataclass(frozen=True)
class Hops:
    """``previous``: for each Envoy row the row nearer the client that it carries on, or -1.

    ``is_gateway``: its client is another address, so it never names the mesh client itself.
    """

    previous: list[int]
    is_gateway: list[bool]

    def chain(self, row: int) -> list[int]:
        """The rows of one connection from this one back to the mesh client's, this one first."""
        rows = [row]
        while self.previous[rows[-1]] >= 0 and len(rows) <= MAX_HOPS:
            rows.append(self.previous[rows[-1]])
        return rows


def find_hops(envoy: pa.Table) -> Hops:
    """The hop before each row: the one with its client's ip:port, open when this one began."""
    rows = _rows(envoy)
    by_local: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.local[0] is not None and row.local[1] is not None:
            by_local[row.local].append(index)
    gateways = [
        row.remote[0] is not None and row.local[0] is not None and row.remote[0] != row.local[0]
        for row in rows
    ]
    found = [_previous(index, rows, by_local.get) if gateways[index] else -1 for index in range(len(rows))]
    return Hops(found, gateways)


@dataclass(frozen=True)
class _Row:
    local: tuple[str, int]
    remote: tuple[str, int]
    start: int | None
    end: int | None


def _rows(envoy: pa.Table) -> list[_Row]:
    names = ("upstream_local", "downstream_remote")
    ends = [[values_of(envoy, f"{name}_{part}") for part in ("address", "port")] for name in names]
    local, remote = (zip(*pair, strict=True) for pair in ends)
    times = values_of(envoy, "start"), values_of(envoy, "end")
    return [_Row(*parts) for parts in zip(local, remote, *times, strict=True)]


def _previous(index: int, rows: list[_Row], at: Callable[[tuple[str, int]], list[int] | None]) -> int:
    """The only row that was open at this row's start under its client's ip:port, else -1."""
    row = rows[index]
    if row.start is None:
        return -1
    fitting = [
        other for other in at(row.remote) or ()
        if other != index and _open_at(rows[other], row.start)
    ]  # fmt: skip
    return fitting[0] if len(fitting) == 1 else -1


def _open_at(row: _Row, moment: int) -> bool:
    if row.start is None or row.end is None:
        return False
    return row.start - SLACK <= moment <= row.end + SLACK
