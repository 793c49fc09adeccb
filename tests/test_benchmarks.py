"""The simulator is true to what was measured of real proxies, and the figures of the benchmarks add up."""

from __future__ import annotations

import dataclasses
from typing import Any

import accuracy
import baselines
import limit
import numpy as np
import pandas as pd
import pytest
import scale
import simulated
from scenarios import WORLDS, worlds
from scoring import (
    Answer,
    answer_of,
    calibration_error,
    certain,
    linked_by_kind,
    reliability,
    score,
    wrong_by_kind,
)
from simulate import EPOCH_US, KINDS, Logs, World, poll, simulate
from simulate.polls import Polls

from egresslog.linking.link import link
from egresslog.linking.model import MISSING_TIME

BUSY = World(connections=40_000, retries=0.01, polls=0.05, lost_lines=0.0, lost_connections=0.0, seed=4)


@pytest.fixture(scope="module")
def busy() -> Logs:
    return simulate(BUSY)


def of_kind(logs: Logs, *names: str) -> tuple[np.ndarray, np.ndarray]:
    """Lines of these kinds that have a connection, and their connections."""
    lines = np.flatnonzero(np.isin(logs.kind, [KINDS.index(name) for name in names]) & (logs.truth >= 0))
    return lines, logs.truth[lines]


def test_lines_start_after_their_connections_as_measured(busy: Logs) -> None:
    lines, others = of_kind(busy, "tunnel", "retry", "poll")
    late = (busy.transactions.start[lines] - busy.connections.start[others]) / 1_000
    low, usual, seldom = np.quantile(late, [0.01, 0.5, 0.99])
    assert (low, usual) == (0, 2)
    assert 35 <= seldom <= 70
    assert late.min() >= 0
    assert 100 <= late.max() <= 200


@pytest.mark.parametrize(
    ("origin_first", "usual", "seldom"), [(0.0, (-1, 1), (-12, -3)), (1.0, (-9, -2), (-20_000, -4_000))]
)
def test_lines_end_with_the_app_or_before(
    origin_first: float, usual: tuple[int, int], seldom: tuple[int, int]
) -> None:
    logs = simulate(World(connections=20_000, origin_first=origin_first, seed=5))
    lines, others = of_kind(logs, "tunnel")
    past = (logs.transactions.end[lines] - logs.connections.end[others]) / 1_000
    rare, middle, most = np.quantile(past, [0.01, 0.5, 0.99])
    assert seldom[0] <= rare <= seldom[1]
    assert usual[0] <= middle <= usual[1]
    assert most <= 2
    assert past.max() <= 6


@pytest.mark.parametrize("kinds", [("auth",), ("keep_alive",), ("mixed",), ("retry", "poll"), ("empty",)])
def test_bytes_of_the_lines_add_up_to_those_of_the_connection(kinds: tuple[str, ...]) -> None:
    logs = simulate(dataclasses.replace(BUSY, port=True))
    lines, others = of_kind(logs, *kinds)
    sums = [
        np.bincount(others, column[lines], len(logs.connections))
        for column in (logs.transactions.bytes_down, logs.transactions.bytes_up)
    ]
    met = np.unique(others)
    assert len(met) > 100
    differ = sums[0][met] != logs.connections.bytes_sent[met]
    assert differ.mean() <= (0.001 if "retry" in kinds else 0.0)  # a last record of 24 bytes now and then
    np.testing.assert_array_equal(sums[1][met], logs.connections.bytes_received[met])


def test_bytes_differ_where_they_do_in_reality(busy: Logs) -> None:
    def more(name: str) -> np.ndarray:
        lines, others = of_kind(busy, name)
        return busy.connections.bytes_sent[others] - busy.transactions.bytes_down[lines]

    assert set(more("tunnel")) <= {0, 24}
    assert (more("tunnel") == 24).any()
    assert more("failed").min() >= 3_347
    assert more("failed").max() <= 4_143
    assert 0.55 <= (more("aborted") == 0).mean() <= 0.7
    assert more("aborted").max() == 0
    assert more("aborted").min() < -100_000


def test_lines_per_connection(busy: Logs) -> None:
    def counts(name: str) -> set[int]:
        _, others = of_kind(busy, name)
        return set(np.unique(others, return_counts=True)[1].tolist())

    assert counts("tunnel") == counts("empty") == counts("failed") == {1}
    assert counts("auth") == {2, 3}
    assert counts("keep_alive") == {2, 3, 4, 5, 6}
    assert counts("mixed") == {2, 3}


def test_a_reset_client_is_waited_for(busy: Logs) -> None:
    lines, others = of_kind(busy, "reset")
    past = (busy.transactions.end[lines] - busy.connections.end[others]) / 1_000
    assert past.min() >= 3_000
    assert past.max() <= 3_400


def test_sizes_repeat_as_asked_and_polls_always() -> None:
    def repeated(share: float) -> float:
        logs = simulate(World(connections=5_000, repeated=share, seed=6))
        sizes = logs.transactions.bytes_down[of_kind(logs, "tunnel")[0]]
        return float(np.sort(np.unique(sizes, return_counts=True)[1])[-8:].sum() / len(sizes))

    assert 0.66 <= repeated(0.7) <= 0.75
    assert 0.93 <= repeated(0.95) <= 0.98
    logs = simulate(BUSY)
    assert len(np.unique(logs.transactions.bytes_down[of_kind(logs, "poll")[0]])) == 4


def test_clocks_drift_and_step() -> None:
    world = World(connections=4_000, offset_us=2_700_000, drift_ppm=300.0, step_us=5_000_000, seed=7)
    off, true = simulate(world), simulate(world.on_true_clocks())
    ahead = np.sort(off.transactions.end) - np.sort(true.transactions.end)
    since = np.sort(true.transactions.end) - EPOCH_US
    early, late = since < 10_000_000, since > 20_000_000
    assert ahead[early].min() >= 2_699_000
    assert ahead[early].max() <= 2_705_000
    assert (np.abs(ahead[late] - 7_700_000 - 300e-6 * since[late]) <= 1_100).all()


def test_losses_are_as_asked() -> None:
    logs = simulate(World(connections=20_000, lost_lines=0.05, lost_connections=0.05, seed=8))
    assert 0.04 <= (logs.truth < 0).mean() <= 0.06
    unused = np.setdiff1d(np.arange(len(logs.connections)), logs.truth)
    assert 0.03 <= len(unused) / len(logs.connections) <= 0.06
    killed = simulate(World(connections=20_000, envoy_kills=3, squid_kills=2, seed=8))
    assert (killed.truth < 0).mean() > 0.006


def test_nothing_open_at_the_end_is_logged() -> None:
    world = World(connections=2_000, cut=True, seed=9)
    logs = simulate(world)
    last = EPOCH_US + int(world.connections / world.rate * 1e6)
    assert max(logs.transactions.end.max(), logs.connections.end.max()) <= last
    assert len(logs.connections) < len(simulate(dataclasses.replace(world, cut=False)).connections) - 20


@pytest.mark.parametrize("kept", [0.0, 0.68])
def test_ports_survive_as_asked(kept: float) -> None:
    logs = simulate(World(port=True, one_address=True, kept_ports=kept, connections=5_000, seed=10))
    has = logs.truth >= 0
    equal = logs.transactions.port[has] == logs.connections.port[logs.truth[has]]
    assert abs(equal.mean() - kept) < 0.03
    assert not logs.transactions.group.any()


def test_clients_outside_have_no_connection_and_addresses_of_their_own() -> None:
    logs = simulate(World(outside=0.1, lost_connections=0.0, seed=11))
    foreign = logs.transactions.group >= World().groups
    np.testing.assert_array_equal(foreign, logs.truth < 0)
    assert 0.07 <= foreign.mean() <= 0.13


def test_coarse_lines_have_whole_seconds_and_no_start() -> None:
    lines = simulate(World(coarse=True, connections=100)).transactions
    assert (lines.start == MISSING_TIME).all()
    assert not (lines.end % 1_000_000).any()


def test_the_figures_of_a_row_add_up() -> None:
    logs = simulate(World(connections=3_000, seed=12, retries=0.05))
    answer = answer_of(link(logs.transactions, logs.connections))
    row = score("world", "egresslog", logs, answer, 2.0)
    has, made = int((logs.truth >= 0).sum()), int((answer.connection >= 0).sum())
    hit = round(row.linked_right * has)
    assert row.lines == len(logs.truth)
    assert made - hit == row.wrong == sum(wrong_by_kind(logs, answer).values())
    assert row.right == pytest.approx(hit / made, abs=1e-5)
    assert row.ambiguous + row.none == int((has_and_unlinked(logs, answer)).sum())
    by_kind = linked_by_kind(logs, answer)
    lines = {name: int(((logs.kind == KINDS.index(name)) & (logs.truth >= 0)).sum()) for name in by_kind}
    assert sum(by_kind[name] * lines[name] for name in lines) == pytest.approx(hit, abs=1.0)
    assert row.lines_per_s == round(row.lines / 2.0)
    assert reliability(logs, answer)["lines"].sum() == (answer.best >= 0).sum()


def has_and_unlinked(logs: Logs, answer: Answer) -> np.ndarray:
    return (logs.truth >= 0) & (answer.connection < 0)


def test_calibration_error_of_known_answers() -> None:
    logs = simulate(World(connections=400, lost_lines=0.0, lost_connections=0.0, seed=13))
    n = len(logs.truth)
    wrong = np.where(np.arange(n) % 4 == 0, (logs.truth + 1) % len(logs.connections), logs.truth)
    share = float((wrong == logs.truth).mean())
    honest = Answer(wrong, wrong, np.full(n, share), np.zeros(n, np.int64))
    boastful = dataclasses.replace(honest, confidence=np.ones(n))
    assert calibration_error(logs, honest) == pytest.approx(0.0, abs=1e-5)
    assert calibration_error(logs, boastful) == pytest.approx(1.0 - share, abs=1e-5)
    assert np.isnan(calibration_error(logs, certain(wrong)))


def test_baselines_answer_as_their_joins_do() -> None:
    logs = simulate(World(connections=1_500, rate=20.0, seed=14))
    shares = {
        name: float((join(logs) == logs.truth)[logs.truth >= 0].mean())
        for name, join in baselines.methods(logs).items()
    }
    assert {"nearest start", "nearest end", "greedy bytes"} <= set(shares)
    assert all(0.5 < share < 0.999 for share in shares.values())
    greedy = baselines.greedy_bytes(logs)
    made = greedy[greedy >= 0]
    assert len(np.unique(made)) == len(made)
    equal = logs.transactions.bytes_down[greedy >= 0] == logs.connections.bytes_sent[made]
    assert equal.all()


def test_true_parameters_tell_true_pairs_from_chance() -> None:
    logs = simulate(World(connections=3_000, seed=15, lost_lines=0.02))
    known = limit.true_parameters(logs, limit.KNOWN_CLOCK)
    assert known.stray == pytest.approx(float((logs.truth < 0).mean()))
    usual, late = np.array([2_000]), np.array([300_000])
    assert known.down[0, 0] > 0.97  # an aborted download now and then; no line of a shared connection
    assert known.start(usual, 1)[0] > known.start(late, 1)[0] + 10.0  # row 1: tunnels alone on theirs


def test_the_shift_moves_every_line_within_the_coverage() -> None:
    lines = poll(Polls(period=5.0)).transactions
    moved = simulated.shifted(lines, 0.29)
    assert moved.end.min() >= lines.end.min()
    assert moved.end.max() <= lines.end.max()
    assert (moved.end != lines.end).all()
    np.testing.assert_array_equal(moved.end - moved.start, lines.end - lines.start)


def test_growth_is_the_slope() -> None:
    def cost(lines: int, seconds: float) -> scale.Cost:
        return scale.Cost("world", lines, seconds, 1, 1, 1, 1.0, 1.0)

    assert scale.exponent([cost(1_000, 1.0), cost(10_000, 100.0)]) == pytest.approx(2.0)
    assert np.isnan(scale.exponent([cost(1_000, 1.0)]))


def test_linking_is_measured_in_a_process_of_its_own() -> None:
    (one, other) = scale.report((300,))
    assert one.lines >= 250
    assert one.peak_mb >= one.before_mb > 20
    assert min(one.right, other.right) > 0.9


def test_the_command_prints_a_row_for_each_method(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    plot = tmp_path / "reliability.svg"
    words = ["--simulate", "--lines", "400", "--only", "with port", "--shift", "--plot", str(plot)]
    monkeypatch.setattr("sys.argv", ["accuracy.py", *words])
    accuracy.main()
    printed = capsys.readouterr().out
    for method in ("egresslog", "nearest start", "nearest end", "greedy bytes"):
        assert f"with port {method:>13}" in printed
    assert "still linked" in printed
    assert plot.read_text("utf-8").startswith("<?xml")


def test_worlds_are_chosen_by_name() -> None:
    assert len(list(worlds(10))) == len(WORLDS)
    chosen = dict(worlds(10, "Squid"))
    assert set(chosen) == {"two Squids", "Envoys and Squid killed"}
    assert all(world.connections == 10 for world in chosen.values())


def test_pooled_reliability_counts_every_line_once() -> None:
    parts = [
        pd.DataFrame({"from": [0.5], "lines": [10], "confidence": [0.6], "right": [0.5]}),
        pd.DataFrame({"from": [0.5], "lines": [30], "confidence": [0.7], "right": [0.9]}),
    ]
    (row,) = simulated.pooled(parts).to_dict("records")
    assert row == {"from": 0.5, "lines": 40, "confidence": pytest.approx(0.675), "right": pytest.approx(0.8)}
