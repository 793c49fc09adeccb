"""Clocks that drift, were set, or stand in another time zone; many machines with clocks of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from clocks import Clock, ahead_by, aligned_share, drifting, of_hosts, of_instances, on_clocks, set_at
from simulate import EPOCH_US, Logs, Polls, World, poll, simulate

from egresslog.linking.align import align_both
from egresslog.linking.clock import fit_clocks, segments
from egresslog.linking.link import link
from egresslog.linking.model import MISSING_TIME, ClockFit, Segment, Settings, taken
from egresslog.linking.tracks import ahead, read
from egresslog.schema import LINKS

HOUR = 3_600.0
MINUTES = World(connections=23_400, seed=1)  # three minutes at 130/s
DAY = World(connections=43_200, rate=0.5, seed=2)
FEW = World(connections=3_000, seed=3)
NODES = np.array([0, 1, 2, 0, 1, 2])  # of the six groups


@cache
def simulated(world: World) -> Logs:
    return simulate(world)


def stamped(world: World, squid: Mapping[int, Clock], envoy: Mapping[int, Clock]) -> tuple[Logs, Logs]:
    """The world as it was, and as the clocks showed it; six pods on three nodes where these have clocks."""
    truly = of_instances(simulated(world), max(len(squid), 1))
    truly = of_hosts(truly, NODES) if len(envoy) > 1 else truly
    return truly, on_clocks(truly, squid, envoy)


def fits_of(logs: Logs) -> tuple[ClockFit, ...]:
    return fit_clocks(logs.transactions, logs.connections, Settings())


def right(logs: Logs) -> tuple[float, float]:
    """Of the links made, and of the lines that have a connection, the share linked right."""
    found = link(logs.transactions, logs.connections)
    made, hit = found.connection >= 0, (found.connection == logs.truth) & (logs.truth >= 0)
    return hit.sum() / max(made.sum(), 1), hit.sum() / (logs.truth >= 0).sum()


@pytest.mark.parametrize("port", [False, True])
@pytest.mark.parametrize("seconds", [0, 2.7, -60, 2 * HOUR, -9.5 * HOUR, 2 * HOUR + 2.7])
def test_a_steady_clock_is_one_segment_wherever_it_stands(seconds: float, port: bool) -> None:
    world = dataclasses.replace(FEW, port=port)
    truly, seen = stamped(world, {0: ahead_by(seconds)}, {})
    (fit,) = fits_of(seen)
    assert abs(fit.offset - round(seconds * 1e6)) <= 1_000
    assert (fit.drift, fit.steps, fit.method) == (0.0, 0, "port" if port else "bytes")
    assert fit.zone == round(seconds / 900) * 900_000_000 * (abs(seconds) > 900)
    assert aligned_share(truly, seen, (fit,)) == 1.0
    assert right(seen) == right(truly)


@pytest.mark.parametrize("port", [False, True])
@pytest.mark.parametrize("ppm", [300.0, -300.0])
@pytest.mark.parametrize("world", [MINUTES, DAY], ids=["minutes", "day"])
def test_drift_is_followed(world: World, ppm: float, port: bool) -> None:
    world = dataclasses.replace(world, port=port)
    truly, seen = stamped(world, {0: drifting(ppm, -5.0)}, {})
    fits = fits_of(seen)
    assert aligned_share(truly, seen, fits) >= 0.999
    assert fits[0].drift == pytest.approx(ppm, abs=2.0)
    assert fits[0].steps == 0


@pytest.mark.parametrize("port", [False, True])
@pytest.mark.parametrize("seconds", [2, -2, 60, -60])
@pytest.mark.parametrize(("world", "middle"), [(MINUTES, 90), (DAY, 12 * HOUR)], ids=["minutes", "day"])
def test_a_step_is_found_where_it_was(world: World, middle: float, seconds: int, port: bool) -> None:
    truly, seen = stamped(dataclasses.replace(world, port=port), {0: set_at(middle, seconds)}, {})
    fits = fits_of(seen)
    told = told_only(truly, align_both(seen.transactions, seen.connections, fits).timeless)
    assert aligned_share(told, seen, fits) >= 0.995
    (_, before, _), (begin, after, _) = segments(fits[0])
    assert after - before == pytest.approx(seconds * 1e6, abs=2_000)
    assert begin is not None
    assert abs(begin - EPOCH_US - middle * 1e6) <= 60e6 / world.rate


def told_only(logs: Logs, timeless: np.typing.NDArray[np.bool_]) -> Logs:
    """Without the lines for which the reading of the clock is not known."""
    return dataclasses.replace(logs, truth=np.where(timeless, -1, logs.truth))


@pytest.mark.parametrize("seconds", [2, -60])
def test_a_step_of_an_envoy_is_found_too(seconds: int) -> None:
    truly, seen = stamped(dataclasses.replace(MINUTES, port=True), {}, {0: set_at(90, seconds)})
    fits = fits_of(seen)
    assert aligned_share(truly, seen, fits) >= 0.995
    assert fits[0].steps == 1


@pytest.mark.parametrize(
    "clock", [drifting(300), drifting(-300), set_at(20, 2), set_at(20, -2), set_at(20, 60)],
    ids=["drift", "drift back", "step", "step back", "large step"],
)  # fmt: skip
@pytest.mark.parametrize("port", [False, True])
def test_links_are_as_right_as_on_one_clock(clock: Clock, port: bool) -> None:
    world = World(connections=5_200, seed=4, port=port)
    truly, seen = stamped(world, {0: clock}, {})
    of_made, of_all = right(truly)
    made, linked = right(seen)
    assert made >= of_made - 0.0005
    timeless = link(seen.transactions, seen.connections).timeless.mean()
    assert timeless <= 0.03
    assert linked >= of_all - timeless - 0.003


def test_a_line_that_a_clock_set_back_leaves_open_is_ambiguous() -> None:
    """Polls of one size each second and a step back of ten: where durations decide nothing, nothing does."""
    polls = poll(Polls(groups=4, period=1.0, jitter=0.0, squid=(0.0, 600.0), envoy=(0.0, 600.0)))
    track = (Segment(MISSING_TIME, 0, 0), Segment(EPOCH_US + 300_000_000, 0, -10_000_000))
    fit = ClockFit(0, 0, 1_000, 100, "bytes", host=0, squid=track, envoy=(Segment(MISSING_TIME, 0, 0),))
    seen = on_clocks(polls, {0: set_at(300, -10)}, {})
    timeless = align_both(seen.transactions, seen.connections, (fit,)).timeless
    since = polls.transactions.start - EPOCH_US
    assert timeless[(since > 291e6) & (since < 309e6)].mean() > 0.2
    assert not timeless[(since < 289e6) | (since > 311e6)].any()
    assert aligned_share(told_only(polls, timeless), seen, (fit,)) == 1.0


@pytest.mark.parametrize("port", [False, True])
def test_two_squids_and_three_nodes_have_clocks_of_their_own(port: bool) -> None:
    squid = {0: ahead_by(2.7), 1: ahead_by(-60)}
    envoy = {0: ahead_by(0), 1: ahead_by(1.3), 2: drifting(300)}
    truly, seen = stamped(dataclasses.replace(MINUTES, port=port), squid, envoy)
    fits = fits_of(seen)
    assert [(fit.instance, fit.host) for fit in fits] == [(i, h) for i in range(2) for h in range(3)]
    assert aligned_share(truly, seen, fits) >= 0.999
    by_pair = {(fit.instance, fit.host): fit for fit in fits}
    for instance, offset in enumerate((2_700_000, -60_000_000)):
        apart = by_pair[instance, 0].offset - by_pair[instance, 1].offset
        assert by_pair[instance, 0].offset == pytest.approx(offset, abs=2_000)
        assert apart == pytest.approx(1_300_000, abs=2_000)
        assert by_pair[instance, 2].drift == pytest.approx(-300, abs=3)


def test_squids_and_nodes_that_are_set_at_different_moments() -> None:
    squid = {0: ahead_by(2.7), 1: set_at(60, -5)}
    envoy = {0: ahead_by(0), 1: set_at(100, 1.3), 2: drifting(-100, 2 * HOUR)}
    truly, seen = stamped(MINUTES, squid, envoy)
    assert aligned_share(truly, seen, fits_of(seen)) >= 0.995


def test_links_across_nodes_are_as_right_as_on_one_clock() -> None:
    world = World(connections=7_800, seed=5)
    envoy = {0: ahead_by(0), 1: ahead_by(1.3), 2: ahead_by(-40)}
    truly, seen = stamped(world, {0: ahead_by(2.7), 1: ahead_by(-60)}, envoy)
    assert right(seen) == pytest.approx(right(truly), abs=0.001)


def test_a_host_of_few_lines_keeps_the_clock_of_the_others() -> None:
    logs = of_hosts(simulated(FEW), np.array([0, 0, 0, 0, 0, 1]))
    few = np.flatnonzero(logs.connections.clock == 1)[:5]
    kept = np.sort(np.concatenate([few, np.flatnonzero(logs.connections.clock == 0)]))
    connections = taken(logs.connections, kept)
    seen = on_clocks(Logs(logs.transactions, connections, logs.truth), {0: ahead_by(7)}, {})
    by_host = {fit.host: fit for fit in fits_of(seen)}
    assert by_host[1].method == "consensus"
    assert abs(by_host[1].offset - 7_000_000) <= 1_000 and by_host[1].offset == by_host[0].offset


def test_a_host_of_periodic_traffic_agrees_with_the_others() -> None:
    polls, varied = poll(Polls(groups=1, offset_us=7_000_000)), poll(Polls(others=200, offset_us=7_000_000))
    lines, others = polls.transactions, polls.connections
    lines = dataclasses.replace(lines, group=lines.group + 100)
    others = dataclasses.replace(others, group=others.group + 100, clock=others.clock + 1)
    both = [
        {f.name: np.concatenate([getattr(a, f.name), getattr(b, f.name)]) for f in dataclasses.fields(a)}
        for a, b in ((varied.transactions, lines), (varied.connections, others))
    ]
    joined = (
        dataclasses.replace(side, **columns)
        for side, columns in zip((varied.transactions, varied.connections), both, strict=True)
    )
    fits = fit_clocks(*joined, Settings())
    assert [fit.method != "refused" for fit in fits] == [True, True]
    assert all(abs(fit.offset - 7_000_000) <= 3_000 for fit in fits)


def test_logs_of_nothing_in_common_have_no_clock_in_any_time_zone() -> None:
    logs, others = simulated(FEW), simulated(World(connections=3_000, seed=99))
    (fit,) = fit_clocks(logs.transactions, others.connections, Settings())
    assert (fit.method, fit.offset, fit.pairs) == ("none", 0, 0)
    links = link(logs.transactions, others.connections)
    assert (links.connection >= 0).mean() < 0.01
    assert LINKS[int(links.link[0])] in ("none", "ambiguous")


def test_order_of_rows_changes_no_course() -> None:
    _, seen = stamped(MINUTES, {0: set_at(90, -2)}, {})
    draw = np.random.default_rng(5)
    lines, others = (draw.permutation(len(side)) for side in (seen.transactions, seen.connections))
    again = fit_clocks(taken(seen.transactions, lines), taken(seen.connections, others), Settings())
    assert again == fits_of(seen)


def test_what_a_clock_showed_is_read_back() -> None:
    track = (Segment(MISSING_TIME, 0, 1_000), Segment(10_000, 10_000, -4_000, 0.5))
    times = np.array([0, 9_999, 10_000, 20_000])
    shown = times + ahead(track, times)
    readings = read(track, shown)
    assert (readings.valid & (readings.times == times)).any(axis=0).all()
    assert readings.several.tolist() == [False, True, True, False]
    skipped = read((Segment(MISSING_TIME, 0, 0), Segment(10_000, 0, 5_000)), np.array([12_000]))
    assert skipped.valid.sum() == 1
