"""Learn what true pairs look like from the log at hand: seeds first, then two rounds of refinement."""

from __future__ import annotations

import numpy as np

from egresslog.linking.candidates import Ports, find_candidates
from egresslog.linking.evidence import EQUAL, KINDS, UNKNOWN, Features, Parameters, observe, weigh
from egresslog.linking.likelihood import Density, growing_edges, learn, learn_kinds, lomax, two_sided_edges
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import MISSING_TIME, Floats, Ints

_ROUNDS = 2
_SURE = 0.5  # pairs with a higher posterior teach
_RUNS, _LENGTH = 8, 4_096  # stretches of lines looked at, and how long
_DOWN = np.array([[0.90, 0.09, 0.01]]) * 20  # prior counts: whole, part, more than Envoy saw
_UP = np.array([[0.05, 0.90, 0.05], [0.98, 0.01, 0.01]]) * 20
_HOST = np.array([[0.98, 0.02]]) * 20
_ALONE = 0.1  # prior share of lines and of connections without counterpart
_ALONE_WEIGHT = 10.0
_ALONE_LEAST = 0.0005  # logs are never taken to be more complete than this


def estimate(meeting: Meeting, ports: Ports) -> Parameters:
    """Parameters of the match, from unique pairs of equal size and then from likely pairs.

    Where there are many lines, stretches of them all over the log teach.
    """
    left, right = find_candidates(meeting, ports, meeting.sample(_RUNS, _LENGTH))
    features = observe(meeting, left, right, ports.share)
    parameters = learned(meeting, features, _seeds(left, right, features), _ALONE, _ALONE)
    for _ in range(_ROUNDS):
        weight = np.sum(list(weigh(features, parameters).values()), axis=0)
        posterior = _mutual_posterior(left, right, weight + parameters.prior, len(meeting.connections))
        sure = np.where(posterior > _SURE, posterior, 0.0)
        parameters = learned(meeting, features, sure, _alone(left, posterior), _alone(right, posterior))
    return parameters


def alone(unlinked: float, total: int) -> float:
    """Share of rows without counterpart, with a prior that fades as rows come."""
    share = (unlinked + _ALONE * _ALONE_WEIGHT) / (total + _ALONE_WEIGHT)
    return min(max(share, _ALONE_LEAST), 1.0 - _ALONE_LEAST)


def learned(meeting: Meeting, features: Features, sure: Floats, stray: float, silent: float) -> Parameters:
    """The parameters that pairs teach; ``sure`` says how surely each is a true one (0 to 1)."""
    whole = features.whole
    duration = meeting.connections.end - meeting.connections.start
    up = [_shares(_UP[[side]], features.up.classes, sure * (whole == side)) for side in (0, 1)]
    return Parameters(
        start=_late(features, sure),
        end=_past(features, sure),
        duration=learn(growing_edges(), lomax(growing_edges(), 1e5), duration),
        down=_shares(_DOWN, features.down.classes, sure * ~features.page.failed, features.kind),
        up=np.concatenate(up),
        host=_shares(_HOST, features.host.classes, sure)[0],
        stray=stray,
        silent=silent,
    )


def _mutual_posterior(left: Ints, right: Ints, odds: Floats, connections: int) -> Floats:
    """Posterior of each pair from its row, discounted by its rivals for the connection."""
    odds = np.exp2(np.clip(odds, -60, 60))
    row = odds / (1.0 + np.bincount(left, odds))[left]
    return np.asarray(row / np.maximum(1.0, np.bincount(right, row, connections))[right])


def _alone(ends: Ints, posterior: Floats) -> float:
    """Share of the rows with candidates that none of them accounts for."""
    met = np.unique(ends)
    hits = np.minimum(np.bincount(ends, posterior)[met], 1.0).sum() if len(met) else 0.0
    return alone(len(met) - hits, len(met))


def _seeds(left: Ints, right: Ints, features: Features) -> Floats:
    """1 for pairs of equal size that have no rival of equal size on either side."""
    equal = features.down.classes == EQUAL
    left, right = left[equal], right[equal]
    alone = np.zeros(len(equal))
    if len(left):
        alone[equal] = (np.bincount(left)[left] == 1) & (np.bincount(right)[right] == 1)
    return alone


def _shares(prior: Floats, classes: Ints, sure: Floats, kinds: Ints | None = None) -> Floats:
    """Share of each class, a row for each kind of line, drawn towards the share over all kinds."""
    width, rows = prior.shape[1], 1 if kinds is None else KINDS
    known = classes != UNKNOWN
    at = classes[known] + (0 if kinds is None else kinds[known] * width)
    counts = np.bincount(at, sure[known], rows * width).reshape(rows, width)
    others = prior + counts.sum(axis=0) - counts
    drawn = counts + prior.sum() * others / others.sum(axis=1, keepdims=True)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _late(features: Features, sure: Floats) -> Density:
    """Delay of the start: milliseconds when the line opens the connection, anything when later."""
    edges, known = two_sided_edges(), features.late != MISSING_TIME
    opening = 0.97 * lomax(edges, 2_000.0) - 0.03 * lomax(-edges, 1_000.0)
    priors = [(1.0 - later) * opening + later * lomax(edges, 1e6) for later in (0.5, 0.02)]
    return _of_rows(edges, priors, features.late, sure * known, features)


def _past(features: Features, sure: Floats) -> Density:
    """Difference of the ends: near zero, or the line's any time earlier, rarely seconds later."""
    edges, fine = two_sided_edges(), features.resolution <= 1_000
    near = 0.5 * lomax(edges, 500.0) - 0.5 * lomax(-edges, 500.0)
    priors = [
        (0.99 - early) * near - early * lomax(-edges, 1e6) + 0.01 * lomax(edges, 1e6) for early in (0.5, 0.2)
    ]
    return _of_rows(edges, priors, features.past, sure * fine, features)


def _of_rows(edges: Floats, priors: list[Floats], values: Ints, sure: Floats, features: Features) -> Density:
    """A density per kind of line; rows alternate between parts and wholes of a connection."""
    log2 = np.empty((2 * KINDS, len(edges) - 1))
    for side, prior in enumerate(priors):
        mine = (features.whole == side) & (sure > 0)
        one = learn_kinds(edges, prior, values[mine], sure[mine], features.kind[mine], KINDS)
        log2[side::2] = one.log2
    return Density(edges, log2)
