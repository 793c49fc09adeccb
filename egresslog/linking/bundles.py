"""Connections that carried several lines: 407 then 200, keep-alive requests, HTTP then CONNECT.

The lines of one connection follow each other and their bytes add up to its bytes exactly. Lines
that no connection of their size accounts for are tried in such sums, connection by connection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking import sums
from egresslog.linking.compiled import run
from egresslog.linking.join import Index
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Ints
from egresslog.linking.ways import Ways

_STEPS_EACH = 30  # of these, for each line looked at, as a rule
_STEPS = 40_000  # partial sums tried per connection before it is given up
_SOLUTIONS = 128  # more ways than this to make up one connection tell nothing
_POOL = 64  # leftover lines looked at per connection, the earliest
_PART = 4_096  # connections looked at together
_ROOM = 512  # lines kept for each of them


def find_bundles(
    meeting: Meeting, free_lines: NDArray[np.bool_], free_connections: NDArray[np.bool_]
) -> Ways:
    """Sets of two or more free lines whose bytes add up to those of a free connection; odds are 0.

    Lines without a start are left out: what cannot be put in order adds up too easily.
    """
    lines, others = meeting.transactions, meeting.connections
    usable = free_lines & meeting.timed & meeting.met & (lines.bytes_down > 0)
    pool = _Pool.build(meeting, np.flatnonzero(usable))
    rows = np.flatnonzero(free_connections & (others.bytes_sent > 0))
    found = [_sums(meeting, pool, rows[at : at + _PART]) for at in range(0, len(rows), _PART)]
    connection, size, line = (np.concatenate([np.empty(0, np.int64), *part]) for part in zip(
        *found, strict=True)) if found else [np.empty(0, np.int64)] * 3  # fmt: skip
    return Ways(connection, size, line, np.zeros(len(connection)))


@dataclass(frozen=True)
class _Pool:
    """Free lines by group and start."""

    lines: Ints
    index: Index
    start: Ints
    ready: Ints  # us, when the next line of its connection may start
    down: Ints
    up: Ints

    @classmethod
    def build(cls, meeting: Meeting, lines: Ints) -> _Pool:
        index = Index.build(meeting.group[lines], meeting.transactions.start[lines])
        lines, table = lines[index.order], meeting.transactions
        ready = table.end[lines] - 2 * table.resolution[lines]
        return cls(lines, index, table.start[lines], ready, table.bytes_down[lines], table.bytes_up[lines])


def _sums(meeting: Meeting, pool: _Pool, rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Connection and size of each sum, and the lines of all of them."""
    others, settings = meeting.connections, meeting.settings
    begins, ends = others.start[rows] - settings.lead_us, others.end[rows] + settings.lead_us
    within = pool.index.window(meeting.other_group[rows], begins, ends)
    low, high = within.low, np.minimum(within.high, within.low + _POOL)
    several = np.flatnonzero(high - low > 1)
    rows, low, high = rows[several], low[several], high[several]
    sizes, found, count = _room(len(rows) * _SOLUTIONS), _room(len(rows) * _ROOM), _room(len(rows))
    work, opens = int((high - low).sum()) * _STEPS_EACH, others.start[rows] + settings.open_window_us
    run(
        sums, "find_sums", work, low, high, opens,
        others.bytes_sent[rows], others.bytes_received[rows], pool.start, pool.ready, pool.down, pool.up,
        _STEPS, _SOLUTIONS, sizes, found, count,
    )  # fmt: skip
    sizes = sizes[: int(count.sum())]
    return np.repeat(rows, count), sizes, pool.lines[found[: int(sizes.sum())]]


def _room(length: int) -> Ints:
    return np.zeros(length, dtype=np.int64)
