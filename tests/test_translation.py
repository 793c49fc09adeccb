"""Source NAT told from the data, and masked addresses: what may be linked by time, and what never."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import DATA, envoy_files, key, squid_files, truth
from made_logs import Tunnel, envoy_lines, squid_lines, tunnels, write

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of

GATEWAY, MACHINE = "203.0.113.9", "10.7.7.7"
PODS = {"a-0": "10.0.1.1", "b-0": "10.0.1.2", "c-0": "10.0.2.3"}


def rows(found: Correlation, table: str = "transactions") -> list[dict[str, Any]]:
    return rows_of(found.tables[table])


def listed(path: Path, pods: dict[str, str] = PODS, node: str = "192.168.0.1") -> Path:
    items = [
        {"metadata": {"name": name, "namespace": "shop"},
         "spec": {"containers": [{"name": "istio-proxy"}], "nodeName": "n1"},
         "status": {"podIP": address, "hostIP": node}}
        for name, address in pods.items()
    ]  # fmt: skip
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


def correlated(
    folder: Path,
    mesh: Sequence[Tunnel],
    outside: Iterable[Tunnel] = (),
    ahead: float = 0.0,
    pods: bool = True,
) -> Correlation:
    """Logs of the mesh's tunnels, a folder per pod, beside Squid's, which also holds what is outside."""
    for name, address in PODS.items():
        write(folder / "envoy" / name / "e.log", envoy_lines(t for t in mesh if t.client == address))
    write(folder / "squid" / "access.log", squid_lines([*mesh, *outside], ahead))
    pod_lists = [listed(folder / "pods.json")] if pods else []
    return correlate(folder / "squid", folder / "envoy", pods=pod_lists)


def behind(count: int, seed: int, seen_as: str | None = GATEWAY) -> list[Tunnel]:
    some = [tunnels(count, seed + n, client=address) for n, address in enumerate(PODS.values())]
    own = {t.down: replace(t, seen_as=seen_as) for each in some for t in each}  # sizes tell them apart
    return list(own.values())


def judged(found: Correlation, mesh: Sequence[Tunnel], outside: Sequence[Tunnel] = ()) -> Counter[str]:
    """right, wrong, open (of the mesh), linked from outside, silent (outside)."""
    owner = {t.down: t.client for t in mesh}
    foreign = {t.seen_as or t.client for t in outside}
    carried = {row["connection_id"]: row["upstream_local_address"] for row in rows(found, "connections")}
    result: Counter[str] = Counter()
    for row in rows(found):
        if row["client_address"] in foreign:
            result["silent" if row["connection_id"] is None and row["pod"] is None else "foreign"] += 1
        elif row["connection_id"] is None:
            result["open"] += 1
        else:
            result["right" if carried[row["connection_id"]] == owner[row["bytes_down"]] else "wrong"] += 1
    return result


@pytest.mark.parametrize("ahead", [0.0, 2.7, -60.0])
@pytest.mark.parametrize("pods", [True, False])
def test_pods_behind_a_gateway_beside_plain_ones_and_a_machine(
    tmp_path: Path, pods: bool, ahead: float
) -> None:
    """The same pods are plain at times; the machine's lines are never linked."""
    plain = {t.down: t for t in behind(40, 11, None)}
    mesh = [*plain.values(), *(t for t in behind(40, 1) if t.down not in plain)]
    outside = tunnels(100, 21, client=MACHINE)
    found = correlated(tmp_path, mesh, outside, ahead, pods)
    result = judged(found, mesh, outside)
    assert (result["wrong"], result["foreign"], result["silent"]) == (0, 0, 100)
    assert result["right"] >= 0.97 * len(mesh)
    reasons = {row["reason"] for row in rows(found) if row["client_address"] == MACHINE}
    assert reasons == {"not_a_pod" if pods else "no_sidecar_log"}


def test_a_machine_that_asks_for_the_same_as_the_pods_is_not_taken_for_them(tmp_path: Path) -> None:
    """All poll a page of one size; the pods are plain, so their connections have lines of their own."""
    draw = random.Random(5)
    polls = [
        Tunnel(10 * n + draw.uniform(0, 1), 0.2, 5_000, 300, client, 40_000 + n)
        for client in (*PODS.values(), MACHINE) for n in range(60)
    ]  # fmt: skip
    mesh = [t for t in polls if t.client != MACHINE] + behind(20, 31, None)
    outside = [t for t in polls if t.client == MACHINE]
    result = judged(correlated(tmp_path, mesh, outside), mesh, outside)
    assert (result["foreign"], result["silent"]) == (0, 60)


def test_only_a_machine_beside_pods_whose_lines_are_missing(tmp_path: Path) -> None:
    """Nothing of the pods is in Squid's log: what a machine did is not theirs."""
    mesh, outside = behind(60, 41), tunnels(300, 51, client=MACHINE)
    write(tmp_path / "squid" / "access.log", squid_lines(outside))
    for name, address in PODS.items():
        write(tmp_path / "envoy" / name / "e.log", envoy_lines(t for t in mesh if t.client == address))
    for pods in ([listed(tmp_path / "pods.json")], []):
        found = correlate(tmp_path / "squid", tmp_path / "envoy", pods=pods)
        assert {(row["connection_id"], row["pod"]) for row in rows(found)} == {(None, None)}


def test_a_node_that_no_listed_pod_is_on_is_judged_by_its_lines(tmp_path: Path) -> None:
    mesh = behind(40, 61, "192.168.0.77")
    for name, address in PODS.items():
        write(tmp_path / "envoy" / name / "e.log", envoy_lines(t for t in mesh if t.client == address))
    write(tmp_path / "squid" / "access.log", squid_lines(mesh))
    lone = listed(tmp_path / "pods.json", {"else-0": "10.8.0.1"}, "192.168.0.77")
    result = judged(correlate(tmp_path / "squid", tmp_path / "envoy", pods=lone), mesh)
    assert result["wrong"] == 0
    assert result["right"] >= 0.97 * len(mesh)


@pytest.mark.parametrize("ahead", [0.0, 2.7])
@pytest.mark.parametrize(
    ("masks", "foreign"),
    [
        ({"10.0.1": "10.0.1.0", "10.0.2": "10.0.2.0"}, "10.7.7.0"),
        ({"10.0.1": "10.0.0.0", "10.0.2": "10.0.0.0"}, "10.7.0.0"),
    ],
)
def test_a_masked_address_links_by_time_and_names_by_the_connection(
    tmp_path: Path, masks: dict[str, str], foreign: str, ahead: float
) -> None:
    mesh = [replace(t, seen_as=masks[t.client.rpartition(".")[0]]) for t in behind(60, 71)]
    outside = tunnels(60, 81, client=MACHINE, seen_as=foreign)
    found = correlated(tmp_path, mesh, outside, ahead)
    result = judged(found, mesh, outside)
    assert (result["wrong"], result["foreign"]) == (0, 0)
    assert result["right"] >= 0.97 * len(mesh)
    assert {row["attribution"] for row in rows(found)} <= {"connection", "candidates", None}
    assert {row["reason"] for row in rows(found) if row["client_address"] == foreign} == {"masked_address"}


def test_a_mask_that_leaves_a_pods_own_address_still_names_nobody(tmp_path: Path) -> None:
    """10.0.1.0 is a pod here, and what Squid shows of its neighbours."""
    pods = {"zero-0": "10.0.1.0", "one-0": "10.0.1.1"}
    some = [replace(t, seen_as="10.0.1.0") for t in tunnels(3, 91, client="10.0.1.1")]
    for name, address in pods.items():
        write(tmp_path / "envoy" / name / "e.log", envoy_lines(tunnels(5, 95, client=address)))
    write(tmp_path / "squid" / "access.log", squid_lines(some))
    found = correlate(tmp_path / "squid", tmp_path / "envoy", pods=listed(tmp_path / "pods.json", pods))
    assert {(row["pod"], row["reason"]) for row in rows(found)} == {(None, "masked_address")}


def test_a_masked_ipv6_address(tmp_path: Path) -> None:
    lines = [line.replace("10.0.0.1", "fd00:0:0:1::") for line in squid_lines(tunnels(20))]
    write(tmp_path / "squid" / "access.log", lines)
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines(tunnels(20, 2)))
    found = correlate(tmp_path, pods=listed(tmp_path / "p.json", {"x-0": "fd00:0:0:1::9"}))
    assert {(row["pod"], row["reason"]) for row in rows(found)} == {(None, "masked_address")}


@pytest.mark.parametrize("squid", ["native", "port"])
def test_real_translated_logs_do_not_need_the_node_to_be_listed(tmp_path: Path, squid: str) -> None:
    pods = (DATA / "snat" / "pods.json").read_text().replace("10.60.9.1", "192.168.77.1")
    (tmp_path / "pods.json").write_text(pods)
    found = correlate(
        squid=squid_files("snat", squid), envoy=envoy_files("snat"), pods=tmp_path / "pods.json"
    )
    right = wrong = connected = 0
    for row in rows(found):
        line = truth("snat")[key(row["squid_file"], row["squid_line"])]
        connected += line.envoy_line is not None
        same = (line.pod, line.envoy_line) == (row["pod"], row["envoy_line"])
        right += bool(row["connection_id"]) and same
        wrong += bool(row["connection_id"]) and not same
    assert wrong <= 0.001 * right
    assert right >= 0.99 * connected


@pytest.mark.parametrize("lab", ["lab", "clock", "gateway"])
@pytest.mark.parametrize("pods", [True, False])
def test_no_client_outside_the_mesh_is_taken_for_a_translated_one(
    tmp_path: Path, lab: str, pods: bool
) -> None:
    """With the pods' lines taken out of Squid's log every connection is free, and none is the machine's."""
    logs = (path.read_bytes() for path in squid_files(lab, "native"))
    texts = (gzip.decompress(log) if log.startswith(b"\x1f\x8b") else log for log in logs)
    outside = (line for text in texts for line in text.splitlines(True) if b" 10.60.4.10 " in line)
    (tmp_path / "access.log").write_bytes(b"".join(outside))
    pod_lists = [DATA / lab / "pods.json"] if pods else []
    found = correlate(squid=tmp_path / "access.log", envoy=envoy_files(lab), pods=pod_lists)
    assert len(rows(found)) >= 4
    assert {(row["connection_id"], row["pod"]) for row in rows(found)} == {(None, None)}
