"""Clock errors as functions of reference time, and clock times read back into reference time.

A clock that was set back shows some times twice: such a time has two readings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import MISSING_TIME, Ints, Segment, Track

STEADY: Track = (Segment(MISSING_TIME, 0, 0),)


def steady(offset: int) -> Track:
    """A clock that is ``offset`` us ahead all the time."""
    return (Segment(MISSING_TIME, 0, offset),)


def is_steady(track: Track) -> bool:
    return len(track) == 1 and track[0].slope == 0.0


def ahead(track: Track, times: Ints) -> Ints:
    """How far the clock is ahead (us) at each reference time."""
    begins = np.array([segment.begin for segment in track[1:]], dtype=np.int64)
    which = np.searchsorted(begins, times, side="right")
    result = np.empty(len(times), dtype=np.int64)
    for number, segment in enumerate(track):
        rows = which == number
        since = times[rows] - segment.at
        result[rows] = segment.offset + np.rint(segment.slope * since).astype(np.int64)
    return result


def negative(track: Track) -> Track:
    """The same function with the other sign."""
    return tuple(Segment(s.begin, s.at, -s.offset, -s.slope) for s in track)


def raised(track: Track, by: int) -> Track:
    """The same function, ``by`` us higher."""
    return tuple(Segment(s.begin, s.at, s.offset + by, s.slope) for s in track)


def later(track: Track, by: int) -> Track:
    """The same course, ``by`` us later."""
    return tuple(
        Segment(s.begin + by * (s.begin != MISSING_TIME), s.at + by, s.offset, s.slope) for s in track
    )


@dataclass(frozen=True)
class Readings:
    """Reference times (us) that clock times may stand for: row k of both arrays is by segment k."""

    times: Ints
    valid: NDArray[np.bool_]  # at least one per column

    @property
    def first(self) -> Ints:
        """The earliest valid reading of each time."""
        return self.pick(np.argmax(self.valid, axis=0))

    @property
    def several(self) -> NDArray[np.bool_]:
        return np.asarray(self.valid.sum(axis=0) > 1)

    def pick(self, which: Ints) -> Ints:
        """The reading by segment ``which`` of each time."""
        return np.asarray(np.take_along_axis(self.times, which[None, :], axis=0)[0])


def read(track: Track, shown: Ints) -> Readings:
    """What each shown time may stand for; one that the clock skipped stands for the nearest it showed."""
    times = np.stack([_read_by(segment, shown) for segment in track])
    begins = [segment.begin for segment in track[1:]]
    outside = np.zeros_like(times)
    for number, begin in enumerate(begins):
        outside[number + 1] = np.maximum(outside[number + 1], begin - times[number + 1])
        outside[number] = np.maximum(outside[number], times[number] - begin + 1)
    return Readings(times, outside <= np.maximum(outside.min(axis=0), 0))


def _read_by(segment: Segment, shown: Ints) -> Ints:
    if segment.slope == 0.0:
        return shown - segment.offset
    since = (shown - segment.at - segment.offset) * (segment.slope / (1.0 + segment.slope))
    return np.asarray(shown - segment.offset - np.rint(since).astype(np.int64))
