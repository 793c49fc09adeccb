"""Pods from kubectl's JSON, names from paths, who wrote a record, and who held an address when."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import SAMPLES

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of, table_of
from egresslog.correlation.attribution import by_address, by_candidates, by_connection
from egresslog.correlation.masking import is_masked
from egresslog.errors import UsageError
from egresslog.files.sources import Given, expand
from egresslog.identity.identify import Identities, identify
from egresslog.identity.inventory import inventory
from egresslog.identity.names import likeness, workload_from_name
from egresslog.identity.paths import owner_of
from egresslog.identity.pods import Pod, read_pods
from egresslog.schema import ENVOY_RECORDS

LAB = SAMPLES / "lab"
HEX = "0123456789abcdef" * 4
UID = "0a1b2c3d-0000-4000-8000-0123456789ab"
T1 = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z


def pod(name: str = "web-6d5f7c8b9-aaa11", **changes: Any) -> dict[str, Any]:
    item: dict[str, Any] = {
        "metadata": {"name": name, "namespace": "shop", "labels": {}},
        "spec": {
            "nodeName": "n1",
            "serviceAccountName": "web",
            "containers": [{"name": "web"}, {"name": "istio-proxy"}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "hostIP": "192.168.0.1",
            "startTime": "2023-11-14T22:13:20Z",
        },
    }
    for path, value in changes.items():
        section, _, field = path.partition("__")
        item[section][field] = value
    return item


def read(tmp_path: Path, *items: dict[str, Any]) -> list[Pod]:
    file = tmp_path / "pods.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}))
    return read_pods([str(file)])


WEB = "web-6d5f7c8b9-aaa11"


@pytest.mark.parametrize(
    ("trail", "namespace", "name"),
    [
        (f"/var/log/pods/shop_web-1_{UID}/istio-proxy/0.log", "shop", "web-1"),
        (f"pods/shop_sleep_{HEX[:32]}/istio-proxy/0.log.20261123-040500.gz", "shop", "sleep"),
        (f"/var/log/containers/{WEB}_shop_istio-proxy-{HEX}.log", "shop", WEB),
        (f"logs/envoy/shop/{WEB}/istio-proxy.log", "shop", WEB),
        (f"envoy/team-1/{WEB}/istio-proxy.1.log", "team-1", WEB),
        (f"envoy/west/shop/{WEB}/istio-proxy.log", None, WEB),
        (f"envoy/{WEB}/notes/deep/x.log", None, WEB),
        ("envoy/team-1/batch-0/istio-proxy.log", "team-1", "batch-0"),
        ("envoy/shop/batch-0.log", "shop", "batch-0"),
        ("envoy/shop/agent-x7k2p/istio-proxy.log", "shop", "agent-x7k2p"),
        ("envoy/shop/sleep/istio-proxy.log", "shop", "sleep"),
        ("lab/envoy/batch-0/istio-text.log.gz", None, "batch-0"),
        ("envoy/batch-0/0.338724.log", None, "batch-0"),
        ("envoy/2026-11-23/sleep/access.log.1", None, "sleep"),
        ("envoy/sleep/istio-proxy.log", None, "sleep"),
        ("envoy/sleep.log", None, "sleep"),
        (f"sidecars/{WEB}.log.gz", None, WEB),
        (f"logs/{WEB}.log", None, WEB),
        (f"{WEB}/istio-proxy.log", None, WEB),
        ("case-42/x/envoy/checkout/istio.log", None, "checkout"),
        ("2026-11-23/envoy/checkout/istio.log", None, "checkout"),
        (f"/data/case-42/{WEB}.log", None, WEB),
        (f"/data/case-42/{WEB}/istio-proxy.log", None, WEB),
        ("/data/case-42/envoy/shop/batch-0/istio-proxy.log", "shop", "batch-0"),
    ],
)
def test_trails_name_pods(trail: str, namespace: str | None, name: str) -> None:
    owner = owner_of(trail)
    assert owner is not None
    assert (owner.namespace, owner.pod) == (namespace, name)


@pytest.mark.parametrize(
    "trail",
    [
        "-",
        "istio-proxy.log",
        "case-42/istio-proxy.log",
        "cluster-1/logs/istio.log",
        "x/cluster-1/envoy.log",
        "run-20261123-04150/istio.log",
        "audit_case_2026/istio.log",
        "envoy/istio-proxy.log",
        "envoy/2026-11-23/access.log",
        "logs/envoy/access.log.1",
        "logs/mine.log",
        "envoy/team-1/batch-0.log",  # a pod in a namespace, or a piece of a pod's log
        "/tmp/a/b.log",
        "/data/case-42/istio-proxy.log",
        "/data/envoy/checkout/istio-proxy.log",
        "/data/envoy/all.log",
        f"/data/{WEB}/a/b/c/istio-proxy.log",
    ],
)
def test_trails_without_a_name_name_nobody(trail: str) -> None:
    assert owner_of(trail) is None


@pytest.mark.parametrize(
    ("given", "trail"),
    [
        ("case-42", "case-42/envoy/checkout/istio.log"),
        ("case-42/envoy", "envoy/checkout/istio.log"),
        ("case-42/*", "envoy/checkout/istio.log"),
        ("case-42/envoy/checkout/", "checkout/istio.log"),
        ("case-42/envoy/checkout/istio.log", "/case-42/envoy/checkout/istio.log"),
        ("case-42/envoy/*/istio.log", "/case-42/envoy/checkout/istio.log"),
    ],
)
def test_a_trail_begins_at_the_given_folder_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, trail: str
) -> None:
    log = tmp_path / "case-42" / "envoy" / "checkout" / "istio.log"
    log.parent.mkdir(parents=True)
    log.write_text("")
    expected = f"{tmp_path}{trail}" if trail.startswith("/") else trail
    for folder in (Path("/"), tmp_path, tmp_path / "case-42", log.parent):
        monkeypatch.chdir(folder)
        for path in (os.path.relpath(tmp_path / given), str(tmp_path / given)):
            (source,), _ = expand([Given(path)])
            assert source.trail == expected, (folder, path)


@pytest.mark.parametrize(
    ("name", "workload", "alike"),
    [
        ("sleep-7b8d5c6f9-x2x7q", "sleep", 2),
        ("ratings-v1-5f8b4c7d9-kq2lm", "ratings-v1", 2),
        ("payments-76d4f5b8c9-p0wvn", "payments", 2),
        ("istio-egressgateway-7f8b9c6d5-gw001", "istio-egressgateway", 2),
        ("web-6d5f7c8b-zzzzz", "web", 2),
        ("report-28401120-x7k2p", "report", 2),
        ("batch-0", "batch", 1),
        ("db-12345", "db", 1),
        ("node-exporter-x7k2p", "node-exporter", 1),
        ("node-exporter", "node-exporter", 0),
        ("payment-service-proxy", "payment-service-proxy", 0),
        ("my-backend-cache", "my-backend-cache", 0),
        ("a-b-c", "a-b-c", 0),
        ("sleep", "sleep", 0),
        ("X-12", "X-12", 0),
    ],
)
def test_workloads_by_the_shape_of_a_name(name: str, workload: str, alike: int) -> None:
    assert (workload_from_name(name), likeness(name)) == (workload, alike)


@pytest.mark.parametrize(
    ("owner", "labels", "workload"),
    [
        ({"kind": "ReplicaSet", "name": "web-6d5f7c8b9"}, {"pod-template-hash": "6d5f7c8b9"}, "web"),
        ({"kind": "ReplicaSet", "name": "web-6d5f7c8b9"}, {}, "web"),
        ({"kind": "StatefulSet", "name": "db"}, {}, "db"),
        ({"kind": "DaemonSet", "name": "agent"}, {}, "agent"),
        ({"kind": "Job", "name": "report-28401120"}, {}, "report"),
    ],
)
def test_workloads_by_owner(
    tmp_path: Path, owner: dict[str, str], labels: dict[str, str], workload: str
) -> None:
    (found,) = read(
        tmp_path, pod(metadata__ownerReferences=[{**owner, "controller": True}], metadata__labels=labels)
    )
    assert found.workload == workload


def test_a_pod_holds_its_address_from_its_start_to_its_end(tmp_path: Path) -> None:
    gone = pod("old-1", status__phase="Succeeded", status__startTime="2023-11-14T22:00:00Z",
               status__containerStatuses=[{"state": {"terminated": {"finishedAt": "2023-11-14T22:10:00Z"}}}]
               )  # fmt: skip
    book = inventory(read(tmp_path, gone, pod("new-1")))
    assert [p.name for p in book.holders("10.0.0.1", T1 + 1)] == ["new-1"]
    assert [p.name for p in book.holders("10.0.0.1", T1 - 600_000_000)] == ["old-1"]
    assert book.holders("10.0.0.1", T1 - 60_000_000) == []


def test_nodes_are_known_and_hold_no_single_pod(tmp_path: Path) -> None:
    book = inventory(read(tmp_path, pod("a-1"), pod("b-1", status__podIP="10.0.0.2")))
    assert book.is_node("192.168.0.1") and not book.is_node("10.0.0.1")


def test_a_sidecar_may_be_an_init_container(tmp_path: Path) -> None:
    native = pod("a-1", spec__containers=[{"name": "a"}], spec__initContainers=[{"name": "istio-proxy"}])
    bare = pod("b-1", spec__containers=[{"name": "b"}])
    assert [p.has_sidecar for p in read(tmp_path, native, bare)] == [True, False]


@pytest.mark.parametrize(
    ("text", "says"), [("{", "not JSON"), ('{"items": 3}', "not a pod list"), ("[1]", "not a pod list")]
)
def test_files_that_are_no_pod_list_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "pods.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        read_pods([str(file)])
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        {"metadata": {"name": "web-0", "ownerReferences": ["x", 3, None]}},
        {"metadata": {"name": "web-0", "ownerReferences": "x", "labels": ["y"], "namespace": ["z"]}},
        {"metadata": {"name": "web-0"}, "spec": {"containers": ["c"], "initContainers": 3, "nodeName": {}}},
        {"metadata": {"name": "web-0"}, "status": {"podIPs": ["10.0.0.1"], "hostIPs": 3, "phase": "Failed"}},
        {"metadata": {"name": "web-0"}, "status": {"containerStatuses": [None, 3], "phase": "Failed"}},
        {"metadata": {"name": "web-0"}, "spec": ["x"], "status": "y"},
    ],
)
def test_what_is_no_object_is_skipped(tmp_path: Path, damage: dict[str, Any]) -> None:
    (found,) = read(tmp_path, damage, 3, None, ["x"])  # type: ignore[arg-type]
    assert (found.name, found.workload, found.has_sidecar, found.node) == ("web-0", "web", False, None)


def test_the_order_of_pods_does_not_depend_on_hashes(tmp_path: Path) -> None:
    """Snapshots that differ in one late field only, and in fields that some do not know."""
    node_names: list[str | None] = [None, *(f"n{number}" for number in range(8))]
    read(tmp_path, *(pod(spec__nodeName=name) for name in node_names))
    script = "import sys; from egresslog.identity.pods import read_pods\n"
    script += "print([pod.node for pod in read_pods(sys.argv[1:])])"
    for seed in ("0", "1", "2"):
        command = [sys.executable, "-c", script, str(tmp_path / "pods.json")]
        done = subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        assert done.stdout.decode().strip() == str(node_names)


# Whose a record is. A record: file, own address, start in seconds, cluster.

SECOND = 1_000_000
LISTED = Pod("shop", "web-0", "web", "web-account", "n1", ("10.0.0.1",), ("192.168.0.1",), 100 * SECOND)
OTHER = Pod("shop", "api-0", "api", addresses=("10.0.0.2",))
RECREATED = replace(LISTED, addresses=("10.0.0.9",), start=500 * SECOND, node="n2")


def identified(
    *records: tuple[Any, ...], pods: list[Pod], trails: dict[str, str] | None = None
) -> Identities:
    rows = []
    for number, (file, address, start, *cluster) in enumerate(records):
        rows.append({
            "record_id": f"c{number}", "file": file, "line": number, "format": "istio", "flags": [],
            "raw": "", "resolution": 1_000, "start": None if start is None else start * SECOND,
            "end": None if start is None else (start + 1) * SECOND, "upstream_local_address": address,
            "cluster": cluster[0] if cluster else None,
        })  # fmt: skip
    return identify(table_of(ENVOY_RECORDS, rows), pods, trails or {})


def names(found: Identities) -> list[str | None]:
    return [None if owner is None else owner.name for owner in found.owners]


@pytest.mark.parametrize(
    ("record", "pods", "name"),
    [
        # (a) the listed pod the log is named after
        (("envoy/web-0/a.log", "10.0.0.1", 200), [LISTED, OTHER], "web-0"),
        (("envoy/web-0/a.log", None, 200), [LISTED, OTHER], "web-0"),
        (("envoy/web-0/a.log", "127.0.0.6", 200), [LISTED, OTHER], "web-0"),
        (("web-0.log", "10.0.0.5", 50), [LISTED, OTHER], "web-0"),  # before it was created again
        # (b) the listed holder of the record's own address
        (("envoy/web-0/a.log", "10.0.0.2", 200), [LISTED, OTHER], "api-0"),
        (("envoy/all.log", "10.0.0.2", 200), [LISTED, OTHER], "api-0"),
        (("access.log", "10.0.0.1", 200), [LISTED, OTHER], "web-0"),
        (("access.log", "10.0.0.1", 50), [LISTED, OTHER], None),
        (("access.log", "10.0.0.1", 200), [LISTED, replace(OTHER, addresses=("10.0.0.1",))], None),
        (("access.log", "10.0.0.1", 200), [replace(LISTED, host_network=True)], None),
        # (c) the path's guess, never against a listed holder
        (("envoy/all.log", "10.0.0.7", 200), [LISTED, OTHER], "all"),
        (("envoy/old/a.log", "10.0.0.1", 200), [LISTED, replace(OTHER, addresses=("10.0.0.1",))], None),
        (("envoy/test/web-0/a.log", None, 200), [LISTED], "web-0"),
        (("access.log", "10.0.0.7", 200), [LISTED, OTHER], None),
    ],
)
def test_a_listed_pod_comes_before_a_guess(
    record: tuple[Any, ...], pods: list[Pod], name: str | None
) -> None:
    assert names(identified(record, pods=pods)) == [name]


def test_a_log_of_several_addresses_is_not_named_by_its_path() -> None:
    merged = [("envoy/all.log", f"10.0.0.{number}", 200) for number in (1, 2, 7)]
    found = identified(*merged, pods=[LISTED, OTHER])
    assert names(found) == ["web-0", "api-0", None]
    assert {pod.name for pod in found.inventory.pods} == {"web-0", "api-0"}
    assert names(identified(*merged, pods=[])) == [None, None, None]


def test_a_namespace_tells_pods_of_one_name_apart_and_so_does_the_address() -> None:
    test = replace(LISTED, namespace="test", addresses=("10.0.0.2",))
    records = [
        ("envoy/shop/web-0/a.log", None, 200),
        ("envoy/test/web-0/a.log", None, 200),
        ("envoy/web-0/b.log", "10.0.0.2", 200),
        ("envoy/web-0/b.log", None, 200),  # the log's other records tell
        ("envoy/web-0/c.log", None, 200),
    ]
    owners = identified(*records, pods=[LISTED, test]).owners
    assert [owner and owner.namespace for owner in owners] == ["shop", "test", "test", "test", None]


def test_a_pod_of_another_namespace_is_not_taken_for_the_one_in_the_path() -> None:
    (owner,) = identified(("envoy/test/web-0/a.log", "10.0.0.8", 200), pods=[LISTED]).owners
    assert owner is not None and (owner.namespace, owner.service_account) == ("test", None)


def test_nothing_is_stated_for_a_time_before_the_pod() -> None:
    records = [("envoy/web-0/a.log", "10.0.0.5", 200), ("envoy/web-0/a.log", "10.0.0.9", 600)]
    found = identified(*records, pods=[RECREATED])
    told = [(o.name, o.workload, o.node, o.service_account, o.node_addresses) for o in found.owners if o]
    assert told[0] == ("web-0", "web", None, None, ())
    assert told[1] == ("web-0", "web", "n2", "web-account", ("192.168.0.1",))
    (earlier,) = found.inventory.holders("10.0.0.5", 200 * SECOND)
    assert (earlier.name, earlier.node, earlier.node_addresses) == ("web-0", None, ())


def test_each_snapshot_of_a_recreated_pod_speaks_for_its_own_time() -> None:
    first = replace(LISTED, end=400 * SECOND)
    records = [("envoy/web-0/a.log", None, at) for at in (200, 600)]
    owners = identified(*records, pods=[first, RECREATED]).owners
    assert [owner and owner.node for owner in owners] == ["n1", "n2"]


def test_logs_teach_who_held_an_address_that_no_listed_pod_held_then() -> None:
    early = [("envoy/gone-0/a.log", "10.0.0.1", at) for at in (10, 20)]
    found = identified(*early, pods=[LISTED])
    assert [p.name for p in found.inventory.holders("10.0.0.1", 15 * SECOND)] == ["gone-0"]
    assert [p.name for p in found.inventory.holders("10.0.0.1", 200 * SECOND)] == ["web-0"]
    around = [*early, ("envoy/gone-0/a.log", "10.0.0.1", 500)]
    ended = replace(LISTED, end=400 * SECOND)
    assert identified(*around, pods=[ended]).inventory.pods == (ended,)


@pytest.mark.parametrize("address", ["127.0.0.6", "::1", "192.168.0.1"])
def test_loopback_and_node_addresses_teach_nothing(address: str) -> None:
    found = identified(("envoy/gone-0/a.log", address, 200), pods=[LISTED])
    assert found.inventory.pods == (LISTED,)


# Clusters.

WEST, EAST = ("w/envoy/web-0/a.log", "10.0.0.1"), ("e/envoy/web-0/a.log", "10.0.0.1")


@pytest.mark.parametrize("pods", [[LISTED], []])
def test_equal_names_in_two_clusters_are_two_pods(pods: list[Pod]) -> None:
    found = identified((*WEST, 200, "west"), (*EAST, 200, "east"), pods=pods)
    west, east = found.owners
    assert west is not None and east is not None
    assert (west.cluster, east.cluster) == ("west", "east")
    assert by_candidates([(west, 0.5), (east, 0.5)]) is None
    assert by_address("10.0.0.1", 200 * SECOND, found.inventory) is None
    named = by_connection(west, [(west, 0.5), (east, 0.5)])
    assert named is not None and named.confidence == 0.5


@pytest.mark.parametrize(
    ("cluster", "named"), [(None, [None, None]), ("west", ["west", None]), ("east", [None, "east"])]
)
def test_an_address_of_two_clusters_names_nobody_unless_squid_serves_one(
    cluster: str | None, named: list[str | None]
) -> None:
    """East's log begins later: that its pod had not the address before is not known."""
    found = identified((*WEST, 200, "west"), (*EAST, 300, "east"), pods=[])
    tries = [by_address("10.0.0.1", at * SECOND, found.inventory, cluster) for at in (200, 300)]
    assert [attribution and attribution.pod.cluster for attribution in tries] == named


def test_each_cluster_has_the_listed_pod_with_its_address() -> None:
    elsewhere = replace(LISTED, addresses=("10.9.0.1",))
    records = [(*WEST, 200, "west"), ("e/envoy/web-0/a.log", "10.9.0.1", 200, "east")]
    found = identified(*records, pods=[LISTED, elsewhere])
    named = [by_address(address, 200 * SECOND, found.inventory) for address in ("10.0.0.1", "10.9.0.1")]
    assert [attribution and attribution.pod.cluster for attribution in named] == ["west", "east"]


def test_a_pod_known_to_be_in_a_cluster_names_no_record_of_another() -> None:
    known = replace(LISTED, cluster="west")
    found = identified((*WEST, 200, "west"), ("b.log", "10.0.0.1", 200, "east"), pods=[known])
    assert names(found) == ["web-0", None]


def test_snapshots_of_one_pod_agree() -> None:
    later = replace(LISTED, start=50 * SECOND, node="n2")
    named = by_candidates([(LISTED, 0.6), (later, 0.4)])
    assert named is not None and named.pod.node == "n1"


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("10.1.2.0", True),
        ("10.0.0.0", False),
        ("192.168.0.0", False),
        ("10.0.0.1", False),
        ("fd00::", True),
        ("fd00::1", False),
    ],
)
def test_an_address_that_is_known_is_not_masked(address: str, masked: bool) -> None:
    held = replace(LISTED, addresses=("10.0.0.0",), node_addresses=("192.168.0.0",))
    assert is_masked(address, inventory([held])) == masked


# The whole way, on the lab's logs.


def pods_named(found: Correlation, table: str = "connections") -> list[tuple[str | None, ...]]:
    """Each row's name, by what the row is and not by where it stands."""
    identifier = f"{table.removesuffix('s')}_id"
    return sorted(
        (r[identifier], r["cluster"], r["namespace"], r["pod"]) for r in rows_of(found.tables[table])
    )


@pytest.fixture(scope="module")
def usual() -> Correlation:
    return correlate(LAB)


@pytest.mark.parametrize("given", ["case-42/2026-11-23", "case-42/2026-11-23/x", "."])
@pytest.mark.parametrize("listed", [True, False])
def test_the_answer_is_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual: Correlation, given: str, listed: bool
) -> None:
    place = tmp_path / "case-42" / "2026-11-23" / "x"
    shutil.copytree(LAB, place)
    if not listed:
        (place / "pods.json").unlink()
    monkeypatch.chdir(place if given == "." else tmp_path)
    found = correlate(given)
    if listed:
        assert pods_named(found) == pods_named(usual)
        assert pods_named(found, "transactions") == pods_named(usual, "transactions")
    without_namespace = [(row[0], row[3]) for row in pods_named(found, "transactions")]
    assert without_namespace == [(row[0], row[3]) for row in pods_named(usual, "transactions")]


def test_logs_given_one_by_one_are_named_as_in_their_folder() -> None:
    files = sorted((LAB / "envoy").rglob("*.log"))
    one_by_one = correlate(squid=LAB / "squid", envoy=files)
    assert pods_named(one_by_one) == pods_named(correlate(squid=LAB / "squid", envoy=LAB / "envoy"))


@pytest.mark.parametrize("also_alone", [True, False])
def test_logs_poured_together_are_named_by_the_pod_list(
    tmp_path: Path, usual: Correlation, also_alone: bool
) -> None:
    shutil.copytree(LAB, tmp_path / "lab")
    folder = tmp_path / "lab" / "envoy"
    poured = b"".join(log.read_bytes() for log in sorted(folder.rglob("*.log")))
    if not also_alone:
        shutil.rmtree(folder)
        folder.mkdir()
    (folder / "all.log.gz").write_bytes(gzip.compress(poured))
    found = correlate(tmp_path / "lab")
    named = {pod for *_, pod in pods_named(found)} | {pod for *_, pod in pods_named(found, "transactions")}
    assert named == {pod for *_, pod in pods_named(usual)} | {None}
    assert pods_named(found, "transactions") == pods_named(usual, "transactions")


def test_every_attribution_states_the_cluster_of_its_pod() -> None:
    native = SAMPLES / "lab-native"
    found = correlate(squid=native / "squid", envoy=f"west={native / 'envoy'}", pods=native / "pods.json")
    rows = rows_of(found.tables["transactions"])
    assert {row["attribution"] for row in rows} >= {"connection", "candidates", "address", None}
    assert all(row["cluster"] == ("west" if row["pod"] else None) for row in rows)


def test_two_clusters_with_equal_pods_are_told_apart(tmp_path: Path) -> None:
    """East is west's copy an hour later: an address then belongs to one cluster after the other."""
    later = tmp_path / "envoy"
    for log in sorted((LAB / "envoy").rglob("*.log")):
        target = later / log.relative_to(LAB / "envoy")
        target.parent.mkdir(parents=True)
        target.write_bytes(log.read_bytes().replace(b"2026-11-23T04:", b"2026-11-23T05:"))
    both = [f"west={LAB / 'envoy'}", f"east={later}"]
    rows = rows_of(correlate(squid=LAB / "squid", envoy=both).tables["transactions"])
    assert {row["cluster"] for row in rows if row["pod"]} == {"west"}
    connections = rows_of(correlate(envoy=both, squid=LAB / "squid").tables["connections"])
    assert {row["cluster"] for row in connections} == {"west", "east"}
