"""Kernel: sequences of lines whose bytes add up to those of a connection; run by CPython or numba."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

UNKNOWN = -1


def find_sums(
    low: Sequence[int],
    high: Sequence[int],
    opens: Sequence[int],
    sent: Sequence[int],
    received: Sequence[int],
    start: Sequence[int],
    ready: Sequence[int],
    down: Sequence[int],
    up: Sequence[int],
    steps: int,
    solutions: int,
    sizes: MutableSequence[int],
    found: MutableSequence[int],
    cursor: MutableSequence[int],
) -> None:
    """For each row all sums of two or more of its lines ``low:high``, in order of ``start``.

    The first line starts no later than ``opens``, each other when the one before is ``ready``; bytes
    ``down`` add up to ``sent``, and ``up`` to ``received`` where all are known. ``cursor[row]`` counts
    the row's sums; their sizes and lines follow each other in ``sizes`` and ``found``. A row with more
    than ``solutions`` of them, or not done after ``steps``, has none.
    """
    filled = [0, 0]
    for row in range(len(low)):
        at_size, at_line = filled[0], filled[1]
        wanted = received[row]
        for line in range(low[row], high[row]):
            wanted = UNKNOWN if up[line] == UNKNOWN else wanted
        count = _search(
            low[row], high[row], opens[row], sent[row], wanted, start, ready, down, up,
            steps, solutions, sizes, found, filled,
        )  # fmt: skip
        if count < 0:
            count, filled[0], filled[1] = 0, at_size, at_line
        cursor[row] = count


def _search(
    low: int,
    high: int,
    opens: int,
    rest: int,
    rest_up: int,
    start: Sequence[int],
    ready: Sequence[int],
    down: Sequence[int],
    up: Sequence[int],
    steps: int,
    solutions: int,
    sizes: MutableSequence[int],
    found: MutableSequence[int],
    filled: MutableSequence[int],
) -> int:
    """The number of sums found, -1 when it is too much; depth first, one line after the other."""
    tail, picked, count, taken = _tails(low, high, down), [0], 0, 0
    picked.clear()
    at, has_up = low, rest_up != UNKNOWN
    while True:
        while at < high:
            taken += 1
            if tail[at - low] < rest or (len(picked) == 0 and start[at] > opens):
                break
            follows = len(picked) == 0 or start[at] >= ready[picked[-1]]
            fits = down[at] <= rest and (not has_up or up[at] <= rest_up)
            if follows and fits and down[at] < rest:
                picked.append(at)
                rest -= down[at]
                rest_up -= up[at]
            elif follows and fits and len(picked) > 0 and (not has_up or up[at] == rest_up):
                count += 1
                if count > solutions or filled[1] + len(picked) + 1 > len(found):
                    return -1
                _record(picked, at, sizes, found, filled)
            at += 1
        if taken > steps:
            return -1
        if len(picked) == 0:
            return count
        at = picked.pop()
        rest += down[at]
        rest_up += up[at]
        at += 1


def _tails(low: int, high: int, down: Sequence[int]) -> list[int]:
    """The sum of ``down`` from each line to the last."""
    tail = [0] * (high - low + 1)
    for at in range(high - 1, low - 1, -1):
        tail[at - low] = tail[at - low + 1] + down[at]
    return tail


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
