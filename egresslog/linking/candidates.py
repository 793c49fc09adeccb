"""Which connections could have carried a transaction: pairs found by sorting, never by comparing all.

Times are already on Envoy's clock. A pair is a candidate when the line opens the connection (starts
soon after it), closes it (ends with it), has exactly its size, or shares its logged client port.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import (
    MISSING,
    MISSING_TIME,
    ConnectionColumns,
    Floats,
    Ints,
    Settings,
    TransactionColumns,
)

_CLOSE_US = 10_000  # a line that ends its connection ends this near to it
_SURVIVES = 0.95  # share of equal ports from which on a different port excludes
_PRIOR_LINES = 10.0  # weight of the overall share of equal ports in a group's own


@dataclass(frozen=True)
class Candidates:
    """Pairs sorted by (transaction, connection), and how far the client port can be trusted."""

    transaction: Ints
    connection: Ints
    port_share: Floats  # per transaction: probability that its connection has the same port; nan unknown

    def __len__(self) -> int:
        return len(self.transaction)


def find_candidates(
    transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings
) -> Candidates:
    """All plausible pairs of one group, at most ``max_candidates`` of each kind per transaction."""
    group, other_group = shared_keys((transactions.group,), (connections.group,))
    first = _first_seen(transactions)
    met = transactions.group >= 0
    inputs = _Inputs(transactions, connections, settings, group, other_group, first, met)
    by_port = _same_port(inputs)
    share = _port_share(inputs, by_port)
    rest = ~(share >= _SURVIVES)  # also where it is unknown
    found = [by_port]
    if rest.any():
        found += [_opened(inputs, rest), _closed(inputs, rest), _same_size(inputs, rest)]
    left, right = _unique_pairs(found, max(1, len(connections)))
    return Candidates(left, right, share)


def port_survives(candidates: Candidates) -> NDArray[np.bool_]:
    """Per transaction: its client port is logged and reaches Squid unchanged."""
    return np.asarray(candidates.port_share >= _SURVIVES)


@dataclass(frozen=True)
class _Inputs:
    transactions: TransactionColumns
    connections: ConnectionColumns
    settings: Settings
    group: Ints
    other_group: Ints
    first: Ints  # us, the earliest time known of each transaction
    met: NDArray[np.bool_]


def _first_seen(transactions: TransactionColumns) -> Ints:
    missing = transactions.start == MISSING_TIME
    return np.where(missing, transactions.end, transactions.start)


def _unique_pairs(found: list[tuple[Ints, Ints]], width: int) -> tuple[Ints, Ints]:
    codes = np.unique(np.concatenate([left * width + right for left, right in found]))
    return codes // width, codes % width


def _begins_inside(inputs: _Inputs, left: Ints, right: Ints) -> NDArray[np.bool_]:
    """The line begins within the connection's life, give or take the slack and its resolution.

    It may end later: Squid goes on connecting for seconds when the client has already gone.
    """
    first, slack = inputs.first[left], inputs.settings.lead_us
    after = first + _coarse(inputs.transactions)[left] >= inputs.connections.start[right] - slack
    return np.asarray(after & (first <= inputs.connections.end[right] + slack))


def _coarse(transactions: TransactionColumns) -> Ints:
    """What a printed time may lie before the true one (us), where it is more than a millisecond."""
    return np.where(transactions.resolution > 1_000, transactions.resolution, 0)


def _same_port(inputs: _Inputs) -> tuple[Ints, Ints]:
    """Pairs of equal group and port whose times agree."""
    transactions, connections, settings = inputs.transactions, inputs.connections, inputs.settings
    known = inputs.met & (transactions.port != MISSING)
    if not known.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    key, other = shared_keys((inputs.group, transactions.port), (inputs.other_group, connections.port))
    # The connection's end bounds it from below, its start from above; the end is the join's time.
    far = np.full(len(key), np.iinfo(np.int64).max)
    ranges = window_join(key, inputs.first - settings.lead_us, far, other, connections.end)
    left, right = ranges.keep(known).nearest_first(settings.max_candidates).pairs()
    inside = _begins_inside(inputs, left, right)
    return left[inside], right[inside]


def _opened(inputs: _Inputs, rest: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Lines that start within the opening window of a connection."""
    settings, start = inputs.settings, inputs.transactions.start
    known = rest & inputs.met & (start != MISSING_TIME)
    time = np.where(known, start, 0)
    ranges = window_join(
        inputs.group,
        time - settings.open_window_us,
        time + settings.lead_us,
        inputs.other_group,
        inputs.connections.start,
    )
    left, right = ranges.keep(known).nearest_last(settings.max_candidates).pairs()
    inside = _begins_inside(inputs, left, right)
    return left[inside], right[inside]


def _closed(inputs: _Inputs, rest: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Lines that end with a connection and began within it."""
    transactions, connections = inputs.transactions, inputs.connections
    end, coarse = transactions.end, _coarse(transactions)
    ranges = window_join(
        inputs.group, end - _CLOSE_US, end + _CLOSE_US + coarse, inputs.other_group, connections.end
    )
    left, right = ranges.keep(rest & inputs.met).nearest_first(inputs.settings.max_candidates).pairs()
    inside = _begins_inside(inputs, left, right)
    return left[inside], right[inside]


def _same_size(inputs: _Inputs, rest: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Lines of exactly the connection's size that lie within it, however late they start."""
    transactions, connections, settings = inputs.transactions, inputs.connections, inputs.settings
    known = rest & inputs.met & (transactions.bytes_down != MISSING)
    key, other = shared_keys(
        (inputs.group, transactions.bytes_down), (inputs.other_group, connections.bytes_sent)
    )
    latest = inputs.first + _coarse(transactions) + settings.lead_us
    ranges = window_join(key, inputs.first - settings.idle_us, latest, other, connections.start)
    left, right = ranges.keep(known).nearest_last(settings.max_candidates).pairs()
    inside = _begins_inside(inputs, left, right)
    return left[inside], right[inside]


def _port_share(inputs: _Inputs, by_port: tuple[Ints, Ints]) -> Floats:
    """Per transaction the probability that client and connection show one port; nan when not logged.

    Ports survive where most lines meet a connection of their port, or where pairs that size and
    start alone make certain have equal ports. Behind a source NAT neither holds.
    """
    transactions = inputs.transactions
    known = inputs.met & (transactions.port != MISSING)
    share = np.full(len(transactions), np.nan)
    if not known.any():
        return share
    hit = np.zeros(len(transactions), dtype=bool)
    hit[by_port[0]] = True
    # Without sure pairs only the lines of groups that have connections can tell.
    tried = known & np.isin(inputs.group, inputs.other_group)
    if hit[tried].sum() >= _SURVIVES * tried.sum():
        return np.where(known, 1.0, np.nan)
    left, right = _sure_pairs(inputs, known)
    equal = transactions.port[left] == inputs.connections.port[right]
    overall = (equal.sum() + 1.0) / (len(equal) + 1.0)
    groups = int(inputs.group.max()) + 1
    good = np.bincount(inputs.group[left], equal, groups) + _PRIOR_LINES * overall
    own = good / (np.bincount(inputs.group[left], minlength=groups) + _PRIOR_LINES)
    return np.where(known, own[inputs.group], np.nan)


def _sure_pairs(inputs: _Inputs, known: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Pairs of equal size and start that have no rival on either side."""
    left, right = _same_size(inputs, known)
    lines = np.bincount(left, minlength=len(inputs.group))
    others = np.bincount(right, minlength=len(inputs.other_group))
    sure = (lines[left] == 1) & (others[right] == 1)
    late = inputs.first[left] - inputs.connections.start[right]
    sure &= late <= inputs.settings.open_window_us
    return left[sure], right[sure]
