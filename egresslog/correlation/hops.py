"""Gateway hops: a sidecar's upstream ip:port is the gateway's downstream ip:port, exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
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


def find_hops(envoy: pa.Table, parts: Mapping[int, int] | None = None) -> Hops:
    """The hop before each row: the one with its client's ip:port, open when this one began.

    ``parts``: see find_parts; what a gateway handed on within itself has the client of its part.
    """
    rows = _with_clients(_rows(envoy), parts or {})
    by_local: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.local[0] is not None and row.local[1] is not None:
            by_local[row.local].append(index)
    steps = _clock_steps(rows, by_local)
    gateways = [
        row.remote[0] is not None and row.local[0] is not None and row.remote[0] != row.local[0]
        for row in rows
    ]
    found = [_previous(i, rows, by_local, steps) if gateways[i] else -1 for i in range(len(rows))]
    return Hops(found, gateways)


def _with_clients(rows: list[_Row], parts: Mapping[int, int]) -> list[_Row]:
    for part, whole in parts.items():
        if rows[whole].remote[1] is None:
            rows[whole] = replace(rows[whole], remote=rows[part].remote)
    inside = {part for part, whole in parts.items()}
    return [replace(row, local=_NOWHERE) if i in inside else row for i, row in enumerate(rows)]


_NOWHERE = ("", 0)


@dataclass(frozen=True)
class _Row:
    file: str
    local: tuple[str, int]
    remote: tuple[str, int]
    start: int | None
    end: int | None


def _rows(envoy: pa.Table) -> list[_Row]:
    names = ("upstream_local", "downstream_remote")
    ends = [[values_of(envoy, f"{name}_{part}") for part in ("address", "port")] for name in names]
    local, remote = (zip(*pair, strict=True) for pair in ends)
    files, starts, stops = (values_of(envoy, name) for name in ("file", "start", "end"))
    return [_Row(*parts) for parts in zip(files, local, remote, starts, stops, strict=True)]


def _clock_steps(
    rows: list[_Row], by_local: Mapping[tuple[str, int], list[int]]
) -> dict[tuple[str, str], int]:
    """How much later one log's clock shows a connection than the log before it (us), by the two files.

    Learned from ip:port pairs that occur once, so that hosts whose clocks differ still chain.
    """
    steps: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        others = by_local.get(row.remote, [])
        if len(others) == 1 and row.remote != row.local and row.start is not None:
            other = rows[others[0]]
            if other.start is not None:
                steps[row.file, other.file].append(row.start - other.start)
    return {files: int(median(some)) for files, some in steps.items()}


def _previous(
    index: int,
    rows: list[_Row],
    by_local: Mapping[tuple[str, int], list[int]],
    steps: Mapping[tuple[str, str], int],
) -> int:
    """The only row that was open at this row's start under its client's ip:port, else -1."""
    row = rows[index]
    if row.start is None:
        return -1
    others = (other for other in by_local.get(row.remote, []) if other != index)
    fitting = [o for o in others if _open_at(rows[o], row.start - steps.get((row.file, rows[o].file), 0))]
    return fitting[0] if len(fitting) == 1 else -1


def _open_at(row: _Row, moment: int) -> bool:
    if row.start is None or row.end is None:
        return False
    return row.start - SLACK <= moment <= row.end + SLACK
