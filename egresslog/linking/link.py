"""Link transactions to connections: clock, candidates, evidence, assignment, confidence."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.align import Aligned, align_both, slack
from egresslog.linking.assignment import Assignment, match, undominated
from egresslog.linking.candidates import find_candidates, port_survives
from egresslog.linking.clock import fit_clocks
from egresslog.linking.confidence import classify, posteriors
from egresslog.linking.evidence import observe, weigh
from egresslog.linking.model import (
    ClockFit,
    ConnectionColumns,
    Floats,
    Ints,
    Links,
    Pairs,
    Settings,
    TransactionColumns,
)
from egresslog.linking.parameters import alone, estimate
from egresslog.linking.placement import Sides, place_bundles
from egresslog.linking.pool import Pool

_GROUP_WEIGHT = 100.0  # all groups together count as this many rows of each
_Columns = TypeVar("_Columns", TransactionColumns, ConnectionColumns)


def link(
    transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings | None = None
) -> Links:
    """Link each transaction to the connection that carried it, or say how far that can be told.

    Times are us; the result does not depend on the order of the rows on either side.
    """
    lines, others = _canonical(transactions), _canonical(connections)
    links = _link(_take(transactions, lines), _take(connections, others), settings or Settings())
    return _restore(links, lines, others)


def _link(transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings) -> Links:
    clocks = fit_clocks(transactions, connections, settings)
    both = align_both(transactions, connections, clocks)
    settings = dataclasses.replace(settings, lead_us=max(settings.lead_us, slack(clocks)))
    aligned, connections = both.transactions, both.connections
    candidates = find_candidates(aligned, connections, settings)
    features = observe(aligned, connections, candidates)
    parameters = estimate(candidates, connections, features)
    pinned = port_survives(candidates)
    sides = Sides(aligned, connections, candidates.port_share, pinned, parameters, settings)
    weights = weigh(features, parameters)
    pool = Pool(candidates.transaction, candidates.connection, weights, features.whole)
    odds = pool.weight + parameters.prior
    kept = pool.take(undominated(pool.transaction, pool.connection, odds) | pinned[pool.transaction])
    final, assignment = place_bundles(kept, _assign(kept, sides), sides)
    pruned = int((final.find(pool.transaction, pool.connection) < 0).sum())
    return _conclude(final, assignment, sides, both, clocks, pruned)


def _assign(pool: Pool, sides: Sides) -> Ints:
    """The connection of each line: by its port where ports survive, else the best matching."""
    left, right, odds = pool.transaction, pool.connection, pool.weight + sides.parameters.prior
    free = ~sides.pinned[left]
    chosen = match(left[free], right[free], odds[free], len(sides.pinned))
    rows = np.flatnonzero(~free & (odds > 0))
    order = rows[np.lexsort((right[rows], -odds[rows], left[rows]))]
    best = order[np.diff(left[order], prepend=-1) != 0]
    chosen[left[best]] = right[best]
    return chosen


def _conclude(
    pool: Pool,
    assignment: Assignment,
    sides: Sides,
    both: Aligned,
    clocks: tuple[ClockFit, ...],
    pruned: int,
) -> Links:
    left, right, lines = pool.transaction, pool.connection, len(sides.transactions)
    odds = pool.weight + _prior(assignment, sides)[sides.transactions.group[left]]
    posterior, none = posteriors(left, right, odds, assignment, len(sides.connections))
    by_port = sides.pinned[left] & (sides.transactions.port[left] == sides.connections.port[right])
    verdict = classify(left, right, posterior, none, by_port, both.timeless)
    return Links(
        connection=verdict.connection,
        link=verdict.link,
        confidence=verdict.confidence,
        margin=verdict.margin,
        candidates=np.bincount(left, minlength=lines),
        none_posterior=none,
        pairs=Pairs(left, right, pool.weights, pool.weight, posterior),
        clocks=clocks,
        pruned=pruned,
        moment=both.moment,
        timeless=both.timeless,
    )


def _prior(assignment: Assignment, sides: Sides) -> Floats:
    """Per group, log2 odds of a link before evidence: how complete the logs proved to be."""
    group, other = sides.transactions.group, sides.connections.group
    groups = int(max(group.max(initial=0), other.max(initial=0))) + 1
    linked = assignment.connection >= 0
    met = np.isin(group, other) & (group >= 0)
    used = np.zeros(len(sides.connections), dtype=bool)
    used[assignment.connection[linked]] = True
    stray = _shares(group[met], ~linked[met], groups)
    silent = _shares(other[other >= 0], ~used[other >= 0], groups)
    return np.asarray(np.log2((1.0 - stray) / (stray * silent)))


def _shares(group: Ints, unlinked: NDArray[np.bool_], groups: int) -> Floats:
    """Per group the share of unlinked rows, drawn towards the share overall."""
    overall = alone(int(unlinked.sum()), len(group))
    counts = np.bincount(group, unlinked, groups) + _GROUP_WEIGHT * overall
    return np.asarray(counts / (np.bincount(group, minlength=groups) + _GROUP_WEIGHT))


def _canonical(columns: TransactionColumns | ConnectionColumns) -> Ints:
    """An order of the rows that depends on their content only."""
    values = [getattr(columns, field.name) for field in dataclasses.fields(columns)]
    return np.lexsort(values[::-1])


def _take(columns: _Columns, rows: Ints) -> _Columns:
    taken = {field.name: getattr(columns, field.name)[rows] for field in dataclasses.fields(columns)}
    return dataclasses.replace(columns, **taken)


def _restore(links: Links, lines: Ints, others: Ints) -> Links:
    """The links with rows numbered as the caller did."""
    back = np.argsort(lines)
    per_line = ("link", "confidence", "margin", "candidates", "none_posterior", "moment", "timeless")
    return dataclasses.replace(
        links,
        connection=np.append(others, -1)[links.connection][back],
        pairs=_renumbered(links.pairs, lines, others),
        **{column: getattr(links, column)[back] for column in per_line},
    )


def _renumbered(pairs: Pairs, lines: Ints, others: Ints) -> Pairs:
    left, right = lines[pairs.transaction], others[pairs.connection]
    order = np.lexsort((right, left))
    weights = {kind: values[order] for kind, values in pairs.weights.items()}
    return Pairs(left[order], right[order], weights, pairs.weight[order], pairs.posterior[order])
