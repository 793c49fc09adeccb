"""Lines that share a connection: which sums are searched, and what is said of those that are not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egresslog.linking import sums
from egresslog.linking.bundles import USUAL_US
from egresslog.linking.compiled import _compiled
from egresslog.linking.link import link
from egresslog.linking.model import ConnectionColumns, TransactionColumns
from egresslog.linking.sharing import _gamma_below

OPENING = 400_000
STRETCHES = (4.0, 64.0, np.inf)
Line = tuple[int, int, int]  # start us, lasting us, bytes

LINES = st.lists(
    st.tuples(st.integers(0, 900_000), st.integers(0, 80_000), st.sampled_from([100, 200, 300])), max_size=8
).map(sorted)


def searched(
    lines: list[Line], sent: int, steps: int = 10**6, most: int = 500, compiled: bool = False
) -> tuple[set[tuple[int, ...]], int]:
    """The sums that the kernel finds for one connection from 0 to 1 s, and the level it came to."""
    room, start = 4_000, [line[0] for line in lines]
    ready, down = [line[0] + line[1] for line in lines], [line[2] for line in lines]
    tail = [sum(down[at:]) for at in range(len(down) + 1)]
    ups = [-1] * len(lines)
    given_ = [[0], [len(lines)], [0], [1_000_000], [sent], [-1], start, ready, down, ups, tail]
    columns = [np.array(column, dtype=np.int64) for column in given_]
    sizes, found, count, level = (np.zeros(n, dtype=np.int64) for n in (room, room, 1, 1))
    module = _compiled(sums.__name__) if compiled else sums
    module.find_sums(
        *columns, OPENING, USUAL_US, np.array(STRETCHES), steps, most, sizes, found, count, level
    )
    ends = np.cumsum(sizes[: int(count[0])])
    parts = np.split(found[: int(ends[-1]) if len(ends) else 0], ends[:-1])
    return {tuple(part.tolist()) for part in parts if len(part)}, int(level[0])


def by_brute_force(lines: list[Line], sent: int, stretch: float) -> set[tuple[int, ...]]:
    ready = [line[0] + line[1] for line in lines]
    found = set()
    for size in range(2, len(lines) + 1):
        for pick in itertools.combinations(range(len(lines)), size):
            gaps = [lines[b][0] - ready[a] for a, b in itertools.pairwise(pick)]
            fits = sum(lines[n][2] for n in pick) == sent and lines[pick[0]][0] <= OPENING
            in_order = all(gap >= 0 for gap in gaps) and all(ready[n] <= 1_000_000 for n in pick)
            if fits and in_order and np.prod([1 + gap / USUAL_US for gap in gaps]) <= stretch:
                found.add(pick)
    return found


@settings(max_examples=200, deadline=None)
@given(LINES, st.sampled_from([200, 300, 400, 600, 700]))
def test_all_sums_are_found(lines: list[Line], sent: int) -> None:
    assert searched(lines, sent) == (by_brute_force(lines, sent, np.inf), len(STRETCHES))


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(0, 6))
def test_what_is_too_much_leaves_the_sums_of_short_pauses(lines: list[Line], most: int) -> None:
    found, level = searched(lines, 400, most=most)
    if level == len(STRETCHES):
        assert found == by_brute_force(lines, 400, np.inf)
    elif level < 0:
        assert not found
        assert len(by_brute_force(lines, 400, STRETCHES[0])) > most
    else:
        assert found == by_brute_force(lines, 400, STRETCHES[level])
        assert len(by_brute_force(lines, 400, STRETCHES[level + 1])) > most


def test_compiled_and_plain_search_agree() -> None:
    draw = np.random.default_rng(5)
    lines = sorted((int(t), int(d), 100) for t, d in draw.integers(0, [900_000, 9_000], (14, 2)))
    for most in (3, 30, 500):
        assert searched(lines, 400, most=most) == searched(lines, 400, most=most, compiled=True)


@pytest.mark.parametrize(("steps", "value"), [(1, 0.5), (1, 3.0), (4, 2.0), (4, 9.0)])
def test_chance_of_exponential_steps_against_drawing_them(steps: int, value: float) -> None:
    drawn = np.random.default_rng(1).exponential(1.0, (200_000, steps)).sum(axis=1)
    known = _gamma_below(np.array([steps]), np.array([value]))[0]
    assert known == pytest.approx((drawn < value).mean(), abs=0.005)


def test_an_endless_search_has_met_everything() -> None:
    assert _gamma_below(np.array([1, 7]), np.array([np.inf, np.inf])).tolist() == [1.0, 1.0]


def kept_alive(lines: int, pause_us: int, odd: int = 37) -> tuple[TransactionColumns, ConnectionColumns]:
    """One connection and its requests, each of another size, with a pause after each."""
    begin = 1_795_000_000_000_000
    start = begin + 2_000 + np.arange(lines) * (pause_us + 3_000)
    down = 1_000 + odd * np.arange(lines)
    nothing = np.full(lines, -1)
    transactions = TransactionColumns(
        group=np.zeros(lines, dtype=np.int64), instance=np.zeros(lines, dtype=np.int64), start=start,
        end=start + 3_000, resolution=np.full(lines, 1_000), port=nothing, bytes_down=down, bytes_up=nothing,
        status=np.full(lines, 200), connect=np.zeros(lines, dtype=bool), host=nothing,
    )  # fmt: skip
    one = {name: np.array([-1]) for name in ("port", "bytes_received", "host")}
    zero = {name: np.array([0]) for name in ("group", "clock", "route")}
    connections = ConnectionColumns(
        start=np.array([begin]), end=np.array([start[-1] + 4_000]), bytes_sent=np.array([down.sum()]),
        **one, **zero,
    )  # fmt: skip
    return transactions, connections


@pytest.mark.parametrize(("lines", "pause_us"), [(5, 40_000), (30, 300_000), (60, 40_000)])
def test_a_long_kept_alive_connection_is_told(lines: int, pause_us: int) -> None:
    assert (link(*kept_alive(lines, pause_us)).connection == 0).all()


@pytest.mark.parametrize("lines", [62, 120, 400])
def test_more_lines_than_can_be_weighed_are_never_linked_wrong(lines: int) -> None:
    """However many pauses multiply, the search ends."""
    transactions, connections = kept_alive(lines, 300_000)
    assert set(link(transactions, connections).connection) <= {0, -1}


def test_a_search_of_some_of_the_leftover_lines_is_sure_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("egresslog.linking.bundles._POOL", 4)
    assert (link(*kept_alive(8, 40_000)).connection == -1).all()
