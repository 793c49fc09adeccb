"""Ways to account for connections, and the posterior of each: summed over all matchings, not guessed.

A way is a connection with the lines that it would have carried, one or several. Where one matching
is by far the likeliest its ways get nearly 1, n exchangeable ways get 1/n each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from egresslog.linking import auction, graph
from egresslog.linking.compiled import run
from egresslog.linking.matchings import Matchings
from egresslog.linking.model import Floats, Ints
from egresslog.linking.spans import Spans

_CLIP = 100.0  # bits; beyond, the difference is certain anyway
_LIMITS = (6.0, 4.0, 2.0)  # regret (bits) up to which ways are kept in crowded components
CROWDED = 0.05  # share of the matchings left out from which a component is tried with fewer ways
_WORTH = 0.2  # share of the ways that must be left out for another try to be worth it
_STEP = 0.05  # bits by which bids rise
_SWEEPS = 6  # over the lines that connections with bundles want
HOPELESS = 10.0  # bits by which a matching must be worse than the best to be left out


@dataclass(frozen=True)
class Ways:
    """``lines`` holds the ``size`` lines of each way one after the other; ``odds`` are log2 against none."""

    connection: Ints
    size: Ints
    lines: Ints
    odds: Floats

    def __len__(self) -> int:
        return len(self.connection)

    @classmethod
    def single(cls, lines: Ints, connection: Ints, odds: Floats) -> Ways:
        """Each line alone on its connection."""
        return cls(connection, np.ones(len(lines), dtype=np.int64), lines, odds)

    @property
    def begins(self) -> Ints:
        """Where the lines of each way begin, and behind the last one where they end."""
        return _ends(self.size)

    @property
    def number(self) -> Ints:
        """The way of each element of ``lines``."""
        return np.repeat(np.arange(len(self)), self.size)

    def join(self, other: Ways) -> Ways:
        """These ways, then the others."""
        return Ways(
            np.concatenate([self.connection, other.connection]),
            np.concatenate([self.size, other.size]),
            np.concatenate([self.lines, other.lines]),
            np.concatenate([self.odds, other.odds]),
        )

    def shifted(self, bits: Floats) -> Ways:
        """The ways with odds changed by the ``bits`` of their connections."""
        return replace(self, odds=self.odds + bits[self.connection])

    def take(self, rows: Ints) -> Ways:
        """The ways of these numbers, in their order."""
        size, begins = self.size[rows], self.begins[:-1][rows]
        ends = np.cumsum(size)
        within = np.arange(int(size.sum())) - np.repeat(ends - size, size)
        return Ways(
            self.connection[rows], size, self.lines[np.repeat(begins, size) + within], self.odds[rows]
        )


@dataclass(frozen=True)
class Prices:
    """What ends are worth to those who want them (bits), by their own numbers."""

    line: Floats
    connection: Floats
    owner: Ints  # per connection: the line that takes it, -1 for none

    @classmethod
    def find(cls, left: Ints, right: Ints, odds: Floats, idle: Floats) -> Prices:
        """The prices at which each line takes the connection it gains most from.

        ``idle`` (log2) is what each connection is worth on its own. Bids rise in steps of ``_STEP``: how
        exact a bound is for each line that a matching moves.
        """
        order = np.argsort(left, kind="stable")
        counts = np.bincount(left, minlength=1)
        price, profit = idle.copy(), np.zeros(len(counts))
        owner = np.full(len(price), -1)
        run(auction, "bid", len(left), _ends(counts), right[order], odds[order], _STEP, price, owner, profit)
        return cls(profit, price, owner)

    def regret(self, ways: Ways) -> Floats:
        """How much worse (bits) than all prices together a matching with the way is, at least.

        Of single lines no more is paid than the best matching is worth, up to ``_STEP`` for each line;
        where bundles compete prices may add up to more, and the regret is that much too strict.
        """
        worth = np.bincount(ways.number, self.line[ways.lines], len(ways))
        return np.asarray(self.connection[ways.connection] + worth - ways.odds)


@dataclass(frozen=True)
class Weighed:
    """Per way: its posterior, the share of matchings left out around it, its regret, its component.

    Regret (bits) is how much worse than the best matching any with the way is, by the prices. Ways
    ``left_out`` were not weighed: their posterior is 0 and not known.
    """

    posterior: Floats
    lost: Floats
    regret: Floats
    component: Ints
    left_out: NDArray[np.bool_]

    def lost_of(self, ways: Ways, lines: int) -> Floats:
        """The share of matchings left out around each line."""
        lost = np.zeros(lines)
        np.maximum.at(lost, ways.lines, self.lost[ways.number])
        return lost


def posteriors(ways: Ways, start: Ints, idle: Floats, most: int) -> Weighed:
    """What speaks for each way, summed over all matchings.

    ``start`` (us) of every connection orders them, ``idle`` (log2) is its worth in no way. Nothing is left
    out but in components so dense that more than ``most`` sets of used lines compete at once: there ways
    are left out, the worst ones first.
    """
    if not len(ways):
        nothing = np.zeros(0)
        return Weighed(nothing, nothing, nothing, nothing.astype(np.int64), nothing > 0)
    whole = found = _weighed(ways, start, idle, most)
    todo = np.arange(len(ways))
    for limit in _LIMITS:
        crowded = np.isin(found.component, found.component[found.lost > CROWDED])
        dropped = todo[crowded & (found.regret >= limit)]
        whole.posterior[dropped], whole.lost[dropped], whole.left_out[dropped] = 0.0, 0.0, True
        todo = todo[crowded & (found.regret < limit)]
        if len(dropped) < _WORTH * crowded.sum() or not len(todo):
            break
        found = _weighed(ways.take(todo), start, idle, most)
        whole.posterior[todo], whole.lost[todo] = found.posterior, found.lost
    return whole


def _weighed(ways: Ways, start: Ints, idle: Floats, most: int) -> Weighed:
    order, connection = _by_component(ways, start)
    placed = ways.take(order)
    lines, number = np.unique(placed.lines, return_inverse=True)[1], placed.number
    alone = np.empty(int(connection.max()) + 1)
    alone[connection] = idle[placed.connection]
    placed = Ways(connection, placed.size, lines, placed.odds)
    prices = prices_of(placed, int(lines.max()) + 1, alone)
    regret = prices.regret(placed)
    spans = Spans.find(lines, connection[number])
    matchings = Matchings(
        components=spans.components,
        ways=_ends(np.bincount(connection)),
        bits=spans.bits(lines, placed.begins),
        odds=np.exp2(np.clip(-regret, -_CLIP, _CLIP)),
        idle=np.exp2(alone - prices.connection),
        leaving=spans.leaving,
        leavers=spans.leavers,
        slots=spans.slot[spans.by_last],
        unused=np.exp2(-prices.line[spans.by_last]),
        tied=spans.tied,
        most=most,
    )
    found, lost = matchings.weigh()
    lost[connection[matchings.bits < 0]] = 1.0
    back, component = np.argsort(order), np.searchsorted(spans.components, connection, side="right")
    nothing = np.zeros(len(ways), dtype=bool)
    return Weighed(found[back], lost[connection][back], regret[back], component[back], nothing)


def prices_of(ways: Ways, lines: int, idle: Floats) -> Prices:
    """Prices of so many lines and of all connections, each worth ``idle`` (log2) in no way."""
    single = ways.size == 1
    left, right = ways.lines[ways.begins[:-1][single]], ways.connection[single]
    found = Prices.find(left, right, ways.odds[single], idle)
    prices = Prices(np.pad(found.line, (0, max(lines - len(found.line), 0))), found.connection, found.owner)
    return prices if single.all() else _balanced(ways, prices, idle)


def _balanced(ways: Ways, prices: Prices, idle: Floats) -> Prices:
    """The prices with what bundles are worth shared out among their lines and their connection.

    Block coordinate descent on the dual of the best packing: no way is worth more than its prices.
    """
    several = np.isin(ways.connection, ways.connection[ways.size > 1])
    wanted = np.unique(ways.lines[several[ways.number]])
    rivals = ways.connection[ways.number[np.isin(ways.lines, wanted)]]
    mine = np.flatnonzero(np.isin(ways.connection, rivals))
    sorted_ways = ways.take(mine[np.argsort(ways.connection[mine], kind="stable")])
    number, lines, price = sorted_ways.number, sorted_ways.lines, prices.line.copy()
    holding = np.argsort(lines, kind="stable")
    left = sorted_ways.odds - np.bincount(number, price[lines], len(sorted_ways))
    of_line = _ends(np.bincount(lines, minlength=len(price)))
    of_connection = _ends(np.bincount(sorted_ways.connection, minlength=len(idle)))
    run(
        auction, "balance", len(lines) * _SWEEPS * 8, wanted,
        of_line, number[holding], of_connection, sorted_ways.connection, sorted_ways.begins,
        lines, idle, _SWEEPS, price, left,
    )  # fmt: skip
    worth = np.bincount(ways.number, price[ways.lines], len(ways))
    offered = idle.copy()
    np.maximum.at(offered, ways.connection, ways.odds - worth)
    return Prices(price, offered, prices.owner)


def _ends(counts: Ints) -> Ints:
    """Where parts of these lengths begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)])


def _by_component(ways: Ways, start: Ints) -> tuple[Ints, Ints]:
    """The ways sorted by component and start of their connections, and new numbers of these."""
    names, connection = np.unique(ways.connection, return_inverse=True)
    order = np.argsort(connection, kind="stable")
    sorted_ways = ways.take(order)
    lines = np.unique(sorted_ways.lines, return_inverse=True)[1]
    parent = np.arange(len(names) + int(lines.max()) + 1)
    run(graph, "unite", len(ways), parent, _ends(np.bincount(connection)), sorted_ways.begins, lines)
    component = parent[: len(names)]
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.lexsort((names, start[names], component))] = np.arange(len(names))
    placed = rank[connection]
    order = np.argsort(placed, kind="stable")
    return order, placed[order]
