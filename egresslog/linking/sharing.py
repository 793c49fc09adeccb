"""Evidence that lines share a connection, and the choice among bundles that exclude each other.

A bundle is weighed as a whole: how its first line starts, how its last one ends, how telling the
hit of the sum is, and that each of its lines would be alone otherwise.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.bundles import Bundle
from egresslog.linking.candidates import Candidates
from egresslog.linking.evidence import Parameters, Sizes, observe, rate, weigh
from egresslog.linking.join import shared_keys
from egresslog.linking.likelihood import Density, growing_edges, learn, lomax
from egresslog.linking.model import ConnectionColumns, Floats, Ints, TransactionColumns
from egresslog.linking.pool import Pool

_SURE_BITS = 14.0  # no sum proves more than this
_LEAST_BITS = -60.0
_GAP_US = 50_000.0  # median time between the lines of one connection


@dataclass(frozen=True)
class WeighedBundles:
    """Bundles with their odds (log2) against all of their lines and the connection being alone."""

    bundles: list[Bundle]
    odds: Floats
    number: Ints  # per pair: its bundle
    pairs: Pool  # a pair for each line of each bundle, in order of the bundles


@dataclass(frozen=True)
class Choice:
    """The bundles taken, and what the others weigh against them."""

    taken: list[int]
    left_out: dict[int, float]  # per line: odds of alternatives in which it has no connection
    moved: dict[tuple[int, int], float]  # per (line, connection): odds of alternatives that pair them


def weigh_bundles(
    bundles: list[Bundle],
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    port_share: Floats,
    parameters: Parameters,
    gap: Density,
) -> WeighedBundles:
    """Weigh each bundle; every pair has the bundle's weight, with ``share`` for what others show.

    ``gap`` is the density (per us) of the time between two lines of one connection.
    """
    sizes, number, pairs = _weighed(bundles, transactions, connections, port_share, parameters)
    own, follows = pairs.weight, np.diff(number, prepend=-1) == 0
    following = _following(pairs.transaction, follows, transactions, gap)
    alone = (sizes - 1) * np.log2((1.0 - parameters.stray) / parameters.stray)
    total = np.bincount(number, own + following, len(bundles)) + _sum_bits(bundles, connections) + alone
    pairs.weights["share"] = total[number] - own
    return WeighedBundles(bundles, np.asarray(total + parameters.prior), number, pairs)


def _weighed(
    bundles: list[Bundle],
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    port_share: Floats,
    parameters: Parameters,
) -> tuple[Ints, Ints, Pool]:
    """Lines per bundle, and a pair for each with its bundle: a start for the first, an end for the last."""
    sizes = np.array([len(bundle.lines) for bundle in bundles], dtype=np.int64)
    number = np.repeat(np.arange(len(bundles)), sizes)
    left = np.array([line for bundle in bundles for line in bundle.lines], dtype=np.int64)
    right = np.repeat(np.array([bundle.connection for bundle in bundles], dtype=np.int64), sizes)
    weights = weigh(observe(transactions, connections, Candidates(left, right, port_share)), parameters)
    weights["start"] = np.where(np.diff(number, prepend=-1) != 0, weights["start"], 0.0)
    weights["end"] = np.where(np.diff(number, append=len(bundles)) != 0, weights["end"], 0.0)
    weights["bytes_down"] = weights["bytes_up"] = np.zeros(len(left))
    return sizes, number, Pool(left, right, weights, np.zeros(len(left), dtype=bool))


def choose_bundles(weighed: WeighedBundles) -> Choice:
    """Take bundles best first, none sharing a line or a connection, and weigh the exchanges."""
    taken: list[int] = []
    used: set[tuple[str, int]] = set()
    for number in np.argsort(-weighed.odds, kind="stable").tolist():
        ends = _ends(weighed.bundles[number])
        if weighed.odds[number] > 0 and used.isdisjoint(ends):
            taken.append(number)
            used.update(ends)
    return _exchanges(weighed, taken)


def _ends(bundle: Bundle) -> list[tuple[str, int]]:
    return [("connection", bundle.connection), *(("line", line) for line in bundle.lines)]


def usual_gap(taken: Iterable[Bundle], transactions: TransactionColumns) -> Density:
    """Time between the lines of one connection, learned from the bundles taken."""
    pairs = [pair for bundle in taken for pair in itertools.pairwise(bundle.lines)]
    before, after = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    edges = growing_edges()
    return learn(edges, lomax(edges, _GAP_US), _gaps(before, after, transactions))


def _gaps(before: Ints, after: Ints, transactions: TransactionColumns) -> Ints:
    return np.asarray(np.maximum(transactions.start[after] - transactions.end[before], 0))


def _following(
    left: Ints, follows: NDArray[np.bool_], transactions: TransactionColumns, gap: Density
) -> Floats:
    """Evidence of each later line: it starts soon after the one before, against any line's start."""
    group, start = shared_keys((transactions.group,), (transactions.group,))[0], transactions.start
    chance = np.log2(rate(group[left], start[left], group, start))
    return np.where(follows, gap(_gaps(np.roll(left, 1), left, transactions)) - chance, 0.0)


def _sum_bits(bundles: list[Bundle], connections: ConnectionColumns) -> Floats:
    """What the hit of the sum is worth: how rare such a connection is in its group."""
    group = shared_keys((connections.group,), (connections.group,))[0]
    rows = np.array([bundle.connection for bundle in bundles], dtype=np.int64)
    chance = Sizes(group, connections.bytes_sent).equal(group[rows], connections.bytes_sent[rows])
    return np.asarray(np.minimum(-np.log2(chance), _SURE_BITS))


def _exchanges(weighed: WeighedBundles, taken: list[int]) -> Choice:
    """What each bundle not taken would do to those it excludes: they lose it all or fall back."""
    holder = {end: number for number in taken for end in _ends(weighed.bundles[number])}
    of_connection: dict[int, list[int]] = defaultdict(list)
    for number, bundle in enumerate(weighed.bundles):
        of_connection[bundle.connection].append(number)
    left_out: dict[int, float] = defaultdict(float)
    moved: dict[tuple[int, int], float] = defaultdict(float)
    for number in sorted(set(range(len(weighed.bundles))) - set(taken)):
        bundle = weighed.bundles[number]
        broken = sorted({holder[end] for end in _ends(bundle) if end in holder})
        gain, homeless = float(weighed.odds[number]), set[int]()
        for loser in broken:
            fallback = _fallback(weighed, of_connection[weighed.bundles[loser].connection], bundle)
            gain += (0.0 if fallback is None else float(weighed.odds[fallback])) - float(weighed.odds[loser])
            kept = () if fallback is None else weighed.bundles[fallback].lines
            homeless |= set(weighed.bundles[loser].lines) - set(kept) - set(bundle.lines)
        odds = 2.0 ** min(max(gain, _LEAST_BITS), 0.0)
        for line in sorted(homeless):
            left_out[line] += odds
        for line in bundle.lines:
            if holder.get(("line", line)) != holder.get(("connection", bundle.connection), -1):
                moved[line, bundle.connection] += odds
    return Choice(taken, dict(left_out), dict(moved))


def _fallback(weighed: WeighedBundles, numbers: Iterable[int], bundle: Bundle) -> int | None:
    """The best other way to make up a connection without the lines or the connection of ``bundle``."""
    lines = set(bundle.lines)
    possible = [
        number
        for number in numbers
        if weighed.bundles[number].connection != bundle.connection
        and weighed.odds[number] > 0
        and lines.isdisjoint(weighed.bundles[number].lines)
    ]
    return max(possible, key=lambda number: (float(weighed.odds[number]), -number), default=None)
