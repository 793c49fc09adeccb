"""The whole correlation on simulated logs: right, complete, calibrated, and invariant."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulate import Logs, World, shuffled, simulate

from egresslog.linking.align import align
from egresslog.linking.candidates import find_candidates, find_ports
from egresslog.linking.link import link
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Floats, Links, Settings, TransactionColumns, taken
from egresslog.schema import EVIDENCE, LINKS


def shares(links: Links, logs: Logs) -> tuple[float, float]:
    """Right links of those made, and of the lines that have a connection."""
    made, has, right = links.connection >= 0, logs.truth >= 0, links.connection == logs.truth
    return float(right[made].mean()), float(right[has].mean())


def best_candidates(links: Links) -> np.ndarray:
    pairs = links.pairs
    order = np.lexsort((-pairs.posterior, pairs.transaction))
    first = order[np.diff(pairs.transaction[order], prepend=-1) != 0]
    best = np.full(len(links), -1)
    best[pairs.transaction[first]] = pairs.connection[first]
    return best


@pytest.mark.parametrize(
    ("world", "right", "linked"),
    [
        (World(seed=1), 0.999, 0.98),
        (World(seed=2, connections=8_000), 0.999, 0.98),
        (World(seed=3, offset_us=-91_500_000), 0.999, 0.98),
        (World(seed=4, repeated=0.95), 0.999, 0.975),
        (World(seed=5, one_address=True), 0.998, 0.92),
        (World(seed=6, one_address=True, port=True), 0.999, 0.94),
        (World(seed=7, port=True), 0.999, 0.999),
        (World(seed=8, lost_lines=0.05, lost_connections=0.05), 0.998, 0.95),
        (World(seed=9, rate=5.0), 0.999, 0.99),
    ],
    ids=lambda value: "" if isinstance(value, float) else f"world{value.seed}",
)
def test_links_are_right_and_nearly_complete(world: World, right: float, linked: float) -> None:
    logs = simulate(world)
    of_made, of_all = shares(link(logs.transactions, logs.connections), logs)
    assert of_made >= right
    assert of_all >= linked


def test_confidence_is_calibrated() -> None:
    hits, confidence = [], []
    for seed in range(3):
        logs = simulate(World(connections=5_000, seed=20 + seed, repeated=0.9))
        links = link(logs.transactions, logs.connections)
        candidate = best_candidates(links)
        named = candidate >= 0
        hits.append((candidate == logs.truth)[named])
        confidence.append(links.confidence[named])
    right, sure = np.concatenate(hits), np.concatenate(confidence)
    bins = np.digitize(sure, [0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999])
    error = sum(
        abs(sure[bins == one].mean() - right[bins == one].mean()) * (bins == one).mean()
        for one in np.unique(bins)
    )
    assert error <= 0.01
    assert right[sure >= 0.99].mean() >= 0.99


def test_whole_seconds_without_elapsed_stay_honest() -> None:
    logs = simulate(World(coarse=True, rate=5.0, seed=30))
    links = link(logs.transactions, logs.connections)
    right, _ = shares(links, logs)
    assert right >= 0.98
    assert (links.link == LINKS.index("ambiguous")).any()


@pytest.mark.parametrize("port", [False, True])
def test_evidence_adds_up_and_posteriors_add_up_to_one(port: bool) -> None:
    logs = simulate(World(seed=40, connections=1_000, port=port))
    links = link(logs.transactions, logs.connections)
    pairs = links.pairs
    assert tuple(sorted(pairs.weights)) == tuple(sorted(EVIDENCE))
    np.testing.assert_allclose(sum(pairs.weights.values()), pairs.weight)
    total = np.bincount(pairs.transaction, pairs.posterior, len(links)) + links.none_posterior
    np.testing.assert_allclose(total, 1.0)
    keys = pairs.transaction * len(logs.connections) + pairs.connection
    assert (np.diff(keys) > 0).all()


def test_pruned_counts_the_plausible_pairs_that_are_left_out() -> None:
    logs = simulate(World(seed=41, connections=1_500, one_address=True))
    links = link(logs.transactions, logs.connections)
    meeting = Meeting(align(logs.transactions, links.clocks), logs.connections, Settings())
    every = np.arange(len(logs.transactions))
    left, right = find_candidates(meeting, find_ports(meeting), every)
    width = len(logs.connections)
    shown = links.pairs.transaction * width + links.pairs.connection
    left_out = len(np.setdiff1d(left * width + right, shown))
    assert 1_000 < left_out <= links.pruned <= len(left)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1_000), one_address=st.booleans())
def test_order_of_rows_changes_nothing(seed: int, one_address: bool) -> None:
    logs = simulate(World(seed=seed, connections=300, one_address=one_address))
    other, lines, others = shuffled(logs, seed)
    before = link(logs.transactions, logs.connections)
    after = link(other.transactions, other.connections)
    names = np.append(others, -1)[after.connection]
    np.testing.assert_array_equal(names, before.connection[lines])
    np.testing.assert_array_equal(after.link, before.link[lines])
    for values, expected in (
        (after.confidence, before.confidence[lines]),
        (after.none_posterior, before.none_posterior[lines]),
    ):
        by_content = among_equals(other.transactions, values), among_equals(other.transactions, expected)
        np.testing.assert_allclose(*by_content, atol=1e-9)


def among_equals(transactions: TransactionColumns, values: Floats) -> Floats:
    """The values in order of the rows' content; equal rows have no order of their own."""
    columns = [getattr(transactions, field.name) for field in dataclasses.fields(transactions)]
    return values[np.lexsort((values, *columns))]


@settings(max_examples=6, deadline=None)
@given(shift=st.integers(-600_000, 600_000), port=st.booleans())
def test_shifted_clock_changes_the_offset_not_the_links(shift: int, port: bool) -> None:
    logs = simulate(World(seed=50, connections=400, port=port))
    moved = dataclasses.replace(
        logs.transactions,
        start=logs.transactions.start + shift * 1_000,
        end=logs.transactions.end + shift * 1_000,
    )
    before, after = link(logs.transactions, logs.connections), link(moved, logs.connections)
    assert after.clocks[0].offset - before.clocks[0].offset == shift * 1_000
    np.testing.assert_array_equal(after.connection, before.connection)
    np.testing.assert_array_equal(after.link, before.link)


def test_two_instances_have_clocks_of_their_own() -> None:
    logs = simulate(World(seed=60))
    second = np.arange(len(logs.transactions)) % 2 == 1
    late = np.where(second, 7_000_000, 0)
    lines = dataclasses.replace(
        logs.transactions,
        instance=second.astype(np.int64),
        start=logs.transactions.start + late,
        end=logs.transactions.end + late,
    )
    links = link(lines, logs.connections)
    assert abs(links.clocks[1].offset - links.clocks[0].offset - 7_000_000) <= 2_000
    assert shares(links, logs)[1] >= 0.98


def test_lines_of_other_clients_are_not_linked() -> None:
    logs = simulate(World(seed=70))
    gone = logs.transactions.group == 3
    kept = np.flatnonzero(logs.connections.group != 3)
    links = link(logs.transactions, taken(logs.connections, kept))
    assert (links.connection[gone] == -1).all()
    assert (links.link[gone] == LINKS.index("none")).all()


def test_a_side_moved_within_the_log_leaves_almost_no_links() -> None:
    """With every size shifted away there is no clock, and starts alone must not make links."""
    logs = simulate(World(seed=80, rate=20.0))
    wrong = dataclasses.replace(
        logs.transactions,
        start=logs.transactions.start + 5_000_000,
        end=logs.transactions.end + 5_000_000,
        bytes_down=logs.transactions.bytes_down * 3 + 1,
    )
    assert (link(wrong, logs.connections).connection >= 0).mean() < 0.01


@pytest.mark.parametrize(("port", "seconds"), [(False, 10.0), (True, 2.0)])
def test_a_busy_log_is_linked_in_seconds(port: bool, seconds: float) -> None:
    logs = simulate(World(seed=90, connections=12_000, port=port))
    began = time.perf_counter()
    link(logs.transactions, logs.connections)
    assert time.perf_counter() - began < seconds
