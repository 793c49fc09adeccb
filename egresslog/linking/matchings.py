"""All matchings of lines and connections, summed up: the posterior of every way.

A *way* is one way to account for a connection: the lines that it would have carried. A matching takes
at most one way per connection and puts no line into two of them; its weight is the product of the odds
of its ways. The posterior of a way is the share of all matchings that take it, by weight: components are
summed up connection by connection in order of time, forward and backward (``trellis``).

Odds come divided by prices (see ``auction``): what a connection or a line costs if it stays alone, and
a way by how much less than the best it is. So the weight of a state also tells its prospects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking import trellis
from egresslog.linking.compiled import run
from egresslog.linking.graph import SLOTS
from egresslog.linking.model import Floats, Ints

_BLOCK, _LEVELS = 300_000, 8  # steps kept at once, and of how many connections with the most of them at least
_STEP, _CONNECTION = 2, 10  # us that one step, and what each connection takes besides, cost in CPython


@dataclass(frozen=True)
class Matchings:
    """Connections are numbered by component and time, ways by connection; odds are no logarithms."""

    components: Ints  # where the connections of each begin, and the end
    ways: Ints  # where the ways of each connection begin, and the end
    bits: Ints  # per way: the slots of its lines, -1 where one has none
    odds: Floats  # per way
    idle: Floats  # per connection: odds of taking none
    leaving: Ints  # per connection: the slots of lines that no later one wants
    leavers: Ints  # where the lines that leave after each connection begin, and the end
    slots: Ints  # of these lines
    unused: Floats  # of these lines: odds of being in no way
    tied: Ints  # per connection: how many lines it or later ones share with earlier ones
    most: int  # states of a component kept at once

    def weigh(self) -> tuple[Floats, Floats]:
        """Posterior of each way; per connection the share of matchings lost to the limit of states."""
        posterior, lost = np.zeros(len(self.odds)), np.zeros(len(self.idle))
        fits = self.bits >= 0
        ways, found = np.append(0, np.cumsum(fits))[self.ways], posterior[fits]
        steps = self._steps(np.diff(ways))
        widest, largest = int(steps.max()), int(np.add.reduceat(steps, self.components[:-1]).max())
        run(
            trellis, "weigh", int(_STEP * steps.sum()) + _CONNECTION * len(steps), self.components, ways,
            self.bits[fits], self.odds[fits], self.idle, self.leaving, self.leavers, self.slots, self.unused,
            self.most, widest, widest + min(largest, max(_BLOCK, _LEVELS * widest)), found, lost,
        )  # fmt: skip
        posterior[fits] = found
        return posterior, lost

    def _steps(self, ways: Ints) -> Ints:
        """Per connection how many steps there are at most: from each state with each of its ways, or none."""
        states = np.minimum(np.int64(1) << np.minimum(self.tied, SLOTS), self.most)
        return np.asarray(states * (ways + 1))
