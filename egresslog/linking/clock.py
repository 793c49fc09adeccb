"""Clock offset of each Squid instance against Envoy, from the data alone.

Where ports are logged, pairs of equal address and port tell it; otherwise pairs of equal size.
Chance pairs spread over minutes, true pairs pile up within milliseconds, so the offset is the
edge of a dense window of differences: a Squid line never starts before its connection. Traffic
that repeats makes several such piles; where no lines tell them apart the offset is not known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys
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
from egresslog.linking.piles import Piles, Side, find_piles

_WINDOW_US = 6_000  # wide enough for a usual delay of the start, narrow against chance
_FEWEST = 4  # lines below which a pile is not trusted
_ABOVE_CHANCE = 8.0  # standard deviations
_FAR_US = 1_000_000  # differences farther from the pile are not its own
_EDGE = 0.05  # quantile of the pile taken as its edge
_COMPARABLE = 0.5  # piles of fewer lines, of the most, may explain all that a short overlap holds
_NEARLY = 0.8  # a rival explains at least this share of what the best pile does
_RIVALS = 32  # the strongest are looked at
_USUAL_US = 5_000_000  # hosts keep time: an offset beyond must also be better than one within
_CLEAR = 8  # lines that must speak for the better of two piles, beside two for each against it


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


def _fit(
    instance: int, transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings
) -> ClockFit:
    """The fit of the first method that can tell, else the guess of one that cannot."""
    rows = np.flatnonzero((transactions.instance == instance) & (transactions.group >= 0))
    best = ClockFit(instance, offset=0, error=0, pairs=0, method="none")
    for found in _fits(instance, rows, transactions, connections, settings):
        if found.method not in ("none", "refused"):
            return found
        best = max(best, found, key=lambda fit: fit.pairs)
    return best


def _fits(
    instance: int,
    rows: Ints,
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    settings: Settings,
) -> Iterator[ClockFit]:
    for method, values, other in (
        ("port", transactions.port, connections.port),
        ("bytes", transactions.bytes_down, connections.bytes_sent),
    ):
        known = rows[values[rows] != MISSING]
        if len(known):
            timed = bool((transactions.start[known] != MISSING_TIME).all())
            keys = shared_keys((transactions.group[known], values[known]), (connections.group, other))
            lines, others = _sides(known, keys, timed, transactions, connections)
            resolution = int(transactions.resolution[known].max())
            window = _WINDOW_US + (resolution if resolution > _WINDOW_US else 0)
            piles = find_piles(lines, others, settings.max_offset_us, window)
            yield _judged(instance, method, piles, timed)


def _sides(
    rows: Ints,
    keys: tuple[Ints, Ints],
    timed: bool,
    transactions: TransactionColumns,
    connections: ConnectionColumns,
) -> tuple[Side, Side]:
    """Both logs by their starts, or by their ends where a start is missing."""
    group, other_group = shared_keys((transactions.group[rows],), (connections.group,))
    time = transactions.start if timed else transactions.end
    other_time = connections.start if timed else connections.end
    return Side(group, keys[0], time[rows]), Side(other_group, keys[1], other_time)


def _judged(instance: int, method: str, piles: Piles, timed: bool) -> ClockFit:
    """The best pile as a fit, refused where another explains the lines as well."""
    explained = piles.explained()
    share = piles.share(explained)
    leader = _leader(explained, share)
    needed = _needed(piles, leader)
    if leader < 0 or explained[leader] < needed:
        return ClockFit(instance, offset=0, error=0, pairs=0, method="none")
    rivals = _rivals(piles, leader, share, explained >= needed)
    equals = [rival for rival in rivals if not _clearly_better(piles, leader, rival)]
    guess = min([leader, *equals], key=lambda pile: abs(int(piles.values[pile])))
    return _described(instance, "refused" if equals else method, piles.within(guess), timed, piles.window)


def _leader(explained: Ints, share: Floats) -> int:
    """The pile that explains the largest share of what it could; -1 if there is none."""
    if not len(explained):
        return -1
    comparable = explained >= _COMPARABLE * explained.max()
    return int(np.argmax(np.where(comparable, share, -1.0)))


def _needed(piles: Piles, leader: int) -> float:
    """Lines that a pile must explain to stand out from chance."""
    chance = piles.chance(leader, _far(piles)) if leader >= 0 else 0.0
    return float(_FEWEST + chance + _ABOVE_CHANCE * chance**0.5)


def _rivals(piles: Piles, leader: int, share: Floats, trusted: NDArray[np.bool_]) -> list[int]:
    """Other piles that explain nearly as much, the strongest of each second; and those near 0."""
    far, values = _far(piles), piles.values
    apart = np.abs(values - values[leader]) > far
    usual = (np.abs(values) <= _USUAL_US) & (abs(values[leader]) > _USUAL_US)
    rows = np.flatnonzero(trusted & apart & (usual | (share >= _NEARLY * share[leader])))
    second = (values[rows] - values[leader]) // far
    order = np.lexsort((np.abs(values[rows]), -share[rows], second))
    best = rows[order[np.diff(second[order], prepend=second.min(initial=0) - 1) != 0]]
    strongest = best[np.lexsort((np.abs(values[best]), -share[best], ~usual[best]))]
    return [int(row) for row in strongest[:_RIVALS]]


def _clearly_better(piles: Piles, leader: int, rival: int) -> bool:
    """Enough lines meet a connection at the one offset and should but do not at the other."""
    return piles.against(leader, rival) >= _CLEAR + 2 * piles.against(rival, leader)


def _far(piles: Piles) -> int:
    return max(_FAR_US, 2 * piles.window)


def _described(instance: int, method: str, pile: Ints, timed: bool, window: int) -> ClockFit:
    middle = float(np.median(pile))
    # A line starts at its connection's start or later; whole seconds are printed too early.
    edge = float(np.quantile(pile, _EDGE)) if timed else middle + window / 2
    error = middle - edge if timed else window / len(pile) ** 0.5
    return ClockFit(instance, round(edge), max(int(error), 1_000), len(pile), method)
