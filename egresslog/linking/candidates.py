"""Which connections could have carried a transaction: pairs found by sorting, never by comparing all.

Times are already on Envoy's clock. A pair is a candidate when the line opens the connection (starts
soon after it), closes it (ends with it), has exactly its size, or shares its logged client port.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import Ranges, shared_keys, window_join
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import MISSING, Floats, Ints

_CLOSE_US = 10_000  # a line that ends its connection ends this near to it
_SURVIVES = 0.95  # share of equal ports from which on a different port excludes
_PRIOR_LINES = 10.0  # weight of the overall share of equal ports in a group's own


@dataclass(frozen=True)
class Ports:
    """Pairs of equal, logged port, and how far the client port can be trusted."""

    transaction: Ints
    connection: Ints
    share: Floats  # per line: probability that its connection has the same port; nan unknown

    @property
    def survives(self) -> NDArray[np.bool_]:
        """Per line: its client port is logged and reaches Squid unchanged."""
        return np.asarray(self.share >= _SURVIVES)

    def by_group(self, meeting: Meeting) -> dict[int, float]:
        """The share of each group that has any, by its number in ``meeting.transactions``."""
        known = np.flatnonzero(~np.isnan(self.share))
        groups, first = np.unique(meeting.transactions.group[known], return_index=True)
        return dict(zip(groups.tolist(), self.share[known[first]].tolist(), strict=True))

    def of(self, rows: Ints) -> tuple[Ints, Ints]:
        """The pairs of some lines."""
        low, high = (np.searchsorted(self.transaction, rows, side) for side in ("left", "right"))
        at, pair = Ranges(np.arange(len(self.transaction)), low, high).pairs()
        return rows[at], self.connection[pair]


def find_candidates(meeting: Meeting, ports: Ports, rows: Ints) -> tuple[Ints, Ints]:
    """All plausible pairs of some lines, by (line, connection).

    Of each kind at most ``max_candidates`` per line are taken, the nearest in time. A line whose port
    survives has only those of its port.
    """
    rest = rows[meeting.met[rows] & ~ports.survives[rows]]
    found = [ports.of(rows), _opened(meeting, rest), _closed(meeting, rest), _same_size(meeting, rest)]
    width = max(1, len(meeting.connections))
    codes = np.sort(np.concatenate([left * width + right for left, right in found]))
    codes = codes[np.diff(codes, prepend=-1) != 0]  # np.unique hashes, which takes ten times as long here
    return codes // width, codes % width


def _pairs(meeting: Meeting, rows: Ints, ranges: Ranges, known: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """The pairs of the ranges whose line begins within the connection's life."""
    at, right = ranges.keep(known).pairs()
    left = rows[at]
    inside = _begins_inside(meeting, left, right)
    return left[inside], right[inside]


def _begins_inside(meeting: Meeting, left: Ints, right: Ints) -> NDArray[np.bool_]:
    """The line begins within the connection's life, give or take the slack and its resolution.

    It may end later: Squid goes on connecting for seconds when the client has already gone.
    """
    first, slack = meeting.first[left], meeting.settings.lead_us
    after = first + meeting.coarse[left] >= meeting.connections.start[right] - slack
    return np.asarray(after & (first <= meeting.connections.end[right] + slack))


def _opened(meeting: Meeting, rows: Ints) -> tuple[Ints, Ints]:
    """Lines that start within the opening window of a connection."""
    settings, start = meeting.settings, meeting.first[rows]
    low, high = start - settings.open_window_us, start + settings.lead_us
    ranges = meeting.starts.window(meeting.group[rows], low, high)
    return _pairs(meeting, rows, ranges.nearest_last(settings.max_candidates), meeting.timed[rows])


def _closed(meeting: Meeting, rows: Ints) -> tuple[Ints, Ints]:
    """Lines that end with a connection and began within it."""
    end = meeting.transactions.end[rows]
    low, high = end - _CLOSE_US, end + _CLOSE_US + meeting.coarse[rows]
    ranges = meeting.ends.window(meeting.group[rows], low, high)
    nearest = ranges.nearest_middle(meeting.settings.max_candidates)
    return _pairs(meeting, rows, nearest, np.ones(len(rows), dtype=bool))


def _same_size(meeting: Meeting, rows: Ints) -> tuple[Ints, Ints]:
    """Lines of exactly the connection's size that lie within it, however late they start."""
    known = meeting.transactions.bytes_down[rows] != MISSING
    ranges = _of_same_size(meeting, rows).nearest_last(meeting.settings.max_candidates)
    return _pairs(meeting, rows, ranges, known)


def _of_same_size(meeting: Meeting, rows: Ints) -> Ranges:
    settings, first = meeting.settings, meeting.first[rows]
    latest = first + meeting.coarse[rows] + settings.lead_us
    return meeting.same_size.window(meeting.size_keys[0][rows], first - settings.idle_us, latest)


def find_ports(meeting: Meeting, shares: Mapping[int, float] | None = None) -> Ports:
    """Pairs of equal group and port whose times agree, and per line how likely ports are equal.

    Ports survive where most lines meet a connection of their port, or where pairs that size and
    start alone make certain have equal ports. Behind a source NAT neither holds. With ``shares``
    (``Ports.by_group``) it is not judged anew.
    """
    known = meeting.met & (meeting.transactions.port != MISSING)
    left, right = _same_port(meeting, np.flatnonzero(known))
    share = np.full(len(known), np.nan)
    if known.any():
        judged = _port_share(meeting, known, left) if shares is None else _told(meeting, shares)
        share[known] = judged[known]
    return Ports(left, right, share)


def _told(meeting: Meeting, shares: Mapping[int, float]) -> Floats:
    groups, at = np.unique(meeting.transactions.group, return_inverse=True)
    return np.array([shares.get(group, np.nan) for group in groups.tolist()])[at]


def _same_port(meeting: Meeting, rows: Ints) -> tuple[Ints, Ints]:
    transactions, connections, settings = meeting.transactions, meeting.connections, meeting.settings
    mine = meeting.group[rows], transactions.port[rows]
    key, other = shared_keys(mine, (meeting.other_group, connections.port))
    # The connection's end bounds it from below, its start from above; the end is the join's time.
    low = meeting.first[rows] - settings.lead_us
    far = np.full(len(rows), np.iinfo(np.int64).max)
    ranges = window_join(key, low, far, other, connections.end).nearest_first(settings.max_candidates)
    left, right = _pairs(meeting, rows, ranges, np.ones(len(rows), dtype=bool))
    order = np.lexsort((right, left))
    return left[order], right[order]


def _port_share(meeting: Meeting, known: NDArray[np.bool_], hit: Ints) -> Floats:
    hits = np.zeros(len(known), dtype=bool)
    hits[hit] = True
    # Without sure pairs only the lines of groups that have connections can tell.
    tried = known & np.isin(meeting.group, meeting.other_group)
    if hits[tried].sum() >= _SURVIVES * tried.sum():
        return np.ones(len(known))
    left, right = _sure_pairs(meeting, np.flatnonzero(known))
    equal = meeting.transactions.port[left] == meeting.connections.port[right]
    overall = (equal.sum() + 1.0) / (len(equal) + 1.0)
    groups = int(meeting.group.max()) + 1
    good = np.bincount(meeting.group[left], equal, groups) + _PRIOR_LINES * overall
    own = good / (np.bincount(meeting.group[left], minlength=groups) + _PRIOR_LINES)
    return np.asarray(own[meeting.group])


def _sure_pairs(meeting: Meeting, rows: Ints) -> tuple[Ints, Ints]:
    """Pairs of equal size and start that have no rival on either side."""
    known = meeting.transactions.bytes_down[rows] != MISSING
    ranges = _of_same_size(meeting, rows)
    left, right = _pairs(meeting, rows, ranges.nearest_last(2), known & (ranges.counts == 1))
    sure = np.bincount(right, minlength=len(meeting.connections))[right] == 1
    late = meeting.first[left] - meeting.connections.start[right]
    sure &= late <= meeting.settings.open_window_us
    return left[sure], right[sure]
