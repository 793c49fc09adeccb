"""Time differences of pairs of equal key, and how many lines each clock offset explains.

An offset explains a line that meets a connection of its key within a short window, and can only be
blamed for a line whose connection would fall into the time that Envoy's log of its group covers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import window_join
from egresslog.linking.model import Floats, Ints

_PAIRS_PER_ROW = 40  # rarest keys first, until there are this many pairs per row of the logs
_UNEQUAL = 10  # rows of the longer log that count for one of the shorter
_MOST_PAIRS = 500_000  # more tell nothing new about a clock
_GOLDEN = 0.6180339887498949  # its multiples modulo 1 spread evenly
_SIGMAS = 3.0  # how cautious a share of few lines is taken
_NEVER = 2**62


@dataclass(frozen=True)
class Side:
    """One log's rows; groups and keys are numbered the same on both sides, times are us."""

    group: Ints
    key: Ints
    time: Ints

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True)
class Spans:
    """Intervals of offsets (us), both ends included."""

    low: Ints
    high: Ints

    def count(self, at: Ints) -> Ints:
        """How many of the intervals hold each offset."""
        begun = np.searchsorted(np.sort(self.low), at, side="right")
        return np.asarray(begun - np.searchsorted(np.sort(self.high), at, side="left"))


@dataclass(frozen=True)
class Piles:
    """Squid minus Envoy (us, ascending) of every pair, each the lower end of a possible pile."""

    values: Ints
    line: Ints  # of each pair
    other: Ints  # of each pair
    window: int  # us, how far true pairs spread
    of_lines: Spans  # where a line is explained, one or more of each
    of_connections: Spans
    covered: Spans  # per line: where a connection of it would be in the log
    unique: NDArray[np.bool_]  # per line: the only one of its key in both logs

    def explained(self) -> Ints:
        """Lines that each pile explains: one connection each, however many are equal."""
        return np.minimum(self.of_lines.count(self.values), self.of_connections.count(self.values))

    def share(self, explained: Ints) -> Floats:
        """What share of the lines it could explain each pile explains at least (Wilson's lower bound)."""
        possible, slack = self.covered.count(self.values), _SIGMAS**2
        spread = explained * (possible - explained) / np.maximum(possible, 1) + slack / 4
        return np.asarray((explained + slack / 2 - _SIGMAS * np.sqrt(spread)) / (possible + slack))

    def chance(self, pile: int, far: int) -> float:
        """Lines that a pile would explain by chance, from the differences far (us) from this one."""
        apart = self.values[np.abs(self.values - self.values[pile]) > far]
        if not len(apart):
            return 0.0
        low, high = self.of_lines.low, self.of_lines.high
        outside = (low > self.values[pile] + far) | (high < self.values[pile] - far)
        span = float(np.ptp(np.quantile(apart, [0.05, 0.95]))) / 0.9
        return float((high - low)[outside].sum() / max(span, far))

    def against(self, pile: int, rival: int) -> int:
        """Lines that this pile explains and the rival should but does not.

        A line whose key is unique counts also outside the rival's coverage: were the rival right,
        it would have met its only equal by chance.
        """
        offset = self.values[rival]
        possible = (self.covered.low <= offset) & (offset <= self.covered.high)
        return int((self._met(pile) & ~self._met(rival) & (possible | self.unique)).sum())

    def within(self, pile: int) -> Ints:
        """The differences that make up a pile."""
        return self.values[pile : self._stop(pile)]

    def _met(self, pile: int) -> NDArray[np.bool_]:
        met = np.zeros(len(self.unique), dtype=bool)
        met[self.line[pile : self._stop(pile)]] = True
        return met

    def _stop(self, pile: int) -> int:
        return int(np.searchsorted(self.values, self.values[pile] + self.window, side="right"))


def find_piles(lines: Side, others: Side, reach: int, window: int) -> Piles:
    """All differences up to ``reach`` (us) between lines and connections of equal key."""
    ranges = window_join(lines.key, lines.time - reach, lines.time + reach, others.key, others.time)
    kept = _rarest(ranges.counts, lines, others.key)
    left, right = ranges.keep(kept).pairs()
    values = lines.time[left] - others.time[right]
    order = np.argsort(values, kind="stable")
    return Piles(
        values[order],
        left[order],
        right[order],
        window,
        _spans(left, values, window),
        _spans(right, values, window),
        _covered(lines, others, kept, window),
        _unique(lines.key, others.key),
    )


def _rarest(counts: Ints, lines: Side, other_key: Ints) -> NDArray[np.bool_]:
    """Keep lines with the rarest keys, as many as the budget of pairs allows.

    Of lines of equally rare keys any are kept, all over the log: those at its edges have fewest
    matches, but know nothing of an offset near 0.
    """
    keys = int(max(lines.key.max(), other_key.max())) + 1
    frequency = np.bincount(other_key, minlength=keys) + np.bincount(lines.key, minlength=keys)
    frequency = frequency[lines.key]
    scattered = (lines.time - lines.time.min()) * _GOLDEN % 1.0
    order = np.lexsort((scattered, frequency))
    kept = np.zeros(len(counts), dtype=bool)
    rows = min(len(lines) + len(other_key), _UNEQUAL * min(len(lines), len(other_key)))
    budget = min(_PAIRS_PER_ROW * rows, _MOST_PAIRS)
    kept[order] = np.cumsum(counts[order]) <= budget
    return kept


def _spans(owner: Ints, values: Ints, window: int) -> Spans:
    """The offsets at which each owner has a difference within the window above, without overlaps."""
    order = np.lexsort((values, owner))
    owner, values = owner[order], values[order]
    first = (np.diff(owner, prepend=-1) != 0) | (np.diff(values, prepend=values[:1]) > window)
    last = np.append(first[1:], True) if len(first) else first
    return Spans(values[first] - window, values[last])


def _covered(lines: Side, others: Side, kept: NDArray[np.bool_], window: int) -> Spans:
    groups = int(max(lines.group.max(), others.group.max(initial=0))) + 1
    first, last = np.full(groups, _NEVER), np.full(groups, -_NEVER)
    np.minimum.at(first, others.group, others.time)
    np.maximum.at(last, others.group, others.time)
    first, last = first[lines.group], last[lines.group]
    known = kept & (first <= last)
    low, high = lines.time - last - window, lines.time - first
    return Spans(np.where(known, low, _NEVER), np.where(known, high, _NEVER))


def _unique(key: Ints, other: Ints) -> NDArray[np.bool_]:
    keys = int(max(key.max(), other.max(initial=0))) + 1
    mine, theirs = np.bincount(key, minlength=keys), np.bincount(other, minlength=keys)
    return np.asarray((mine[key] == 1) & (theirs[key] == 1))
