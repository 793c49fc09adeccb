"""Of large logs only the lines around a moment: the same answer for one line, in a fraction of the time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from egresslog.files.slices import slice_of
from egresslog.files.sources import STDIN, Slice, Source
from egresslog.parse.timeline import Disordered, Timeline, timeline
from egresslog.report.human import size

SMALL = 8_000_000  # bytes: logs of less in all are read whole
_SECOND = 1_000_000
_MINUTES = 180 * _SECOND  # what one line needs: others like it to learn from, and tunnels that end later
_BRIEF = 10 * _SECOND  # no reach is cut below: clocks that keep time are nearer to each other
_TRIES = 4  # to find the stretch of time that holds no more than can be read
# Bytes on either side, by how many logs share the reach: a quiet log tells whose it is and what it covers.
_LEAST, _SHARE = (1 << 11, 1 << 14), 8


@dataclass(frozen=True)
class Reach:
    """How far from the moment to look (us), unless that is more than ``most`` bytes."""

    span: int
    most: int


@dataclass(frozen=True)
class Looked:
    """How much was read, of how much, between which times (us)."""

    read: int
    whole: int
    first: int
    last: int

    @property
    def span(self) -> int:
        """How far from the moment records were read (us)."""
        return (self.last - self.first) // 2

    def __str__(self) -> str:
        first, last = (datetime.fromtimestamp(at // _SECOND, UTC) for at in (self.first, self.last))
        until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
        times = f"{first:%Y-%m-%d %H:%M:%S} to {until} UTC"
        return f"looked at {size(self.read)} of {size(self.whole)}: records that ended {times}"


NEAR = Reach(_MINUTES, 1_400_000)


def far(max_offset: float, *, clock_known: bool) -> Reach:
    """As far as the clocks may be apart (``max_offset``, s); where they are known, no more than pays."""
    return Reach(_MINUTES + round(max_offset * _SECOND), 5_000_000 if clock_known else 30_000_000)


class Window:
    """The lines around a moment (us, by Squid) of every log that can be read in part; the others whole."""

    def __init__(self, moment: int) -> None:
        self.moment = moment
        self.offset = 0  # Squid's clock against Envoy's (us), as far as it is known
        self.looked: Looked | None = None  # None: everything was read
        self._timelines: dict[str, Timeline | None] = {}

    def narrowed(self, sources: Iterable[Source], reach: Reach) -> list[Source]:
        """The sources, those that are large and in order of time cut down to what is in reach."""
        sources, self.looked = list(sources), None
        sizes = {source.path: _size(source.path) for source in sources}
        whole = sum(sizes.values())
        if whole < SMALL:
            return sources
        lines = list(filter(None, map(self._timeline, sources)))
        span = self._span(lines, reach)
        least = min(max(_LEAST[0], reach.most // (_SHARE * max(1, len(lines)))), _LEAST[1])
        cut = [self._cut(source, span, least) for source in sources]
        read = sum(one.part.stop - one.part.start if one.part else sizes[one.path] for one in cut)
        if read < whole:
            self.looked = Looked(read, whole, self.moment - span, self.moment + span)
        return cut

    def _timeline(self, source: Source) -> Timeline | None:
        if source.path not in self._timelines:
            self._timelines[source.path] = timeline(source)
        return self._timelines[source.path]

    def _span(self, lines: list[Timeline], reach: Reach) -> int:
        """The reach, or as much of it as all logs together may hold."""
        span = reach.span
        for _ in range(_TRIES):
            held = sum(self._held(line, span) for line in lines)
            if held <= reach.most or span <= _BRIEF:
                break
            span = max(_BRIEF, span * reach.most // held)
        return span

    def _held(self, line: Timeline, span: int) -> int:
        """Bytes of the log within the span."""
        try:
            moment = self._moment(line)
            return line.after(moment + span) - line.position(moment - span)
        except Disordered:
            self._timelines[line.source.path] = None
            return 0

    def _moment(self, line: Timeline) -> int:
        return self.moment if "squid" in line.dialects else self.moment - self.offset

    def _cut(self, source: Source, span: int, least: int) -> Source:
        line = self._timeline(source)
        try:
            return source if line is None else replace(source, part=self._part(line, span, least))
        except Disordered:
            self._timelines[source.path] = None
            return source

    def _part(self, line: Timeline, span: int, least: int) -> Slice:
        moment = self._moment(line)
        start = min(line.position(moment - span), line.position(moment) - least)
        stop = max(line.after(moment + span), line.after(moment) + least)
        return slice_of(line.source.path, max(0, start), min(line.size, stop))


def _size(path: str) -> int:
    try:
        return os.path.getsize(path) if path != STDIN else 0
    except OSError:
        return 0
