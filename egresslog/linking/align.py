"""Both logs on reference time. Of a time that a clock set back showed twice, what is met there decides."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import MISSING_TIME, ClockFit, ConnectionColumns, Ints, Track, TransactionColumns
from egresslog.linking.readings import of_connections, of_lines
from egresslog.linking.tracks import STEADY, read, steady


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
    for host, track in host_tracks(clocks).items():
        rows = np.flatnonzero((connections.clock == host) & (connections.start != MISSING_TIME))
        start[rows] = read(track, connections.start[rows]).first
        end[rows] = connections.end[rows] + start[rows] - connections.start[rows]
    return dataclasses.replace(connections, start=start, end=end)


def align_both(
    transactions: TransactionColumns, connections: ConnectionColumns, clocks: tuple[ClockFit, ...]
) -> Aligned:
    """Both sides on reference time; a time shown twice is read so that its counterpart is met."""
    others, lines = align_connections(connections, clocks), align(transactions, clocks)
    for host, track in host_tracks(clocks).items():
        rows = np.flatnonzero(connections.clock == host)
        if len(track) > 1 and len(rows):
            moved = of_connections(track, rows, connections, lines)
            others.start[rows], others.end[rows] = moved
    timeless = _refused(transactions, connections, clocks)
    for instance, track in _squids(clocks).items():
        rows = np.flatnonzero((transactions.instance == instance) & (transactions.end != MISSING_TIME))
        if len(track) > 1 and len(rows):
            start, end, unsure = of_lines(track, rows, transactions, others)
            lines.start[rows], lines.end[rows] = start, end
            timeless[rows] |= unsure
    return Aligned(lines, others, timeless)


def slack(clocks: tuple[ClockFit, ...]) -> int:
    """How far (us) times may still be off for the error of the clocks."""
    return max((clock.error for clock in clocks if clock.method != "none"), default=0)


def _squids(clocks: tuple[ClockFit, ...]) -> dict[int, Track]:
    return {clock.instance: clock.squid or steady(clock.offset) for clock in clocks}


def host_tracks(clocks: tuple[ClockFit, ...]) -> dict[int, Track]:
    """The clocks of the hosts that differ from the reference."""
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
