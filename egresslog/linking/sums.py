"""Kernel: sequences of lines whose bytes add up to those of a connection; run by CPython or numba."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

UNKNOWN = -1
LONGEST = 10**15  # us; some thirty years


def find_sums(
    low: Sequence[int],
    high: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
    sent: Sequence[int],
    received: Sequence[int],
    start: Sequence[int],
    ready: Sequence[int],
    down: Sequence[int],
    up: Sequence[int],
    tail: Sequence[int],
    opening: int,
    usual: float,
    stretches: Sequence[float],
    steps: int,
    solutions: int,
    sizes: MutableSequence[int],
    found: MutableSequence[int],
    cursor: MutableSequence[int],
    level: MutableSequence[int],
) -> None:
    """For each row the sums of two or more of its lines ``low:high``, in order of ``start``.

    The first line starts within ``opening`` of ``begin``, each other when the one before is ``ready``,
    and all are ready by ``end``; bytes ``down`` add up to ``sent``, and ``up`` to ``received`` where all
    are known; ``tail`` is what all lines from each one on add up to. ``cursor[row]`` counts the row's
    sums; their sizes and lines follow each other in ``sizes`` and ``found``.

    A pause between two lines stretches a sum by ``1 + pause / usual``, and so do all its pauses, one by
    the other. Greater and greater ``stretches`` are allowed, until there are more than ``solutions`` sums
    or the search is not done after ``steps``: a row has all sums up to the last that went, number
    ``level`` of them, -1 for none; ``len(stretches)`` says that no greater ones were possible.
    """
    filled = [0, 0, 0]
    for row in range(len(low)):
        at_size, at_line = filled[0], filled[1]
        at, best = 0, -1
        while at >= 0:
            filled[0], filled[1], filled[2] = at_size, at_line, 0
            cursor[row] = _search(
                low[row], high[row], begin[row] + opening, end[row], usual, stretches[at], sent[row],
                received[row], start, ready, down, up, tail, steps, solutions, sizes, found, filled,
            )  # fmt: skip
            if cursor[row] < 0:
                at = best  # once more: what it had found is written over
            elif at == best:
                break
            elif filled[2] == 0:
                best = len(stretches)
                break
            else:
                best, at = at, at + 1
        level[row] = best
        if best < 0:
            filled[0], filled[1], cursor[row] = at_size, at_line, 0


def _search(
    low: int,
    high: int,
    opens: int,
    end: int,
    usual: float,
    stretch: float,
    rest: int,
    rest_up: int,
    start: Sequence[int],
    ready: Sequence[int],
    down: Sequence[int],
    up: Sequence[int],
    tail: Sequence[int],
    steps: int,
    solutions: int,
    sizes: MutableSequence[int],
    found: MutableSequence[int],
    filled: MutableSequence[int],
) -> int:
    """The number of sums found, -1 when it is too much; depth first, one line after the other.

    ``filled`` counts the sizes, the lines, and how often a pause was too long.
    """
    picked, room, count, taken = [0], [stretch], 0, 0
    picked.clear()
    at, earliest, latest, behind = low, -LONGEST, opens, tail[high]
    counts_up = rest_up != UNKNOWN
    for line in range(low, high):
        counts_up = counts_up and up[line] != UNKNOWN
    rest_up = rest_up if counts_up else 0
    while True:
        while at < high and start[at] <= latest and tail[at] - behind >= rest:
            more = up[at] if counts_up else 0
            taken += 1
            fits = earliest <= start[at] and ready[at] <= end and down[at] <= rest and more <= rest_up
            if fits and down[at] < rest:
                room.append(room[-1] / _stretch(earliest, start[at], usual))
                picked.append(at)
                rest, rest_up = rest - down[at], rest_up - more
                earliest, latest = ready[at], _latest(ready[at], room[-1], usual)
            elif fits and len(picked) > 0 and more == rest_up:
                count += 1
                if count > solutions or filled[1] + len(picked) + 1 > len(found):
                    return -1
                _record(picked, at, sizes, found, filled)
            at += 1
        filled[2] += len(picked) > 0 and at < high and start[at] > latest and tail[at] - behind >= rest
        if taken > steps:
            return -1
        if len(picked) == 0:
            return count
        at = picked.pop()
        room.pop()
        rest, rest_up = rest + down[at], rest_up + (up[at] if counts_up else 0)
        earliest, latest = -LONGEST, opens
        if len(picked) > 0:
            earliest, latest = ready[picked[-1]], _latest(ready[picked[-1]], room[-1], usual)
        at += 1


def _stretch(ready: int, start: int, usual: float) -> float:
    """What the pause before a line takes of the room; nothing before the first line."""
    return 1.0 if ready == -LONGEST else 1.0 + max(start - ready, 0) / usual


def _latest(ready: int, room: float, usual: float) -> int:
    """When the next line starts at the latest, if no more than ``room`` may be used up."""
    return ready + int(min((room - 1.0) * usual, LONGEST))


def _record(
    picked: Sequence[int],
    last: int,
    sizes: MutableSequence[int],
    found: MutableSequence[int],
    filled: MutableSequence[int],
) -> None:
    sizes[filled[0]] = len(picked) + 1
    filled[0] += 1
    for at in picked:
        found[filled[1]] = at
        filled[1] += 1
    found[filled[1]] = last
    filled[1] += 1
