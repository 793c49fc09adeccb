"""Densities over time learned from few or many differences, with priors that fade as data come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import Floats, Ints

_PRIOR_WEIGHT = 20.0  # the prior counts as this many observations
_KIND_WEIGHT = 100.0  # all other kinds together count as this many observations of one kind
_REACH_US = 1e10  # about three hours; beyond, the outermost density holds


@dataclass(frozen=True)
class Density:
    """Step functions: log2 probability per us within ``edges`` (us, ascending), one row for each kind."""

    edges: Floats
    log2: Floats  # (kinds, one less than edges)

    def __call__(self, values: Ints, kinds: Ints | int = 0) -> Floats:
        """Log2 density (per us) at each value (us) of a kind."""
        bins = np.searchsorted(self.edges, values, side="right") - 1
        return np.asarray(self.log2[kinds, np.clip(bins, 0, self.log2.shape[1] - 1)])

    def mean(self, low: Ints, width: Ints, kinds: Ints | int = 0) -> Floats:
        """Log2 of the mean density (per us) between ``low`` and ``low + width`` (us)."""
        inside = self.below(low + width, kinds) - self.below(low, kinds)
        return np.asarray(np.log2(np.maximum(inside, 1e-12) / np.maximum(width, 1)))

    def below(self, values: Ints, kinds: Ints | int = 0) -> Floats:
        """Probability of less than each value (us)."""
        masses = np.exp2(self.log2) * np.diff(self.edges)
        before = np.concatenate([np.zeros((len(masses), 1)), np.cumsum(masses, axis=1)], axis=1)
        inside = np.clip(values, self.edges[0], self.edges[-1])
        bins = np.clip(np.searchsorted(self.edges, inside, side="right") - 1, 0, masses.shape[1] - 1)
        part = (inside - self.edges[bins]) / np.diff(self.edges)[bins]
        return np.asarray(before[kinds, bins] + part * masses[kinds, bins])


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
    masses = np.maximum(np.diff(prior), 1e-12)
    counts = np.histogram(values, bins=edges, weights=weights)[0].astype(np.float64)
    return Density(edges, _smoothed(edges, masses / masses.sum(), counts[None]))


def learn_kinds(
    edges: Floats, prior: Floats, values: Ints, weights: Floats, kinds: Ints, many: int
) -> Density:
    """A density for each of ``many`` kinds; where it has few values it is drawn towards the other kinds."""
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    width = len(edges) - 1
    counts = np.bincount(kinds * width + bins, weights, many * width).reshape(many, width).astype(np.float64)
    masses = np.maximum(np.diff(prior), 1e-12)
    others = counts.sum(axis=0) - counts + _PRIOR_WEIGHT * masses / masses.sum()
    drawn = _KIND_WEIGHT / _PRIOR_WEIGHT * others / others.sum(axis=1, keepdims=True)
    return Density(edges, _smoothed(edges, drawn, counts))


def _smoothed(edges: Floats, prior: Floats, counts: Floats) -> Floats:
    total = counts + _PRIOR_WEIGHT * prior
    return np.asarray(np.log2(total / total.sum(axis=1, keepdims=True) / np.diff(edges)))


def _growing_edges() -> Floats:
    near = np.arange(1, 8) * 1_000.0
    far = 8_000.0 * (4 / 3) ** np.arange(0, 49)
    return np.asarray(np.concatenate([near, far[far <= _REACH_US]]))
