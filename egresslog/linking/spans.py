"""From which to which connection each line could be wanted, and its slot in that time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking import graph
from egresslog.linking.compiled import run
from egresslog.linking.model import Ints


@dataclass(frozen=True)
class Spans:
    """``first`` and ``last`` connection of each line, and its ``slot``: -1 where none was free."""

    first: Ints
    last: Ints
    slot: Ints

    @classmethod
    def find(cls, lines: Ints, connection: Ints) -> Spans:
        """The spans of lines (0, 1, 2, ...) from their pairs with connections."""
        count = int(lines.max()) + 1
        first, last = np.full(count, np.iinfo(np.int64).max), np.zeros(count, dtype=np.int64)
        np.minimum.at(first, lines, connection)
        np.maximum.at(last, lines, connection)
        slot = np.full(count, -1)
        run(graph, "find_slots", 4 * count, np.argsort(first, kind="stable"), first, last, slot)
        return cls(first, last, slot)

    @property
    def components(self) -> Ints:
        """Where components begin: connections that no line ties to an earlier one; and the end."""
        return np.append(np.flatnonzero(self.tied == 0), len(self.tied))

    @property
    def tied(self) -> Ints:
        """Per connection the number of lines that it, or one after it, shares with an earlier one."""
        steps = np.zeros(int(self.last.max()) + 2, dtype=np.int64)
        np.add.at(steps, self.first + 1, 1)
        np.add.at(steps, self.last + 1, -1)
        return np.cumsum(steps)[:-1]

    def bits(self, lines: Ints, begins: Ints) -> Ints:
        """Per way the slots of its lines, -1 where one has none; ``begins``: where its lines begin."""
        slots = self.slot[lines]
        taken = np.bitwise_or.reduceat(np.int64(1) << np.maximum(slots, 0), begins[:-1])
        return np.where(np.minimum.reduceat(slots, begins[:-1]) < 0, -1, taken)

    @property
    def by_last(self) -> Ints:
        """The lines that have a slot, in the order in which they leave it."""
        placed = np.flatnonzero(self.slot >= 0)
        return placed[np.argsort(self.last[placed], kind="stable")]

    @property
    def leavers(self) -> Ints:
        """Where in ``by_last`` the lines begin that leave after each connection, and the end."""
        connections = int(self.last.max()) + 1
        return np.searchsorted(self.last[self.by_last], np.arange(connections + 1))

    @property
    def leaving(self) -> Ints:
        """Per connection the slots that become free after it."""
        mask = np.zeros(int(self.last.max()) + 1, dtype=np.int64)
        lines = self.by_last
        np.bitwise_or.at(mask, self.last[lines], np.int64(1) << self.slot[lines])
        return mask
