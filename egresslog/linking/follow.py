"""A clock that drifts or is set: piles of differences followed from block to block of the log.

The path through the piles that explains most is found over all blocks at once. Where it goes on
within what a clock can drift it is one run, and a run is one line, or several where the rate changes;
between two runs the clock was set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import MISSING_TIME, Floats, Ints, Segment, Track
from egresslog.linking.scan import DRIFT, Peaks, Sightings, blocks_of, find_peaks
from egresslog.linking.tracks import ahead

_MOST = 300_000  # pairs looked at, those without rivals first
_STEP = 14.0  # nats that a step costs at least
_STEP_SHARE = 0.75  # of what a block explains: to and fro for the sake of one block never pays
_BACK = 6  # blocks without a pile that may lie within a run
_RUN = 25.0  # nats below which a run is chance
_FEWEST = 12  # sightings of a line
_BEND_US = 3_000  # a line is bent where its blocks lie farther from it
_SIGNIFICANT = 6.0  # standard errors of a slope
_LEAST_US = 2_000  # what a drift adds up to at least
_EARLY_US = 2_000  # slack of a line's lower edge


@dataclass(frozen=True)
class _Run:
    """Sightings on one course, and where it goes: moments and levels by block."""

    seen: Sightings
    moment: Ints
    level: Ints


def follow(seen: Sightings, window: int, reach: int) -> Track:
    """The clock's course through the sightings; () where no pile can be followed."""
    seen = _clearest(seen)
    if not len(seen):
        return ()
    block = blocks_of(seen)
    peaks = find_peaks(seen, block, window, reach)
    lines: list[tuple[Segment, Ints]] = []
    for run in _runs(peaks, _path(peaks)):
        members = _members(seen, block, peaks, run)
        lines += _lines(members, window)
    return _cut(lines, seen, window)


def _clearest(seen: Sightings) -> Sightings:
    if len(seen) <= _MOST:
        return seen
    order = np.argsort(-seen.weight, kind="stable")[:_MOST]
    return seen.take(np.sort(order))


def _path(peaks: Peaks) -> list[int]:
    """The peaks, at most one of a block, that explain most after the cost of steps."""
    value = peaks.score.copy()
    before = np.full(len(peaks), -1)
    starts = [*np.searchsorted(peaks.block, np.unique(peaks.block)).tolist(), len(peaks)]
    cost = _cost(peaks)
    for number in range(1, len(starts) - 1):
        mine = slice(starts[number], starts[number + 1])
        past = slice(starts[max(0, number - _BACK)], starts[number])
        gain = value[past][None, :] - cost * ~_goes_on(peaks, past, mine)
        best = np.argmax(gain, axis=1)
        top = gain[np.arange(len(best)), best]
        value[mine] += np.maximum(top, 0.0)
        before[mine] = np.where(top > 0, best + past.start, -1)
    path = [int(np.argmax(value))] if len(value) else []
    while path and before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]


def _cost(peaks: Peaks) -> float:
    """What a step costs (nats)."""
    best = np.zeros(int(peaks.block.max(initial=0)) + 1)
    np.maximum.at(best, peaks.block, peaks.score)
    return max(_STEP, _STEP_SHARE * float(np.median(best)))


def _goes_on(peaks: Peaks, past: slice, mine: slice) -> NDArray[np.bool_]:
    """Per peak (row) and earlier peak (column): a clock can drift from the one to the other."""
    apart = np.abs(peaks.level[mine][:, None] - peaks.level[past][None, :])
    return np.asarray(apart <= _tolerance(peaks, peaks, mine, past))


def _tolerance(peaks: Peaks, others: Peaks, mine: slice, past: slice) -> Floats:
    time = np.abs(peaks.moment[mine][:, None] - others.moment[past][None, :])
    width = np.maximum(peaks.width[mine][:, None], others.width[past][None, :])
    return np.asarray(DRIFT * time + width)


def _runs(peaks: Peaks, path: list[int]) -> list[list[int]]:
    """The path cut at its steps, without what may be chance."""
    runs: list[list[int]] = []
    for peak in path:
        if runs and _continues(peaks, runs[-1][-1], peak):
            runs[-1].append(peak)
        else:
            runs.append([peak])
    kept = [run for run in runs if peaks.score[run].sum() >= _RUN]
    joined: list[list[int]] = []
    for run in kept:
        if joined and _continues(peaks, joined[-1][-1], run[0]):
            joined[-1] += run
        else:
            joined.append(run)
    return joined


def _continues(peaks: Peaks, before: int, after: int) -> bool:
    return bool(_goes_on(peaks, slice(before, before + 1), slice(after, after + 1))[0, 0])


def _members(seen: Sightings, block: Ints, peaks: Peaks, run: list[int]) -> _Run:
    """The sightings near the run's course, in the blocks that it spans."""
    moment, level = peaks.moment[run], peaks.level[run]
    inside = (block >= peaks.block[run[0]]) & (block <= peaks.block[run[-1]])
    course = np.interp(seen.moment, moment, level)
    near = np.abs(seen.value - course) <= np.interp(seen.moment, moment, peaks.width[run])
    return _Run(seen.take(inside & near), moment, level)


def _lines(run: _Run, window: int) -> list[tuple[Segment, Ints]]:
    """Lines through a run, each with the moments of its first and last sighting."""
    if len(run.seen) < _FEWEST:
        return []
    line = _line(run, window)
    off = np.abs(run.level - line.offset - line.slope * (run.moment - line.at))
    worst = int(np.argmax(off))
    if len(run.level) < 6 or _is_straight(run, line, window):
        return [(line, np.array([run.seen.moment.min(), run.seen.moment.max()]))]
    at = min(max(worst, 2), len(run.level) - 3)
    return _lines(_part(run, at, before=True), window) + _lines(_part(run, at, before=False), window)


def _part(run: _Run, at: int, *, before: bool) -> _Run:
    middle = run.moment[at]
    seen = run.seen.moment <= middle if before else run.seen.moment > middle
    blocks = slice(0, at + 1) if before else slice(at, None)
    return _Run(run.seen.take(seen), run.moment[blocks], run.level[blocks])


def _is_straight(run: _Run, line: Segment, window: int) -> bool:
    """No quarter of its blocks in a row lies off the line."""
    rest = run.seen.value - line.offset - line.slope * (run.seen.moment - line.at)
    part = np.minimum(np.searchsorted(run.moment, run.seen.moment) * 8 // len(run.moment), 7)
    near = np.abs(rest - np.median(rest)) <= np.maximum(window, np.ptp(run.level) + window)
    middles = [np.median(rest[(part == number) & near]) for number in range(8) if (part == number).any()]
    return bool(np.ptp(middles) <= max(_BEND_US, window // 2))


def _line(run: _Run, window: int) -> Segment:
    """The robust line through a run, level unless it clearly drifts; its offset is the pile's lower edge."""
    at = int(run.seen.moment.min() // 2 + run.seen.moment.max() // 2)
    time = (run.seen.moment - at).astype(np.float64)
    value = run.seen.value
    slope = _median_slope(run.moment, run.level)
    for _ in range(5):
        rest = value - slope * time
        near = np.abs(rest - _densest(rest, window) - window / 2) <= 1.5 * window
        slope = _slope(time[near], value[near], slope)
    steady = abs(slope) > DRIFT or not _is_significant(time[near], value[near], slope)
    slope = 0.0 if steady else slope
    return Segment(MISSING_TIME, at, round(_densest(value - slope * time, window)), slope)


def _median_slope(moment: Ints, level: Ints) -> float:
    if len(moment) < 2:
        return 0.0
    one, other = np.triu_indices(len(moment), 1)
    apart = np.maximum(moment[other] - moment[one], 1)
    far = apart >= np.median(apart)  # near ones tell little
    return float(np.median((level[other] - level[one])[far] / apart[far]))


def _densest(values: Floats | Ints, window: int) -> float:
    """Where the fullest window begins."""
    ordered = np.sort(values)
    count = np.searchsorted(ordered, ordered + window, side="right") - np.arange(len(ordered))
    return float(ordered[np.argmax(count)])


def _slope(time: Floats, value: Ints, otherwise: float) -> float:
    spread = time - time.mean()
    square = float((spread**2).sum())
    return float((spread * (value - value.mean())).sum() / square) if square > 0 else otherwise


def _is_significant(time: Floats, value: Ints, slope: float) -> bool:
    rest = value - slope * time
    error = rest.std() / max(float(np.sqrt(((time - time.mean()) ** 2).sum())), 1.0)
    return bool(abs(slope) * np.ptp(time) > _LEAST_US and abs(slope) > _SIGNIFICANT * error)


def _cut(lines: list[tuple[Segment, Ints]], seen: Sightings, window: int) -> Track:
    """The lines in order, each from where it begins to explain more than the one before."""
    track: list[Segment] = []
    for number, (line, span) in enumerate(lines):
        begin = MISSING_TIME
        if number:
            before, ended = lines[number - 1]
            begin = _border(seen, (before, line), (int(ended.min()), int(span.max())), window)
        track.append(Segment(begin, line.at, line.offset, line.slope))
    return tuple(track)


def _border(seen: Sightings, lines: tuple[Segment, Segment], span: tuple[int, int], window: int) -> int:
    """The moment before which the first line explains more, and after which the second does."""
    inside = seen.take((seen.moment >= span[0]) & (seen.moment <= span[1]))
    inside = inside.take(np.argsort(inside.moment, kind="stable"))
    gain = np.zeros(len(inside))
    for line, sign in zip(lines, (1.0, -1.0), strict=True):
        rest = inside.value - ahead((line,), inside.moment)
        gain += sign * inside.weight * ((rest >= -_EARLY_US) & (rest <= window))
    total = np.append(0.0, np.cumsum(gain))
    best = np.flatnonzero(total >= total.max() - 1e-9)
    moments = np.concatenate([[span[0]], inside.moment, [span[1]]])
    return int((moments[best[0]] + moments[best[-1] + 1]) // 2)
