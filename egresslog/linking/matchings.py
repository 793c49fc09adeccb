"""All matchings of lines and connections, summed up: the posterior of every way.

A *way* is one way to account for a connection: the lines that it would have carried. A matching takes
at most one way per connection and puts no line into two of them; its weight is the product of the odds
of its ways. The posterior of a way is the share of all matchings that take it, by weight. Components
are worked on side by side, each connection by connection in order of time; a state is the set of lines
used so far that later connections could still want (forward-backward).

Odds come divided by prices (see ``auction``): what a connection or a line costs if it stays alone, and
a way by how much less than the best it is. So the weight of a state also tells its prospects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import Floats, Ints

_TOO_MUCH = 0.1  # share of the weight lost at one connection from which a component is given up
_BLOCK = 512  # connections of a component whose steps are kept at once
_FAINT = 1e-9  # of the weight of its heaviest; lighter ones are dropped


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
    most: int  # states of a component kept at once

    def weigh(self) -> tuple[Floats, Floats]:
        """Posterior of each way; per connection the share of matchings lost to the limit of states."""
        posterior, lost = np.zeros(len(self.odds)), np.zeros(len(self.idle))
        levels = int(self._size.max(initial=0))
        states, blocks = self._begin(), []
        for begin in range(0, levels, _BLOCK):
            blocks.append(states)
            steps = self._forward(states, begin, min(begin + _BLOCK, levels), lost)
            states = steps[-1].after
        worth, last = np.ones(0), len(blocks) - 1
        for number in range(last, -1, -1):  # what lies between was forgotten: to keep it takes much memory
            begin = number * _BLOCK
            if number < last:
                steps = self._forward(blocks.pop(-2), begin, begin + _BLOCK, lost)
            for step in reversed(steps):
                worth = step.back(worth, posterior)
        return posterior, lost

    def _forward(self, states: _States, begin: int, end: int, lost: Floats) -> list[_Step]:
        """The steps from some level to another."""
        steps = []
        for level in range(begin, end):
            states = states.take(np.flatnonzero(self._size[states.component] > level))
            steps.append(self._step(states, level, lost))
            states = steps[-1].after
        return steps

    @property
    def _size(self) -> Ints:
        return np.diff(self.components)

    def _begin(self) -> _States:
        count = len(self.components) - 1
        return _States(np.arange(count), np.zeros(count, dtype=np.int64), np.ones(count))

    def _step(self, states: _States, level: int, lost: Floats) -> _Step:
        """From the states before a connection of each component to those after it."""
        connection = self.components[states.component] + level
        source, way = self._choices(states, connection)
        connection = connection[source]
        used = states.mask[source] | np.where(way < 0, 0, self.bits[way])
        gain = np.where(way < 0, self.idle[connection], self.odds[way]) * self._leave(used, connection)
        mask = used & ~self.leaving[connection]
        after, target = _merge(states.component[source], mask, states.weight[source] * gain)
        kept, share = after.heaviest(self.most)
        at = self.components[after.component] + level
        lost[at] = np.maximum(lost[at], share)
        self._give_up(after.component[share > _TOO_MUCH], lost)
        renamed = np.where(kept, np.cumsum(kept) - 1, -1)[target]
        alive = np.flatnonzero(renamed >= 0)
        return _Step(
            states, after.take(np.flatnonzero(kept)), source[alive], renamed[alive], gain[alive], way[alive],
            self._size > level + 1,
        )  # fmt: skip

    def _give_up(self, component: Ints, lost: Floats) -> None:
        """Call everything lost in components where too much is."""
        for one in np.unique(component):
            lost[self.components[one] : self.components[one + 1]] = 1.0

    def _choices(self, states: _States, connection: Ints) -> tuple[Ints, Ints]:
        """Every state with every way of its connection whose lines are free, and with none (-1)."""
        begin, counts = self.ways[connection], np.diff(self.ways)[connection] + 1
        source = np.repeat(np.arange(len(states.mask)), counts)
        within = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
        way = np.where(within == 0, -1, begin[source] + within - 1)
        bits = np.where(way < 0, 0, self.bits[way])
        possible = (bits >= 0) & (states.mask[source] & bits == 0)
        return source[possible], way[possible]

    def _leave(self, used: Ints, connection: Ints) -> Floats:
        """The odds of those lines that leave after the connection without having been used."""
        begin, counts = self.leavers[connection], np.diff(self.leavers)[connection]
        row = np.repeat(np.arange(len(used)), counts)
        line = np.repeat(begin - (np.cumsum(counts) - counts), counts) + np.arange(len(row))
        idle = used[row] >> self.slots[line] & 1 == 0
        worth = np.log2(self.unused[line[idle]])
        return np.asarray(np.exp2(np.bincount(row[idle], worth, len(used))))


@dataclass(frozen=True)
class _States:
    """Sets of used lines, sorted by component."""

    component: Ints
    mask: Ints
    weight: Floats

    def take(self, rows: Ints) -> _States:
        return _States(self.component[rows], self.mask[rows], self.weight[rows])

    def heaviest(self, most: int) -> tuple[NDArray[np.bool_], Floats]:
        """Which of the states are kept, and per state the share of its component's weight that is not."""
        order = np.lexsort((-self.weight, self.component))
        first = np.flatnonzero(np.diff(self.component, prepend=-1) != 0)
        number = np.cumsum(np.diff(self.component, prepend=-1) != 0) - 1
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order)) - first[number]
        share = np.bincount(number, self.weight * (rank >= most)) / np.bincount(number, self.weight)
        limit = np.where(share > _TOO_MUCH, 1, most)[number]
        return (rank < limit) & (self.weight > _FAINT), share[number]


def _merge(component: Ints, mask: Ints, weight: Floats) -> tuple[_States, Ints]:
    """Equal states together, the heaviest of each component with weight 1; where each one went."""
    order = np.lexsort((mask, component))
    component, mask = component[order], mask[order]
    new = (np.diff(component, prepend=-1) != 0) | (np.diff(mask, prepend=0) != 0)
    first, target = np.flatnonzero(new), np.empty(len(order), dtype=np.int64)
    target[order] = np.cumsum(new) - 1
    total = np.add.reduceat(weight[order], first) if len(first) else weight
    return _States(component[first], mask[first], _scaled(component[first], total)), target


def _scaled(component: Ints, weight: Floats) -> Floats:
    """Divided by the largest of the component: products of many odds leave the range of a float."""
    new = np.diff(component, prepend=-1) != 0
    largest = np.maximum.reduceat(weight, np.flatnonzero(new)) if len(weight) else weight
    return np.asarray(weight / largest[np.cumsum(new) - 1])


@dataclass(frozen=True)
class _Step:
    """One connection of each component: the states before and after, and how they come of each other."""

    before: _States
    after: _States
    source: Ints
    target: Ints
    gain: Floats
    way: Ints
    goes_on: NDArray[np.bool_]  # per component: another connection follows

    def back(self, worth: Floats, posterior: Floats) -> Floats:
        """From what later connections add to the states that go on, what this one and they add."""
        later = np.ones(len(self.after.mask))
        later[self.goes_on[self.after.component]] = worth
        value = later[self.target] * self.gain
        here = self.before.weight[self.source] * value
        component = self.before.component[self.source]
        share = here / np.bincount(component, here)[component]
        taken = self.way >= 0
        posterior += np.bincount(self.way[taken], share[taken], len(posterior))
        total = np.bincount(self.source, value, len(self.before.mask)).astype(np.float64)
        return _scaled(self.before.component, total)
