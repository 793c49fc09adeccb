"""Who held an address when: reused addresses, several snapshots, restarts; and who owns a pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_logs import BASE, Tunnel, envoy_lines, squid_lines, tunnels, write

from egresslog.api import correlate
from egresslog.arrow import rows_of
from egresslog.correlation.attribution import by_address
from egresslog.identity.history import history
from egresslog.identity.inventory import inventory
from egresslog.identity.pods import Pod, read_pods
from egresslog.identity.workloads import workload_of

ADDRESS, NODE = "10.0.0.1", "192.168.0.1"


def at(minute: float) -> int:
    """Microseconds of a minute after ten."""
    return 1_700_042_400_000_000 + round(minute * 60_000_000)  # 2023-11-15T10:00:00Z


def stamp(minute: int) -> str:
    return f"2023-11-15T10:{minute:02d}:00Z"


def pod(
    name: str,
    uid: str | None = None,
    start: int | None = None,
    address: str = ADDRESS,
    phase: str = "Running",
    finished: int | None = None,
    deleted: int | None = None,
    host: bool = False,
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": uid}
    metadata |= {} if deleted is None else {"deletionTimestamp": stamp(deleted)}
    status: dict[str, Any] = {"podIP": address, "hostIP": NODE, "phase": phase}
    status |= {} if start is None else {"startTime": stamp(start)}
    if finished is not None:
        status["containerStatuses"] = [{"state": {"terminated": {"finishedAt": stamp(finished)}}}]
    return {"metadata": metadata, "spec": {"hostNetwork": host, "containers": []}, "status": status}


def snapshots(folder: Path, *some: list[dict[str, Any]]) -> Iterator[str]:
    for number, items in enumerate(some):
        path = folder / f"pods-{number}.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        yield str(path)


OLD, NEW = pod("old-0", "1", 0), pod("new-0", "2", 30)
DONE = pod("job-0", "1", 0, phase="Succeeded", finished=20)

# Snapshots, and who held 10.0.0.1 at minutes of the hour.
HELD: dict[str, tuple[list[list[dict[str, Any]]], dict[float, str | None]]] = {
    "one pod, from its start on": ([[NEW]], {29: None, 30: "new-0", 59: "new-0"}),
    "reused: each from its start, until the next one's": (
        [[OLD], [NEW]], {-1: None, 0: "old-0", 29.9: "old-0", 30: "new-0", 59: "new-0"},
    ),
    "the order of the snapshots does not matter": ([[NEW], [OLD]], {10: "old-0", 40: "new-0"}),
    "three after each other": (
        [[OLD], [NEW], [pod("last-0", "3", 45)]], {10: "old-0", 31: "new-0", 46: "last-0"},
    ),
    "seen running, later finished": (
        [[pod("job-0", "1", 0)], [DONE]], {10: "job-0", 20: "job-0", 21: None},
    ),
    "finished, and its address given to another": ([[DONE, NEW]], {10: "job-0", 25: None, 31: "new-0"}),
    "a job after a job": (
        [[DONE, pod("job-1", "2", 20, phase="Succeeded", finished=40)]],
        {10: "job-0", 25: "job-1", 41: None},
    ),
    "seen running, later being deleted": (
        [[OLD], [pod("old-0", "1", 0, deleted=15)]], {10: "old-0", 16: None},
    ),
    "deleted, another holds its address": (
        [[pod("old-0", "1", 0, deleted=15)], [NEW]], {10: "old-0", 20: None, 31: "new-0"},
    ),
    "evicted: when it ended is not told": ([[pod("old-0", "1", 0, phase="Failed")]], {10: None}),
    "no start times: nobody": ([[pod("old-0", "1")], [pod("new-0", "2")]], {10: None, 40: None}),
    "one start not known: nobody where both may have been": (
        [[pod("old-0", "1")], [NEW]], {10: "old-0", 40: None},
    ),
    "one start at the same moment: nobody": ([[OLD], [pod("new-0", "2", 0)]], {10: None}),
    "a StatefulSet's pod again, at another address": (
        [[pod("db-0", "1", 0)], [pod("db-0", "2", 30, "10.0.0.9")]], {10: "db-0", 31: None},
    ),
    "a StatefulSet's pod again, its old address another's": (
        [[pod("db-0", "1", 0)], [pod("db-0", "2", 30, "10.0.0.9"), pod("web-0", "3", 35)]],
        {10: "db-0", 32: None, 36: "web-0"},
    ),
    "a StatefulSet's pod again, at its old address": (
        [[pod("db-0", "1", 0)], [pod("db-0", "2", 30)]], {10: "db-0", 31: "db-0"},
    ),
    "no uids: the start tells restarts apart": (
        [[pod("db-0", None, 0)], [pod("db-0", None, 30, "10.0.0.9")]], {10: "db-0", 31: None},
    ),
    "a pod on its node's network shares the address": (
        [[pod("agent-0", "1", 0, NODE, host=True), pod("proxy-0", "2", 5, NODE, host=True)]],
        {10: None},
    ),
    "a pod's address that is a hostNetwork pod's too": (
        [[OLD, pod("agent-0", "2", 5, host=True)]], {1: "old-0", 10: None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HELD)
def test_who_held_an_address_when(tmp_path: Path, case: str) -> None:
    given, wanted = HELD[case]
    book = inventory(history(read_pods(snapshots(tmp_path, *given))))
    named = {minute: by_address(ADDRESS, at(minute), book) for minute in wanted}
    assert {minute: who and who.pod.name for minute, who in named.items()} == wanted


def test_a_node_address_names_nobody_whoever_shares_it(tmp_path: Path) -> None:
    shared = [pod("agent-0", "1", 0, NODE, host=True), OLD]
    book = inventory(history(read_pods(snapshots(tmp_path, shared))))
    assert by_address(NODE, at(10), book) is None


@pytest.mark.parametrize(("clusters", "ended"), [((), True), (("west",), True), (("west", "east"), False)])
def test_pods_of_an_unknown_cluster_end_none_of_another(clusters: tuple[str, ...], ended: bool) -> None:
    old, new = (Pod("shop", f"{n}-0", n, addresses=(ADDRESS,), start=at(m)) for n, m in (("a", 0), ("b", 30)))
    assert (history([old, new], clusters)[0].end < at(30)) == ended


def controlled(kind: str, owner: str, name: str = "x-0", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels,
                         "ownerReferences": [{"kind": kind, "name": owner, "controller": True}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "workload"),
    [
        (controlled("ReplicaSet", "web-6d5f7c8b9", **{"pod-template-hash": "6d5f7c8b9"}), "web"),
        (controlled("ReplicaSet", "web-6d5f7c8b9"), "web"),
        (controlled("ReplicaSet", "web-1868573452"), "web"),
        (controlled("ReplicaSet", "canary-5c7d", **{"rollouts-pod-template-hash": "5c7d"}), "canary"),
        (controlled("ReplicaSet", "my-frontend"), "my-frontend"),  # no Deployment above it
        (controlled("ReplicaSet", "frontend"), "frontend"),
        (controlled("ReplicaSet", "a-b", **{"pod-template-hash": "6d5f7c8b9"}), "a-b"),
        (controlled("StatefulSet", "db"), "db"),
        (controlled("DaemonSet", "agent"), "agent"),
        (controlled("Job", "report-28401120"), "report"),
        (controlled("Job", "report-1700042400"), "report"),
        (controlled("Job", "migrate-20240101"), "migrate-20240101"),  # a date, no CronJob
        (controlled("Job", "migrate"), "migrate"),
        (controlled("Node", "node-1", "kube-proxy-node-1"), "kube-proxy"),
        (controlled("Workflow", "etl-x7k2p"), "etl-x7k2p"),
        ({"metadata": {"name": "toolbox"}}, "toolbox"),
        ({"metadata": {"name": "web-6d5f7c8b9-aaa11"}}, "web"),
        ({"metadata": {"name": "x", "ownerReferences": [{"kind": "Job", "name": "j", "controller": False}]}},
         "x"),
    ],
)  # fmt: skip
def test_the_workload_that_owns_a_pod(document: dict[str, Any], workload: str) -> None:
    assert workload_of(document) == workload


def test_an_address_that_changed_hands_during_the_logs(tmp_path: Path) -> None:
    """The first pod is in no list: its own log says when it had the address."""
    first = [Tunnel(n, 0.5, 1_000 + n, 300) for n in range(20)]
    later = [Tunnel(100 + n, 0.5, 5_000 + n, 300) for n in range(20)]
    lost = [Tunnel(10.25, 0.1, 90_001, 300), Tunnel(60, 0.1, 90_002, 300), Tunnel(110.25, 0.1, 90_003, 300)]
    write(tmp_path / "envoy" / "gone-0" / "e.log", envoy_lines(first))
    write(tmp_path / "envoy" / "here-0" / "e.log", envoy_lines(later))
    write(tmp_path / "squid" / "access.log", squid_lines([*first, *later, *lost]))
    (tmp_path / "pods.json").write_text(json.dumps({
        "apiVersion": "v1", "kind": "List", "items": [
            {"metadata": {"name": "here-0"}, "spec": {},
             "status": {"podIP": "10.0.0.1", "startTime": f"{_iso(90)}"}}],
    }))  # fmt: skip
    rows = {row["bytes_down"]: row for row in rows_of(correlate(tmp_path).tables["transactions"])}
    assert [rows[90_000 + n]["pod"] for n in (1, 2, 3)] == ["gone-0", None, "here-0"]
    assert {rows[t.down]["pod"] for t in first} == {"gone-0"}
    assert {rows[t.down]["pod"] for t in later} == {"here-0"}


def _iso(second: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(BASE + second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_log_of_a_restarted_pod_is_its_history(tmp_path: Path) -> None:
    """db-0 came back at another address; its log shows both, a pod list the last one only."""
    before = tunnels(10, 1, client="10.0.0.1")
    after = [Tunnel(t.at + 50, t.lasts, t.down, t.up, "10.0.0.2", t.port) for t in tunnels(10, 2)]
    write(tmp_path / "envoy" / "db-0" / "e.log", envoy_lines([*before, *after]))
    write(tmp_path / "squid" / "access.log", squid_lines([*before, *after]))
    (tmp_path / "pods.json").write_text(json.dumps({
        "apiVersion": "v1", "kind": "List", "items": [
            {"metadata": {"name": "db-0", "uid": "2"}, "spec": {"nodeName": "n2"},
             "status": {"podIP": "10.0.0.2", "startTime": _iso(40)}}],
    }))  # fmt: skip
    rows = rows_of(correlate(tmp_path).tables["transactions"])
    assert {(row["client_address"], row["pod"], row["node"]) for row in rows} == {
        ("10.0.0.1", "db-0", None), ("10.0.0.2", "db-0", "n2"),
    }  # fmt: skip
