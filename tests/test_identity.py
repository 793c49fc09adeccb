"""Pods from kubectl's JSON, names from paths, and who held an address when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from egresslog.errors import UsageError
from egresslog.identity.inventory import inventory
from egresslog.identity.paths import owner_of
from egresslog.identity.pods import Pod, read_pods, workload_from_name

HEX = "0123456789abcdef" * 4
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


@pytest.mark.parametrize(
    ("path", "namespace", "name"),
    [
        ("/var/log/pods/shop_web-1_0a-b/istio-proxy/0.log", "shop", "web-1"),
        (
            f"/var/log/containers/web-6d5f7c8b9-aaa11_shop_istio-proxy-{HEX}.log",
            "shop",
            "web-6d5f7c8b9-aaa11",
        ),
        ("logs/envoy/shop/web-6d5f7c8b9-aaa11/istio-proxy.log", "shop", "web-6d5f7c8b9-aaa11"),
        ("lab/envoy/batch-0/istio-text.log.gz", None, "batch-0"),
        ("envoy/sleep/istio-proxy.log", None, "sleep"),
        ("sidecars/web-6d5f7c8b9-aaa11.log.gz", None, "web-6d5f7c8b9-aaa11"),
    ],
)
def test_paths_name_pods(path: str, namespace: str | None, name: str) -> None:
    owner = owner_of(path)
    assert owner is not None
    assert (owner.namespace, owner.pod) == (namespace, name)


@pytest.mark.parametrize(
    "path",
    [
        "istio-proxy.log",
        "envoy/istio-proxy.log",
        "logs/envoy/access.log.1",
        "-",
        "logs/mine.log",
        "/tmp/a/b.log",
    ],
)
def test_paths_without_a_name_name_nobody(path: str) -> None:
    assert owner_of(path) is None


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("sleep-7b8d5c6f9-x2x7q", "sleep"),
        ("batch-0", "batch"),
        ("node-exporter", "node-exporter"),
        ("a-b-c", "a-b-c"),
    ],
)
def test_workloads_by_the_shape_of_a_name(name: str, workload: str) -> None:
    assert workload_from_name(name) == workload


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


def test_own_addresses_decide_between_pods_of_one_name(tmp_path: Path) -> None:
    one, two = pod("web-0"), pod("web-0", metadata__namespace="test", status__podIP="10.0.0.9")
    book = inventory(read(tmp_path, one, two))
    owner = book.owner("envoy/web-0/istio-proxy.log", {"10.0.0.9"})
    assert owner is not None and owner.namespace == "test"


@pytest.mark.parametrize(
    ("text", "says"), [("{", "not JSON"), ('{"items": 3}', "not a pod list"), ("[1]", "not a pod list")]
)
def test_files_that_are_no_pod_list_are_named(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "pods.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        read_pods([str(file)])
    assert str(file) in str(caught.value)
