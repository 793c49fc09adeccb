"""Densities over time learned from few or many differences, with priors that fade as data come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import Floats, Ints

_PRIOR_WEIGHT = 20.0  # the prior counts as this many observations
_REACH_US = 1e10  # about three hours; beyond, the outermost density holds


@dataclass(frozen=True)
class Density:
    """A step function: log2 probability per us within ``edges`` (us, ascending)."""

    edges: Floats
    log2: Floats  # one less than edges

    def __call__(self, values: Ints) -> Floats:
        """Log2 density (per us) at each value (us)."""
        bins = np.searchsorted(self.edges, values, side="right") - 1
        return np.asarray(self.log2[np.clip(bins, 0, len(self.log2) - 1)])

    def mean(self, low: Ints, width: Ints) -> Floats:
        """Log2 of the mean density (per us) between ``low`` and ``low + width`` (us)."""
        masses = np.exp2(self.log2) * np.diff(self.edges)
        cumulative = np.concatenate([[0.0], np.cumsum(masses)])
        high = np.interp(low + width, self.edges, cumulative)
        inside = high - np.interp(low, self.edges, cumulative)
        return np.asarray(np.log2(np.maximum(inside, 1e-12) / np.maximum(width, 1)))


def lomax(values: Floats, scale: float) -> Floats:
    """Cumulative probability of a heavy-tailed delay whose median is ``scale``."""
    positive = np.maximum(values, 0.0)
    return np.asarray(positive / (positive + scale))


def two_sided_edges() -> Floats:
    """Bin edges from minus to plus three hours: 1 ms apart near zero, then growing by a third."""
    positive = _growing_edges()
    return np.concatenate([-positive[::-1], [0.0], positive]) - 0.5


def growing_edges() -> Floats:
    """Bin edges from 0 to three hours: 1 ms apart at first, then growing by a third."""
    return np.concatenate([[0.0], _growing_edges()]) - 0.5


def learn(edges: Floats, prior: Floats, values: Ints, weights: Floats | None = None) -> Density:
    """The density of ``values`` (us); ``prior`` is the cumulative prior probability at the edges."""
    counts = np.histogram(values, bins=edges, weights=weights)[0].astype(np.float64)
    masses = np.maximum(np.diff(prior), 1e-12)
    total = counts + _PRIOR_WEIGHT * masses / masses.sum()
    return Density(edges, np.log2(total / total.sum() / np.diff(edges)))


def _growing_edges() -> Floats:
    near = np.arange(1, 8) * 1_000.0
    far = 8_000.0 * (4 / 3) ** np.arange(0, 49)
    return np.asarray(np.concatenate([near, far[far <= _REACH_US]]))
