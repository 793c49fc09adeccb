"""Lines whose sidecar was killed: its log is silent just then, while Squid logged what was cut off.

A kill ends all open tunnels of a pod at one moment, and takes with it what the sidecar had not yet
written. So these lines end one after the other within seconds, the last ones together, and the
sidecar's log has no line of that time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

TOGETHER = 1_000_000  # us: what a kill cut off ends within
GOES_ON = 60_000_000  # us
UNWRITTEN = 11_000_000  # us: what a sidecar keeps back at most (--file-flush-interval-msec, 10 s) and some


class Line(NamedTuple):
    """One Squid line of a pod: its end (us, Envoy's clock), and whether some connection may be its."""

    end: int
    row: int
    is_linked: bool


def killed(lines: Iterable[Line], written: Sequence[int], goes_on: int) -> Iterator[int]:
    """The rows of the lines that a kill took from the pod's log.

    ``written``: ends in it, ascending (us). Behind its last line the pod must have come back neither
    in it nor in Squid's, and ``goes_on``, the last line of any other, must show that collecting did.
    """
    for run in _runs(sorted(lines), written):
        is_inside = bool(run) and run[0].end >= written[0] and run[-1].end <= written[-1]
        is_past = bool(run) and run[0].end > written[-1] and goes_on >= run[-1].end + GOES_ON
        if (is_inside or is_past) and _died_together(run):
            yield from (line.row for line in run)


def _died_together(run: Sequence[Line]) -> bool:
    ends = [line.end for line in run]
    return len(ends) > 1 and ends[-1] - ends[-2] <= TOGETHER and ends[-1] - ends[0] <= UNWRITTEN


def _runs(lines: Sequence[Line], written: Sequence[int]) -> Iterator[list[Line]]:
    """Lines without a connection, one after the other, with none in the pod's log between them."""
    run: list[Line] = []
    for line in lines:
        if run and (line.is_linked or _is_between(run[-1].end, line.end, written)):
            yield run
            run = []
        if not line.is_linked:
            run.append(line)
    yield run


def _is_between(first: int, last: int, written: Sequence[int]) -> bool:
    return bisect_right(written, last) > bisect_left(written, first)
