"""Clock offsets from ports, from sizes, or from nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from simulate import World, rows, simulate

from egresslog.linking.clock import align, fit_clocks
from egresslog.linking.model import MISSING, MISSING_TIME, ClockFit, Settings


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
    assert fit == ClockFit(instance=0, offset=0, error=0, pairs=0, method="none")


@pytest.mark.parametrize("case", ["few", "sizes unknown", "other clients"])
def test_without_evidence_the_fit_says_so(case: str) -> None:
    logs = simulate(World(seed=1, connections=200))
    lines = logs.transactions
    if case == "few":
        lines = rows(lines, np.arange(2))
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
