"""What the links are worth on the data at hand: three controls, with nothing known of the truth.

- **time shift**: Squid's lines moved away from their connections. What then still links is chance.
- **without ports**: lines linked by the port Squid logged are linked again without it, and compared.
- **expected wrong**: how many links are wrong if confidence means what it says.

Clocks stay as they were found, and in the time shift everything else that was learned, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from egresslog.correlation.passes import Linked, Passes
from egresslog.linking.align import align_connections, slack
from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, Ints
from egresslog.schema import LINKS

_SHIFTS = (0.23, 0.38, 0.59, 0.74)  # of the time covered: none a simple fraction, as periods are
_TRIALS = len(_SHIFTS)
# A moved line is tried with every connection open around it, alone and in sums, and nothing settles it:
# where many are open at once, a trial looks at fewer lines, and for sums it does not search long.
WORK = 5_000  # open connections met by the lines of a trial
_PART, _FEWEST, _MOST = 1 / 64, 100, 5_000  # of the lines, whatever the work; and within these bounds
_EXACT = LINKS.index("exact")

_NOTHING = "no line was linked"
_NO_PORTS = "no line was linked by its client port"


@dataclass(frozen=True)
class Shift:
    """Lines moved by ``by`` us (those near the end: back by the rest of the time covered)."""

    by: int
    lines: int  # moved clear of every connection that could have carried them
    links: int  # of these, linked all the same


@dataclass(frozen=True)
class TimeShift:
    """``covered`` (us) is the time that both logs cover; ``reason`` says why nothing was shifted."""

    shifts: tuple[Shift, ...]
    covered: int
    reason: str | None = None

    @property
    def lines(self) -> int:
        """Lines moved, each shift counted."""
        return sum(shift.lines for shift in self.shifts)

    @property
    def links(self) -> int:
        """Links that formed all the same."""
        return sum(shift.links for shift in self.shifts)


@dataclass(frozen=True)
class WithoutPorts:
    """``lines`` linked by port; ``links`` made of them without it, ``right`` to the same connection."""

    lines: int = 0
    links: int = 0
    right: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class Expected:
    """``wrong``: the sum of 1 - confidence over the links made."""

    lines: int
    links: int
    wrong: float


@dataclass(frozen=True)
class Controls:
    """The three controls of one correlation."""

    time_shift: TimeShift
    without_ports: WithoutPorts
    expected: Expected


def controls(passes: Passes, linked: Linked, work: float = WORK) -> Controls:
    """The controls of links that ``passes`` gave; the order of the rows does not matter.

    ``work``: how many open connections the lines of a trial may meet, so that it stays cheap.
    """
    trial = _Trial(passes, linked, _on_reference(passes.connections, linked), work)
    return Controls(trial.time_shift(), trial.without_ports(), _expected(linked))


def _expected(linked: Linked) -> Expected:
    made = linked.links.connection >= 0
    return Expected(len(made), int(made.sum()), math.fsum(1.0 - linked.links.confidence[made]))


def _on_reference(connections: ConnectionColumns, linked: Linked) -> ConnectionColumns:
    return align_connections(connections, linked.links.clocks)


@dataclass(frozen=True)
class _Window:
    """A stretch of reference time, both ends (us) in it."""

    first: int
    last: int

    @property
    def span(self) -> int:
        return self.last - self.first + 1

    def holds(self, moments: Ints) -> NDArray[np.bool_]:
        return (moments >= self.first) & (moments <= self.last)

    def moved(self, moments: Ints, by: int) -> Ints:
        """Moments within, moved by so much, from the end on at the beginning."""
        return self.first + (moments - self.first + by) % self.span


@dataclass(frozen=True)
class _Trial:
    """A correlation under test; ``connections`` are on reference time, as the lines' moments are."""

    passes: Passes
    linked: Linked
    connections: ConnectionColumns
    work: float

    def time_shift(self) -> TimeShift:
        if not (self.linked.links.connection >= 0).any():
            return TimeShift((), 0, _NOTHING)
        window = self._covered()
        lines = np.flatnonzero(self._meeting() & window.holds(self._moment))
        shifts = tuple(self._shifted(lines, window, part) for part in range(len(_SHIFTS)))
        if not any(shift.lines for shift in shifts):
            return TimeShift((), max(window.span, 0), _short(window.span))
        return TimeShift(shifts, window.span)

    def without_ports(self) -> WithoutPorts:
        """The lines in the middle of the log; their rivals' ports are hidden, too."""
        exact, meeting = self.linked.links.link == _EXACT, self._meeting()
        every = np.flatnonzero(meeting)
        lines = every[_stretch(self._moment[every], 2 * self._size, 0.5)]
        if not exact[lines].any():
            return WithoutPorts(reason=_NO_PORTS)
        others = self._near(lines, self._moment[lines])
        some = self.passes.take(lines, others)
        hidden = replace(some.transactions, port=np.full(len(lines), MISSING))
        again = replace(some, transactions=hidden).link(self.linked.models, anew=True).links.connection
        tried = exact[lines]
        found = np.append(others, MISSING)[again][tried]
        right = found == self.linked.links.connection[lines][tried]
        return WithoutPorts(len(found), int((found >= 0).sum()), int(right.sum()))

    @property
    def _moment(self) -> Ints:
        return self.linked.links.moment

    @cached_property
    def _size(self) -> int:
        """Lines of a trial."""
        meeting = self._meeting()
        met = np.zeros(len(meeting), dtype=np.int64)
        for left, right in self.passes.groups:
            lines, others = np.flatnonzero(meeting & (left >= 0)), np.flatnonzero(right >= 0)
            open_ = self.connections.start[others], self.connections.end[others]
            met[lines] += _open((left[lines], right[others]), self._moment[lines], *open_)
        each = max(met.sum() / max(meeting.sum(), 1), 1.0)
        return int(min(max(self.work / each, meeting.sum() * _PART, _FEWEST), _MOST))

    def _meeting(self) -> NDArray[np.bool_]:
        """Lines that share a group with a connection in some pass."""
        met = [(left >= 0) & np.isin(left, right) for left, right in self.passes.groups]
        return np.asarray(np.any(met, axis=0) & (self._moment != MISSING_TIME))

    def _covered(self) -> _Window:
        """The time that both logs cover."""
        lines, others = self._moment[self._meeting()], self.connections
        known = others.start[others.start != MISSING_TIME]
        return _Window(int(max(lines.min(), known.min())), int(min(lines.max(), others.end.max())))

    def _shifted(self, lines: Ints, window: _Window, number: int) -> Shift:
        """One shift, tried on a stretch of the lines, with all connections where these come to lie."""
        by = int(_SHIFTS[number] * window.span)
        after = window.moved(self._moment[lines], by)
        here = _stretch(after, self._size, number / (_TRIALS - 1))
        lines, after = lines[here], after[here]
        moved = after - self._moment[lines]
        some = self.passes.take(lines, self._near(lines, after))
        brief = replace(some, settings=replace(some.settings, thorough=False))
        found = _moved(brief, moved).link(self.linked.models).links.connection >= 0
        clear = np.abs(moved) > self._reach[lines]
        return Shift(by, int(clear.sum()), int(found[clear].sum()))

    @cached_property
    def _reach(self) -> Ints:
        """How far (us) each line must be moved to be clear of whatever could have carried it."""
        lines, pairs, settings = self.passes.transactions, self.linked.links.pairs, self.passes.settings
        lasting = np.where(lines.start == MISSING_TIME, 0, lines.end - lines.start)
        others = self.connections.end - self.connections.start
        np.maximum.at(lasting, pairs.transaction, others[pairs.connection])
        return np.asarray(lasting + lines.resolution + settings.open_window_us + 2 * self._slack())

    def _slack(self) -> int:
        return max(self.passes.settings.lead_us, slack(self.linked.links.clocks))

    def _near(self, lines: Ints, moments: Ints) -> Ints:
        """The connections that lines at these moments could meet: open at some time among them."""
        if not len(lines):
            return np.zeros(0, dtype=np.int64)
        first = int(moments.min()) - self._slack()
        last = int((moments + self.passes.transactions.resolution[lines]).max()) + self._slack()
        return np.flatnonzero((self.connections.start <= last) & (self.connections.end >= first))


def _short(span: int) -> str:
    if span <= 0:
        return "the logs cover no moment in common"
    covered = f"the logs cover only {span / 1e6:,.1f} s in common"
    return f"{covered}, and no line can be moved clear of its connection"


def _moved(passes: Passes, by: Ints) -> Passes:
    """Each line moved by so many us, with its start and end."""
    lines = passes.transactions
    start = np.where(lines.start == MISSING_TIME, MISSING_TIME, lines.start + by)
    return replace(passes, transactions=replace(lines, start=start, end=lines.end + by))


def _open(keys: tuple[Ints, Ints], moments: Ints, start: Ints, end: Ints) -> Ints:
    """How many connections of its key are open at each line's moment."""
    times = np.unique(np.concatenate([moments, start, end]))
    mine, begun, ended = (
        key * len(times) + np.searchsorted(times, at)
        for key, at in zip((keys[0], keys[1], keys[1]), (moments, start, end), strict=True)
    )
    # Of keys before its own as many have ended as have begun.
    before = np.searchsorted(np.sort(ended), mine, "left")
    return np.asarray(np.searchsorted(np.sort(begun), mine, "right") - before)


def _stretch(moments: Ints, count: int, place: float) -> NDArray[np.bool_]:
    """``count`` rows that follow each other in time; those of one moment go together.

    ``place``: where the stretch is, from 0 at the beginning to 1 at the end.
    """
    count = min(count, len(moments))
    if not count:
        return np.zeros(len(moments), dtype=bool)
    ordered = np.sort(moments)
    begin = int(place * (len(moments) - count))
    return np.asarray((moments >= ordered[begin]) & (moments <= ordered[begin + count - 1]))
