"""How common a value is among the connections of a group."""

from __future__ import annotations

import numpy as np

from egresslog.linking.model import Floats, Ints

_POOLED = 10.0  # the whole log counts as this many connections of a group
RAREST = 0.02  # a share among connections is never taken for less


class Sizes:
    """Counts of one column, per group (0, 1, 2, ...) and overall."""

    def __init__(self, group: Ints, values: Ints) -> None:
        self._total = len(values)
        self._of_group = np.bincount(group, minlength=1)
        self._all = np.sort(values)
        self._codes = np.sort(self._code(group, values)) if len(values) else values

    def _code(self, group: Ints, values: Ints) -> Ints:
        rank = np.searchsorted(self._all, values, side="left")
        return np.asarray(group * (self._total + 1) + rank)

    def equal(self, group: Ints, values: Ints) -> Floats:
        """Chance that another row of the group has exactly this value (which one has)."""
        codes = self._code(group, values)
        own = np.searchsorted(self._codes, codes, "right") - np.searchsorted(self._codes, codes)
        everywhere = np.searchsorted(self._all, values, "right") - np.searchsorted(self._all, values)
        pooled = _POOLED * np.maximum(everywhere, 1) / max(self._total, 1)
        return np.asarray((np.maximum(own - 1, 0) + pooled) / (self._of_group[group] - 1 + _POOLED))

    def between(self, group: Ints, low: Ints | int, high: Ints | int) -> Floats:
        """Share of the group's connections with low <= value < high."""
        first = np.searchsorted(self._codes, self._code(group, np.asarray(low)))
        last = np.searchsorted(self._codes, self._code(group, np.asarray(high)))
        return np.asarray((last - first + RAREST) / (self._of_group[group] + 1.0)).clip(RAREST, 1.0)
