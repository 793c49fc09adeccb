"""Gaps: stretches without a record that are long for the log they are in."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from statistics import median

MIN_GAP = 60_000_000  # us
UNUSUAL = 20  # times the median interval

Gap = tuple[int, int]


def gaps(times: Iterable[int]) -> tuple[Gap, ...]:
    """(from, to) of the intervals between neighbouring times that are a minute or more and unusual."""
    pairs = list(pairwise(sorted(times)))
    if not pairs:
        return ()
    least = max(MIN_GAP, UNUSUAL * median(later - earlier for earlier, later in pairs))
    return tuple((earlier, later) for earlier, later in pairs if later - earlier >= least)
