"""The clocks of Squid instances and Envoy hosts, from the data alone, and both logs on reference time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from egresslog.linking.machines import Machines, Told
from egresslog.linking.model import (
    MISSING_TIME,
    ClockFit,
    ConnectionColumns,
    Settings,
    Track,
    TransactionColumns,
)
from egresslog.linking.tracks import STEADY, ahead, is_steady, read, steady

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
    if not len(known):
        return 0
    ends = np.array([known.min(), known.max()])
    first, last = read(machines.squid[instance], ends).first.tolist()
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


def segments(fit: ClockFit) -> Iterator[tuple[int | None, int, float]]:
    """From when (us, None at first) the pair's clocks differ by how much (us), and how fast (ppm)."""
    squid, envoy = fit.squid or steady(fit.offset), fit.envoy or STEADY
    begins = sorted({segment.begin for track in (squid, envoy) for segment in track[1:]})
    for begin in (None, *begins):
        at = (begins[0] - 1 if begins else squid[0].at) if begin is None else begin
        moment = np.array([at], dtype=np.int64)
        offset = int(ahead(squid, moment)[0] - ahead(envoy, moment)[0])
        yield begin, offset, round(1e6 * (_slope(squid, at) - _slope(envoy, at)), 3)


def _slope(track: Track, at: int) -> float:
    return [segment for segment in track if segment is track[0] or segment.begin <= at][-1].slope


def _rate(track: Track) -> float:
    """The slope of the longest segment."""
    begins = [segment.begin for segment in track[1:]]
    lasting = np.diff([track[0].at, *begins, track[-1].at])
    return track[int(np.argmax(lasting))].slope
