"""What speaks for a candidate: one additive weight (log2 of match against chance) per kind of evidence.

Chance is a connection of the same group picked at random. So a rare size weighs much and a common
one little, and the start weighs the less the more connections begin at that time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.likelihood import Density
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import MISSING, MISSING_TIME, Floats, Ints
from egresslog.linking.sizes import RAREST, Sizes

EQUAL, PART, OVER, UNKNOWN = range(4)  # a line's bytes against those of the whole connection
SAME, OTHER = range(2)  # the host that Squid was asked for against the one that Envoy was told
KINDS = 5  # of lines, see _kinds
PAGE_BYTES = (256, 16_384)  # an error page that Squid sent but logged as 0 bytes
_PAGE_SHARE = 0.98


@dataclass(frozen=True)
class Compared:
    """A value of the line against the connection's, one element per candidate pair."""

    classes: Ints
    chance: Floats  # how likely a connection picked at random falls in the same class


@dataclass(frozen=True)
class Pages:
    """Whether Squid's error page, which it does not log, can be all that the connection carried."""

    failed: NDArray[np.bool_]  # a failed CONNECT: its error page is not in its bytes
    fits: NDArray[np.bool_]  # the connection's bytes would be such a page, or nothing
    chance: Floats


@dataclass(frozen=True)
class EqualPorts:
    """The client port of the line against that of the connection."""

    share: Floats  # probability of equal ports of a true pair, nan when not logged
    equal: NDArray[np.bool_]
    chance: Floats


@dataclass(frozen=True)
class Features:
    """What evidence looks at, one element per candidate pair; times in us."""

    kind: Ints  # of the line
    late: Ints  # line's start after the connection's, MISSING_TIME when not known
    past: Ints  # line's end after the connection's: negative when the origin closed first
    resolution: Ints
    lasting: Ints  # connection's duration
    start_rate: Floats  # connections of the group beginning per us around the line
    end_rate: Floats  # and ending
    down: Compared
    up: Compared
    host: Compared
    page: Pages
    port: EqualPorts

    @property
    def whole(self) -> NDArray[np.bool_]:
        """The line alone can make up the connection."""
        classes = self.down.classes
        return np.asarray((classes == EQUAL) | (self.page.failed & self.page.fits) | (classes == UNKNOWN))

    @property
    def row(self) -> Ints:
        """The row of ``Parameters.start`` and ``end``: kind of line, and whether it is the whole."""
        return self.kind * 2 + self.whole


@dataclass(frozen=True)
class Parameters:
    """What true pairs look like; ``start`` and ``end`` have a row for each kind of line and ``whole``."""

    start: Density
    end: Density
    duration: Density  # of any connection
    down: Floats  # (KINDS, 3): probability of EQUAL, PART, OVER for a true pair
    up: Floats  # (2, 3): likewise, row 1 where the line is the whole connection
    host: Floats  # probability of SAME, OTHER
    stray: float  # share of lines that no known connection carried
    silent: float  # share of connections that no known line belongs to

    @property
    def prior(self) -> float:
        """Log2 odds of a link before any evidence: else line *and* connection would be alone."""
        return float(np.log2((1.0 - self.stray) / (self.stray * self.silent)))


def observe(meeting: Meeting, left: Ints, right: Ints, port_share: Floats) -> Features:
    """Compute the features of every candidate pair; ``port_share`` is per line, see ``Ports``."""
    lines, others = meeting.transactions, meeting.connections
    groups = meeting.other_group[right]
    late = lines.start[left] - others.start[right]
    return Features(
        kind=_kinds(meeting, left),
        late=np.where(meeting.timed[left], late, MISSING_TIME),
        past=lines.end[left] - others.end[right],
        resolution=lines.resolution[left],
        lasting=others.end[right] - others.start[right],
        start_rate=meeting.start_rate[left],
        end_rate=meeting.end_rate[left],
        down=_bytes(lines.bytes_down[left], others.bytes_sent[right], meeting.sent, groups),
        up=_bytes(lines.bytes_up[left], others.bytes_received[right], meeting.received, groups),
        host=_hosts(meeting, lines.host[left], others.host[right], groups),
        page=_pages(meeting, left, right, groups),
        port=_ports(meeting, left, right, groups, port_share),
    )


def _kinds(meeting: Meeting, left: Ints) -> Ints:
    """0 a tunnel, 1 refused (4xx), 2 failed (5xx CONNECT), 3 without request, 4 another request."""
    status, connect = meeting.transactions.status[left], meeting.transactions.connect[left]
    hundreds = np.maximum(status, 0) // 100
    cases = [status <= 0, hundreds == 4, connect & (hundreds == 5), connect]
    return np.asarray(np.select(cases, [np.int64(3), np.int64(1), np.int64(2), np.int64(0)], 4))


def _bytes(part: Ints, total: Ints, sizes: Sizes, groups: Ints) -> Compared:
    """A line's bytes against those of a connection: all of them, a part, or more than there are."""
    found = np.where(part == total, EQUAL, np.where(part < total, PART, OVER))
    classes = np.where((part == MISSING) | (total == MISSING), UNKNOWN, found)
    below = sizes.between(groups, -1, part)
    above = np.clip(1.0 - below, RAREST, 1.0)
    chances = np.stack([sizes.equal(groups, part), above, below, np.ones(len(part))])
    return Compared(classes, chances[classes, np.arange(len(part))])


def _hosts(meeting: Meeting, asked: Ints, told: Ints, groups: Ints) -> Compared:
    unknown = (asked == MISSING) | (told == MISSING)
    classes = np.where(unknown, UNKNOWN, np.where(asked == told, SAME, OTHER))
    if unknown.all():
        return Compared(classes, np.ones(len(classes)))
    same = meeting.hosts.equal(groups, asked)
    other = np.clip(1.0 - same, RAREST, 1.0)
    return Compared(classes, np.where(unknown, 1.0, np.where(asked == told, same, other)))


def _pages(meeting: Meeting, left: Ints, right: Ints, groups: Ints) -> Pages:
    lines, sent = meeting.transactions, meeting.connections.bytes_sent[right]
    failed = lines.connect & (lines.status >= 500) & (lines.bytes_down == 0)
    fits = (sent == 0) | ((sent >= PAGE_BYTES[0]) & (sent < PAGE_BYTES[1]))
    return Pages(failed[left], fits, meeting.sent.between(groups, *PAGE_BYTES))


def _ports(meeting: Meeting, left: Ints, right: Ints, groups: Ints, share: Floats) -> EqualPorts:
    port = meeting.connections.port[right]
    chance = meeting.ports.equal(groups, port)
    return EqualPorts(share[left], meeting.transactions.port[left] == port, chance)


def weigh(features: Features, parameters: Parameters) -> dict[str, Floats]:
    """The weight of each kind of evidence (log2) for every pair; ``share`` is still 0."""
    return {
        "port": _port(features.port),
        "start": _start(features, parameters),
        "end": _end(features, parameters),
        "bytes_down": _down(features, parameters),
        "bytes_up": _of_class(features.up, parameters.up[features.whole.astype(np.int64)]),
        "host": _of_class(features.host, np.broadcast_to(parameters.host, (len(features.kind), 2))),
        "share": np.zeros(len(features.kind)),
    }


def _port(ports: EqualPorts) -> Floats:
    if np.isnan(ports.share).all():
        return np.zeros(len(ports.share))
    equal = np.log2(ports.share / ports.chance)
    other = np.log2(np.maximum(1.0 - ports.share, 1e-3) / np.maximum(1.0 - ports.chance, 1e-3))
    return np.where(np.isnan(ports.share), 0.0, np.where(ports.equal, equal, other))


def _start(features: Features, parameters: Parameters) -> Floats:
    density = parameters.start(features.late, features.row)
    return np.where(features.late == MISSING_TIME, 0.0, density - np.log2(features.start_rate))


def _end(features: Features, parameters: Parameters) -> Floats:
    """With a known start chance is a random duration; without, a random time of ending."""
    fine, row = features.resolution <= 1_000, features.row
    density = parameters.end(features.past, row)
    if not fine.all():
        coarse = parameters.end.mean(features.past, features.resolution, row)
        density = np.where(fine, density, coarse)
    known = features.late != MISSING_TIME
    chance = np.where(known, parameters.duration(features.lasting), np.log2(features.end_rate))
    return np.asarray(density - chance)


def _down(features: Features, parameters: Parameters) -> Floats:
    page = features.page
    odds = _of_class(features.down, parameters.down[features.kind])
    in_page = np.log2(_PAGE_SHARE / page.chance)
    outside = np.log2((1 - _PAGE_SHARE) / np.maximum(1 - page.chance, RAREST))
    return np.where(page.failed, np.where(page.fits, in_page, outside), odds)


def _of_class(compared: Compared, shares: Floats) -> Floats:
    """Log2 of the share of the class among true pairs (``shares``: pairs x classes) against chance."""
    known = compared.classes != UNKNOWN
    column = np.where(known, compared.classes, 0)
    odds = np.log2(shares[np.arange(len(column)), column] / compared.chance)
    return np.where(known, odds, 0.0)
