"""What each line is said to have: the best candidate, its class, confidence and margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import Floats, Ints, Pairs
from egresslog.schema import LINKS

_CLIP = 100.0  # bits; beyond, the difference is certain anyway
_STRONG, _PROBABLE = 0.999, 0.95


@dataclass(frozen=True)
class Verdict:
    """Per line: the best candidate's connection, its class, confidence and margin (log2)."""

    connection: Ints
    link: Ints
    confidence: Floats
    margin: Floats


def classify(pairs: Pairs, none: Floats, by_port: NDArray[np.bool_], timeless: NDArray[np.bool_]) -> Verdict:
    """Name the best candidate of each line and its class, an index into ``schema.LINKS``.

    ``by_port`` marks pairs of equal, surviving address and port: alone and certain, they are exact.
    ``timeless`` marks lines of an unknown clock: without such a port they are ambiguous at best.
    """
    left, right, posterior, lines = pairs.transaction, pairs.connection, pairs.posterior, len(none)
    order = pairs.best_first
    best = order[np.diff(left[order], prepend=-1) != 0]
    confidence, second = np.zeros(lines), none.copy()
    connection, exact = np.full(lines, -1, dtype=np.int64), np.zeros(lines, dtype=bool)
    confidence[left[best]], connection[left[best]] = posterior[best], right[best]
    exact[left[best]] = by_port[best]
    others = np.setdiff1d(order, best)
    np.maximum.at(second, left[others], posterior[others])
    link = _named(confidence, none, exact, timeless)
    tiny = np.finfo(np.float64).tiny
    margin = np.log2(np.maximum(confidence, tiny)) - np.log2(np.maximum(second, tiny))
    linked = (link != LINKS.index("none")) & (link != LINKS.index("ambiguous"))
    return Verdict(np.where(linked, connection, -1), link, confidence, np.clip(margin, -_CLIP, _CLIP))


def _named(confidence: Floats, none: Floats, exact: NDArray[np.bool_], timeless: NDArray[np.bool_]) -> Ints:
    cases = {  # the first that holds
        "none": confidence <= none,
        "ambiguous": timeless & ~exact,
        "exact": exact & (confidence >= _STRONG),
        "strong": confidence >= _STRONG,
        "probable": confidence >= _PROBABLE,
    }
    numbers = [np.int64(LINKS.index(name)) for name in cases]
    return np.select(list(cases.values()), numbers, LINKS.index("ambiguous"))
