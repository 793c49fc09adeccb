"""What speaks for a candidate: one additive weight (log2 of match against chance) per kind of evidence.

Chance is a connection of the same group picked at random. So a rare size weighs much and a common
one little, and the start weighs the less the more connections begin at that time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.candidates import Candidates
from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.likelihood import Density
from egresslog.linking.model import (
    MISSING,
    MISSING_TIME,
    ConnectionColumns,
    Floats,
    Ints,
    TransactionColumns,
)

EQUAL, PART, OVER, UNKNOWN = range(4)  # a line's bytes against those of the whole connection
PAGE_BYTES = (256, 16_384)  # an error page that Squid sent but logged as 0 bytes
_PAGE_SHARE = 0.98
_RATE_US = 10_000_000  # connections within this time on both sides make the local rate
_POOLED = 10.0  # the whole log counts as this many connections of a group
_RAREST = 0.02  # a share among connections is never taken for less


@dataclass(frozen=True)
class Features:
    """What evidence looks at, one element per candidate pair; times in us."""

    late: Ints  # line's start after the connection's, MISSING_TIME when not known
    past: Ints  # line's end after the connection's: negative when the origin closed first
    resolution: Ints
    lasting: Ints  # connection's duration
    start_rate: Floats  # connections of the group beginning per us around the line
    end_rate: Floats  # and ending
    down: Ints  # EQUAL, PART, OVER or UNKNOWN
    up: Ints
    down_chance: Floats  # how likely a connection picked at random falls in the same class
    up_chance: Floats
    failed: NDArray[np.bool_]  # a failed CONNECT: its error page is not in its bytes
    page: NDArray[np.bool_]  # the connection's bytes would be such a page, or nothing
    page_chance: Floats
    port_share: Floats  # probability of equal ports of a true pair, nan when not logged
    port_equal: NDArray[np.bool_]
    port_chance: Floats

    @property
    def whole(self) -> NDArray[np.bool_]:
        """The line alone can make up the connection."""
        return np.asarray((self.down == EQUAL) | (self.failed & self.page) | (self.down == UNKNOWN))


@dataclass(frozen=True)
class Parameters:
    """What true pairs look like, index 1 where the line is the whole connection, 0 where a part of it."""

    start: tuple[Density, Density]
    end: tuple[Density, Density]
    duration: Density  # of any connection
    down: Floats  # probability of EQUAL, PART, OVER for a true pair
    up: tuple[Floats, Floats]
    stray: float  # share of lines that no known connection carried
    silent: float  # share of connections that no known line belongs to

    @property
    def prior(self) -> float:
        """Log2 odds of a link before any evidence: else line *and* connection would be alone."""
        return float(np.log2((1.0 - self.stray) / (self.stray * self.silent)))


def observe(
    transactions: TransactionColumns, connections: ConnectionColumns, candidates: Candidates
) -> Features:
    """Compute the features of every candidate pair."""
    left, right = candidates.transaction, candidates.connection
    start, end = transactions.start[left], transactions.end[left]
    timed = start != MISSING_TIME
    group, other_group = shared_keys((transactions.group,), (connections.group,))
    first = np.where(transactions.start == MISSING_TIME, transactions.end, transactions.start)
    down, up = transactions.bytes_down[left], transactions.bytes_up[left]
    sent, received = connections.bytes_sent[right], connections.bytes_received[right]
    sizes = Sizes(other_group, connections.bytes_sent)
    requests = Sizes(other_group, connections.bytes_received)
    failed = transactions.connect[left] & (transactions.status[left] >= 500) & (down == 0)
    groups, down_class, up_class = other_group[right], _classes(down, sent), _classes(up, received)
    return Features(
        late=np.where(timed, start - connections.start[right], MISSING_TIME),
        past=end - connections.end[right],
        resolution=transactions.resolution[left],
        lasting=connections.end[right] - connections.start[right],
        start_rate=rate(group, first, other_group, connections.start)[left],
        end_rate=rate(group, transactions.end, other_group, connections.end)[left],
        down=down_class,
        up=up_class,
        down_chance=sizes.chance(groups, down, down_class),
        up_chance=requests.chance(groups, up, up_class),
        failed=failed,
        page=(sent == 0) | ((sent >= PAGE_BYTES[0]) & (sent < PAGE_BYTES[1])),
        page_chance=sizes.between(groups, *PAGE_BYTES),
        port_share=candidates.port_share[left],
        port_equal=transactions.port[left] == connections.port[right],
        port_chance=Sizes(other_group, connections.port).equal(groups, connections.port[right]),
    )


def weigh(features: Features, parameters: Parameters) -> dict[str, Floats]:
    """The weight of each kind of evidence (log2) for every pair; ``share`` is still 0."""
    whole = features.whole
    return {
        "port": _port(features),
        "start": _start(features, parameters, whole),
        "end": _end(features, parameters, whole),
        "bytes_down": _down(features, parameters),
        "bytes_up": _up(features, parameters),
        "share": np.zeros(len(whole)),
    }


def _port(features: Features) -> Floats:
    share = features.port_share
    equal = np.log2(share / features.port_chance)
    other = np.log2(np.maximum(1.0 - share, 1e-3) / np.maximum(1.0 - features.port_chance, 1e-3))
    return np.where(np.isnan(share), 0.0, np.where(features.port_equal, equal, other))


def _start(features: Features, parameters: Parameters, whole: NDArray[np.bool_]) -> Floats:
    late = features.late
    density = np.where(whole, parameters.start[1](late), parameters.start[0](late))
    return np.where(late == MISSING_TIME, 0.0, density - np.log2(features.start_rate))


def _end(features: Features, parameters: Parameters, whole: NDArray[np.bool_]) -> Floats:
    """With a known start chance is a random duration; without, a random time of ending."""
    fine = features.resolution <= 1_000
    one, other = (
        np.where(fine, density(features.past), density.mean(features.past, features.resolution))
        for density in parameters.end
    )
    known = features.late != MISSING_TIME
    chance = np.where(known, parameters.duration(features.lasting), np.log2(features.end_rate))
    return np.asarray(np.where(whole, other, one) - chance)


def _down(features: Features, parameters: Parameters) -> Floats:
    odds = np.log2(np.append(parameters.down, 1.0)[features.down] / features.down_chance)
    in_page = np.log2(_PAGE_SHARE / features.page_chance)
    outside = np.log2((1 - _PAGE_SHARE) / np.maximum(1 - features.page_chance, _RAREST))
    failed = np.where(features.page, in_page, outside)
    return np.where(features.failed, failed, np.where(features.down == UNKNOWN, 0.0, odds))


def _up(features: Features, parameters: Parameters) -> Floats:
    table = np.array([np.append(row, 1.0) for row in parameters.up])
    odds = np.log2(table[features.whole.astype(np.int64), features.up] / features.up_chance)
    return np.where(features.up == UNKNOWN, 0.0, odds)


def _classes(part: Ints, total: Ints) -> Ints:
    found = np.where(part == total, EQUAL, np.where(part < total, PART, OVER))
    return np.where((part == MISSING) | (total == MISSING), UNKNOWN, found)


def rate(group: Ints, time: Ints, other_group: Ints, other_time: Ints) -> Floats:
    """Events of the group per us around each time."""
    counts = window_join(group, time - _RATE_US, time + _RATE_US, other_group, other_time).counts
    return np.asarray((counts + 0.5) / (2.0 * _RATE_US))


class Sizes:
    """How common a value is among the rows of a group."""

    def __init__(self, group: Ints, values: Ints) -> None:
        self._total = len(values)
        self._of_group = np.bincount(group, minlength=1)
        self._all = np.sort(values)
        self._codes = np.sort(self._code(group, values)) if len(values) else values

    def _code(self, group: Ints, values: Ints) -> Ints:
        rank = np.searchsorted(self._all, values, side="left")
        return np.asarray(group * (self._total + 1) + rank)

    def equal(self, group: Ints, values: Ints) -> Floats:
        """Chance that another row of the group has exactly this value (which one has)."""
        codes = self._code(group, values)
        own = np.searchsorted(self._codes, codes, "right") - np.searchsorted(self._codes, codes)
        everywhere = np.searchsorted(self._all, values, "right") - np.searchsorted(self._all, values)
        pooled = _POOLED * np.maximum(everywhere, 1) / max(self._total, 1)
        return np.asarray((np.maximum(own - 1, 0) + pooled) / (self._of_group[group] - 1 + _POOLED))

    def between(self, group: Ints, low: Ints | int, high: Ints | int) -> Floats:
        """Share of the group's connections with low <= value < high."""
        first = np.searchsorted(self._codes, self._code(group, np.asarray(low)))
        last = np.searchsorted(self._codes, self._code(group, np.asarray(high)))
        return np.asarray((last - first + _RAREST) / (self._of_group[group] + 1.0)).clip(_RAREST, 1.0)

    def chance(self, group: Ints, values: Ints, classes: Ints) -> Floats:
        """Chance of a random connection to stand to the value as ``classes`` says."""
        below = self.between(group, -1, values)
        above = np.clip(1.0 - below, _RAREST, 1.0)
        table = np.stack([self.equal(group, values), above, below, np.ones(len(values))])
        return np.asarray(table[classes, np.arange(len(values))])
