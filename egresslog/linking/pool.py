"""Pairs with their evidence, before and after they have posteriors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import Floats, Ints
from egresslog.schema import EVIDENCE


@dataclass(frozen=True)
class Pool:
    """Weighed pairs, one element each in every array."""

    transaction: Ints
    connection: Ints
    weights: dict[str, Floats]
    whole: NDArray[np.bool_]  # the line alone can make up the connection

    def __len__(self) -> int:
        return len(self.transaction)

    @property
    def weight(self) -> Floats:
        """The sum of the evidence of each pair (log2)."""
        total = np.zeros(len(self))
        for kind in EVIDENCE:
            total += self.weights[kind]
        return total

    @classmethod
    def empty(cls) -> Pool:
        """No pairs."""
        nothing = np.empty(0, dtype=np.int64)
        weights = {kind: np.empty(0) for kind in EVIDENCE}
        return cls(nothing, nothing, weights, np.empty(0, dtype=bool))

    def take(self, rows: Ints | NDArray[np.bool_]) -> Pool:
        """The pairs that ``rows`` picks."""
        weights = {kind: values[rows] for kind, values in self.weights.items()}
        return Pool(self.transaction[rows], self.connection[rows], weights, self.whole[rows])

    @classmethod
    def concatenate(cls, pools: list[Pool]) -> Pool:
        """All pairs of some pools, at least one of them, one pool after the other."""
        weights = {kind: np.concatenate([pool.weights[kind] for pool in pools]) for kind in EVIDENCE}
        left, right, whole = (
            np.concatenate([getattr(pool, name) for pool in pools])
            for name in ("transaction", "connection", "whole")
        )
        return cls(left, right, weights, whole)

    def merged(self, posterior: Floats) -> tuple[Pool, Floats]:
        """Each pair once, by (transaction, connection): its heaviest weights, its summed posterior."""
        order = np.lexsort((-self.weight, self.connection, self.transaction))
        left, right = self.transaction[order], self.connection[order]
        first = np.flatnonzero((np.diff(left, prepend=-1) != 0) | (np.diff(right, prepend=-1) != 0))
        if not len(first):
            return self, posterior
        return self.take(order[first]), np.add.reduceat(posterior[order], first)
