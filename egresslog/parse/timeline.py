"""Where in a large log a moment is: found by looking at a few places, not by reading.

Both proxies write a record when it ends, so a log is in order of the ends. Where the places looked
at are not in that order (a log put together of several), the log has no timeline.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, pairwise

from egresslog.files.slices import Plain, line_start, plain
from egresslog.files.sources import Slice, Source, stands_beside_logs
from egresslog.formats.presets import PRESETS
from egresslog.parse.content import FileContent
from egresslog.parse.reader import read_file
from egresslog.parse.whole import kubernetes, may_be_whole

LEAST = 1 << 17  # smaller files are read whole
_LOOK = 1 << 11  # bytes read to find a record
_FAR = 1 << 18  # farther apart, records are taken for missing
_FINE = 1 << 13  # bytes: how closely a moment is placed
_PLACES = 8  # looked at to begin with; half of them in a log below
_LARGE = 1 << 26
_DISORDER = 10_000_000  # us: records of several threads or hosts are out of order by less


class Disordered(Exception):
    """The places looked at are not in order of time."""


class Timeline:
    """The ends of a log's records (us) by byte offset, as far as they have been looked at."""

    def __init__(self, source: Source, file: Plain) -> None:
        self.source, self.size = source, file.size
        self.seen: list[tuple[int, int]] = []  # (offset, end of the record that begins there or behind)
        self.looked: dict[int, int | None] = {}
        self.dialects: set[str] = set()  # of the records met
        places = _PLACES if self.size > _LARGE else _PLACES // 2
        for place in range(places):
            self.look(self.size * place // places)
        self.look(max(0, self.size - _LOOK))

    def look(self, offset: int) -> int | None:
        """The end of the first record behind ``offset``; None where none is near. Raises Disordered."""
        start = line_start(self.source.path, offset)
        if start not in self.looked:
            self.looked[start] = self._end_at(start)
        end = self.looked[start]
        if end is not None and (start, end) not in self.seen:
            insort(self.seen, (start, end))
            self._check((start, end))
        return end

    def position(self, moment: int) -> int:
        """An offset before the first record that ends at or after the moment, closely. Raises Disordered."""
        low, high = self._between(moment)
        halve = False
        while high - low > _FINE:
            guess = (low + high) // 2 if halve else self._guess(moment, low, high)
            end = self.look(guess)
            low, high = (guess, high) if end is not None and end < moment else (low, guess)
            halve = not halve
        return low

    def after(self, moment: int) -> int:
        """An offset behind the last record that ends before the moment, closely. Raises Disordered."""
        return min(self.size, self.position(moment) + _FINE)

    def _between(self, moment: int) -> tuple[int, int]:
        """The nearest offsets looked at: a record before the moment, and one at or after it."""
        place = bisect_left(list(accumulate((end for _, end in self.seen), max)), moment)
        low = self.seen[place - 1][0] if place else 0
        return low, self.seen[place][0] if place < len(self.seen) else self.size

    def _guess(self, moment: int, low: int, high: int) -> int:
        """Between two offsets, in proportion to the time that has gone by."""
        known = dict(self.seen)
        first, last = known.get(low), known.get(high)
        if first is None or last is None or last <= first:
            return (low + high) // 2
        share = min(0.95, max(0.05, (moment - first) / (last - first)))
        return low + round(share * (high - low))

    def _check(self, one: tuple[int, int]) -> None:
        place = self.seen.index(one)
        near = self.seen[max(0, place - 1) : place + 2]
        if any(later < earlier - _DISORDER for (_, earlier), (_, later) in pairwise(near)):
            raise Disordered

    def _end_at(self, start: int) -> int | None:
        """The end of the first record of some lines, the more of them the fewer are records."""
        length = _LOOK
        while length <= _FAR:
            stop = line_start(self.source.path, min(self.size, start + length))
            ends = [end for _, end in self.records(Slice(start, stop))]
            if ends:
                if any(later < earlier - _DISORDER for earlier, later in pairwise(ends)):
                    raise Disordered
                return ends[0]
            if stop >= self.size:
                break
            length *= 4
        return None

    def records(self, part: Slice) -> Iterator[tuple[int, int]]:
        """Line and end of a part's records, in file order."""
        content = read_file(replace(self.source, part=part, found=False))
        self._learn(content)
        self.dialects.update(content.records)
        rows = sorted((row for rows in content.records.values() for row in rows), key=lambda row: row["line"])
        return ((row["line"], row["end"]) for row in rows if row["end"] is not None)

    def _learn(self, content: FileContent) -> None:
        """Formats found once are tried first from then on."""
        if self.source.formats or not content.report.formats:
            return
        found = [p.format for p in PRESETS.values() if p.format.name in content.report.formats]
        self.source = replace(self.source, formats=tuple(found))


def timeline(source: Source) -> Timeline | None:
    """The timeline of a log that is in order of time and can be read in part; else None."""
    file = None if stands_beside_logs(source) else plain(source.path)
    if file is None or file.size < LEAST or kubernetes(file.beginning) or may_be_whole(file.beginning):
        return None
    try:
        found = Timeline(source, file)
    except Disordered:
        return None
    return found if found.seen else None
