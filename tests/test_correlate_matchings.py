"""Posteriors over all matchings, against brute force and on small hand-made cases; and classes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egresslog.linking import compiled, graph, matchings
from egresslog.linking.confidence import classify
from egresslog.linking.matchings import Matchings
from egresslog.linking.model import Pairs
from egresslog.linking.ways import Ways, Weighed, posteriors, prices_of
from egresslog.schema import LINKS

Way = tuple[int, tuple[int, ...], float]  # connection, lines, odds (log2)
MANY = 4_096
EXAMPLES = max(150, settings.default.max_examples)


def ways_of(ways: list[Way]) -> Ways:
    return Ways(
        connection=np.array([way[0] for way in ways], dtype=np.int64),
        size=np.array([len(way[1]) for way in ways], dtype=np.int64),
        lines=np.array([line for way in ways for line in way[1]], dtype=np.int64),
        odds=np.array([way[2] for way in ways], dtype=np.float64),
    )


def judged(ways: list[Way], most: int = MANY, idle: Sequence[float] = ()) -> Weighed:
    alone = np.zeros(300)
    alone[: len(idle)] = idle
    return posteriors(ways_of(ways), np.arange(300), alone, most)


def all_matchings(ways: list[Way], idle: Sequence[float] = ()) -> Iterator[tuple[list[int], float]]:
    """The ways of every matching and its odds (log2)."""
    connections = sorted({way[0] for way in ways})
    alone = [*idle, *[0.0] * 300]
    options = [[None, *(n for n, way in enumerate(ways) if way[0] == one)] for one in connections]
    for pick in itertools.product(*options):
        taken = [n for n in pick if n is not None]
        lines = [line for n in taken for line in ways[n][1]]
        if len(set(lines)) == len(lines):
            idlers = (alone[one] for one, n in zip(connections, pick, strict=True) if n is None)
            yield taken, sum(ways[n][2] for n in taken) + sum(idlers)


def by_brute_force(ways: list[Way], idle: Sequence[float] = ()) -> list[float]:
    """The share of each way in all matchings, one by one."""
    shares, total = [0.0] * len(ways), 0.0
    for taken, odds in all_matchings(ways, idle):
        total += 2.0**odds
        for n in taken:
            shares[n] += 2.0**odds
    return [share / total for share in shares]


LINES = st.sets(st.integers(0, 5), min_size=1, max_size=3).map(sorted).map(tuple)
WAYS = st.lists(st.tuples(st.integers(0, 4), LINES, st.floats(-12, 30)), max_size=9)
IDLE = st.lists(st.floats(0, 20), min_size=5, max_size=5)


@settings(max_examples=EXAMPLES, deadline=None)
@given(WAYS, IDLE)
def test_posteriors_are_the_shares_of_all_matchings(ways: list[Way], idle: list[float]) -> None:
    np.testing.assert_allclose(judged(ways, idle=idle).posterior, by_brute_force(ways, idle), atol=1e-4)


@settings(max_examples=EXAMPLES, deadline=None)
@given(WAYS)
def test_order_of_ways_does_not_matter(ways: list[Way]) -> None:
    backwards = judged(ways[::-1]).posterior[::-1]
    np.testing.assert_allclose(backwards, judged(ways).posterior, atol=1e-9)


@settings(max_examples=EXAMPLES, deadline=None)
@given(WAYS, IDLE)
def test_regret_bounds_what_a_way_can_be_part_of(ways: list[Way], idle: list[float]) -> None:
    """No matching that contains the way is better than the prices of all less the way's regret."""
    prices = prices_of(ways_of(ways), 6, np.array(idle))
    used = sorted({way[0] for way in ways})
    bound = prices.line.sum() + prices.connection[used].sum()
    regret = prices.regret(ways_of(ways))
    assert (regret > -1e-9).all()
    for taken, odds in all_matchings(ways, idle):
        assert odds <= bound - sum(regret[n] for n in taken) + 1e-6


def test_a_bundle_does_not_make_others_of_its_line_look_hopeless() -> None:
    ways: list[Way] = [(0, (0,), 0.0), (1, (0,), 30.0), (2, (0,), 17.0), (0, (0, 1), 0.0)]
    np.testing.assert_allclose(judged(ways).posterior, by_brute_force(ways), atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(WAYS)
def test_regret_of_single_lines_is_against_the_best_matching(ways: list[Way]) -> None:
    """No matching that contains the pair is better than the best one less the pair's regret."""
    pairs = sorted({(connection, lines[:1]): odds for connection, lines, odds in ways}.items())
    single: list[Way] = [(connection, line, odds) for (connection, line), odds in pairs]
    found = list(all_matchings(single))
    best, slack = max(odds for _, odds in found), 0.05 * (len(single) + 1)
    for number, worse in enumerate(prices_of(ways_of(single), 6, np.zeros(5)).regret(ways_of(single))):
        with_it = max(odds for taken, odds in found if number in taken)
        assert with_it <= best - worse + slack + 1e-9


def test_rivals_pay_for_a_line_that_two_bundles_want() -> None:
    """The worth of a bundle does not stay with its connection: idle is no worse there than it must be."""
    prices = prices_of(ways_of([(0, (0, 1), 30.0), (1, (0, 2), 30.0)]), 3, np.zeros(2))
    assert prices.line[0] == pytest.approx(30.0, abs=0.1)
    assert prices.connection.max() < 0.1


@pytest.mark.parametrize("count", [2, 3, 8])
def test_identical_twins_get_equal_shares(count: int) -> None:
    found = judged([(j, (i,), 20.0) for i in range(count) for j in range(count)])
    np.testing.assert_allclose(found.posterior, 1 / count, atol=0.01)
    assert found.lost.max() == 0.0


def test_too_many_twins_are_given_up_and_said_to_be() -> None:
    found = judged([(j, (i,), 20.0) for i in range(24) for j in range(24)], most=200)
    assert found.lost.min() > 0.5
    np.testing.assert_allclose(found.regret, 0.0, atol=0.2)


def test_a_crowd_leaves_the_sure_pairs_beside_it_alone() -> None:
    crowd = [(j, (i,), 20.0) for i in range(24) for j in range(24)]
    beside = [(24 + n, (24 + n,), 30.0) for n in range(200)]
    ties = [(24 + n, (23 + n,), 2.0) for n in range(200)]
    found = judged([*crowd, *beside, *ties], most=200)
    sure = len(crowd)
    assert found.posterior[sure] > 0.99
    assert found.lost[sure] < 0.5


def test_exchange_counts_and_not_only_the_row() -> None:
    """Each line alone prefers its own by 10 bits, but only one exchange of both would cost 1 bit."""
    found = judged([(0, (0,), 30.0), (1, (0,), 20.0), (0, (1,), 29.0), (1, (1,), 20.0)])
    np.testing.assert_allclose(found.posterior, [2 / 3, 1 / 3, 1 / 3, 2 / 3], atol=0.01)


def test_rivals_for_a_sole_connection_share_it() -> None:
    np.testing.assert_allclose(judged([(0, (0,), 15.0), (0, (1,), 15.0)]).posterior, 0.5, atol=0.01)


def test_link_is_never_forced() -> None:
    assert judged([(0, (0,), -3.0)]).posterior[0] == pytest.approx(1 / 9)


def test_a_bundle_and_its_lines_alone_exclude_each_other() -> None:
    found = judged([(0, (0, 1), 20.0), (0, (0,), 18.0), (1, (1,), 2.0)])
    np.testing.assert_allclose(found.posterior, by_brute_force(
        [(0, (0, 1), 20.0), (0, (0,), 18.0), (1, (1,), 2.0)]), atol=1e-9)  # fmt: skip


def test_more_lines_than_slots_are_left_out_and_said_to_be() -> None:
    """One connection that a hundred lines want, each of which also wants the last one."""
    ways: list[Way] = [(connection, (line,), 5.0) for connection in (0, 1) for line in range(100)]
    found = judged(ways)
    assert (found.lost > 0.5).any()
    assert found.posterior.sum() <= 2.0 + 1e-9


def test_compiled_kernels_do_what_plain_ones_do() -> None:
    draw = np.random.default_rng(1)
    first = np.sort(draw.integers(0, 50, 200))
    last, order = first + draw.integers(0, 30, 200), np.arange(200)
    plain, fast = [-1] * 200, np.full(200, -1)
    graph.find_slots(order.tolist(), first.tolist(), last.tolist(), plain)
    compiled._compiled("egresslog.linking.graph").find_slots(order, first, last, fast)
    assert fast.tolist() == plain
    taken: dict[int, int] = {}
    for line, place in enumerate(plain):
        assert place < 0 or taken.get(place, -1) < first[line]
        taken[place] = int(last[line])


def crowd(connections: int) -> list[Way]:
    """Each connection is wanted by the lines around it, and now and then by two of them together."""
    draw = np.random.default_rng(2)
    ways: list[Way] = []
    for one in range(connections):
        lines = one + draw.choice(9, 4, replace=False)
        ways += [(one, (int(line),), float(draw.uniform(5, 15))) for line in lines]
        ways += [(one, tuple(sorted(map(int, lines[:2]))), 20.0)] * int(one % 5 == 0)
    return ways


@pytest.mark.parametrize("most", [16, 200])
def test_compiled_sums_are_those_of_plain_ones(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = judged(crowd(120), most)
    monkeypatch.setattr(compiled, "MANY", 0)
    fast = judged(crowd(120), most)
    assert plain.lost.max() > 0
    np.testing.assert_allclose(fast.lost, plain.lost, atol=1e-12)
    np.testing.assert_allclose(fast.posterior, plain.posterior, atol=1e-12)


@pytest.mark.parametrize(("steps", "levels"), [(0, 0), (0, 3)])
def test_sums_do_not_depend_on_how_much_is_kept_at_once(
    steps: int, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judged(crowd(120), 64)
    monkeypatch.setattr(matchings, "_BLOCK", steps)
    monkeypatch.setattr(matchings, "_LEVELS", levels)
    found = judged(crowd(120), 64)
    np.testing.assert_array_equal(found.lost, whole.lost)
    np.testing.assert_array_equal(found.posterior, whole.posterior)


def test_few_of_many_states_are_lost_and_their_share_is_told() -> None:
    """Sets of used lines left out cost no more than what is said to be lost."""
    ways = crowd(60)
    whole, cut = judged(ways, 10_000), judged(ways, 100)
    assert whole.lost.max() == 0.0
    assert 0.0 < cut.lost.max() < 0.05
    assert np.abs(cut.posterior - whole.posterior).max() < cut.lost.max() * 10


def test_weights_that_leave_the_range_of_a_float_give_the_component_up() -> None:
    zero, none = np.zeros(1), np.zeros(1, dtype=np.int64)
    found, lost = Matchings(
        components=np.array([0, 1]), ways=np.array([0, 1]), bits=np.array([1]), odds=zero, idle=zero,
        leaving=np.array([1]), leavers=np.array([0, 1]), slots=none, unused=zero, tied=none, most=4,
    ).weigh()  # fmt: skip
    assert found.tolist() == [0.0]
    assert lost.tolist() == [1.0]


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
    pairs = Pairs(one, one, {}, np.zeros(1), np.array([posterior]))
    verdict = classify(pairs, np.array([none]), *marks)
    assert LINKS[int(verdict.link[0])] == name
    assert verdict.connection[0] == (-1 if name in ("none", "ambiguous") else 0)
    assert verdict.margin[0] == pytest.approx(np.log2(posterior / none))
