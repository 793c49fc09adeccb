"""How sure a name by address is follows from the links of that address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab import DATA, envoy_files, key, squid_files, truth
from made_logs import Tunnel, envoy_lines, squid_lines, tunnels, write

from egresslog.api import correlate
from egresslog.arrow import rows_of
from egresslog.correlation.attribution import BY_ADDRESS
from egresslog.correlation.trust import Trust, Vote

OURS, OTHER = "10.0.0.1", "10.0.0.2"


def test_without_links_it_is_as_sure_as_an_address_can_be() -> None:
    assert Trust.of([]).confidence(OURS, 5) == pytest.approx(BY_ADDRESS)
    agreeing = Trust.of(Vote(OURS, moment, True) for moment in range(500))
    assert agreeing.confidence(OURS, 5) == agreeing.confidence(OTHER, None) == BY_ADDRESS


@pytest.mark.parametrize(("against", "low", "high"), [(1, 0.9, 0.96), (5, 0.7, 0.8), (20, 0.0, 0.1)])
def test_links_that_contradict_it_count_as_their_share(against: int, low: float, high: float) -> None:
    votes = [Vote(OURS, 7, number >= against) for number in range(20)]
    assert low <= Trust.of(votes).confidence(OURS, 7) <= high


def test_of_an_address_with_few_links_those_of_others_decide() -> None:
    votes = [Vote(f"10.0.1.{number}", 7, number % 4 > 0) for number in range(200)]
    assert Trust.of(votes).confidence(OURS, 7) == pytest.approx(0.75, abs=0.01)


def test_an_address_that_changed_hands_is_judged_by_the_links_of_the_time() -> None:
    trust = Trust.of(Vote(OURS, moment, moment >= 100) for moment in range(200))
    before, after = (trust.confidence(OURS, moment) for moment in (50, 150))
    assert before < 0.1 and after > 0.95


def pods_file(path: Path, **addresses: str) -> Path:
    items = [
        {"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [{"name": "istio-proxy"}]},
         "status": {"podIP": address}}
        for name, address in addresses.items()
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"kind": "List", "items": items}))
    return path


@pytest.mark.parametrize("stale", [False, True])
def test_a_list_of_another_day_is_trusted_less(tmp_path: Path, stale: bool) -> None:
    """Two pods have changed addresses since; lines whose log was lost are named by the list alone."""
    logs = {"a-0": OURS, "b-0": OTHER}
    some = {name: tunnels(40, seed, client=address) for seed, (name, address) in enumerate(logs.items())}
    lost = [Tunnel(5.0 + n, 1.0, 700 + n, 300, OURS, 60_000 + n) for n in range(3)]
    everything = [*some["a-0"], *some["b-0"], *lost]
    write(tmp_path / "squid" / "access.log", squid_lines(everything, local=True))
    for name, mine in some.items():
        write(tmp_path / "envoy" / name / "e.log", envoy_lines(mine))
    listed = {"b-0": OURS, "a-0": OTHER} if stale else logs
    pods = pods_file(tmp_path / "pods.json", **listed)
    rows = rows_of(correlate(tmp_path / "squid", tmp_path / "envoy", pods=pods).tables["transactions"])
    sure = {row["workload_confidence"] for row in rows if row["attribution"] == "address"}
    assert len(sure) >= 1 and all(value < 0.1 if stale else value == BY_ADDRESS for value in sure)


def test_in_the_lab_the_names_by_address_are_as_right_as_they_say() -> None:
    """The lines whose log was lost are named rightly, and no link speaks against it."""
    found = correlate(
        squid=squid_files("lab", "port"), envoy=envoy_files("lab"), pods=DATA / "lab" / "pods.json"
    )
    rows: list[dict[str, Any]] = rows_of(found.tables["transactions"])
    named = [row for row in rows if row["attribution"] == "address"]
    assert len(named) == 7
    assert all(row["workload_confidence"] == BY_ADDRESS for row in named)
    assert all(truth("lab")[key(row["squid_file"], row["squid_line"])].pod == row["pod"] for row in named)
