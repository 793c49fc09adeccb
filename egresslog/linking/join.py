"""Joins of two columns by key and time window: one sort, two binary searches, never quadratic."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from egresslog.linking.model import Floats, Ints

_CODE_BITS = 62
_RATE_US = 10_000_000  # rows within this time on both sides make the local rate


@dataclass(frozen=True)
class Ranges:
    """For each row of the left side the range ``low`` to ``high`` of ``order`` (rows of the right side)."""

    order: Ints
    low: Ints
    high: Ints

    @property
    def counts(self) -> Ints:
        return self.high - self.low

    def keep(self, rows: np.typing.NDArray[np.bool_]) -> Ranges:
        """The same ranges, empty for the rows (boolean per left row) that are not kept."""
        return Ranges(self.order, self.low, np.where(rows, self.high, self.low))

    def nearest_first(self, limit: int) -> Ranges:
        """The first ``limit`` rows of each range, in time."""
        return Ranges(self.order, self.low, np.minimum(self.high, self.low + limit))

    def nearest_middle(self, limit: int) -> Ranges:
        """The middle ``limit`` rows of each range, in time."""
        spare = np.maximum(self.counts - limit, 0)
        return Ranges(self.order, self.low + spare // 2, self.high - (spare + 1) // 2)

    def nearest_last(self, limit: int) -> Ranges:
        """The last ``limit`` rows of each range, in time."""
        return Ranges(self.order, np.maximum(self.low, self.high - limit), self.high)

    def pairs(self) -> tuple[Ints, Ints]:
        """All (left row, right row) pairs, in order of the left row."""
        counts = self.counts
        left = np.repeat(np.arange(len(counts)), counts)
        ends = np.cumsum(counts)
        within = np.arange(len(left)) - np.repeat(ends - counts, counts)
        return left, self.order[np.repeat(self.low, counts) + within]


def shared_keys(left: tuple[Ints, ...], right: tuple[Ints, ...]) -> tuple[Ints, Ints]:
    """Number the distinct tuples of both sides: equal tuples get equal keys, 0, 1, 2, ..."""
    codes = np.zeros(len(left[0]) + len(right[0]), dtype=np.int64)
    for one, other in zip(left, right, strict=True):
        values, inverse = np.unique(np.concatenate([one, other]), return_inverse=True)
        codes = np.unique(codes * len(values) + inverse, return_inverse=True)[1]
    return codes[: len(left[0])], codes[len(left[0]) :]


@dataclass(frozen=True)
class Index:
    """The right side of a join, sorted once by key and time (us).

    When key and time do not fit 62 bits together times are kept in coarser ticks and windows grow, so
    callers that need the exact window filter the pairs once more.
    """

    order: Ints  # rows of the right side
    codes: Ints  # of these rows, ascending
    first: int
    last: int
    shift: int

    @classmethod
    def build(cls, key: Ints, time: Ints) -> Index:
        """Index the rows with these keys (0, 1, 2, ...) and times."""
        first, last = (int(time.min()), int(time.max())) if len(time) else (0, 0)
        keys = int(key.max(initial=0)) + 2
        shift = max(0, (last - first + 3).bit_length() + keys.bit_length() - _CODE_BITS)
        empty = cls(np.empty(0, np.int64), np.empty(0, np.int64), first, last, shift)
        codes = empty._code(key, time)
        order = np.argsort(codes, kind="stable")
        return replace(empty, order=order, codes=codes[order])

    def window(self, key: Ints, low: Ints, high: Ints) -> Ranges:
        """For each key the rows with low <= time <= high, in order of time."""
        start = np.searchsorted(self.codes, self._code(key, low), side="left")
        stop = np.searchsorted(self.codes, self._code(key, high), side="right")
        return Ranges(self.order, start, np.maximum(start, stop))

    def rate(self, key: Ints, time: Ints) -> Floats:
        """Rows of the key per us around each time."""
        counts = self.window(key, time - _RATE_US, time + _RATE_US).counts
        return np.asarray((counts + 0.5) / (2.0 * _RATE_US))

    def _code(self, key: Ints, time: Ints) -> Ints:
        span = ((self.last - self.first) >> self.shift) + 3
        ticks = (np.clip(time, self.first - 1, self.last + 1) - self.first) >> self.shift
        # A key that the right side lacks may be larger than any of its own.
        known = np.minimum(key, (1 << _CODE_BITS) // span)
        return np.asarray(known * span + np.clip(ticks + 1, 0, span - 1))


def window_join(key: Ints, low: Ints, high: Ints, other_key: Ints, other_time: Ints) -> Ranges:
    """Rows of the right side of the same key with low <= time (us) <= high, in order of time."""
    return Index.build(other_key, other_time).window(key, low, high)
