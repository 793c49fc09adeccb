"""The jointly best assignment of lines to connections, one line per connection.

Odds are log2 against "not linked": a pair at or below 0 is never worth taking. Pairs fall into
components that are solved apart: tiny ones directly, the others by sparse minimum-cost matching.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import Floats, Ints

DOMINATED = 11.5  # bits (8 nats): how much better both ends must do elsewhere for a pair to be dropped
_DENSE = 40  # components up to this many lines are solved without scipy
_BATCH = 400  # lines of larger components solved in one call


@dataclass(frozen=True)
class Assignment:
    """Who has what: the state that posteriors are measured against."""

    connection: Ints  # per line, -1 for none
    pinned: NDArray[np.bool_]  # per line: placed by its port, rivals do not matter
    left_out: Floats  # per line: odds of other bundles that would leave it without connection
    shared: NDArray[np.bool_]  # per pair: only a bundle makes it
    moved: Floats  # per pair: odds of the other bundles that would make it


def undominated(left: Ints, right: Ints, odds: Floats) -> NDArray[np.bool_]:
    """Pairs worth keeping: at least one end has nothing better by ``DOMINATED`` bits, "none" included."""
    best_left = _best(left, odds)[left]
    best_right = _best(right, odds)[right]
    return np.asarray(odds > np.minimum(best_left, best_right) - DOMINATED)


def match(left: Ints, right: Ints, odds: Floats, lines: int) -> Ints:
    """The connection of each of ``lines`` lines, -1 for none, so that the sum of odds is largest."""
    chosen = np.full(lines, -1, dtype=np.int64)
    useful = np.flatnonzero(odds > 0)
    left, right, odds = left[useful], right[useful], odds[useful]
    component = _components(left, right)
    sizes = np.bincount(component)[component] if len(component) else component
    single = sizes == 1
    chosen[left[single]] = right[single]
    batch: list[Ints] = []
    for edges in _groups(component, ~single):
        rows = np.unique(left[edges])
        if len(rows) > _DENSE:
            batch.append(edges)
            if sum(map(len, batch)) > _BATCH:
                _solve_sparse(left, right, odds, np.concatenate(batch), chosen)
                batch = []
        else:
            _solve_dense(left[edges], right[edges], odds[edges], chosen)
    if batch:
        _solve_sparse(left, right, odds, np.concatenate(batch), chosen)
    return chosen


def _best(ends: Ints, odds: Floats) -> Floats:
    """The best odds at each end, 0 ("none") if there is nothing better."""
    best = np.zeros(int(ends.max()) + 1 if len(ends) else 0)
    np.maximum.at(best, ends, odds)
    return best


def _components(left: Ints, right: Ints) -> Ints:
    """Number of the connected component of each pair: the smallest label spreads until nothing changes."""
    if not len(left):
        return left
    label = np.unique(left, return_inverse=True)[1]
    right = np.unique(right, return_inverse=True)[1]
    rows, columns = label, right
    line = np.arange(len(rows))[: rows.max() + 1]
    while True:
        column = np.full(columns.max() + 1, len(line))
        np.minimum.at(column, columns, line[rows])
        lowest = line.copy()
        np.minimum.at(lowest, rows, column[columns])
        lowest = lowest[lowest]  # labels are line numbers: jump to the label of the label
        if np.array_equal(lowest, line):
            return np.asarray(line[rows])
        line = lowest


def _groups(component: Ints, wanted: NDArray[np.bool_]) -> list[Ints]:
    """The wanted pairs, as one array of pair numbers per component."""
    pairs = np.flatnonzero(wanted)
    order = pairs[np.argsort(component[pairs], kind="stable")]
    cuts = np.flatnonzero(np.diff(component[order])) + 1
    return [part for part in np.split(order, cuts) if len(part)]


def _solve_dense(left: Ints, right: Ints, odds: Floats, chosen: Ints) -> None:
    rows, row = np.unique(left, return_inverse=True)
    columns, column = np.unique(right, return_inverse=True)
    # Each line has a private column that means "none" and costs 0.
    cost = np.full((len(rows), len(columns) + len(rows)), np.inf)
    cost[row, column] = -odds
    cost[np.arange(len(rows)), len(columns) + np.arange(len(rows))] = 0.0
    found = _cheapest(cost)
    linked = found < len(columns)
    chosen[rows[linked]] = columns[found[linked]]


def _cheapest(cost: Floats) -> Ints:
    """The column of each row in the cheapest full assignment, by shortest augmenting paths."""
    rows, columns = cost.shape
    price, owner = np.zeros(columns), np.full(columns, -1)
    found = np.full(rows, -1)
    for start in range(rows):
        distance, via = np.full(columns, np.inf), np.full(columns, -1)
        done = np.zeros(columns, dtype=bool)
        row, reached, last = start, 0.0, -1
        while True:
            base = 0.0 if last < 0 else cost[row, last] - price[last]
            through = reached + cost[row] - price - base
            shorter = ~done & (through < distance)
            distance[shorter], via[shorter] = through[shorter], last
            last = int(np.argmin(np.where(done, np.inf, distance)))
            reached, done[last] = distance[last], True
            if owner[last] < 0:
                break
            row = owner[last]
        price[done] += distance[done] - reached
        while last >= 0:  # walk the path back to the row it started from
            previous = int(via[last])
            row = start if previous < 0 else owner[previous]
            owner[last], found[row], last = row, last, previous
    return found


def _solve_sparse(left: Ints, right: Ints, odds: Floats, edges: Ints, chosen: Ints) -> None:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, row = np.unique(left[edges], return_inverse=True)
    columns, column = np.unique(right[edges], return_inverse=True)
    # scipy takes 0 for "no edge", so every cost is moved up by the same amount.
    unlinked = 1.0 + odds[edges].max()
    private = np.arange(len(rows))
    costs = np.concatenate([unlinked - odds[edges], np.full(len(rows), unlinked)])
    at_row, at_column = np.concatenate([row, private]), np.concatenate([column, len(columns) + private])
    shape = (len(rows), len(columns) + len(rows))
    cost = csr_array((costs, (at_row, at_column)), shape=shape)
    at, found = min_weight_full_bipartite_matching(cost)
    linked = found < len(columns)
    chosen[rows[at[linked]]] = columns[found[linked]]
