"""The controls of every run (law 7): what links by chance, what ports add, how much should be wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lab import DATA, SAMPLES, envoy_files, squid_files
from simulate import Logs, World, simulate

from egresslog.api import correlate, load
from egresslog.correlation.controls import Controls, controls
from egresslog.correlation.passes import Linked, Passes
from egresslog.linking.model import MISSING, ConnectionColumns, Settings, TransactionColumns, taken
from egresslog.report.controls import control_lines, controls_entry, few

KNOWN_CLOCK = Settings(max_offset_us=0)
SECOND = 1_000_000


def passes_of(
    transactions: TransactionColumns, connections: ConnectionColumns, settings: Settings | None = None
) -> Passes:
    groups = ((transactions.group, connections.group),)
    return Passes(transactions, connections, groups, settings or Settings())


def tried(passes: Passes) -> tuple[Linked, Controls]:
    linked = passes.link()
    return linked, controls(passes, linked)


def tried_on(logs: Logs) -> Controls:
    return tried(passes_of(logs.transactions, logs.connections))[1]


@pytest.fixture(scope="module")
def ported() -> tuple[Passes, Linked, Controls]:
    logs = simulate(World(connections=3_000, port=True, seed=11))
    passes = passes_of(logs.transactions, logs.connections)
    return passes, *tried(passes)


def test_on_a_simulated_day_hardly_a_moved_line_links() -> None:
    day = simulate(World(connections=10_000, rate=10_000 / 86_400, polls=0.05, seed=3))
    found = tried_on(day).time_shift
    assert len(found.shifts) == 4
    assert found.lines > 15_000
    assert found.links < 0.001 * found.lines


@pytest.mark.parametrize("sample", ["lab", "lab-native"])
def test_on_real_logs_no_moved_line_links(sample: str) -> None:
    found = correlate(SAMPLES / sample).manifest["controls"]["time_shift"]
    assert found["lines"] > 1_500
    assert found["links"] == 0


def polls(every: int, lasting: int) -> Passes:
    """A pod that asks for the same 101 times, each ``every`` us for ``lasting`` us; Squid is 1 ms late."""
    start = np.arange(101, dtype=np.int64) * every
    same, unknown = np.zeros(101, dtype=np.int64), np.full(101, MISSING)
    lines = TransactionColumns(
        group=same, instance=same, start=start + 1_000, end=start + lasting, resolution=same + 1_000,
        port=unknown, bytes_down=same + 5_000, bytes_up=unknown, status=same + 200, connect=same == 0,
        host=unknown,
    )  # fmt: skip
    others = ConnectionColumns(
        group=same, start=start, end=start + lasting, port=unknown, bytes_sent=same + 5_000,
        bytes_received=unknown, host=unknown, clock=same, route=same,
    )  # fmt: skip
    return passes_of(lines, others, KNOWN_CLOCK)


def test_what_recurs_where_it_is_moved_to_links_again() -> None:
    """The control can fail: every shift is a whole number of polls, and nothing tells one from another."""
    linked, found = tried(polls(every=10 * SECOND, lasting=SECOND))
    assert (linked.links.connection >= 0).all()
    assert found.time_shift.lines == 404
    assert found.time_shift.links > 0.95 * found.time_shift.lines


def test_what_does_not_recur_there_does_not() -> None:
    passes = polls(every=10 * SECOND, lasting=SECOND)
    keep = np.flatnonzero(np.arange(101) % 7 < 5)[:-3]  # another span: no shift is a whole number of polls
    found = tried(passes.take(keep, keep))[1].time_shift
    assert found.lines > 200
    assert found.links == 0


def test_lines_still_in_reach_of_their_connections_do_not_count() -> None:
    """Tunnels that last for 80 of 100 polls: no shift takes them out of what carried them."""
    found = tried(polls(every=10 * SECOND, lasting=800 * SECOND))[1].time_shift
    assert found.lines == 0
    assert found.reason is not None and "the logs cover only 1,000.0 s in common" in found.reason


def test_moved_lines_are_held_to_their_ports_as_before(ported: tuple[Passes, Linked, Controls]) -> None:
    """Though hardly a port is met any more, so that ports would not seem to survive if judged anew."""
    passes, linked, found = ported
    lines = replace(passes.transactions, port=passes.transactions.port + 17)
    links = replace(passes, transactions=lines).link(linked.models).links
    pairs = links.pairs
    assert (lines.port[pairs.transaction] == passes.connections.port[pairs.connection]).all()
    assert len(pairs) < len(links) / 10
    assert found.time_shift.links == 0


def test_links_made_without_ports_are_those_made_by_port(ported: tuple[Passes, Linked, Controls]) -> None:
    found = ported[2].without_ports
    assert found.lines > 500
    assert found.right == found.links > 0.97 * found.lines


@pytest.mark.parametrize("lab", ["lab", "clock"])
def test_on_real_logs_links_made_without_ports_are_right(lab: str) -> None:
    pods = DATA / lab / "pods.json"
    found = correlate(squid=squid_files(lab, "port"), envoy=envoy_files(lab), pods=pods)
    control = found.manifest["controls"]["without_ports"]
    assert control["reason"] is None
    assert control["lines"] >= 200
    assert control["right"] == control["links"] > 0.9 * control["lines"]


def test_links_made_otherwise_without_ports_count_as_wrong(ported: tuple[Passes, Linked, Controls]) -> None:
    """The control can fail: held against other connections, what is found without ports is wrong."""
    passes, linked, before = ported
    others = np.roll(linked.links.connection, 1)
    found = controls(passes, replace(linked, links=replace(linked.links, connection=others))).without_ports
    assert found.links == before.without_ports.links
    assert found.right < 0.05 * found.links


def test_ports_that_nobody_logged_cannot_be_hidden() -> None:
    found = tried_on(simulate(World(connections=300, seed=13))).without_ports
    assert found.reason == "no line was linked by its client port"


def test_expected_wrong_links_are_what_confidence_leaves() -> None:
    logs = simulate(World(connections=800, one_address=True, seed=14))
    linked, found = tried(passes_of(logs.transactions, logs.connections))
    made = linked.links.connection >= 0
    assert found.expected.lines == len(made)
    assert found.expected.links == made.sum()
    assert found.expected.wrong == math.fsum(1.0 - linked.links.confidence[made]) > 0.01


def test_the_order_of_rows_does_not_matter() -> None:
    logs = simulate(World(connections=1_500, port=True, seed=15))
    draw = np.random.default_rng(1)
    left, right = draw.permutation(len(logs.transactions)), draw.permutation(len(logs.connections))
    mixed = passes_of(taken(logs.transactions, left), taken(logs.connections, right))
    assert tried(mixed)[1] == tried_on(logs)


def test_lines_behind_a_node_go_through_their_own_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every pass's own model linking again gives the same links, and the controls try those lines."""
    seen: list[tuple[Passes, Linked]] = []

    def noted(passes: Passes, linked: Linked) -> Controls:
        seen.append((passes, linked))
        return controls(passes, linked, work=1.0)

    monkeypatch.setattr("egresslog.correlation.stage.controls", noted)
    pods = DATA / "snat" / "pods.json"
    found = correlate(squid=squid_files("snat", "native"), envoy=envoy_files("snat"), pods=pods)
    ((passes, linked),) = seen
    assert len(linked.models) == 2
    again = passes.link(linked.models)
    assert (again.links.connection == linked.links.connection).all()
    hidden = (passes.groups[0][0] < 0) & (linked.links.connection >= 0)
    assert hidden.sum() > 2_000
    assert found.manifest["controls"]["time_shift"]["lines"] > 300


def test_without_links_nothing_is_tried() -> None:
    found = correlate(SAMPLES / "istio-task")
    assert list(control_lines(found.manifest["controls"])) == [
        "Control by time shift: not possible: no line was linked",
        "Control without ports: not possible: no line was linked by its client port",
        "Expected wrong links: 0 of 0",
    ]


def test_the_table_says_what_was_tried(tmp_path: Path) -> None:
    found = correlate(SAMPLES / "lab")
    table = found.controls.set_index("control")
    assert table.loc["time_shift", ["links", "wrong", "linked_share"]].tolist() == [0, 0, 0]
    assert table.loc["without_ports", "right_share"] == 1
    assert table.loc["expected", "links"] == found.transactions["connection_id"].notna().sum()
    confidence = found.transactions["confidence"][found.transactions["connection_id"].notna()]
    assert table.loc["expected", "wrong"] == pytest.approx((1 - confidence).sum(), abs=1e-9)
    found.save(tmp_path / "run")
    assert load(tmp_path / "run").controls.equals(found.controls)


def test_a_run_without_controls_has_an_empty_table() -> None:
    found = correlate(SAMPLES / "istio-task")
    without = replace(found, manifest={k: v for k, v in found.manifest.items() if k != "controls"})
    assert len(without.controls) == 0
    assert list(without.controls.columns) == list(found.controls.columns)


def test_sentences_count_what_is_there(ported: tuple[Passes, Linked, Controls]) -> None:
    found = ported[2]
    shift, ports, expected = control_lines(controls_entry(found))
    assert shift.startswith(f"Control by time shift: 0 of {found.time_shift.lines:,} moved lines linked (4 ")
    again = found.without_ports
    made = f"{again.links:,} of {again.lines:,} links made again"
    assert ports == f"Control without ports: {made}, {again.right:,} of them right"
    assert expected == f"Expected wrong links: less than 0.01 of {found.expected.links:,}"


@pytest.mark.parametrize(
    ("count", "text"), [(0.0, "0"), (2e-9, "less than 0.01"), (0.239, "0.24"), (1_234.56, "1,234.6")]
)
def test_expected_numbers_in_words(count: float, text: str) -> None:
    assert few(count) == text
