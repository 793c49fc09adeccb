"""Connections that carried several lines: 407 then 200, keep-alive requests, HTTP then CONNECT.

The lines of one connection follow each other and their bytes add up to its bytes exactly. Lines
that no connection of their size accounts for are tried in such sums, connection by connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from egresslog.linking import sums
from egresslog.linking.compiled import run
from egresslog.linking.join import Index
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Floats, Ints
from egresslog.linking.ways import Ways

_POOL = 1_024  # leftover lines looked at per connection, the earliest
_PART = 4_096  # connections looked at together
_ROOM = 4  # lines kept for each sum, on average
USUAL_US = 50_000.0  # median pause between the lines of a connection
_STRETCHES = (*(4.0**power for power in range(1, 16)), np.inf)


@dataclass(frozen=True)
class Bundles:
    """Sets of lines that add up to a connection, as ways whose odds are 0.

    ``reach`` is per connection how much pauses may stretch a sum that is sure to be among them (see
    sums.find_sums); infinite where all are.
    """

    ways: Ways
    reach: Floats


@dataclass(frozen=True)
class _Effort:
    """How far to look: ``steps`` and ``sums`` per connection, and how many steps it takes as a rule."""

    steps: int
    sums: int
    usual: int


_QUICK = _Effort(4_000, 64, 400)
_THOROUGH = _Effort(400_000, 1_024, 400_000)


def find_bundles(
    meeting: Meeting, free_lines: NDArray[np.bool_], free_connections: NDArray[np.bool_]
) -> Bundles:
    """Sets of two or more free lines whose bytes add up to those of a free connection.

    Lines without a start are left out: what cannot be put in order adds up too easily.
    """
    lines, others = meeting.transactions, meeting.connections
    usable = free_lines & meeting.timed & meeting.met & (lines.bytes_down > 0)
    pool = _Pool.build(meeting, np.flatnonzero(usable))
    rows = np.flatnonzero(free_connections & (others.bytes_sent > 0))
    reach = np.full(len(others), np.inf)
    ways = _search(meeting, pool, rows, _QUICK, reach)
    if not meeting.settings.thorough:
        return Bundles(ways, reach)
    open_ = rows[np.isfinite(reach[rows])]
    done = ways.take(np.flatnonzero(~np.isin(ways.connection, open_)))
    return Bundles(done.join(_search(meeting, pool, open_, _THOROUGH, reach)), reach)


def _search(meeting: Meeting, pool: _Pool, rows: Ints, effort: _Effort, reach: Floats) -> Ways:
    """The sums of some connections; sets their ``reach``."""
    parts = [rows[at : at + _PART] for at in range(0, len(rows), _PART)]
    found = [_sums(meeting, pool, part, effort, reach) for part in parts]
    nothing = [np.empty(0, np.int64)] * 3
    connection, size, line = (np.concatenate(part) for part in zip(nothing, *found, strict=True))
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

    @cached_property
    def tail(self) -> Ints:
        """The bytes down of each line and all after it."""
        return np.append(np.cumsum(self.down[::-1])[::-1], 0)

    @classmethod
    def build(cls, meeting: Meeting, lines: Ints) -> _Pool:
        index = Index.build(meeting.group[lines], meeting.transactions.start[lines])
        lines, table = lines[index.order], meeting.transactions
        ready = table.end[lines] - 2 * table.resolution[lines]
        return cls(lines, index, table.start[lines], ready, table.bytes_down[lines], table.bytes_up[lines])


def _sums(
    meeting: Meeting, pool: _Pool, rows: Ints, effort: _Effort, reach: Floats
) -> tuple[Ints, Ints, Ints]:
    """Connection and size of each sum, and the lines of all of them."""
    others, settings = meeting.connections, meeting.settings
    begins, ends = others.start[rows] - settings.lead_us, others.end[rows] + settings.lead_us
    within = pool.index.window(meeting.other_group[rows], begins, ends)
    low, high = within.low, np.minimum(within.high, within.low + _POOL)
    several = np.flatnonzero(high - low > 1)
    rows, low, high = rows[several], low[several], high[several]
    room, work = len(rows) * effort.sums, len(rows) * effort.usual
    sizes, found, count, level = _zeros(room), _zeros(room * _ROOM), _zeros(len(rows)), _zeros(len(rows))
    run(
        sums, "find_sums", work, low, high, others.start[rows], ends[several],
        others.bytes_sent[rows], others.bytes_received[rows], pool.start, pool.ready, pool.down, pool.up,
        pool.tail, settings.open_window_us, USUAL_US, np.array(_STRETCHES), effort.steps, effort.sums,
        sizes, found, count, level,
    )  # fmt: skip
    reach[rows] = np.array([*_STRETCHES, np.inf, 1.0])[level]
    reach[rows[within.high[several] > high]] = 1.0  # not all leftover lines were looked at
    sizes = sizes[: int(count.sum())]
    return np.repeat(rows, count), sizes, pool.lines[found[: int(sizes.sum())]]


def _zeros(length: int) -> Ints:
    return np.zeros(length, dtype=np.int64)
