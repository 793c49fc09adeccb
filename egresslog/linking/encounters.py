"""Which Squid instances and Envoy hosts meet, and what tells their clocks: lines and connections by key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.estimate import Match, window_of
from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, Ints, Track, TransactionColumns
from egresslog.linking.piles import Side
from egresslog.linking.tracks import STEADY, read

METHODS = ("port", "bytes")
_EARLY_US = 2_000
_FEW = 20
_AGREES = 0.9  # share of a host's connections that must meet a line, of what is usual among hosts
_RARE = 64  # keys of no more lines within reach say which clock is right, not chance


def met(transactions: TransactionColumns, connections: ConnectionColumns) -> dict[int, dict[int, int]]:
    """Per instance the hosts it shares groups with, and how many lines or connections at most tell."""
    known = transactions.group >= 0
    mine = _counted(transactions.group[known], transactions.instance[known])
    theirs = _counted(connections.group, connections.clock)
    by_group: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for group, host, count in theirs:
        by_group[group].append((host, count))
    found: dict[int, dict[int, int]] = {int(one): {} for one in np.unique(transactions.instance)}
    for group, instance, count in mine:
        hosts = found[instance]
        for host, others in by_group[group]:
            hosts[host] = hosts.get(host, 0) + min(count, others)
    return found


def _counted(group: Ints, owner: Ints) -> Iterator[tuple[int, int, int]]:
    both, counts = np.unique(np.stack([group, owner]), axis=1, return_counts=True)
    return zip(*both.tolist(), counts.tolist(), strict=True)


@dataclass(frozen=True)
class Encounter:
    """One instance and the connections it may meet, by one kind of key; times as each clock showed them."""

    instance: int
    method: str
    lines: Side
    others: Side
    hosts: Ints  # of the connections
    timed: bool
    window: int
    envoy: dict[int, Track] = field(default_factory=dict)

    def match(self, hosts: Collection[int]) -> Match:
        """Squid's clock against the given hosts, whose clocks are known or taken to be right."""
        rows = np.isin(self.hosts, list(hosts))
        others = self._right(_side_of(self.others, rows), self.hosts[rows])
        return Match(self.lines, others, False, self.timed, self.window)

    def match_host(self, host: int, squid: Track) -> Match:
        """A host's clock against Squid's, which is known."""
        others = _side_of(self.others, self.hosts == host)
        shared = np.zeros(int(max(self.lines.key.max(), self.others.key.max())) + 1, dtype=bool)
        shared[others.key] = True
        lines = _side_of(self.lines, shared[self.lines.key])
        lines = Side(lines.group, lines.key, read(squid, lines.time).first)
        return Match(lines, others, True, self.timed, self.window)

    def agreement(self, squid: Track, reach: int) -> Agreement:
        """Connections that meet a line where the clocks say, and those that could at another offset."""
        time = read(squid, self.lines.time).first
        right = self._right(self.others, self.hosts)
        low, high = (_EARLY_US, self.window) if self.timed else (self.window, _EARLY_US)
        near = window_join(right.key, right.time - low, right.time + high, self.lines.key, time).counts > 0
        far = window_join(right.key, right.time - reach, right.time + reach, self.lines.key, time).counts
        return Agreement(self.hosts, near, far > 0, far <= _RARE)

    def _right(self, others: Side, hosts: Ints) -> Side:
        time = others.time.copy()
        for host in set(self.envoy) & set(np.unique(hosts).tolist()):
            if self.envoy[host] != STEADY:
                rows = hosts == host
                time[rows] = read(self.envoy[host], time[rows]).first
        return Side(others.group, others.key, time)


@dataclass(frozen=True)
class Agreement:
    """Connections that meet a line, and those that could, by host."""

    hosts: Ints
    near: NDArray[np.bool_]
    possible: NDArray[np.bool_]
    rare: NDArray[np.bool_]  # of few lines of its key: meets one by chance hardly ever

    def is_against(self, host: int) -> bool:
        """The host's connections meet clearly fewer lines than is usual, or there are none to meet."""
        hits, possible = self.counts.get(host, (0, 0))
        return possible < _FEW or hits < _AGREES * self.usual * possible - 2 * possible**0.5

    @cached_property
    def usual(self) -> float:
        """The largest share of connections that meet a line, of the hosts with enough of them."""
        shares = [hits / possible for hits, possible in self.counts.values() if possible >= _FEW]
        return max(shares, default=0.0)

    @cached_property
    def counts(self) -> dict[int, tuple[int, int]]:
        """Of each host, (connections that meet a line, connections that could)."""
        hosts, which = np.unique(self.hosts, return_inverse=True)
        clear = np.bincount(which, self.possible & self.rare) >= _FEW
        counted = self.possible & (self.rare | ~clear[which])
        hits = np.bincount(which, self.near & counted).astype(int)
        possible = np.bincount(which, counted).astype(int)
        return dict(zip(hosts.tolist(), zip(hits.tolist(), possible.tolist(), strict=True), strict=True))


def encounters(
    instance: int, transactions: TransactionColumns, connections: ConnectionColumns, envoy: dict[int, Track]
) -> Iterator[Encounter]:
    """What tells the instance's clock: equal ports where they are logged, then equal sizes."""
    rows = np.flatnonzero((transactions.instance == instance) & (transactions.group >= 0))
    others = np.flatnonzero(np.isin(connections.group, np.unique(transactions.group[rows])))
    for method in METHODS:
        known = _timed(rows[_values(method, transactions)[rows] != MISSING], transactions)
        if len(known) and len(others):
            yield _encounter(instance, method, (known, others), (transactions, connections), envoy)


def _timed(rows: Ints, transactions: TransactionColumns) -> Ints:
    """The lines with a start, unless most have none."""
    begun = transactions.start[rows] != MISSING_TIME
    return rows[begun] if 2 * int(begun.sum()) >= len(rows) else rows


def _encounter(
    instance: int,
    method: str,
    rows: tuple[Ints, Ints],
    sides: tuple[TransactionColumns, ConnectionColumns],
    envoy: dict[int, Track],
) -> Encounter:
    """Both logs by their starts, or by their ends where a start is missing."""
    (mine, theirs), (transactions, connections) = rows, sides
    group, other_group = transactions.group[mine], connections.group[theirs]
    values = _values(method, transactions)[mine], _values(method, connections)[theirs]
    key, other_key = shared_keys((group, values[0]), (other_group, values[1]))
    group, other_group = shared_keys((group,), (other_group,))
    timed = bool((transactions.start[mine] != MISSING_TIME).all())
    time = (transactions.start if timed else transactions.end)[mine]
    other_time = (connections.start if timed else connections.end)[theirs]
    lines, others = Side(group, key, time), Side(other_group, other_key, other_time)
    window = window_of(int(transactions.resolution[mine].max()))
    return Encounter(instance, method, lines, others, connections.clock[theirs], timed, window, envoy)


def _values(method: str, side: TransactionColumns | ConnectionColumns) -> Ints:
    if method == "port":
        return side.port
    return side.bytes_down if isinstance(side, TransactionColumns) else side.bytes_sent


def _side_of(side: Side, rows: NDArray[np.bool_]) -> Side:
    return Side(side.group[rows], side.key[rows], side.time[rows])
