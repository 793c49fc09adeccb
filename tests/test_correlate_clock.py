"""Clock offsets from ports, from sizes, or from nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulate import Logs, Polls, World, poll, shuffled, simulate

from egresslog.linking.align import align
from egresslog.linking.clock import fit_clocks
from egresslog.linking.link import link
from egresslog.linking.model import MISSING, MISSING_TIME, ClockFit, Settings, taken
from egresslog.schema import LINKS


@pytest.mark.parametrize(
    ("world", "method", "tolerance"),
    [
        (World(seed=1), "bytes", 3_000),
        (World(seed=2, offset_us=2_700_000), "bytes", 3_000),
        (World(seed=3, offset_us=-800_000_000), "bytes", 3_000),
        (World(seed=4, offset_us=2_700_000, port=True), "port", 3_000),
        (World(seed=5, offset_us=2_700_000, port=True, one_address=True), "bytes", 3_000),
        (World(seed=6, repeated=0.95, offset_us=60_000_000), "bytes", 3_000),
        (World(seed=7, coarse=True, rate=20.0), "bytes", 300_000),
    ],
    ids=lambda value: f"world{value.seed}" if isinstance(value, World) else str(value),
)
def test_offset_is_found_from_the_data(world: World, method: str, tolerance: int) -> None:
    logs = simulate(world)
    (fit,) = fit_clocks(logs.transactions, logs.connections, Settings())
    assert fit.method == method
    assert abs(fit.offset - world.offset_us) <= tolerance
    assert fit.pairs > 100
    assert 0 < fit.error <= max(tolerance, 10_000)


def test_offset_beyond_the_limit_is_not_looked_for() -> None:
    logs = simulate(World(seed=1, offset_us=40_000_000, connections=500))
    (fit,) = fit_clocks(logs.transactions, logs.connections, Settings(max_offset_us=5_000_000))
    assert fit == ClockFit(instance=0, offset=0, error=0, pairs=0, method="none", host=0)


@pytest.mark.parametrize("case", ["few", "sizes unknown", "other clients"])
def test_without_evidence_the_fit_says_so(case: str) -> None:
    logs = simulate(World(seed=1, connections=200))
    lines = logs.transactions
    if case == "few":
        lines = taken(lines, np.arange(2))
    elif case == "sizes unknown":
        lines = dataclasses.replace(lines, bytes_down=np.full(len(lines), MISSING))
    else:
        lines = dataclasses.replace(lines, group=lines.group + 100)
    (fit,) = fit_clocks(lines, logs.connections, Settings())
    assert (fit.pairs, fit.offset, fit.method) == (0, 0, "none")


def test_align_moves_known_times_only() -> None:
    lines = simulate(World(seed=1, connections=20)).transactions
    start = lines.start.copy()
    start[0] = MISSING_TIME
    lines = dataclasses.replace(lines, start=start)
    moved = align(lines, (ClockFit(0, 5_000, 1_000, 10, "bytes"),))
    assert moved.start[0] == MISSING_TIME
    np.testing.assert_array_equal(moved.start[1:], lines.start[1:] - 5_000)
    np.testing.assert_array_equal(moved.end, lines.end - 5_000)


def fit_of(logs: Logs) -> ClockFit:
    (fit,) = fit_clocks(logs.transactions, logs.connections, Settings())
    return fit


@pytest.mark.parametrize("seconds", [0, 0.25, 2.7, -2.7, 30, -60, 300, -600, 800, -899])
@pytest.mark.parametrize(
    "polls", [None, Polls(others=20), Polls(others=5, period=60.0, squid=(0.0, 3_600.0))]
)
def test_varied_traffic_tells_the_offset_wherever_it_is(polls: Polls | None, seconds: float) -> None:
    offset = int(seconds * 1e6)
    varied = World(seed=11, offset_us=offset)
    fit = fit_of(simulate(varied) if polls is None else poll(dataclasses.replace(polls, offset_us=offset)))
    assert fit.method == "bytes"
    assert abs(fit.offset - offset) <= 3_000


@settings(max_examples=15, deadline=None)
@given(
    period=st.sampled_from([1.0, 10.0, 30.0, 60.0, 300.0]),
    jitter=st.sampled_from([0.0, 0.001, 0.003, 0.02, 1.0]),
    groups=st.integers(1, 12),
    others=st.sampled_from([0, 0, 1, 3]),
    begin=st.sampled_from([-300.0, 0.0, 300.0, 1_000.0]),
    seed=st.integers(0, 1_000),
)
def test_a_clock_is_right_or_refused_however_periodic_the_traffic(
    period: float, jitter: float, groups: int, others: int, begin: float, seed: int
) -> None:
    squid = (begin, begin + 1_800.0)
    polls = Polls(groups, period, min(jitter, period / 2), others, (0.0, 1_800.0), squid, seed=seed)
    fit = fit_of(poll(polls))
    assert fit.method == "refused" or abs(fit.offset) <= 5_000


@pytest.mark.parametrize("offset", [0, 30_000_000, 37_000_000])
def test_no_link_is_better_than_ambiguous_without_a_clock(offset: int) -> None:
    """Polls of 30 s at any multiple of 30 s: nothing tells which, and the logs cover different hours."""
    logs = poll(Polls(offset_us=offset))
    links = link(logs.transactions, logs.connections)
    (fit,) = links.clocks
    assert fit.method == "refused"
    away = (fit.offset - offset) % 30_000_000
    assert min(away, 30_000_000 - away) <= 3_000
    assert abs(fit.offset) <= 15_000_000
    assert fit.pairs > 800
    assert set(np.unique(links.link)) <= {LINKS.index("ambiguous"), LINKS.index("none")}
    assert (links.connection == -1).all()


def test_ports_decide_where_sizes_cannot() -> None:
    logs = poll(Polls(port=True, offset_us=2_700_000))
    links = link(logs.transactions, logs.connections)
    assert links.clocks[0].method == "port"
    np.testing.assert_array_equal(links.connection, logs.truth)
    assert (links.link[logs.truth >= 0] == LINKS.index("exact")).all()


@pytest.mark.parametrize("minutes", [10, -10])
def test_the_same_traffic_twice_is_not_told_apart(minutes: int) -> None:
    logs = simulate(World(seed=12, rate=20.0))
    moved = minutes * 60_000_000
    both = {
        field.name: np.concatenate([values, values + moved * (field.name in ("start", "end"))])
        for field in dataclasses.fields(logs.connections)
        for values in (getattr(logs.connections, field.name),)
    }
    twice = dataclasses.replace(logs.connections, **both)
    links = link(logs.transactions, twice)
    assert links.clocks[0].method == "refused"
    assert abs(links.clocks[0].offset) <= 3_000
    assert (links.connection == -1).all()


def test_a_burst_of_equal_lines_is_one_line_for_one_connection() -> None:
    logs = simulate(World(seed=13, connections=300))
    lines, others = logs.transactions, logs.connections
    burst = taken(lines, np.zeros(5_000, dtype=np.int64))
    burst = dataclasses.replace(burst, start=burst.start + 60_000_000, end=burst.end + 60_000_000)
    names = [field.name for field in dataclasses.fields(lines)]
    both = {name: np.concatenate([getattr(lines, name), getattr(burst, name)]) for name in names}
    (fit,) = fit_clocks(dataclasses.replace(lines, **both), others, Settings())
    assert abs(fit.offset) <= 3_000


@pytest.mark.parametrize("polls", [Polls(period=5.0), Polls(others=2), Polls(jitter=0.01)])
def test_order_of_rows_changes_no_fit(polls: Polls) -> None:
    logs = poll(polls)
    assert fit_of(shuffled(logs, 1)[0]) == fit_of(logs)
