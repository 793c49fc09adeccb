"""The clocks of Squid instances and Envoy hosts, from the data alone, and both logs on reference time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.machines import Machines, Told
from egresslog.linking.model import (
    MISSING,
    MISSING_TIME,
    ClockFit,
    ConnectionColumns,
    Ints,
    Settings,
    Track,
    TransactionColumns,
)
from egresslog.linking.tracks import STEADY, Readings, ahead, is_steady, read, steady

_EARLY_US, _LATE_US = 20_000, 100_000  # a line starts so near to its connection
_ALIKE_US = 100_000  # readings nearer than this are one
_WIDER = 3  # errors of a clock that the slack of candidates must bear


def fit_clocks(
    transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings
) -> tuple[ClockFit, ...]:
    """A fit per Squid instance and Envoy host that share groups, ordered by both.

    An instance that meets no host has one fit, without a host. Without evidence ``pairs`` and
    ``offset`` are 0.
    """
    machines = Machines(transactions, connections, settings.max_offset_us)
    machines.solve()
    return tuple(_fits(machines))


def _fits(machines: Machines) -> Iterator[ClockFit]:
    for instance in sorted(machines.squid):
        told = {host: one for (mine, host), one in machines.told.items() if mine == instance}
        middle = _middle(instance, machines)
        for host in sorted(told):
            yield _fit((instance, host), machines, told[host], middle)
        if not told:
            yield ClockFit(instance, offset=0, error=0, pairs=0, method="none")


def _middle(instance: int, machines: Machines) -> int:
    """The middle of the instance's log, on reference time."""
    end = machines.transactions.end[machines.transactions.instance == instance]
    known = end[end != MISSING_TIME]
    ends = np.array([known.min(initial=0), known.max(initial=0)]) if len(known) else np.zeros(2, np.int64)
    first, last = read(machines.squid[instance], ends.astype(np.int64)).first.tolist()
    return int(first) // 2 + int(last) // 2


def _fit(pair: tuple[int, int], machines: Machines, told: Told, middle: int) -> ClockFit:
    squid, envoy = machines.squid[pair[0]], machines.envoy[pair[1]]
    at = np.array([middle], dtype=np.int64)
    plain = is_steady(squid) and envoy == STEADY
    return ClockFit(
        pair[0],
        offset=int(ahead(squid, at)[0] - ahead(envoy, at)[0]),
        error=told.estimate.error,
        pairs=told.pairs,
        method=told.method,
        host=pair[1],
        spread=told.estimate.spread,
        drift=round(1e6 * (_rate(squid) - _rate(envoy)), 3),
        zone=machines.zone(*pair),
        squid=() if plain else squid,
        envoy=() if plain else envoy,
    )


def _rate(track: Track) -> float:
    """The slope of the longest segment."""
    begins = [segment.begin for segment in track[1:]]
    lasting = np.diff([track[0].at, *begins, track[-1].at])
    return track[int(np.argmax(lasting))].slope


@dataclass(frozen=True)
class Aligned:
    """Both sides on reference time, and the lines for which that could not be told."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    timeless: NDArray[np.bool_]

    @property
    def moment(self) -> Ints:
        """Start of each line (us), end where there is no start; MISSING_TIME without both."""
        start, end = self.transactions.start, self.transactions.end
        return np.where(start == MISSING_TIME, end, start)


def align(transactions: TransactionColumns, clocks: tuple[ClockFit, ...]) -> TransactionColumns:
    """The transactions with start and end (us) moved to reference time, by their earliest readings."""
    start, end = transactions.start.copy(), transactions.end.copy()
    for instance, track in _squids(clocks).items():
        rows = transactions.instance == instance
        for times in (start, end):
            known = rows & (times != MISSING_TIME)
            times[known] = read(track, times[known]).first
    return dataclasses.replace(transactions, start=start, end=end)


def align_connections(connections: ConnectionColumns, clocks: tuple[ClockFit, ...]) -> ConnectionColumns:
    """The connections moved to reference time by their starts: Envoy's durations know no steps."""
    start, end = connections.start.copy(), connections.end.copy()
    for host, track in _hosts(clocks).items():
        rows = np.flatnonzero((connections.clock == host) & (connections.start != MISSING_TIME))
        start[rows] = read(track, connections.start[rows]).first
        end[rows] = connections.end[rows] + start[rows] - connections.start[rows]
    return dataclasses.replace(connections, start=start, end=end)


def align_both(
    transactions: TransactionColumns, connections: ConnectionColumns, clocks: tuple[ClockFit, ...]
) -> Aligned:
    """Both sides on reference time; a time shown twice is read so that a connection of its key is met."""
    others = align_connections(connections, clocks)
    lines = align(transactions, clocks)
    timeless = _refused(transactions, connections, clocks)
    for instance, track in _squids(clocks).items():
        if len(track) > 1:
            rows = np.flatnonzero(transactions.instance == instance)
            moved, unsure = _decided(track, rows, transactions, others)
            lines.start[rows], lines.end[rows] = moved
            timeless[rows] |= unsure
    return Aligned(lines, others, timeless)


def slack(clocks: tuple[ClockFit, ...]) -> int:
    """How far (us) times may still be off for the error of the clocks."""
    return max((_WIDER * clock.error for clock in clocks if clock.method != "none"), default=0)


def _squids(clocks: tuple[ClockFit, ...]) -> dict[int, Track]:
    return {clock.instance: clock.squid or steady(clock.offset) for clock in clocks}


def _hosts(clocks: tuple[ClockFit, ...]) -> dict[int, Track]:
    return {clock.host: clock.envoy for clock in clocks if clock.envoy and clock.envoy != STEADY}


def _refused(
    transactions: TransactionColumns, connections: ConnectionColumns, clocks: tuple[ClockFit, ...]
) -> NDArray[np.bool_]:
    """Lines that meet only hosts whose clock, against that of their Squid, was refused."""
    timeless = np.zeros(len(transactions), dtype=bool)
    for instance in {clock.instance for clock in clocks if clock.method == "refused"}:
        mine = [clock for clock in clocks if clock.instance == instance]
        told = [clock.host for clock in mine if clock.method != "refused"]
        groups = np.unique(connections.group[np.isin(connections.clock, told)])
        timeless |= (transactions.instance == instance) & ~np.isin(transactions.group, groups)
    return timeless


def _decided(
    track: Track, rows: Ints, transactions: TransactionColumns, connections: ConnectionColumns
) -> tuple[tuple[Ints, Ints], NDArray[np.bool_]]:
    """Start and end of the rows by the reading that meets a connection, and where that decides nothing."""
    start, end = transactions.start[rows], transactions.end[rows]
    begun = start != MISSING_TIME
    first = read(track, np.where(begun, start, end))
    meets = _meets(first, rows, transactions, connections) & first.valid
    several = first.several & (np.ptp(first.times, axis=0) > _ALIKE_US)
    chosen = np.argmax(np.where(meets.any(axis=0), meets, first.valid), axis=0)
    moment = first.pick(chosen)
    last = read(track, end)
    allowed = last.valid & (np.arange(len(track))[:, None] >= chosen)
    after = np.where(allowed.any(axis=0), np.argmax(allowed, axis=0), np.argmax(last.valid, axis=0))
    moved = np.where(begun, moment, MISSING_TIME), np.where(begun, last.pick(after), moment)
    return moved, several & (meets.sum(axis=0) != 1)


def _meets(
    readings: Readings, rows: Ints, transactions: TransactionColumns, connections: ConnectionColumns
) -> NDArray[np.bool_]:
    """Per segment and row: a connection of its port, else of its size, is met there."""
    by_start = transactions.start[rows] != MISSING_TIME
    by_port = transactions.port[rows] != MISSING
    found = np.zeros_like(readings.valid)
    for ported in (True, False):
        for timed in (True, False):
            mine = np.flatnonzero((by_port == ported) & (by_start == timed))
            if len(mine):
                key, other = _keys(ported, rows[mine], transactions, connections)
                time = connections.start if timed else connections.end
                for number, moment in enumerate(readings.times[:, mine]):
                    low = moment - (_LATE_US if timed else _EARLY_US)
                    joined = window_join(key, low, moment + _EARLY_US, other, time)
                    found[number, mine] = joined.counts > 0
    return found


def _keys(
    ported: bool, rows: Ints, transactions: TransactionColumns, connections: ConnectionColumns
) -> tuple[Ints, Ints]:
    values = (transactions.port, connections.port)
    if not ported:
        values = (transactions.bytes_down, connections.bytes_sent)
    return shared_keys((transactions.group[rows], values[0][rows]), (connections.group, values[1]))
