"""Gateway hops: a sidecar's upstream ip:port is the gateway's downstream ip:port, exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.correlation.own_clients import OwnClients

if TYPE_CHECKING:
    import pyarrow as pa

SLACK = 1_000_000  # us between the two Envoys' starts; ports are reused within seconds
MAX_HOPS = 8


@dataclass(frozen=True)
class Hops:
    """``previous``: for each Envoy row the row nearer the client that it carries on, or -1.

    ``is_gateway``: its client is another pod, so it never names the mesh client itself.
    ``broken``: of a gateway's row without a hop before it, why there is none (schema.REASONS).
    """

    previous: list[int]
    is_gateway: list[bool]
    broken: list[str | None]

    def chain(self, row: int) -> list[int]:
        """The rows of one connection from this one back to the mesh client's, this one first."""
        rows = [row]
        while self.previous[rows[-1]] >= 0 and len(rows) <= MAX_HOPS:
            rows.append(self.previous[rows[-1]])
        return rows


def find_hops(envoy: pa.Table, parts: Mapping[int, int] | None = None, own: OwnClients | None = None) -> Hops:
    """The hop before each row: the one with its client's ip:port, open when this one began.

    ``parts``: see find_parts; what a gateway handed on within itself has the client of its part.
    ``own``: the rows whose client is their own pod.
    """
    rows = _with_clients(_rows(envoy), parts or {})
    by_local: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.local[0] is not None and row.local[1] is not None:
            by_local[row.local].append(index)
    logs = _Logs(rows, by_local, _clock_steps(rows, by_local), _spans(rows))
    apart = [row.remote[0] != row.local[0] and None not in (row.remote[0], row.local[0]) for row in rows]
    fitting = [_fitting(index, logs) if apart[index] else [] for index in range(len(rows))]
    gateways = _gateways(apart, fitting, own)
    found = [
        some[0] if is_one and len(some) == 1 else -1 for is_one, some in zip(gateways, fitting, strict=True)
    ]
    broken = [
        _why_broken(rows[index], len(fitting[index]), logs) if gateways[index] and found[index] < 0 else None
        for index in range(len(rows))
    ]
    return Hops(found, gateways, broken)


def _gateways(apart: list[bool], fitting: list[list[int]], own: OwnClients | None) -> list[bool]:
    """Of the rows whose client is another address those that are no pod's own; a hop before it tells."""
    if own is None:
        return apart
    rows = zip(apart, fitting, own.certain, own.likely, strict=True)
    return [other and not (certain or (likely and not hops)) for other, hops, certain, likely in rows]


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


@dataclass(frozen=True)
class _Logs:
    """All Envoy rows; which have which ip:port as their own; clock steps, and what each log covers."""

    rows: list[_Row]
    by_local: Mapping[tuple[str, int], list[int]]
    steps: Mapping[tuple[str, str], int]
    spans: Mapping[str, list[tuple[str, int, int]]]

    def moment(self, row: _Row, file: str) -> int | None:
        """The row's start on the clock of another log."""
        return None if row.start is None else row.start - self.steps.get((row.file, file), 0)


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


def _spans(rows: Iterable[_Row]) -> dict[str, list[tuple[str, int, int]]]:
    """For each address the logs that show it as an Envoy's own, each from its first start to its last end."""
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        if row.start is not None and row.end is not None and row.local[0] is not None:
            first, last = spans.get((row.local[0], row.file), (row.start, row.end))
            spans[row.local[0], row.file] = min(first, row.start), max(last, row.end)
    found: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for (address, file), (first, last) in spans.items():
        found[address].append((file, first, last))
    return found


def _fitting(index: int, logs: _Logs) -> list[int]:
    """The rows that were open at this row's start under its client's ip:port."""
    row = logs.rows[index]
    others = (other for other in logs.by_local.get(row.remote, []) if other != index)
    return [other for other in others if _open_at(logs.rows[other], logs.moment(row, logs.rows[other].file))]


def _why_broken(row: _Row, fitting: int, logs: _Logs) -> str:
    if fitting:
        return "several_hops"
    spans = logs.spans.get(row.remote[0], []) if row.remote[1] is not None else []
    moments = ((logs.moment(row, file), first, last) for file, first, last in spans)
    covered = any(moment is not None and first <= moment <= last for moment, first, last in moments)
    return "hop_lost" if covered else "gateway_only"


def _open_at(row: _Row, moment: int | None) -> bool:
    if row.start is None or row.end is None or moment is None:
        return False
    return row.start - SLACK <= moment <= row.end + SLACK
