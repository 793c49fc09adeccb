"""Evidence that lines share a connection: how its first line starts, how its last one ends, and the sum.

A bundle is weighed as a whole: how its first line starts, how its last one ends, how soon the lines
follow each other, how telling the hit of the sum is, and that each line would be alone otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.bundles import USUAL_US, Bundles
from egresslog.linking.evidence import Parameters, observe, weigh
from egresslog.linking.join import Index
from egresslog.linking.likelihood import Density, growing_edges, learn, lomax
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Floats, Ints
from egresslog.linking.pool import Pool
from egresslog.linking.ways import Ways

_SURE_BITS = 14.0  # no sum proves more than this
_PRIOR_GAPS = 20.0  # so many gaps are taken to be as usual


@dataclass(frozen=True)
class Sharing:
    """What is known of lines that share a connection."""

    meeting: Meeting
    port_share: Floats  # per line
    lines: Index  # by group and start

    @classmethod
    def build(cls, meeting: Meeting, port_share: Floats) -> Sharing:
        return cls(meeting, port_share, Index.build(meeting.group, meeting.first))

    def weigh(self, bundles: Ways, parameters: Parameters, gap: Density) -> tuple[Ways, Pool]:
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

    def usual_gap(self, bundles: Ways, posterior: Floats) -> Density:
        """Time between the lines of one connection, learned from bundles as likely as ``posterior``."""
        number = bundles.number
        later = np.flatnonzero(np.diff(number, prepend=-1) == 0)
        edges, lines = growing_edges(), bundles.lines
        gaps = self._gaps(lines[later - 1], lines[later])
        return learn(edges, lomax(edges, USUAL_US), gaps, posterior[number[later]])

    def known(self, bundles: Bundles, likely: Ways, posterior: Floats) -> Floats:
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


def _gamma_below(shape: Ints, value: Floats) -> Floats:
    """Probability that so many exponential steps of mean 1 add up to less than ``value``."""
    finite = np.where(np.isfinite(value), value, 0.0)
    term, above = np.exp(-finite), np.zeros(len(value))
    for step in range(int(shape.max(initial=0))):
        above += np.where(step < shape, term, 0.0)
        term *= finite / (step + 1)
    return np.where(np.isfinite(value), 1.0 - above, 1.0)
