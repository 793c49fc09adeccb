"""Pairs with their evidence, before they have posteriors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import Floats, Ints
from egresslog.schema import EVIDENCE


@dataclass(frozen=True)
class Pool:
    """Weighed pairs sorted by (transaction, connection)."""

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

    @property
    def shared(self) -> NDArray[np.bool_]:
        """Pairs that are part of a bundle."""
        return np.asarray(self.weights["share"] != 0.0)

    def find(self, transaction: Ints, connection: Ints) -> Ints:
        """The row of each pair, -1 where it is not in the pool."""
        if not len(self):
            return np.full(len(transaction), -1)
        width = int(max(self.connection.max(), connection.max(initial=0))) + 1
        keys, wanted = self.transaction * width + self.connection, transaction * width + connection
        rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[rows] == wanted, rows, -1)

    def weight_of(self, transaction: Ints, connection: Ints) -> Floats:
        """The weight (log2) of each pair, minus infinity where it is not in the pool."""
        return np.append(self.weight, -np.inf)[self.find(transaction, connection)]

    def take(self, rows: Ints | NDArray[np.bool_]) -> Pool:
        """The pairs that ``rows`` picks."""
        weights = {kind: values[rows] for kind, values in self.weights.items()}
        return Pool(self.transaction[rows], self.connection[rows], weights, self.whole[rows])

    def join(self, other: Pool) -> Pool:
        """Both pools; of a pair that is in both the heavier one."""
        both = Pool(
            np.concatenate([self.transaction, other.transaction]),
            np.concatenate([self.connection, other.connection]),
            {kind: np.concatenate([self.weights[kind], other.weights[kind]]) for kind in EVIDENCE},
            np.concatenate([self.whole, other.whole]),
        )
        order = np.lexsort((-both.weight, both.connection, both.transaction))
        line, connection = both.transaction[order], both.connection[order]
        new = (np.diff(line, prepend=-1) != 0) | (np.diff(connection, prepend=-1) != 0)
        return both.take(order[new])
