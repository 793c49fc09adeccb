"""Connections that carried several lines: 407 then 200, keep-alive requests, HTTP then CONNECT.

The lines of one connection follow each other and their bytes add up to its bytes exactly. Lines
that the one-to-one assignment left over are tried in such sums, connection by connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import (
    MISSING,
    MISSING_TIME,
    ConnectionColumns,
    Ints,
    Settings,
    TransactionColumns,
)

_STEPS = 10_000  # partial sums tried per connection before it is given up
_SOLUTIONS = 16  # more ways than this to make up one connection tell nothing
_POOL = 64  # leftover lines looked at per connection, the earliest


@dataclass(frozen=True)
class Bundle:
    """Lines that together make up a connection, in order of time."""

    connection: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class _Free:
    """Lines and connections that are still to be explained (rows of the tables)."""

    lines: Ints
    rows: Ints
    line_key: Ints  # group, numbered the same on both sides
    row_key: Ints
    start: Ints  # us, of each line


def find_bundles(
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    free_lines: NDArray[np.bool_],
    free_connections: NDArray[np.bool_],
    settings: Settings,
) -> list[Bundle]:
    """Sets of two or more free lines whose bytes add up to those of a free connection.

    Twos are found by sorting; only connections without a two are searched for more. Lines without a
    start are left out: what cannot be put in order adds up too easily.
    """
    usable = (transactions.start != MISSING_TIME) & (transactions.group >= 0)
    lines = np.flatnonzero(free_lines & usable & (transactions.bytes_down > 0))
    rows = np.flatnonzero(free_connections & (connections.bytes_sent > 0))
    row_key, line_key = shared_keys((connections.group[rows],), (transactions.group[lines],))
    free = _Free(lines, rows, line_key, row_key, transactions.start[lines])
    twos = _twos(free, transactions, connections, settings)
    done = {bundle.connection for bundle in twos}
    return twos + _more(free, done, transactions, connections, settings)


def _twos(
    free: _Free, transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings
) -> list[Bundle]:
    """Bundles of a line that opens the connection and a later one that has exactly the rest."""
    start, down = connections.start[free.rows], transactions.bytes_down[free.lines]
    window = start - settings.lead_us, start + settings.open_window_us
    opening = window_join(free.row_key, *window, free.line_key, free.start)
    row, one = opening.nearest_first(settings.max_candidates).pairs()
    rest = connections.bytes_sent[free.rows[row]] - down[one]
    key, other = shared_keys((free.row_key[row], rest), (free.line_key, down))
    after = (transactions.end - 2 * transactions.resolution)[free.lines[one]]
    before = connections.end[free.rows[row]] + settings.lead_us
    pair, two = window_join(key, after, before, other, free.start).nearest_first(_SOLUTIONS).pairs()
    row, one = row[pair], one[pair]
    fits = (free.start[two] >= after[pair]) & (free.start[two] <= before[pair]) & (one != two)
    received = connections.bytes_received[free.rows[row]]
    up = transactions.bytes_up[free.lines]
    fits &= (
        (received == MISSING) | (up[one] == MISSING) | (up[two] == MISSING) | (up[one] + up[two] == received)
    )
    found = np.stack([free.rows[row], free.lines[one], free.lines[two]], axis=1)[fits]
    return [Bundle(row, (one, two)) for row, one, two in np.unique(found, axis=0).tolist()]


def _more(
    free: _Free,
    done: set[int],
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    settings: Settings,
) -> list[Bundle]:
    """Bundles of any size, by search in the free lines within each connection's life."""
    low, high = connections.start[free.rows] - settings.lead_us, connections.end[free.rows] + settings.lead_us
    ranges = window_join(free.row_key, low, high, free.line_key, free.start)
    found = []
    for row, start, stop in zip(free.rows.tolist(), ranges.low.tolist(), ranges.high.tolist(), strict=True):
        if stop - start > 1 and row not in done:
            pool = free.lines[ranges.order[start : min(stop, start + _POOL)]]
            found += _bundles_of(row, pool, transactions, connections, settings)
    return found


def _bundles_of(
    row: int,
    pool: Ints,
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    settings: Settings,
) -> list[Bundle]:
    pool = pool[transactions.bytes_down[pool] <= connections.bytes_sent[row]]
    up, received = transactions.bytes_up[pool], int(connections.bytes_received[row])
    search = _Search(
        start=transactions.start[pool].tolist(),
        end=(transactions.end[pool] - 2 * transactions.resolution[pool]).tolist(),
        opens_until=int(connections.start[row]) + settings.open_window_us,
        down=transactions.bytes_down[pool].tolist(),
        up=up.tolist() if received != MISSING and (up != MISSING).all() else None,
    )
    solutions = search.run(int(connections.bytes_sent[row]), received)
    return [Bundle(row, tuple(pool[list(picked)].tolist())) for picked in solutions]


@dataclass(frozen=True)
class _Search:
    """Depth-first search for sequences of lines (in order of time) with given sums of bytes."""

    start: list[int]
    end: list[int]
    opens_until: int  # the first line starts no later than this
    down: list[int]
    up: list[int] | None

    def run(self, down: int, up: int) -> list[tuple[int, ...]]:
        """Index tuples of all solutions; nothing when there are too many."""
        solutions: list[tuple[int, ...]] = []
        stack: list[tuple[tuple[int, ...], int, int]] = [((), down, up)]
        steps = 0
        while stack:
            picked, rest, rest_up = stack.pop()
            for index in self._next(picked, rest):
                steps += 1
                after = rest_up - self.up[index] if self.up is not None else 0
                if self.down[index] < rest and after >= 0:
                    stack.append(((*picked, index), rest - self.down[index], after))
                elif self.down[index] == rest and picked and after == 0:
                    solutions.append((*picked, index))
            if steps > _STEPS or len(solutions) > _SOLUTIONS:
                return []
        return solutions

    def _next(self, picked: tuple[int, ...], rest: int) -> Iterator[int]:
        """Lines that may follow: later than the last, not larger than the rest, enough after them."""
        begin, ready = (picked[-1] + 1, self.end[picked[-1]]) if picked else (0, MISSING_TIME)
        left = sum(self.down[begin:])
        for index in range(begin, len(self.down)):
            if left < rest:
                return
            left -= self.down[index]
            if not picked and self.start[index] > self.opens_until:
                return
            if self.down[index] <= rest and self.start[index] >= ready:
                yield index
