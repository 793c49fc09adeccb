"""Where differences of time pile up, block by block of the log, at several widths of the pile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import Floats, Ints

_WIDTHS = (1, 4, 16, 64, 256)  # of the window of a steady clock: 6 ms to 1.5 s
_PEAKS = 4  # of each width in a block
_BLOCK = 40.0  # lines' worth of pairs in a block
_BLOCKS = 300
DRIFT = 600e-6  # clocks drift less than this


@dataclass(frozen=True)
class Sightings:
    """Pairs of equal key: when (us, reference time), and how far the one clock was ahead then (us)."""

    moment: Ints
    value: Ints
    line: Ints
    other: Ints
    weight: Floats  # 1 for a pair without rivals

    def __len__(self) -> int:
        return len(self.moment)

    def take(self, rows: Ints | np.typing.NDArray[np.bool_]) -> Sightings:
        return Sightings(
            self.moment[rows], self.value[rows], self.line[rows], self.other[rows], self.weight[rows]
        )


@dataclass(frozen=True)
class Peaks:
    """Piles, by block: where, how wide, and how much more likely than chance (nats)."""

    block: Ints
    moment: Ints
    level: Ints
    width: Ints
    score: Floats

    def __len__(self) -> int:
        return len(self.block)


def weights_of(line: Ints, other: Ints) -> Floats:
    """A line or connection of many pairs says little by each."""
    lines, others = np.bincount(line), np.bincount(other)
    return np.asarray(1.0 / np.maximum(lines[line], others[other]))


def blocks_of(seen: Sightings) -> Ints:
    """The block of each sighting: about equally many lines in each, in order of the moment."""
    order = np.argsort(seen.moment, kind="stable")
    total = np.cumsum(seen.weight[order])
    count = int(np.clip(total[-1] / _BLOCK, 1, _BLOCKS))
    block = np.empty(len(seen), dtype=np.int64)
    block[order] = np.minimum(total * (count / total[-1]), count - 1).astype(np.int64)
    return block


def find_peaks(seen: Sightings, block: Ints, window: int, reach: int) -> Peaks:
    """The highest piles of each width in each block, in order of the block."""
    order = np.lexsort((seen.value, block))
    seen, block = seen.take(order), block[order]
    found = [_of_width(seen, block, (window * times, window), reach) for times in _WIDTHS]
    joined = [np.concatenate(part) for part in zip(*found, strict=True)]
    by_block = np.lexsort((joined[1], joined[0]))
    rows, width, score = (part[by_block] for part in joined)
    return _described(seen, block, rows, width, score)


def _of_width(seen: Sightings, block: Ints, widths: tuple[int, int], reach: int) -> tuple[Ints, Ints, Floats]:
    """Rows at which the best piles of one width begin, the width, and the scores."""
    width = widths[0]
    score = _scores(seen, block, *widths, reach)
    scores = score.copy()
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    rows = []
    for _ in range(_PEAKS):
        best = np.maximum.reduceat(score, starts)
        at = np.flatnonzero((score == best[block - block[0]]) & (score > 0))
        if not len(at):
            break
        at = at[np.diff(block[at], prepend=-1) != 0]
        rows.append(at)
        level = np.full(len(starts), np.iinfo(np.int64).max // 2)
        level[block[at] - block[0]] = seen.value[at]
        score[np.abs(seen.value - level[block - block[0]]) <= 2 * width] = 0.0
    taken = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
    return taken, np.full(len(taken), width), scores[taken]


def _scores(seen: Sightings, block: Ints, width: int, window: int, reach: int) -> Floats:
    """Log-likelihood ratio of the pile that begins at each row, against pairs spread evenly."""
    count = _weight_within(seen, block, width)
    whole = np.bincount(block, seen.weight)[block]
    chance = np.maximum(whole * width / (np.minimum(_spans(seen, block), 2 * reach) + width), 1e-3)
    # A wide pile of a short block is no drift, but several clocks.
    more = np.where(width <= _WIDTHS[1] * window + _lasting(seen, block), np.maximum(count, chance), chance)
    return np.asarray(more * np.log(more / chance) - more + chance)


def _lasting(seen: Sightings, block: Ints) -> Floats:
    """What a clock can drift in each row's block and a little beyond (us)."""
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    lasting = np.maximum.reduceat(seen.moment, starts) - np.minimum.reduceat(seen.moment, starts)
    return np.repeat(2 * DRIFT * lasting, np.diff(np.append(starts, len(block))))


def _spans(seen: Sightings, block: Ints) -> Floats:
    """How far chance differences lie apart (us) in each row's block.

    As far as the log is long; or as they are seen to, a tenth at either end left out.
    """
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    size = np.diff(np.append(starts, len(block)))
    span = seen.value[starts + size * 9 // 10] - seen.value[starts + size // 10]
    return np.repeat(np.maximum(span / 0.8, np.ptp(seen.moment)), size)


def _weight_within(seen: Sightings, block: Ints, width: int) -> Floats:
    stop = _stops(seen, block, np.arange(len(seen)), width)
    total = np.append(0.0, np.cumsum(seen.weight))
    return np.asarray(total[stop] - total[:-1])


def _stops(seen: Sightings, block: Ints, rows: Ints, width: int | Ints) -> Ints:
    """One past the last row of the pile of the width that begins at each row."""
    low = int(seen.value.min())
    span = int(np.ptp(seen.value)) + 1
    code = block * (2 * span) + seen.value - low
    return np.searchsorted(code, code[rows] + np.minimum(width, span), side="right")


def _described(seen: Sightings, block: Ints, rows: Ints, width: Ints, score: Floats) -> Peaks:
    stop = _stops(seen, block, rows, width)
    since = np.append(0, np.cumsum(seen.moment - seen.moment.min()))
    moment = seen.moment.min() + (since[stop] - since[rows]) // (stop - rows)
    return Peaks(block[rows], moment, seen.value[(rows + stop) // 2], width, score)
