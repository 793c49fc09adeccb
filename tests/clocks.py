"""Simulated logs whose machines have clocks of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from simulate import EPOCH_US, Logs

from egresslog.linking.align import align_both
from egresslog.linking.model import MISSING_TIME, ClockFit

Ints = NDArray[np.int64]
Clock = Callable[[Ints], Ints]  # true time (us) -> how far the clock is ahead (us)


def ahead_by(seconds: float) -> Clock:
    return lambda time: np.full(len(time), round(seconds * 1e6))


def drifting(ppm: float, seconds: float = 0.0) -> Clock:
    return lambda time: np.rint((time - EPOCH_US) * ppm * 1e-6 + seconds * 1e6).astype(np.int64)


def set_at(after: float, seconds: float) -> Clock:
    """A clock that is set ``seconds`` forward, ``after`` seconds of the log."""
    return lambda time: np.where(time >= EPOCH_US + after * 1e6, round(seconds * 1e6), 0).astype(np.int64)


def on_clocks(logs: Logs, squid: Mapping[int, Clock], envoy: Mapping[int, Clock]) -> Logs:
    """The logs as stamped by the given clocks, by instance and by host; times in whole milliseconds."""
    lines, others = logs.transactions, logs.connections
    start, end = lines.start.copy(), lines.end.copy()
    for instance, clock in squid.items():
        rows = lines.instance == instance
        start[rows] += clock(start[rows])
        end[rows] += clock(end[rows])
    negative = end < start  # Squid would print a negative time: no start is known
    start = np.where(negative, MISSING_TIME, start // 1_000 * 1_000)
    begun, ended = others.start.copy(), others.end.copy()
    for host, clock in envoy.items():
        rows = others.clock == host
        ended[rows] += clock(begun[rows])  # Envoy's durations know no steps
        begun[rows] += clock(begun[rows])
    lines = dataclasses.replace(lines, start=start, end=end // 1_000 * 1_000)
    others = dataclasses.replace(others, start=begun // 1_000 * 1_000, end=ended // 1_000 * 1_000)
    return Logs(lines, others, logs.truth)


def of_instances(logs: Logs, count: int) -> Logs:
    """The lines spread over so many Squids, whole connections each."""
    instance = np.where(logs.truth >= 0, logs.truth, np.arange(len(logs.truth))) % count
    return dataclasses.replace(logs, transactions=dataclasses.replace(logs.transactions, instance=instance))


def of_hosts(logs: Logs, host_of_group: Ints) -> Logs:
    """The connections of each group stamped by the given host."""
    connections = dataclasses.replace(logs.connections, clock=host_of_group[logs.connections.group])
    return dataclasses.replace(logs, connections=connections)


def aligned_share(truly: Logs, stamped: Logs, clocks: tuple[ClockFit, ...]) -> float:
    """Share of true pairs whose starts, aligned, differ as truly, give or take -5 to +50 ms."""
    both = align_both(stamped.transactions, stamped.connections, clocks)
    rows = np.flatnonzero((truly.truth >= 0) & (stamped.transactions.start != MISSING_TIME))
    others = truly.truth[rows]
    true = truly.transactions.start[rows] - truly.connections.start[others]
    late = both.transactions.start[rows] - both.connections.start[others]
    return float(((late - true >= -5_000) & (late - true <= 50_000)).mean())
