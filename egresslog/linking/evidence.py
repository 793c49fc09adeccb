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
class Compared:
    """A line's bytes against those of the whole connection, one element per candidate pair."""

    classes: Ints  # EQUAL, PART, OVER or UNKNOWN
    chance: Floats  # how likely a connection picked at random falls in the same class


@dataclass(frozen=True)
class Pages:
    """Whether Squid's error page, which it does not log, can be all that the connection carried."""

    failed: NDArray[np.bool_]  # a failed CONNECT: its error page is not in its bytes
    fits: NDArray[np.bool_]  # the connection's bytes would be such a page, or nothing
    chance: Floats


@dataclass(frozen=True)
class Ports:
    """The client port of the line against that of the connection."""

    share: Floats  # probability of equal ports of a true pair, nan when not logged
    equal: NDArray[np.bool_]
    chance: Floats


@dataclass(frozen=True)
class Features:
    """What evidence looks at, one element per candidate pair; times in us."""

    late: Ints  # line's start after the connection's, MISSING_TIME when not known
    past: Ints  # line's end after the connection's: negative when the origin closed first
    resolution: Ints
    lasting: Ints  # connection's duration
    start_rate: Floats  # connections of the group beginning per us around the line
    end_rate: Floats  # and ending
    down: Compared
    up: Compared
    page: Pages
    port: Ports

    @property
    def whole(self) -> NDArray[np.bool_]:
        """The line alone can make up the connection."""
        classes = self.down.classes
        return np.asarray((classes == EQUAL) | (self.page.failed & self.page.fits) | (classes == UNKNOWN))


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
    start, end = transactions.start, transactions.end
    group, other_group = shared_keys((transactions.group,), (connections.group,))
    known, groups = start != MISSING_TIME, other_group[right]
    sizes, requests = (Sizes(other_group, of) for of in (connections.bytes_sent, connections.bytes_received))
    return Features(
        late=np.where(known[left], start[left] - connections.start[right], MISSING_TIME),
        past=end[left] - connections.end[right],
        resolution=transactions.resolution[left],
        lasting=connections.end[right] - connections.start[right],
        start_rate=rate(group, np.where(known, start, end), other_group, connections.start)[left],
        end_rate=rate(group, end, other_group, connections.end)[left],
        down=_compared(transactions.bytes_down[left], connections.bytes_sent[right], sizes, groups),
        up=_compared(transactions.bytes_up[left], connections.bytes_received[right], requests, groups),
        page=_pages(transactions, connections, candidates, sizes, groups),
        port=_ports(transactions, connections, candidates, other_group),
    )


def _compared(part: Ints, total: Ints, sizes: Sizes, groups: Ints) -> Compared:
    found = np.where(part == total, EQUAL, np.where(part < total, PART, OVER))
    classes = np.where((part == MISSING) | (total == MISSING), UNKNOWN, found)
    return Compared(classes, sizes.chance(groups, part, classes))


def _pages(
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    candidates: Candidates,
    sizes: Sizes,
    groups: Ints,
) -> Pages:
    failed = transactions.connect & (transactions.status >= 500) & (transactions.bytes_down == 0)
    sent = connections.bytes_sent[candidates.connection]
    fits = (sent == 0) | ((sent >= PAGE_BYTES[0]) & (sent < PAGE_BYTES[1]))
    return Pages(failed[candidates.transaction], fits, sizes.between(groups, *PAGE_BYTES))


def _ports(
    transactions: TransactionColumns, connections: ConnectionColumns, candidates: Candidates, group: Ints
) -> Ports:
    left, right = candidates.transaction, candidates.connection
    port = connections.port[right]
    chance = Sizes(group, connections.port).equal(group[right], port)
    return Ports(candidates.port_share[left], transactions.port[left] == port, chance)


def weigh(features: Features, parameters: Parameters) -> dict[str, Floats]:
    """The weight of each kind of evidence (log2) for every pair; ``share`` is still 0."""
    whole = features.whole
    return {
        "port": _port(features.port),
        "start": _start(features, parameters, whole),
        "end": _end(features, parameters, whole),
        "bytes_down": _down(features, parameters),
        "bytes_up": _up(features, parameters),
        "share": np.zeros(len(whole)),
    }


def _port(ports: Ports) -> Floats:
    equal = np.log2(ports.share / ports.chance)
    other = np.log2(np.maximum(1.0 - ports.share, 1e-3) / np.maximum(1.0 - ports.chance, 1e-3))
    return np.where(np.isnan(ports.share), 0.0, np.where(ports.equal, equal, other))


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
    down, page = features.down, features.page
    odds = np.log2(np.append(parameters.down, 1.0)[down.classes] / down.chance)
    in_page = np.log2(_PAGE_SHARE / page.chance)
    outside = np.log2((1 - _PAGE_SHARE) / np.maximum(1 - page.chance, _RAREST))
    failed = np.where(page.fits, in_page, outside)
    return np.where(page.failed, failed, np.where(down.classes == UNKNOWN, 0.0, odds))


def _up(features: Features, parameters: Parameters) -> Floats:
    up, table = features.up, np.array([np.append(row, 1.0) for row in parameters.up])
    odds = np.log2(table[features.whole.astype(np.int64), up.classes] / up.chance)
    return np.where(up.classes == UNKNOWN, 0.0, odds)


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
