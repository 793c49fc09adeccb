"""Weighed pairs -> posteriors: single lines first, then lines that share a connection, then all at once."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.bundles import find_bundles
from egresslog.linking.candidates import Ports
from egresslog.linking.evidence import Parameters
from egresslog.linking.exchange import find_variants
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Floats, Ints
from egresslog.linking.parameters import alone
from egresslog.linking.pool import Pool
from egresslog.linking.sharing import Shared, Sharing
from egresslog.linking.ways import CROWDED, HOPELESS, Prices, Ways, Weighed, posteriors, prices_of

_ROUGH, _FINE = 64, 512  # states of a component kept while parameters are learned, and at the end
_LIKELY = 0.05  # bundles looked at for exchanges
_GROUP_WEIGHT = 100.0  # all groups together count as this many rows of each


@dataclass(frozen=True)
class Solution:
    """Every pair once with its posterior, sorted by (transaction, connection)."""

    pool: Pool
    posterior: Floats
    dropped: int  # pairs that no matching nearly as good as the best contains
    crowded: int  # lines with so many rivals that not all matchings were weighed


def solve(meeting: Meeting, ports: Ports, pool: Pool, parameters: Parameters) -> Solution:
    """Posteriors of the pairs in ``pool`` and of those that only lines together make likely."""
    pinned = pool.take(ports.survives[pool.transaction])
    singles = pool.take(~ports.survives[pool.transaction])
    odds = singles.weight + parameters.prior
    ways = Ways.single(singles.transaction, singles.connection, odds)
    prices = prices_of(ways, len(meeting.transactions), np.zeros(len(meeting.connections)))
    kept = prices.regret(ways) < HOPELESS
    dropped, singles = int((~kept).sum()), singles.take(kept)
    problem = _Problem(meeting, ports.share, parameters, singles, pinned, prices.owner)
    bundled, prior = problem.bundled_with_prior()
    return problem.conclude(bundled, prior, dropped)


@dataclass(frozen=True)
class _Problem:
    meeting: Meeting
    port_share: Floats
    parameters: Parameters
    singles: Pool
    pinned: Pool  # pairs of lines whose port decides: their rivals do not matter
    owner: Ints  # per connection: its line in the best matching of single lines, -1 for none

    @property
    def _alone(self) -> Ways:
        pool = self.singles
        return Ways.single(pool.transaction, pool.connection, pool.weight + self.parameters.prior)

    def bundled_with_prior(self) -> tuple[Shared, Floats]:
        """The bundles worth weighing, and per group the prior odds (log2) that all posteriors suggest."""
        sharing = Sharing.build(self.meeting, self.port_share)
        settled = self._settled()
        bundles = find_bundles(self.meeting, ~settled.lines, ~settled.connections)
        unsure = np.zeros(len(bundles.ways))
        found = sharing.weigh(bundles, self.parameters, bundles.ways, unsure)
        ways = self._alone.join(found.ways)
        start = self.meeting.connections.start
        posterior = posteriors(ways, start, np.zeros(len(start)), _ROUGH).posterior
        own = posterior[len(self.singles) :]
        prior, parameters = self._learned(ways, posterior)
        likely = found.ways.take(np.flatnonzero(own > _LIKELY))
        variants = find_variants(likely, self.meeting, np.flatnonzero(settled.lines))
        bundles = dataclasses.replace(bundles, ways=found.ways.join(variants))
        return sharing.weigh(bundles, parameters, found.ways, own), prior

    def _settled(self) -> _Settled:
        """Lines that make up the connection alone that they have in the best matching; and these."""
        pool = self.singles
        sure = pool.whole & (self.owner[pool.connection] == pool.transaction)
        lines, taken = (np.zeros(len(side), dtype=bool) for side in (self.meeting.met, self.owner))
        lines[pool.transaction[sure]] = lines[self.pinned.transaction] = True
        taken[pool.connection[sure]] = taken[self.pinned.connection] = True
        return _Settled(lines, taken)

    def _learned(self, ways: Ways, posterior: Floats) -> tuple[Floats, Parameters]:
        """How complete the logs proved to be: per group as prior odds, and overall."""
        lines, others = self.meeting.transactions, self.meeting.connections
        pinned = _apart(self.pinned, np.full(len(self.pinned), self.parameters.prior))
        linked = np.bincount(ways.lines, posterior[ways.number], len(lines)).astype(np.float64)
        linked += np.bincount(self.pinned.transaction, pinned, len(lines))
        used = np.bincount(ways.connection, posterior, len(others)).astype(np.float64)
        used += np.bincount(self.pinned.connection, pinned, len(others))
        group, other = self.meeting.group, self.meeting.other_group
        groups = int(max(group.max(initial=0), other.max(initial=0))) + 1
        met, open_ = self.meeting.met & np.isin(group, other), others.group >= 0
        stray, strays = _shares(group[met], 1.0 - np.minimum(linked[met], 1.0), groups)
        silent, silents = _shares(other[open_], 1.0 - np.minimum(used[open_], 1.0), groups)
        prior = np.log2((1.0 - stray) / (stray * silent))
        return prior, dataclasses.replace(self.parameters, stray=strays, silent=silents)

    def conclude(self, bundled: Shared, prior: Floats, dropped: int) -> Solution:
        """The posteriors of everything, with the prior (log2) of each group."""
        group, others = self.meeting.group, self.meeting.connections
        shift = (prior - self.parameters.prior)[self.meeting.other_group]
        ways, idle = self._alone.shifted(shift).join(bundled.met(shift)), bundled.unmet(shift)
        prices = prices_of(ways, len(group), idle)
        good = prices.regret(ways) < HOPELESS
        pairs = Pool.concatenate([self.singles, bundled.pairs]).take(good[ways.number])
        ways = ways.take(np.flatnonzero(good))
        weighed = posteriors(ways, others.start, idle, _FINE)
        lost = weighed.lost_of(ways, len(group))
        posterior = _of_lines(ways, weighed, prices, lost)
        apart = _apart(self.pinned, prior[group[self.pinned.transaction]])
        merged = Pool.concatenate([pairs, self.pinned]).merged(np.concatenate([posterior, apart]))
        return Solution(*merged, dropped + int((~good).sum()), int((lost > CROWDED).sum()))


@dataclass(frozen=True)
class _Settled:
    lines: NDArray[np.bool_]
    connections: NDArray[np.bool_]


def _of_lines(ways: Ways, weighed: Weighed, prices: Prices, lost: Floats) -> Floats:
    """Posterior of each line of each way.

    What was ``lost`` or left out is shared among the line's ways and none by the regret of each: that
    usually makes sure of less than there is.
    """
    lines, number = len(prices.line), ways.number
    share = np.exp2(-np.maximum(prices.regret(ways), 0.0))[number]
    total = np.exp2(-prices.line) + np.bincount(ways.lines, share, lines)
    share /= total[ways.lines]
    left_out = weighed.left_out[number]
    weighed_share = 1.0 - np.bincount(ways.lines, share * left_out, lines)[ways.lines]
    known = np.where(left_out, share, weighed_share * weighed.posterior[number])
    mine = lost[ways.lines]
    return np.asarray((1.0 - mine) * known + mine * share)


def _apart(pool: Pool, prior: Floats) -> Floats:
    """Posteriors of pairs whose lines do not compete for connections."""
    odds = np.exp2(np.clip(pool.weight + prior, -100.0, 100.0))
    total = np.bincount(pool.transaction, odds) if len(pool) else odds
    return np.asarray(odds / (1.0 + total[pool.transaction]))


def _shares(group: Ints, unlinked: Floats, groups: int) -> tuple[Floats, float]:
    """Per group the share of unlinked rows, drawn towards the share overall; and that share."""
    overall = alone(float(unlinked.sum()), len(group))
    counts = np.bincount(group, unlinked, groups) + _GROUP_WEIGHT * overall
    return np.asarray(counts / (np.bincount(group, minlength=groups) + _GROUP_WEIGHT)), overall
