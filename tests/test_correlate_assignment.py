"""The best assignment, against brute force, and confidence on small hand-made cases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egresslog.linking.assignment import Assignment, match, undominated
from egresslog.linking.confidence import classify, posteriors
from egresslog.schema import LINKS

Edges = list[tuple[int, int, float]]


def arrays(edges: Edges) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    edges = sorted(edges)
    left, right = (np.array([edge[at] for edge in edges], dtype=np.int64) for at in (0, 1))
    return left, right, np.array([edge[2] for edge in edges], dtype=np.float64)


def state(chosen: np.ndarray, pairs: int) -> Assignment:
    lines = len(chosen)
    nothing = np.zeros(pairs)
    return Assignment(chosen, np.zeros(lines, dtype=bool), np.zeros(lines), nothing > 0, nothing)


def judged(edges: Edges, lines: int, connections: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    left, right, odds = arrays(edges)
    chosen = match(left, right, odds, lines)
    return chosen, *posteriors(left, right, odds, state(chosen, len(left)), connections)


def value(edges: Edges, chosen: np.ndarray) -> float:
    odds = {(line, connection): weight for line, connection, weight in edges}
    return sum(odds[line, int(one)] for line, one in enumerate(chosen) if one >= 0)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(-5, 20).map(float), max_size=14
    )
)
def test_match_is_as_good_as_brute_force(weights: dict[tuple[int, int], float]) -> None:
    edges = [(line, connection, odds) for (line, connection), odds in weights.items()]
    chosen = match(*arrays(edges), 5)
    linked = chosen[chosen >= 0]
    assert len(set(linked.tolist())) == len(linked)
    options = [[-1, *[c for line, c in weights if line == one]] for one in range(5)]
    best = 0.0
    for pick in itertools.product(*options):
        used = [one for one in pick if one >= 0]
        if len(set(used)) == len(used):
            best = max(best, value(edges, np.array(pick)))
    assert value(edges, chosen) == pytest.approx(best)


def test_large_component_equals_the_small_solver() -> None:
    draw = np.random.default_rng(1)
    edges = [(i, (i + step) % 120, float(draw.uniform(1, 9))) for i in range(120) for step in range(4)]
    chosen = match(*arrays(edges), 120)
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((120, 240))
    for line, connection, odds in edges:
        table[line, connection] = odds
    assert value(edges, chosen) == pytest.approx(table[linear_sum_assignment(table, maximize=True)].sum())


@pytest.mark.parametrize("count", [2, 3, 8])
def test_identical_twins_get_equal_shares(count: int) -> None:
    edges = [(i, j, 20.0) for i in range(count) for j in range(count)]
    _, posterior, none = judged(edges, count, count)
    np.testing.assert_allclose(posterior, 1 / count, atol=0.01)
    assert none.max() < 1e-3


def test_exchange_counts_and_not_only_the_row() -> None:
    """Each line alone prefers its own by 10 bits, but only one exchange of both would cost 1 bit."""
    edges = [(0, 0, 30.0), (0, 1, 20.0), (1, 0, 29.0), (1, 1, 20.0)]
    chosen, posterior, _ = judged(edges, 2, 2)
    assert chosen.tolist() == [0, 1]
    np.testing.assert_allclose(posterior, [2 / 3, 1 / 3, 1 / 3, 2 / 3], atol=0.01)


def test_unsure_rival_for_a_sole_connection_is_ambiguous() -> None:
    _, posterior, none = judged([(0, 0, 15.0), (1, 0, 15.0)], 2, 1)
    np.testing.assert_allclose(posterior, 0.5, atol=0.01)
    np.testing.assert_allclose(none, 0.5, atol=0.01)


def test_link_is_never_forced() -> None:
    chosen, posterior, none = judged([(0, 0, -3.0)], 1, 1)
    assert chosen.tolist() == [-1]
    assert none[0] == pytest.approx(8 / 9)
    assert posterior[0] == pytest.approx(1 / 9)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), st.floats(-30, 40), max_size=20),
)
def test_posteriors_and_none_add_up_to_one(weights: dict[tuple[int, int], float]) -> None:
    edges = [(line, connection, odds) for (line, connection), odds in weights.items()]
    left, _, _ = arrays(edges)
    _, posterior, none = judged(edges, 6, 6)
    np.testing.assert_allclose(np.bincount(left, posterior, 6) + none, 1.0)


def test_pairs_with_a_much_better_choice_at_both_ends_are_dropped() -> None:
    left, right, odds = arrays([(0, 0, 20.0), (0, 1, 1.0), (1, 1, 25.0), (2, 1, 1.0)])
    assert undominated(left, right, odds).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("posterior", "none", "by_port", "timeless", "name"),
    [
        (0.9999, 0.0001, True, False, "exact"),
        (0.9999, 0.0001, False, False, "strong"),
        (0.99, 0.01, True, False, "probable"),
        (0.97, 0.03, False, False, "probable"),
        (0.6, 0.4, False, False, "ambiguous"),
        (0.4, 0.6, False, False, "none"),
        (0.9999, 0.0001, True, True, "exact"),
        (0.9999, 0.0001, False, True, "ambiguous"),
        (0.4, 0.6, False, True, "none"),
    ],
)
def test_classes(posterior: float, none: float, by_port: bool, timeless: bool, name: str) -> None:
    one = np.zeros(1, dtype=np.int64)
    marks = np.array([by_port]), np.array([timeless])
    verdict = classify(one, one, np.array([posterior]), np.array([none]), *marks)
    assert LINKS[int(verdict.link[0])] == name
    assert verdict.connection[0] == (-1 if name in ("none", "ambiguous") else 0)
    assert verdict.margin[0] == pytest.approx(np.log2(posterior / none))
