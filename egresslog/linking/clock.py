"""Clock offset of each Squid instance against Envoy, from the data alone.

Where ports are logged, pairs of equal address and port tell it; otherwise pairs of equal size.
Chance pairs spread over minutes, true pairs pile up within milliseconds, so the offset is the
edge of the densest window of differences: a Squid line never starts before its connection.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import (
    MISSING,
    MISSING_TIME,
    ClockFit,
    ConnectionColumns,
    Floats,
    Ints,
    Settings,
    TransactionColumns,
)

_WINDOW_US = 6_000  # wide enough for a usual delay of the start, narrow against chance
_PAIRS_PER_ROW = 40  # rarest keys first, until there are this many pairs per row of the logs
_FEWEST = 4  # pairs below which a pile is not trusted
_ABOVE_CHANCE = 4.0
_FAR_US = 1_000_000  # differences farther from the pile are chance
_EDGE = 0.05  # quantile of the pile taken as its edge


def fit_clocks(
    transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings
) -> tuple[ClockFit, ...]:
    """One fit per Squid instance, ordered by instance; without evidence ``pairs`` and ``offset`` are 0."""
    instances = np.unique(transactions.instance)
    return tuple(_fit(int(one), transactions, connections, settings) for one in instances)


def align(transactions: TransactionColumns, clocks: tuple[ClockFit, ...]) -> TransactionColumns:
    """The transactions with start and end (us) moved to Envoy's clock."""
    instances = np.array([clock.instance for clock in clocks], dtype=np.int64)
    offsets = np.array([clock.offset for clock in clocks], dtype=np.int64)
    if not len(transactions):
        return transactions
    offset = offsets[np.searchsorted(instances, transactions.instance)]
    start = np.where(transactions.start == MISSING_TIME, MISSING_TIME, transactions.start - offset)
    return dataclasses.replace(transactions, start=start, end=transactions.end - offset)


@dataclass(frozen=True)
class _Differences:
    """Squid minus Envoy (us, ascending) over pairs of equal key; each line has one vote in all."""

    method: str
    values: Ints
    votes: Floats
    window: int  # us, how far true pairs spread
    timed: bool  # of starts, else of ends


def _fit(
    instance: int, transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings
) -> ClockFit:
    rows = np.flatnonzero((transactions.instance == instance) & (transactions.group >= 0))
    for method, values, other in (
        ("port", transactions.port, connections.port),
        ("bytes", transactions.bytes_down, connections.bytes_sent),
    ):
        known = rows[values[rows] != MISSING]
        if len(known):
            keys = shared_keys((transactions.group[known], values[known]), (connections.group, other))
            found = _pile(instance, _differences(method, known, keys, transactions, connections, settings))
            if found is not None:
                return found
    return ClockFit(instance, offset=0, error=0, pairs=0, method="none")


def _differences(
    method: str,
    rows: Ints,
    keys: tuple[Ints, Ints],
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    settings: Settings,
) -> _Differences:
    timed = bool((transactions.start[rows] != MISSING_TIME).all())
    time = (transactions.start if timed else transactions.end)[rows]
    other_time = connections.start if timed else connections.end
    reach = settings.max_offset_us
    ranges = window_join(keys[0], time - reach, time + reach, keys[1], other_time)
    ranges = ranges.keep(_rare(ranges.counts, len(rows) + len(other_time)))
    left, right = ranges.pairs()
    values = time[left] - other_time[right]
    # A burst of n equal lines makes n * n pairs: each line has one vote, shared by its pairs.
    votes = 1.0 / np.maximum(ranges.counts, 1)[left]
    order = np.argsort(values, kind="stable")
    resolution = int(transactions.resolution[rows].max())
    window = _WINDOW_US + (resolution if resolution > _WINDOW_US else 0)
    return _Differences(method, values[order], votes[order], window, timed)


def _rare(counts: Ints, rows: int) -> NDArray[np.bool_]:
    """Keep the rows with the fewest matches, as many as the budget allows (ties together)."""
    ordered = np.sort(counts)
    within = np.searchsorted(np.cumsum(ordered), _PAIRS_PER_ROW * rows, side="right")
    limit = ordered[within] if within < len(ordered) else ordered[-1] + 1
    return np.asarray(counts < limit)


def _pile(instance: int, differences: _Differences) -> ClockFit | None:
    """The densest window of differences as a fit, None when it does not stand out from chance."""
    values, votes, window = differences.values, differences.votes, differences.window
    if len(values) < _FEWEST:
        return None
    stops = np.searchsorted(values, values + window, side="right")
    total = np.concatenate([[0.0], np.cumsum(votes)])
    found = total[stops] - total[:-1]
    best = int(np.argmax(found))
    pile = values[best : int(stops[best])]
    if found[best] < _FEWEST + _ABOVE_CHANCE * _chance(values, votes, int(pile[0]), window):
        return None
    middle = float(np.median(pile))
    # A line starts at its connection's start or later; whole seconds are printed too early.
    edge = float(np.quantile(pile, _EDGE)) if differences.timed else middle + window / 2
    error = middle - edge if differences.timed else window / len(pile) ** 0.5
    return ClockFit(instance, round(edge), max(int(error), 1_000), len(pile), differences.method)


def _chance(differences: Ints, votes: Floats, pile: int, window: int) -> float:
    """Votes a window would get by chance, from the differences far from the pile."""
    far = np.abs(differences - pile) > _FAR_US
    if not far.any():
        return 0.0
    span = np.ptp(np.quantile(differences[far], [0.05, 0.95])) / 0.9
    return float(votes[far].sum() * window / max(float(span), _FAR_US))
