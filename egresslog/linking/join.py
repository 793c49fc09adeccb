"""Joins of two columns by key and time window: one sort, two binary searches, never quadratic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import Ints

_CODE_BITS = 62


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


def window_join(key: Ints, low: Ints, high: Ints, other_key: Ints, other_time: Ints) -> Ranges:
    """Right rows of the same key with low <= time <= high, nearest in time order.

    Times are us. When key and time do not fit 62 bits together the window is widened to coarser
    ticks, so callers that need the exact window filter the pairs once more.
    """
    if not len(other_key) or not len(key):
        return Ranges(np.empty(0, np.int64), np.zeros(len(key), np.int64), np.zeros(len(key), np.int64))
    first, last = int(other_time.min()), int(other_time.max())
    keys = int(max(key.max(), other_key.max())) + 1
    shift = max(0, (last - first + 3).bit_length() + keys.bit_length() - _CODE_BITS)
    span = ((last - first) >> shift) + 3

    def code(keys: Ints, times: Ints) -> Ints:
        ticks = (np.clip(times, first - 1, last + 1) - first) >> shift
        return np.asarray(keys * span + np.clip(ticks + 1, 0, span - 1))

    codes = code(other_key, other_time)
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    start = np.searchsorted(codes, code(key, low), side="left")
    stop = np.searchsorted(codes, code(key, high), side="right")
    return Ranges(order, start, np.maximum(start, stop))
