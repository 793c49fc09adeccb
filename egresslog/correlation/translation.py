"""Source NAT, told from the data: do an address's lines fit connections that Envoys opened from others?

A line fits a connection of the same bytes that began as much earlier as the clocks differ. Connections
that a line of their own address explains are left out. How many lines fit by chance is measured where
the clocks cannot be: at all other shifts in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, Ints, TransactionColumns

MIN_BYTES = 100  # smaller sizes coincide by chance
FEWEST = 4  # lines that must fit, above chance
ABOVE_CHANCE = 8.0  # standard deviations
MIN_SHARE = 0.1  # of the lines that could fit: others may be behind the same address
FEWEST_OF_ONE = 10  # lines that must fit, half of all, where they fit connections of one pod only
_WINDOW_US = 250_000  # from a connection's start to its first line's
_LEAD_US = 20_000
_FAR_US = 2_000_000  # shifts farther away show chance
_MOST_PAIRS = 4_000_000

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sides:
    """Both sides, with numbers for the addresses: of Squid's clients, and of the Envoys' own."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    clients: Ints  # -1 where not logged
    locals: Ints  # numbered like clients; -1 where unknown
    reach: int  # us: largest clock offset looked for


class Suspect(NamedTuple):
    """Lines of one instance with one client address, and the connections that could be behind it."""

    lines: Ints
    others: Bools


@dataclass(frozen=True)
class Finding:
    """How many lines of a suspect could be tested, fit, and would fit by chance; of how many addresses."""

    tested: int
    fitting: int
    chance: float
    addresses: int

    @property
    def is_translated(self) -> bool:
        needed = FEWEST + self.chance + ABOVE_CHANCE * self.chance**0.5
        if self.fitting < max(needed, MIN_SHARE * self.tested):
            return False
        return self.addresses > 1 or self.fitting >= max(FEWEST_OF_ONE, self.tested / 2)


@dataclass(frozen=True)
class _Pairs:
    """Lines and connections of equal bytes: their rows, and line minus connection in us."""

    left: Ints
    right: Ints
    apart: Ints

    def keep(self, rows: Bools) -> _Pairs:
        return _Pairs(self.left[rows], self.right[rows], self.apart[rows])


def find_translated(sides: Sides, suspects: Mapping[str, list[Suspect]]) -> dict[str, list[Finding]]:
    """A finding per suspect; suspects and findings are listed by Squid instance."""
    if not any(suspects.values()):
        return {}
    free = np.ones(len(sides.connections), dtype=bool)
    offsets: dict[int, int | None] = {}
    for instance in np.unique(sides.transactions.instance):
        pairs = _pairs(sides, np.flatnonzero(sides.transactions.instance == instance), by_address=True)
        width = _width(sides, pairs.left)
        offsets[int(instance)] = start = _densest(pairs.apart, width)
        if start is not None:
            free[pairs.right[_within(pairs.apart, start, width)]] = False
    return {name: list(_judged(sides, some, free, offsets)) for name, some in suspects.items()}


def _judged(
    sides: Sides, suspects: list[Suspect], free: Bools, offsets: Mapping[int, int | None]
) -> Iterator[Finding]:
    """The suspects of one instance share its clock: where no plain line tells it, all of them do."""
    found = [_pairs(sides, suspect.lines) for suspect in suspects]
    found = [pairs.keep((free & s.others)[pairs.right]) for pairs, s in zip(found, suspects, strict=True)]
    together = np.concatenate([pairs.apart for pairs in found]) if found else np.empty(0, np.int64)
    rows = np.concatenate([suspect.lines for suspect in suspects]) if suspects else together
    width = _width(sides, rows)
    instances = sides.transactions.instance[rows[:1]].tolist()
    start = next((offsets[one] for one in instances), None)
    start = _densest(together, width) if start is None else start
    for suspect, pairs in zip(suspects, found, strict=True):
        yield _finding(sides, suspect, pairs, start, width)


def _finding(sides: Sides, suspect: Suspect, pairs: _Pairs, start: int | None, width: int) -> Finding:
    tested = int(_testable(sides, suspect.lines).sum())
    if start is None:
        return Finding(tested, 0, 0.0, 0)
    fit = pairs.keep(_within(pairs.apart, start, width))
    fitting = min(len(np.unique(fit.left)), len(np.unique(fit.right)))
    addresses = np.unique(sides.locals[fit.right])
    return Finding(tested, fitting, _chance(pairs.apart, start, width, sides.reach), len(addresses))


def _chance(apart: Ints, start: int, width: int, reach: int) -> float:
    """Pairs in a window of this width anywhere else, on average over where there are any."""
    elsewhere = apart[np.abs(apart - start) > _FAR_US + width]
    if not len(elsewhere):
        return 0.0
    span = min(2 * reach, int(np.ptp(elsewhere)))
    return float(len(elsewhere) * width / max(span, 4 * _FAR_US))


def _pairs(sides: Sides, rows: Ints, *, by_address: bool = False) -> _Pairs:
    """Pairs of equal bytes among these lines, and of equal address where asked for."""
    rows = rows[_testable(sides, rows)]
    lines, others = sides.transactions, sides.connections
    rows = rows[sides.clients[rows] != MISSING]
    hosts, other_hosts = sides.clients[rows], sides.locals
    if not by_address:
        hosts, other_hosts = np.zeros_like(hosts), np.zeros_like(other_hosts)
    key, other_key = shared_keys((hosts, lines.bytes_down[rows]), (other_hosts, others.bytes_sent))
    mine, theirs = _times(lines, rows), _others_times(sides, rows)
    ranges = window_join(key, mine - sides.reach, mine + sides.reach, other_key, theirs)
    order = np.argsort(ranges.counts, kind="stable")
    kept = np.zeros(len(rows), dtype=bool)
    kept[order] = np.cumsum(ranges.counts[order]) <= _MOST_PAIRS
    one, other = ranges.keep(kept).pairs()
    return _Pairs(rows[one], other, mine[one] - theirs[other])


def _testable(sides: Sides, rows: Ints) -> Bools:
    lines = sides.transactions
    return np.asarray((lines.bytes_down[rows] >= MIN_BYTES) & (lines.end[rows] != MISSING_TIME))


def _is_timed(lines: TransactionColumns, rows: Ints) -> bool:
    return bool((lines.start[rows] != MISSING_TIME).all())


def _times(lines: TransactionColumns, rows: Ints) -> Ints:
    return lines.start[rows] if _is_timed(lines, rows) else lines.end[rows]


def _others_times(sides: Sides, rows: Ints) -> Ints:
    """The connections' starts, or their ends where the lines have ends only; unknown ones are far off."""
    timed = _is_timed(sides.transactions, rows)
    return sides.connections.start if timed else sides.connections.end


def _width(sides: Sides, rows: Ints) -> int:
    coarse = int(sides.transactions.resolution[rows].max(initial=0))
    return _WINDOW_US + (coarse if coarse > 1_000 else 0)


def _densest(apart: Ints, width: int) -> int | None:
    """Where a window of this width holds most differences; None if it holds too few."""
    values = np.sort(apart)
    counts = np.searchsorted(values, values + width, side="right") - np.arange(len(values))
    best = int(np.argmax(counts)) if len(values) else -1
    return int(values[best]) if best >= 0 and counts[best] >= FEWEST else None


def _within(apart: Ints, start: int, width: int) -> Bools:
    return np.asarray((apart >= start - _LEAD_US) & (apart <= start + width))
