"""How sure each link is: posteriors that count what the rivals for a connection would do instead.

The best assignment is compared with every assignment that differs by a short exchange: the line
goes elsewhere, whoever owns that connection is evicted or takes this line's place, and whoever
wants the connection left behind takes it. Twin tunnels so get one half each, n twins 1/n each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.assignment import Assignment
from egresslog.linking.model import Floats, Ints
from egresslog.schema import LINKS

_CLIP = 100.0  # bits; beyond, the difference is certain anyway
_STRONG, _PROBABLE = 0.999, 0.95


def posteriors(
    left: Ints, right: Ints, odds: Floats, assignment: Assignment, connections: int
) -> tuple[Floats, Floats]:
    """Posterior of each pair, and of "none" for each line; together they add up to 1 per line.

    ``odds`` are log2 against "none"; pairs are sorted by (left, right).
    """
    graph = _Graph.build(left, right, odds, assignment, connections)
    linked = assignment.connection >= 0
    wanted = _wanted(graph)
    other = np.exp2(graph.odds - graph.held[left]) * _entry(graph) * wanted[left] + _swaps(graph)
    other = np.where(assignment.shared, 0.0, other) + assignment.moved
    share = np.where(assignment.connection[left] == right, 1.0, other)
    none = np.where(linked, np.exp2(-graph.held) * wanted + assignment.left_out, 1.0)
    total = none + np.bincount(left, share, len(linked))
    return share / total[left], none / total


@dataclass(frozen=True)
class _Graph:
    """Pairs, and what is held by whom under the assignment."""

    left: Ints
    right: Ints
    odds: Floats  # log2, per pair
    held: Floats  # log2 odds of the link each line has, 0 for none
    mine: Ints  # per line: its connection, -1 for none or where its port decides
    rivals: NDArray[np.bool_]  # per pair: of a line that competes for connections
    owners: Ints  # per connection: how many lines hold it

    @classmethod
    def build(cls, left: Ints, right: Ints, odds: Floats, assignment: Assignment, connections: int) -> _Graph:
        odds = np.clip(odds, -_CLIP, _CLIP)
        current = assignment.connection[left] == right
        held = np.zeros(len(assignment.connection))
        held[left[current]] = odds[current]
        mine = np.where(assignment.pinned, -1, assignment.connection)
        owners = np.bincount(mine[mine >= 0], minlength=connections)
        return cls(left, right, odds, held, mine, ~assignment.pinned[left], owners)


def _wanted(graph: _Graph) -> Floats:
    """Per line: 1 plus the odds that others take the connection it would leave behind."""
    other = graph.rivals & (graph.mine[graph.left] != graph.right)
    gain = np.where(other, np.exp2(graph.odds - graph.held[graph.left]), 0.0)
    wanted = np.bincount(graph.right, gain, len(graph.owners))
    return np.where(graph.mine >= 0, 1.0 + np.append(wanted, 0.0)[graph.mine], 1.0)


def _entry(graph: _Graph) -> Floats:
    """Per pair: 1 if the connection is free, else the odds that its owners go elsewhere."""
    free = graph.owners[graph.right] == 0
    elsewhere = np.bincount(graph.left, np.where(free, np.exp2(graph.odds), 0.0), len(graph.held))
    lines = np.flatnonzero(graph.mine >= 0)
    best, choice = np.zeros(len(graph.owners)), np.ones(len(graph.owners))
    np.maximum.at(best, graph.mine[lines], graph.held[lines])
    choice[graph.mine[lines]] = 1.0 + elsewhere[lines]
    # Several lines of one connection would all have to leave; only a sole owner has a choice.
    entry = np.exp2(-best) * np.where(graph.owners == 1, choice, 1.0)
    return np.where(graph.rivals, entry[graph.right], 1.0)


def _swaps(graph: _Graph) -> Floats:
    """Per pair: odds that the line and the sole owner of that connection exchange theirs."""
    left, right, connections = graph.left, graph.right, len(graph.owners)
    sole = np.append(graph.owners == 1, False)
    owner = np.full(connections, -1, dtype=np.int64)
    lines = np.flatnonzero((graph.mine >= 0) & sole[graph.mine])
    owner[graph.mine[lines]] = lines
    rival = owner[right]
    possible = np.flatnonzero((rival >= 0) & (rival != left) & sole[graph.mine[left]])
    keys = left * connections + right
    back = rival[possible] * connections + graph.mine[left[possible]]
    place = np.minimum(np.searchsorted(keys, back), max(len(keys) - 1, 0))
    exists = keys[place] == back
    possible, place = possible[exists], place[exists]
    gain = graph.odds[possible] + graph.odds[place]
    found = np.zeros(len(left))
    found[possible] = np.exp2(gain - graph.held[left[possible]] - graph.held[rival[possible]])
    return found


@dataclass(frozen=True)
class Verdict:
    """Per line: the best candidate's connection, its class, confidence and margin (log2)."""

    connection: Ints
    link: Ints
    confidence: Floats
    margin: Floats


def classify(
    left: Ints,
    right: Ints,
    posterior: Floats,
    none: Floats,
    by_port: NDArray[np.bool_],
    timeless: NDArray[np.bool_],
) -> Verdict:
    """Name the best candidate of each line and its class, an index into ``schema.LINKS``.

    ``by_port`` marks pairs of equal, surviving address and port: alone and certain, they are exact.
    ``timeless`` marks lines of an unknown clock: without such a port they are ambiguous at best.
    """
    lines = len(none)
    order = np.lexsort((right, -posterior, left))
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
