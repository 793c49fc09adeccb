"""Collected logs, whole: what a shipper's export answers is what the pods' own files answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import SAMPLES

from egresslog.api import Correlation, correlate, read_envoy
from egresslog.arrow import rows_of

NATIVE = SAMPLES / "lab-native"
LAB = SAMPLES / "lab"
PLACES = {"squid_file", "squid_line", "envoy_file", "envoy_line", "via", "proxy"}
PODS = {pod["metadata"]["name"]: pod for pod in json.loads((NATIVE / "pods.json").read_text())["items"]}


def rows(found: Correlation, *without: str) -> list[dict[str, Any]]:
    left_out = PLACES.union(without)
    return [{k: v for k, v in r.items() if k not in left_out} for r in rows_of(found.tables["transactions"])]


def sidecar_lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every line of the sidecars, with its pod, in order of the logs' files."""
    for log in sorted((folder / "envoy").rglob("*.log*")):
        for line in log.read_bytes().splitlines():
            yield log.parent.name, line


def kubernetes(pod: str) -> dict[str, str]:
    namespace = str(PODS[pod]["metadata"]["namespace"])
    return {"pod_name": pod, "namespace_name": namespace, "container_name": "istio-proxy", "host": "n1"}


def fluent_bit(pod: str, line: bytes) -> bytes:
    return json.dumps(
        {"log": line.decode("latin-1") + "\n", "stream": "stdout", "kubernetes": kubernetes(pod)}
    ).encode()


def cloudwatch(pod: str, line: bytes) -> bytes:
    inner = fluent_bit(pod, line).decode()
    return json.dumps({"timestamp": 1, "message": inner, "logStreamName": "s"}).encode()


def stern(pod: str, line: bytes) -> bytes:
    return f"{PODS[pod]['metadata']['namespace']} {pod} istio-proxy ".encode() + line


def cri_in_grep(pod: str, line: bytes) -> bytes:
    namespace = PODS[pod]["metadata"]["namespace"]
    path = f"/var/log/pods/{namespace}_{pod}_{'0a' * 16}/istio-proxy/0.log:"
    return path.encode() + b"2026-11-23T04:30:00.123456789Z stdout F " + line


@pytest.fixture(scope="module")
def whole() -> Correlation:
    return correlate(NATIVE)


@pytest.mark.parametrize("wrap", [fluent_bit, cloudwatch, stern, cri_in_grep], ids=lambda f: f.__name__)
@pytest.mark.parametrize("pods", [True, False], ids=["pod list", "no pod list"])
def test_one_export_of_all_pods_answers_like_their_files(
    tmp_path: Path, whole: Correlation, wrap: Callable[[str, bytes], bytes], pods: bool
) -> None:
    plain = [(p, line) for p, line in sidecar_lines(NATIVE) if line.isascii()]
    assert len(plain) > 400
    (tmp_path / "export.log").write_bytes(b"".join(wrap(*one) + b"\n" for one in plain))
    given = [NATIVE / "pods.json"] if pods else []
    found = correlate(squid=NATIVE / "squid", envoy=tmp_path, pods=given)
    told = () if pods else ("service_account", "node", "reason", "workload_confidence", "attribution")
    named = (whole, found) if pods else (correlate(squid=NATIVE / "squid", envoy=NATIVE / "envoy"), found)
    wanted, got = (rows(one, *told, "namespace", "workload") for one in named)
    assert got == wanted
    assert found.connections["pod"].notna().all() and found.connections["namespace"].notna().all()


def test_a_dump_beside_the_export_counts_once(tmp_path: Path, whole: Correlation) -> None:
    """kubectl's dump of one pod and the shipper's export of all: the export's lines of it are copies."""
    plain = [(p, line) for p, line in sidecar_lines(NATIVE) if line.isascii()]
    (tmp_path / "export.jsonl").write_bytes(b"".join(fluent_bit(*one) + b"\n" for one in plain))
    pod = "ratings-v1-5f8b4c7d9-kq2lm"
    (tmp_path / pod).mkdir()
    lines = [line for name, line in plain if name == pod]
    (tmp_path / pod / "istio-proxy.log").write_bytes(b"".join(line + b"\n" for line in lines))
    found = correlate(squid=NATIVE / "squid", envoy=tmp_path, pods=NATIVE / "pods.json")
    assert len(found.connections) == len(plain) and found.files["duplicate"].sum() == len(lines)
    assert rows(found) == rows(whole)


def ztunnel(row: dict[str, Any]) -> str:
    """What ztunnel would have written of a sidecar's TCP connection."""
    pod = Path(row["file"]).parent.name
    namespace = PODS[pod]["metadata"]["namespace"]
    source = f"{row['downstream_remote_address']}:{row['downstream_remote_port']}"
    target = f"{row['downstream_local_address']}:{row['downstream_local_port']}"
    return (
        f"{row['end']:%Y-%m-%dT%H:%M:%S.%f}Z\tinfo\taccess\tconnection complete\tsrc.addr={source} "
        f'src.workload="{pod}" src.namespace="{namespace}" '
        f'src.identity="spiffe://cluster.local/ns/{namespace}/sa/default" dst.addr={target} '
        f'direction="outbound" bytes_sent={row["bytes_received"]} bytes_recv={row["bytes_sent"]} '
        f'duration="{row["duration"]}ms"\n'
    )


def test_an_ambient_mesh_is_joined_like_sidecars(tmp_path: Path, whole: Correlation) -> None:
    """One ztunnel per node writes for all its pods; no pod list is needed to name them."""
    records = read_envoy(NATIVE / "envoy").table.to_pylist()
    lines = [ztunnel(row) for row in records if row["method"] is None]
    folder = tmp_path / "ztunnel-x7k2p"
    folder.mkdir()
    (folder / "ztunnel.log").write_text("".join(lines))
    found = correlate(squid=NATIVE / "squid", envoy=tmp_path)
    linked = ("exact", "strong", "probable")
    wanted = {r["transaction_id"]: r["pod"] for r in rows(whole) if r["link"] in linked}
    got = {r["transaction_id"]: r["pod"] for r in rows(found)}
    wrong = {name: (got[name], pod) for name, pod in wanted.items() if got[name] not in (pod, None)}
    missing = [name for name in wanted if got[name] is None]
    assert not wrong and len(missing) < 0.02 * len(wanted)
    assert set(found.connections["pod"]) <= set(PODS)
    assert set(found.connections["service_account"]) == {"default"}
