"""Which reading of a time that a clock showed twice is right: the one at which the counterpart is met."""

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
    Track,
    TransactionColumns,
)
from egresslog.linking.tracks import Readings, read

_EARLY_US, _LATE_US = 20_000, 100_000  # a line starts so near to its connection
_SOON_US, _CLOSE_US = 8_000, 5_000  # and mostly so near; and so near it ends
_ALIKE_US = 100_000  # readings nearer than this are one
# What it counts to meet, at once, an equal size, and an equal port; to meet any of the group counts 1 or 2.
_KEYED, _PORTED = 3, 9
_SURE = 5  # others are met by chance too often

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class _Side:
    """Rows of either table; ``last`` says that it starts after its counterpart: a line does."""

    group: Ints
    port: Ints
    size: Ints
    start: Ints
    end: Ints
    last: bool

    def take(self, rows: Ints) -> _Side:
        start, end = self.start[rows], self.end[rows]
        return _Side(self.group[rows], self.port[rows], self.size[rows], start, end, self.last)


def of_lines(
    track: Track, rows: Ints, transactions: TransactionColumns, connections: ConnectionColumns
) -> tuple[Ints, Ints, Bools]:
    """Start and end of the rows on reference time, and of which it is not known."""
    mine = _lines(transactions).take(rows)
    begun = mine.start != MISSING_TIME
    first = read(track, np.where(begun, mine.start, mine.end))
    chosen, unsure = _chosen(first, mine, _connections(connections))
    moment = first.pick(chosen)
    finish = _after(read(track, mine.end), chosen)
    return np.where(begun, moment, MISSING_TIME), np.where(begun, finish, moment), unsure


def of_connections(
    track: Track, rows: Ints, connections: ConnectionColumns, transactions: TransactionColumns
) -> tuple[Ints, Ints]:
    """Start and end of the rows on reference time: Envoy's durations know no steps."""
    mine, lines = _connections(connections).take(rows), _lines(transactions)
    first = read(track, mine.start)
    chosen, _ = _chosen(first, mine, lines.take(np.flatnonzero(lines.start != MISSING_TIME)))
    moment = first.pick(chosen)
    return moment, mine.end + moment - mine.start


def _lines(columns: TransactionColumns) -> _Side:
    start, end = columns.start, columns.end
    return _Side(columns.group, columns.port, columns.bytes_down, start, end, last=True)


def _connections(columns: ConnectionColumns) -> _Side:
    start, end = columns.start, columns.end
    return _Side(columns.group, columns.port, columns.bytes_sent, start, end, last=False)


def _chosen(first: Readings, mine: _Side, others: _Side) -> tuple[Ints, Bools]:
    """The segment of each row's clearest meeting, the earliest of several; and where that is not known."""
    chosen, unsure = np.argmax(first.valid, axis=0), np.zeros(len(mine.group), dtype=bool)
    several = np.flatnonzero(_is_several(first))
    if len(several) and len(others.group):
        tiers = _tiers(first.times[:, several], mine.take(several), others)
        tiers = np.where(first.valid[:, several], tiers, -1)
        best = tiers.max(axis=0)
        chosen[several] = np.argmax(tiers, axis=0)
        unsure[several] = ((tiers == best).sum(axis=0) > 1) | (best < _SURE)
    return chosen, unsure


def _is_several(readings: Readings) -> Bools:
    limits = np.iinfo(np.int64)
    low = np.where(readings.valid, readings.times, limits.max).min(axis=0)
    high = np.where(readings.valid, readings.times, limits.min).max(axis=0)
    return np.asarray(high - low > _ALIKE_US)


def _after(last: Readings, chosen: Ints) -> Ints:
    """The end by the first segment that can show it, not before that of the start."""
    allowed = last.valid & (np.arange(len(last.valid))[:, None] >= chosen)
    late = np.where(allowed.any(axis=0), np.argmax(allowed, axis=0), np.argmax(last.valid, axis=0))
    return last.pick(late)


def _tiers(moments: Ints, mine: _Side, others: _Side) -> Ints:
    """Per segment and row, how clearly a counterpart is met at the segment's reading."""
    begun = mine.start != MISSING_TIME
    tiers = np.zeros(moments.shape, dtype=np.int64)
    for key, other, worth in _keys(mine, others):
        for number, moment in enumerate(moments):
            end = np.where(begun, moment + mine.end - mine.start, moment)
            rows = _Rows(key, moment, end, begun, mine.last)
            met = _met(rows, other, others, keyed=worth > 0)
            if mine.last and worth == _PORTED:
                met = np.maximum(met, _lasts(rows, other, others))
            clear = met > (0 if worth == _PORTED else 1)
            tiers[number] = np.maximum(tiers[number], met + worth * clear)
    return tiers


def _keys(mine: _Side, others: _Side) -> Iterator[tuple[Ints, Ints, int]]:
    """Keys of both sides and what they are worth; rows without a value get keys that meet nothing."""
    yield *shared_keys((mine.group,), (others.group,)), 0
    for one, other, worth in ((mine.size, others.size, _KEYED), (mine.port, others.port, _PORTED)):
        nowhere = np.where(one == MISSING, -2, one)
        yield *shared_keys((mine.group, nowhere), (others.group, other)), worth


@dataclass(frozen=True)
class _Rows:
    """Rows at one reading: keys and times, whether they have a start, and whether that is the later one."""

    key: Ints
    start: Ints
    end: Ints
    begun: Bools
    last: bool


def _met(rows: _Rows, other_key: Ints, others: _Side, *, keyed: bool) -> Ints:
    """How clearly counterparts are met: any of the group by start and by end, one of its key by both."""
    early, late = (_EARLY_US, _LATE_US) if keyed else (_CLOSE_US, _SOON_US)
    before, after = (late, early) if rows.last else (early, late)
    begins = window_join(rows.key, rows.start - before, rows.start + after, other_key, others.start)
    begins = begins.keep(rows.begun)
    ends = window_join(rows.key, rows.end - _CLOSE_US, rows.end + _CLOSE_US, other_key, others.end)
    by_end = (ends.counts > 0).astype(np.int64)
    if not keyed:
        return (begins.counts > 0) + by_end
    met = np.where(rows.begun, 0, 2 * by_end)
    left, right = begins.pairs()
    soon = np.abs(rows.start[left] - others.start[right]) <= _SOON_US
    closes = np.abs(rows.end[left] - others.end[right]) <= _CLOSE_US
    np.maximum.at(met, left, 1 + soon + (soon & closes))
    return met


def _lasts(rows: _Rows, other_key: Ints, others: _Side) -> Ints:
    """1 where the last connection of the key that began before the line still lasts."""
    far = np.full(len(rows.key), np.iinfo(np.int64).min // 2)
    near = window_join(rows.key, far, rows.start + _EARLY_US, other_key, others.start).nearest_last(1)
    left, right = near.pairs()
    found = np.zeros(len(rows.key), dtype=np.int64)
    found[left] = others.end[right] >= rows.start[left] - _EARLY_US
    return found
