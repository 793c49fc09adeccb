"""Candidates: true connections are among them, they stay few, and ports exclude only where they survive."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulate import Logs, World, simulate

from egresslog.linking.candidates import find_candidates, find_ports
from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Ints, Settings


def found(logs: Logs) -> tuple[Ints, Ints]:
    meeting = Meeting(logs.transactions, logs.connections, Settings())
    return find_candidates(meeting, find_ports(meeting), np.arange(len(logs.transactions)))


def survives(logs: Logs) -> np.ndarray:
    return find_ports(Meeting(logs.transactions, logs.connections, Settings())).survives


def covered(logs: Logs, candidates: tuple[Ints, Ints]) -> float:
    """Share of the lines whose true connection is a candidate."""
    has, (left, right) = np.flatnonzero(logs.truth >= 0), candidates
    width = len(logs.connections)
    return float(np.isin(has * width + logs.truth[has], left * width + right).mean())


@pytest.mark.parametrize(
    "world",
    [World(seed=1), World(seed=2, one_address=True), World(seed=3, rate=5.0), World(seed=4, port=True)],
)
def test_true_connections_are_candidates(world: World) -> None:
    logs = simulate(world)
    # Middle lines of a shared connection are found later, by sums of bytes.
    assert covered(logs, found(logs)) > 0.93


def test_candidates_stay_few_however_many_tunnels_overlap() -> None:
    logs = simulate(World(seed=1, one_address=True, rate=2_000.0, connections=4_000))
    limit = 3 * Settings().max_candidates
    assert np.bincount(found(logs)[0]).max() <= limit


def test_surviving_port_excludes_all_others() -> None:
    logs = simulate(World(seed=1, port=True))
    left, right = found(logs)
    assert survives(logs).all()
    np.testing.assert_array_equal(logs.transactions.port[left], logs.connections.port[right])


def test_port_that_no_connection_has_leaves_no_candidates() -> None:
    logs = simulate(World(seed=1, port=True))
    port = logs.transactions.port.copy()
    port[5] = 65_535
    candidates = found(Logs(dataclasses.replace(logs.transactions, port=port), logs.connections, logs.truth))
    assert 5 not in candidates[0]


def test_rewritten_ports_do_not_exclude() -> None:
    logs = simulate(World(seed=1, port=True, one_address=True))
    candidates = found(logs)
    assert not survives(logs).any()
    assert covered(logs, candidates) > 0.9


def test_lost_envoy_logs_do_not_make_ports_doubtful() -> None:
    logs = simulate(World(seed=1, port=True, lost_connections=0.4))
    assert survives(logs).all()


def test_groups_never_meet() -> None:
    logs = simulate(World(seed=1))
    candidates = found(logs)
    assert (
        logs.transactions.group[candidates[0]] == logs.connections.group[candidates[1]]
    ).all()
    nobody = np.full(len(logs.transactions), -1)
    nowhere = dataclasses.replace(logs.connections, group=np.full(len(logs.connections), -1))
    assert not len(found(Logs(dataclasses.replace(logs.transactions, group=nobody), nowhere, logs.truth))[0])


@settings(max_examples=50, deadline=None)
@given(
    left=st.lists(st.tuples(st.integers(0, 3), st.integers(-50, 50), st.integers(0, 30)), max_size=20),
    right=st.lists(st.tuples(st.integers(0, 3), st.integers(-60, 60)), max_size=20),
)
def test_window_join_equals_the_nested_loop(
    left: list[tuple[int, int, int]], right: list[tuple[int, int]]
) -> None:
    key, low, width = (np.array([row[at] for row in left], dtype=np.int64) for at in range(3))
    other_key, time = (np.array([row[at] for row in right], dtype=np.int64) for at in range(2))
    keys, other_keys = shared_keys((key,), (other_key,))
    one, other = window_join(keys, low, low + width, other_keys, time).pairs()
    expected = {
        (i, j)
        for i, (group, begin, span) in enumerate(left)
        for j, (other_group, moment) in enumerate(right)
        if group == other_group and begin <= moment <= begin + span
    }
    assert set(zip(one.tolist(), other.tolist(), strict=True)) == expected
    assert len(one) == len(expected)
