"""Evidence that lines share a connection: how its first line starts, how its last one ends, and the sum.

A bundle is weighed as a whole: how its first line starts, how its last one ends, how soon the lines
follow each other, how telling the hit of the sum is, and that each line would be alone otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.bundles import USUAL_US, Bundles
from egresslog.linking.evidence import Parameters, observe, weigh
from egresslog.linking.join import Index
from egresslog.linking.likelihood import Density, growing_edges, learn, lomax
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Floats, Ints
from egresslog.linking.pool import Pool
from egresslog.linking.ways import HOPELESS, Ways

_SURE_BITS = 14.0  # no sum proves more than this
_PRIOR_GAPS = 20.0  # so many gaps are taken to be as usual
_PART = 50_000  # bundles weighed together
_BEST = 64  # bundles of a connection that are kept; what the others are worth counts as not met
_TINY = 1e-9  # nothing is taken to be less probable


@dataclass(frozen=True)
class Shared:
    """Bundles with their odds, and what the search for them may have missed."""

    ways: Ways
    pairs: Pool  # one for each line of each way
    known: Floats  # per way: probability that the search met its connection's bundle, if it has one

    @classmethod
    def concatenate(cls, parts: list[Shared]) -> Shared:
        """All of some parts, at least one of them."""
        ways = parts[0].ways
        for part in parts[1:]:
            ways = ways.join(part.ways)
        known = np.concatenate([part.known for part in parts])
        return cls(ways, Pool.concatenate([part.pairs for part in parts]), known)

    def take(self, kept: NDArray[np.bool_]) -> Shared:
        """Those that are ``kept``."""
        pairs = self.pairs.take(kept[self.ways.number])
        return Shared(self.ways.take(np.flatnonzero(kept)), pairs, self.known[kept])

    def met(self, shift: Floats) -> Ways:
        """The ways, ``shift`` bits (per connection) likelier, with room for what the search did not meet."""
        ways = self.ways.shifted(shift)
        return replace(ways, odds=ways.odds + np.log2(np.maximum(self.known, _TINY)))

    def unmet(self, shift: Floats) -> Floats:
        """Odds (log2) of each connection for a bundle that the search did not meet, or for none."""
        ways = self.ways.shifted(shift)
        odds = ways.odds + np.log2(np.maximum(1.0 - self.known, _TINY))
        return _log2_sums(ways.connection, odds, len(shift))


@dataclass(frozen=True)
class Sharing:
    """What is known of lines that share a connection."""

    meeting: Meeting
    port_share: Floats  # per line
    lines: Index  # by group and start

    @classmethod
    def build(cls, meeting: Meeting, port_share: Floats) -> Sharing:
        return cls(meeting, port_share, Index.build(meeting.group, meeting.first))

    def weigh(self, bundles: Bundles, parameters: Parameters, likely: Ways, posterior: Floats) -> Shared:
        """The likeliest bundles of each connection, by what ``likely`` ones teach; some at a time."""
        gap, known = self._usual_gap(likely, posterior), self._known(bundles, likely, posterior)
        order = np.argsort(bundles.ways.connection, kind="stable")
        found = []
        for rows in _parts(order, bundles.ways.connection[order]):
            ways, pairs = self._weighed(bundles.ways.take(rows), parameters, gap)
            kept, share = _likeliest(ways)
            part = Shared(ways, pairs, known[rows] * share)
            found.append(part.take(kept & (ways.odds > -HOPELESS)))
        return Shared.concatenate(found) if found else Shared(bundles.ways, Pool.empty(), known)

    def _weighed(self, bundles: Ways, parameters: Parameters, gap: Density) -> tuple[Ways, Pool]:
        """The bundles with their odds, and a pair for each line of each bundle, in their order.

        Every pair has the bundle's weight, with ``share`` for what the other lines show. ``gap`` is
        the density (per us) of the time between two lines of one connection.
        """
        number, pairs = bundles.number, self._pairs(bundles, parameters)
        follows, own = np.diff(number, prepend=-1) == 0, pairs.weight
        total = np.bincount(number, own + self._following(bundles.lines, follows, gap), len(bundles))
        alone = (bundles.size - 1) * np.log2((1.0 - parameters.stray) / parameters.stray)
        total = total + self._sum_bits(bundles) + alone
        pairs.weights["share"] = total[number] - own
        odds = np.asarray(total + parameters.prior)
        return Ways(bundles.connection, bundles.size, bundles.lines, odds), pairs

    def _pairs(self, bundles: Ways, parameters: Parameters) -> Pool:
        """A start for the first line of each bundle, an end for the last."""
        number, left = bundles.number, bundles.lines
        right = bundles.connection[number]
        weights = weigh(observe(self.meeting, left, right, self.port_share), parameters)
        weights["start"] = np.where(np.diff(number, prepend=-1) != 0, weights["start"], 0.0)
        weights["end"] = np.where(np.diff(number, append=len(bundles)) != 0, weights["end"], 0.0)
        weights["bytes_down"] = weights["bytes_up"] = np.zeros(len(left))
        return Pool(left, right, weights, np.zeros(len(left), dtype=bool))

    def _following(self, lines: Ints, follows: np.typing.NDArray[np.bool_], gap: Density) -> Floats:
        """Evidence of each later line: it starts soon after the one before, against any line's start."""
        chance = np.log2(self.lines.rate(self.meeting.group[lines], self.meeting.first[lines]))
        return np.where(follows, gap(self._gaps(np.roll(lines, 1), lines)) - chance, 0.0)

    def _sum_bits(self, bundles: Ways) -> Floats:
        """What the hit of the sum is worth: how rare such a connection is, or the commonest of its lines.

        Another line of the same size would make up the sum as well, in place of one that was lost.
        """
        meeting, lines = self.meeting, bundles.lines
        sizes = meeting.connections.bytes_sent[bundles.connection]
        chance = meeting.sent.equal(meeting.other_group[bundles.connection], sizes)
        alike = meeting.counted.equal(meeting.group[lines], meeting.transactions.bytes_down[lines])
        np.maximum.at(chance, bundles.number, alike)
        return np.asarray(np.minimum(-np.log2(chance), _SURE_BITS))

    def _usual_gap(self, bundles: Ways, posterior: Floats) -> Density:
        """Time between the lines of one connection, learned from bundles as likely as ``posterior``."""
        number = bundles.number
        later = np.flatnonzero(np.diff(number, prepend=-1) == 0)
        edges, lines = growing_edges(), bundles.lines
        gaps = self._gaps(lines[later - 1], lines[later])
        return learn(edges, lomax(edges, USUAL_US), gaps, posterior[number[later]])

    def _known(self, bundles: Bundles, likely: Ways, posterior: Floats) -> Floats:
        """Per bundle the probability that the search met the true one of its connection, if it has one.

        Taken as usual, each pause stretches a bundle by an exponential step of the logarithm; how long
        these steps are is learned from bundles as ``likely`` as ``posterior``.
        """
        steps, number = self._steps(likely), likely.number
        total = np.bincount(number, steps, len(likely)) @ posterior + _PRIOR_GAPS
        usual = total / ((likely.size - 1) @ posterior + _PRIOR_GAPS)
        room = np.log(bundles.reach[bundles.ways.connection]) / usual
        return _gamma_below(bundles.ways.size - 1, room)

    def _steps(self, bundles: Ways) -> Floats:
        """Of each line by how much (natural logarithm) the pause before it stretches its bundle."""
        lines = bundles.lines
        follows = np.diff(bundles.number, prepend=-1) == 0
        return np.where(follows, np.log1p(self._gaps(np.roll(lines, 1), lines) / USUAL_US), 0.0)

    def _gaps(self, before: Ints, after: Ints) -> Ints:
        table = self.meeting.transactions
        return np.asarray(np.maximum(table.start[after] - table.end[before], 0))


def _parts(order: Ints, connection: Ints) -> Iterator[Ints]:
    """The order in parts of about ``_PART`` rows, no connection in two of them."""
    ends, begin = [*np.flatnonzero(np.diff(connection)) + 1, len(order)], 0
    while begin < len(order):
        end = int(ends[min(bisect_left(ends, begin + _PART), len(ends) - 1)])
        yield order[begin:end]
        begin = end


def _likeliest(ways: Ways) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each way is among the ``_BEST`` of its connection, and what share of all odds these have."""
    order = np.lexsort((-ways.odds, ways.connection))
    first = np.flatnonzero(np.diff(ways.connection[order], prepend=-1) != 0)
    number = np.cumsum(np.diff(ways.connection[order], prepend=-1) != 0) - 1
    rank, which = np.empty(len(ways), dtype=np.int64), np.empty(len(ways), dtype=np.int64)
    rank[order], which[order] = np.arange(len(ways)) - first[number], number
    odds = np.exp2(ways.odds - ways.odds[order[first]][which])  # against the best of the connection
    kept = rank < _BEST
    return kept, (np.bincount(which, odds * kept) / np.bincount(which, odds))[which]


def _log2_sums(rows: Ints, odds: Floats, many: int) -> Floats:
    """Per row log2 of 1 and all its odds together."""
    largest = np.zeros(many)
    np.maximum.at(largest, rows, odds)
    total = np.exp2(-largest) + np.bincount(rows, np.exp2(odds - largest[rows]), many)
    return np.asarray(largest + np.log2(total))


def _gamma_below(shape: Ints, value: Floats) -> Floats:
    """Probability that so many exponential steps of mean 1 add up to less than ``value``."""
    finite = np.where(np.isfinite(value), value, 0.0)
    term, above = np.exp(-finite), np.zeros(len(value))
    for step in range(int(shape.max(initial=0))):
        above += np.where(step < shape, term, 0.0)
        term *= finite / (step + 1)
    return np.where(np.isfinite(value), 1.0 - above, 1.0)
