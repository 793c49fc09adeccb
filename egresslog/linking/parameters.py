"""Learn what true pairs look like from the log at hand: seeds first, then two rounds of refinement."""

from __future__ import annotations

import numpy as np

from egresslog.linking.candidates import Candidates
from egresslog.linking.evidence import EQUAL, UNKNOWN, Features, Parameters, weigh
from egresslog.linking.likelihood import Density, growing_edges, learn, lomax, two_sided_edges
from egresslog.linking.model import MISSING_TIME, ConnectionColumns, Floats, Ints

_ROUNDS = 2
_SURE = 0.5  # pairs with a higher posterior teach
_DOWN = np.array([0.90, 0.09, 0.01]) * 20  # prior counts: whole, part, more than Envoy saw
_UP = (np.array([0.05, 0.90, 0.05]) * 20, np.array([0.98, 0.01, 0.01]) * 20)
_ALONE = 0.1  # prior share of lines and of connections without counterpart
_ALONE_WEIGHT = 10.0
_ALONE_LEAST = 0.005  # logs are never taken to be more complete than this


def estimate(candidates: Candidates, connections: ConnectionColumns, features: Features) -> Parameters:
    """Parameters of the match, from unique pairs of equal size and then from likely pairs."""
    duration = connections.end - connections.start
    any_duration = learn(growing_edges(), lomax(growing_edges(), 1e5), duration)
    parameters = _learn(features, _seeds(candidates, features), any_duration, _ALONE, _ALONE)
    for _ in range(_ROUNDS):
        weight = np.sum(list(weigh(features, parameters).values()), axis=0)
        posterior = _mutual_posterior(candidates, weight + parameters.prior, len(connections))
        stray, silent = _alone(candidates.transaction, posterior), _alone(candidates.connection, posterior)
        sure = np.where(posterior > _SURE, posterior, 0.0)
        parameters = _learn(features, sure, any_duration, stray, silent)
    return parameters


def alone(unlinked: float, total: int) -> float:
    """Share of rows without counterpart, with a prior that fades as rows come."""
    share = (unlinked + _ALONE * _ALONE_WEIGHT) / (total + _ALONE_WEIGHT)
    return min(max(share, _ALONE_LEAST), 1.0 - _ALONE_LEAST)


def _mutual_posterior(candidates: Candidates, odds: Floats, connections: int) -> Floats:
    """Posterior of each pair from its row, discounted by its rivals for the connection."""
    left, right = candidates.transaction, candidates.connection
    odds = np.exp2(np.clip(odds, -60, 60))
    row = odds / (1.0 + np.bincount(left, odds))[left]
    return np.asarray(row / np.maximum(1.0, np.bincount(right, row, connections))[right])


def _alone(ends: Ints, posterior: Floats) -> float:
    """Share of the rows with candidates that none of them accounts for."""
    met = np.unique(ends)
    hits = np.minimum(np.bincount(ends, posterior)[met], 1.0).sum() if len(met) else 0.0
    return alone(len(met) - hits, len(met))


def _seeds(candidates: Candidates, features: Features) -> Floats:
    """1 for pairs of equal size that have no rival of equal size on either side."""
    equal = features.down.classes == EQUAL
    left, right = candidates.transaction[equal], candidates.connection[equal]
    alone = np.zeros(len(equal))
    if len(left):
        alone[equal] = (np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1)
    return alone


def _learn(features: Features, sure: Floats, duration: Density, stray: float, silent: float) -> Parameters:
    whole = features.whole
    up = [_shares(prior, features.up.classes, sure * (whole == side)) for side, prior in enumerate(_UP)]
    return Parameters(
        start=(_late(features, sure * ~whole, 0.5), _late(features, sure * whole, 0.02)),
        end=(_past(features, sure * ~whole, 0.5), _past(features, sure * whole, 0.2)),
        duration=duration,
        down=_shares(_DOWN, features.down.classes, sure * ~features.page.failed),
        up=(up[0], up[1]),
        stray=stray,
        silent=silent,
    )


def _shares(prior: Floats, classes: Ints, sure: Floats) -> Floats:
    counts = prior + np.bincount(classes, sure, UNKNOWN + 1)[:UNKNOWN]
    return np.asarray(counts / counts.sum())


def _late(features: Features, sure: Floats, later: float) -> Density:
    """Delay of the start: milliseconds when the line opens the connection, anything when later."""
    edges = two_sided_edges()
    opening = 0.97 * lomax(edges, 2_000.0) - 0.03 * lomax(-edges, 1_000.0)
    prior = (1.0 - later) * opening + later * lomax(edges, 1e6)
    known = features.late != MISSING_TIME
    return learn(edges, prior, features.late[known], sure[known])


def _past(features: Features, sure: Floats, early: float) -> Density:
    """Difference of the ends: near zero, or the line's any time earlier, rarely seconds later."""
    edges = two_sided_edges()
    near = 0.5 * lomax(edges, 500.0) - 0.5 * lomax(-edges, 500.0)
    prior = (0.99 - early) * near - early * lomax(-edges, 1e6) + 0.01 * lomax(edges, 1e6)
    fine = features.resolution <= 1_000
    return learn(edges, prior, features.past[fine], sure[fine])
