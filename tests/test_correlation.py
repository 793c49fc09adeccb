"""The stage on real logs with truth: right links, honest silence, and every line accounted for."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from lab import DATA, SAMPLES, envoy_files, key, squid_files, truth

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of


@cache
def found(lab: str, squid: str, envoy: str = "istio-text", pods: bool = True) -> Correlation:
    listed = [DATA / lab / "pods.json"] if pods else []
    return correlate(squid=squid_files(lab, squid), envoy=envoy_files(lab, envoy), pods=listed)


def transactions(correlation: Correlation) -> list[dict[str, Any]]:
    return rows_of(correlation.tables["transactions"])


def judged(lab: str, correlation: Correlation) -> tuple[int, int, int]:
    """(links right, links wrong, lines that have a connection)."""
    right = wrong = connected = 0
    for row in transactions(correlation):
        line = truth(lab)[key(row["squid_file"], row["squid_line"])]
        connected += line.envoy_line is not None
        if row["connection_id"] is not None:
            same = line.pod == row["pod"] and line.envoy_line == row["envoy_line"]
            right, wrong = right + same, wrong + (not same)
    return right, wrong, connected


@pytest.mark.parametrize("envoy", ["istio-text", "istio-2018", "istio-json"])
@pytest.mark.parametrize("squid", ["port", "json"])
def test_with_the_port_every_link_is_right(squid: str, envoy: str) -> None:
    right, wrong, connected = judged("lab", found("lab", squid, envoy))
    assert wrong == 0
    assert right == connected == 439


@pytest.mark.parametrize(("lab", "least"), [("clock", 1.0), ("gateway", 0.995), ("snat", 0.99)])
def test_with_the_port_through_clocks_gateways_and_nodes(lab: str, least: float) -> None:
    right, wrong, connected = judged(lab, found(lab, "port"))
    assert wrong <= right * 0.001
    assert right >= least * connected


@pytest.mark.parametrize(
    ("lab", "least"), [("lab", 0.90), ("clock", 0.99), ("gateway", 0.99), ("snat", 0.99)]
)
def test_native_logs_are_linked_rightly_or_not_at_all(lab: str, least: float) -> None:
    right, wrong, connected = judged(lab, found(lab, "native"))
    assert wrong <= right * 0.001
    assert right >= least * connected


def test_one_second_times_are_mostly_left_open_and_seldom_wrong() -> None:
    right, wrong, connected = judged("lab", found("lab", "combined"))
    assert wrong <= 0.02 * right
    assert right >= 0.4 * connected


@pytest.mark.parametrize("squid", ["native", "port", "json", "combined"])
@pytest.mark.parametrize("lab", ["lab", "clock", "gateway", "snat"])
def test_no_client_outside_the_mesh_is_linked_or_named(lab: str, squid: str) -> None:
    if not squid_files(lab, squid):
        return
    for row in transactions(found(lab, squid)):
        if not truth(lab)[key(row["squid_file"], row["squid_line"])].mesh:
            assert (row["connection_id"], row["pod"], row["reason"]) == (None, None, row["reason"])
            assert row["reason"] in ("not_a_pod", "no_candidate", "several_candidates") or lab == "snat"


@pytest.mark.parametrize("pods", [True, False])
@pytest.mark.parametrize("squid", ["native", "port"])
def test_the_workload_is_named_on_every_mesh_line_linked_or_not(squid: str, pods: bool) -> None:
    for row in transactions(found("lab", squid, pods=pods)):
        line = truth("lab")[key(row["squid_file"], row["squid_line"])]
        assert row["pod"] == line.pod, (row["squid_line"], line.scenario)
        assert (row["attribution"] is None) == (line.pod is None)


def test_without_any_names_the_address_is_shown(tmp_path: Any) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(
        b"1795407810.219 13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT a.example:443 - HIER_DIRECT/1.2.3.4 -\n"
    )
    (row,) = transactions(correlate(squid=log))
    assert (row["workload"], row["client_address"], row["reason"]) == (None, "10.60.1.11", "no_sidecar_log")


def test_lines_of_killed_sidecars_say_that_the_log_is_lost() -> None:
    lost = [row for row in transactions(found("lab", "port")) if row["reason"] == "log_lost"]
    lines = [truth("lab")[key(row["squid_file"], row["squid_line"])] for row in lost]
    assert len(lost) == 7
    assert all(line.mesh and line.envoy_line is None for line in lines)


def test_a_whole_folder_gives_the_same_answer_as_one_format() -> None:
    whole, one = correlate(DATA / "lab"), found("lab", "port")
    columns = [
        "end",
        "client_address",
        "client_port",
        "pod",
        "link",
        "reason",
        "host",
        "bytes_up",
        "bytes_down",
    ]
    mine, theirs = ([tuple(row[c] for c in columns) for row in transactions(c)] for c in (whole, one))
    assert sorted(mine, key=repr) == sorted(theirs, key=repr)
    assert whole.files["duplicate"].sum() == 3 * 462 + 2 * 438


def test_through_a_gateway_the_tunnel_names_the_workload_and_the_hop() -> None:
    linked = [row for row in transactions(found("gateway", "port")) if row["connection_id"]]
    assert linked
    assert all(len(row["via"]) == 1 and "egressgateway" in row["via"][0]["file"] for row in linked)
    assert not any("gateway" in str(row["workload"]) for row in transactions(found("gateway", "native")))


def test_the_two_lines_of_the_istio_task_are_no_pair() -> None:
    task = correlate(SAMPLES / "istio-task")
    (line,), (connection,) = transactions(task), rows_of(task.tables["connections"])
    assert (line["link"], line["connection_id"], line["reason"]) == ("none", None, "no_sidecar_log")
    assert (connection["fate"], connection["reason"]) == ("unmatched", "outside_coverage")


def test_a_pod_without_a_sidecar_is_named_as_such(tmp_path: Any) -> None:
    pods = (DATA / "lab" / "pods.json").read_text().replace('"name": "istio-proxy"', '"name": "other"')
    pods = pods.replace('"name":"istio-proxy"', '"name":"other"')
    (tmp_path / "pods.json").write_text(pods)
    log = squid_files("lab", "native")[0]
    rows = transactions(correlate(squid=log, pods=tmp_path / "pods.json"))
    assert {row["reason"] for row in rows} == {"not_injected", "not_a_pod"}
    assert {row["reason"] for row in rows if row["client_address"] == "10.60.4.10"} == {"not_a_pod"}


@pytest.mark.parametrize("squid", ["native", "port", "combined"])
def test_the_balance_adds_up(squid: str) -> None:
    correlation = found("lab", squid)
    assert all(equation["holds"] for equation in correlation.manifest["balance"])
    assert len(transactions(correlation)) == 462
    for row in transactions(correlation):
        assert (row["connection_id"] is None) == (row["reason"] is not None)


@pytest.mark.parametrize("squid", ["native", "port"])
def test_evidence_adds_up_and_posteriors_are_probabilities(squid: str) -> None:
    candidates = found("lab", squid).candidates
    weights = candidates.filter(like="_weight").fillna(0).sum(axis=1)
    assert (abs(weights - candidates["weight"]) < 1e-6).all()
    assert (candidates.groupby("transaction_id")["posterior"].sum() <= 1 + 1e-9).all()


def test_a_gateway_alone_names_nobody(tmp_path: Any) -> None:
    """Without the sidecars' logs the chain ends at the gateway: its line is shown, its pod is no client."""
    gateway = [path for path in envoy_files("gateway") if "egressgateway" in str(path)]
    pods = (DATA / "gateway" / "pods.json").read_text().replace("egressgateway", "outward")
    (tmp_path / "pods.json").write_text(pods)
    pods_file = tmp_path / "pods.json"
    rows = transactions(correlate(squid=squid_files("gateway", "port"), envoy=gateway, pods=pods_file))
    assert all((row["pod"], row["connection_id"], row["link"]) == (None, None, "none") for row in rows)
    assert sum(len(row["via"]) == 1 and row["reason"] == "gateway_only" for row in rows) == 2345


def test_lines_of_a_burst_of_twins_are_counted_as_crowded() -> None:
    """Twenty equal tunnels at once: too many explanations to weigh, and none of the lines is linked."""
    without, by_port = found("lab", "native"), found("lab", "port")
    ambiguous = sum(row["link"] == "ambiguous" for row in transactions(without))
    assert 15 <= without.manifest["crowded"] <= ambiguous
    assert by_port.manifest["crowded"] == 0
