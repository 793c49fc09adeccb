"""What each kind of evidence says, on the weights of small worlds."""

from __future__ import annotations

import numpy as np
import pytest
from simulate import World, simulate

from egresslog.linking.candidates import find_candidates, find_ports
from egresslog.linking.evidence import Features, observe, weigh
from egresslog.linking.likelihood import growing_edges, learn, lomax, two_sided_edges
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Settings
from egresslog.linking.parameters import alone, estimate
from egresslog.linking.sizes import Sizes
from egresslog.schema import EVIDENCE


def weighed(world: World) -> tuple[dict[str, np.ndarray], np.ndarray, Features]:
    """Weights of all candidates, which of them are true, and their features."""
    logs = simulate(world)
    meeting = Meeting(logs.transactions, logs.connections, Settings())
    ports = find_ports(meeting)
    left, right = find_candidates(meeting, ports, np.arange(len(logs.transactions)))
    features = observe(meeting, left, right, ports.share)
    return weigh(features, estimate(meeting, ports)), logs.truth[left] == right, features


@pytest.mark.parametrize("kind", ["start", "end", "bytes_down"])
def test_evidence_speaks_for_true_and_against_chance_pairs(kind: str) -> None:
    weights, true, _ = weighed(World(seed=1))
    assert set(weights) == set(EVIDENCE)
    assert np.median(weights[kind][true]) > 1.0
    assert np.median(weights[kind][~true]) < 0.0


def test_requests_count_where_squid_logs_them() -> None:
    weights, true, _ = weighed(World(seed=1, port=True, one_address=True))
    assert np.median(weights["bytes_up"][true]) > 3.0
    assert not weighed(World(seed=1))[0]["bytes_up"].any()


def test_port_weighs_much_where_it_survives() -> None:
    weights, true, _ = weighed(World(seed=1, port=True))
    assert weights["port"][true].min() > 5.0


def test_line_that_ends_much_later_than_its_connection_is_unlikely() -> None:
    weights, _, features = weighed(World(seed=1))
    long = features.lasting > 1_000_000
    early = weights["end"][long & (features.past < -500_000) & (features.past > -1_000_000)]
    late = weights["end"][long & (features.past > 500_000) & (features.past < 1_000_000)]
    assert np.median(early) > np.median(late) + 3.0


def test_rare_size_is_less_likely_by_chance_than_a_common_one() -> None:
    sizes = Sizes(np.zeros(100, dtype=np.int64), np.array([500] * 90 + list(range(10))))
    one = np.zeros(1, dtype=np.int64)
    assert sizes.equal(one, np.array([500]))[0] == pytest.approx(0.9, abs=0.02)
    assert sizes.equal(one, np.array([3]))[0] < 0.01
    assert sizes.between(one, 0, 10)[0] == pytest.approx(0.1, abs=0.01)


def test_density_sums_to_one_and_follows_the_data() -> None:
    edges = two_sided_edges()
    values = np.repeat([2_000, 3_000], 500)
    density = learn(edges, lomax(edges, 2_000.0), values)
    assert np.sum(np.exp2(density.log2) * np.diff(edges)) == pytest.approx(1.0)
    assert density(np.array([2_000]))[0] > density(np.array([5_000]))[0] + 3.0


def test_mean_density_of_a_wide_window_lies_between() -> None:
    edges = growing_edges()
    density = learn(edges, lomax(edges, 1e5), np.array([], dtype=np.int64))
    low, width = np.array([0]), np.array([1_000_000])
    at = density(np.array([0, 1_000_000]))
    assert at[1] < density.mean(low, width)[0] < at[0]


def test_share_without_counterpart_stays_within_bounds() -> None:
    assert alone(0, 0) == pytest.approx(0.1)
    assert alone(0, 1_000_000) == pytest.approx(0.0005)
    assert alone(1_000_000, 1_000_000) == pytest.approx(0.9995)
