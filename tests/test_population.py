"""The population: who has logs, who should have, who has no sidecar, and which clients nobody knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_logs import envoy_lines, squid_lines, tunnels, write

from egresslog.api import Correlation, correlate
from egresslog.report.population import SHOWN, population_table, proxies_table


def pod(name: str, address: str, sidecar: bool = True, **status: Any) -> dict[str, Any]:
    containers = [{"name": "app"}, *([{"name": "istio-proxy"}] if sidecar else [])]
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": containers},
            "status": {"podIP": address, "hostIP": "192.168.0.1", **status}}  # fmt: skip


PODS = [
    pod("web-0", "10.0.0.1"),
    pod("mute-0", "10.0.0.2"),
    pod("idle-0", "10.0.0.3"),
    pod("bare-0", "10.0.0.4", sidecar=False),
    pod("old-0", "10.0.0.5", startTime="2020-01-01T00:00:00Z"),
]
PODS[-1]["metadata"]["deletionTimestamp"] = "2020-01-02T00:00:00Z"  # long before the logs


def correlated(folder: Path, pods: list[dict[str, Any]] | None) -> Correlation:
    """web-0 and new-0 have logs; mute-0, bare-0 and a machine are in Squid's alone."""
    web, new = tunnels(40, 1), tunnels(30, 2, client="10.0.0.9")
    alone = [
        t for n, c in enumerate(("10.0.0.2", "10.0.0.4", "10.7.7.7"), 3) for t in tunnels(10 * n, n, client=c)
    ]
    write(folder / "envoy" / "shop" / "web-0" / "istio-proxy.log", envoy_lines(web))
    write(folder / "envoy" / "shop" / "new-0" / "istio-proxy.log", envoy_lines(new))
    write(folder / "envoy" / "istio-proxy.log", envoy_lines(tunnels(5, 9, client="10.0.0.77")))
    write(folder / "squid" / "access.log", squid_lines([*web, *new, *alone]))
    if pods is not None:
        (folder / "pods.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))
    return correlate(folder)


def members(found: Correlation, kind: str) -> list[tuple[str, int, int]]:
    return [(m["pod"], m["lines"], m["records"]) for m in found.manifest["population"][kind]]


def clients(found: Correlation, kind: str) -> list[tuple[str, int]]:
    return [(c["client_address"], c["lines"]) for c in found.manifest["population"][kind]]


def test_everyone_is_counted_once(tmp_path: Path) -> None:
    found = correlated(tmp_path, PODS)
    assert members(found, "with_logs") == [("web-0", 40, 40)]
    assert members(found, "without_logs") == [("mute-0", 30, 0), ("idle-0", 0, 0)]
    assert members(found, "without_sidecar") == [("bare-0", 40, 0)]
    assert members(found, "unlisted") == [("new-0", 30, 30)]
    assert clients(found, "unknown") == [("10.7.7.7", 50)]
    assert clients(found, "translated") == []
    unnamed = found.manifest["population"]["unnamed_logs"]
    assert [(Path(file).parent.name, count) for file, count in unnamed.items()] == [("envoy", 5)]


def test_snapshots_count_a_pod_once(tmp_path: Path) -> None:
    later = [pod("mute-0", "10.0.0.2", startTime="2026-11-23T03:00:00Z"), *PODS]
    assert members(correlated(tmp_path, later), "without_logs") == [("mute-0", 30, 0), ("idle-0", 0, 0)]


def test_without_a_pod_list_the_logs_tell_who_is_there(tmp_path: Path) -> None:
    found = correlated(tmp_path, None)
    assert members(found, "with_logs") == [("web-0", 40, 40), ("new-0", 30, 30)]
    assert members(found, "unlisted") == members(found, "without_logs") == []
    assert clients(found, "unknown") == [("10.7.7.7", 50), ("10.0.0.4", 40), ("10.0.0.2", 30)]


@pytest.mark.parametrize("seen_as", ["192.168.0.1", "203.0.113.9", "10.0.0.0"])
def test_what_stands_for_others_is_told_apart(tmp_path: Path, seen_as: str) -> None:
    """A node's address, one that the data show to be, a masked one."""
    web, mute = tunnels(40, 1), tunnels(40, 2, client="10.0.0.2")
    hidden = [replace(t, seen_as=seen_as) for t in (*web, *mute)]
    write(tmp_path / "envoy" / "web-0" / "e.log", envoy_lines(web))
    write(tmp_path / "envoy" / "mute-0" / "e.log", envoy_lines(mute))
    write(tmp_path / "squid" / "access.log", squid_lines(hidden))
    pods = tmp_path / "pods.json"
    pods.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": PODS[:2]}))
    found = correlate(tmp_path)
    assert clients(found, "translated") == [(seen_as, 80)]
    assert clients(found, "unknown") == []


def test_a_terminal_shows_the_first_ten_neutralised(tmp_path: Path) -> None:
    entry = dict(correlated(tmp_path, PODS).manifest["population"])
    evil = {"proxy": "squid", "client_address": "\x1b[31m10.1.1.1", "lines": 99}
    entry["unknown"] = [
        evil,
        *({"proxy": "squid", "client_address": f"10.1.1.{n}", "lines": 1} for n in range(20)),
    ]
    text = population_table(entry).text()
    assert "\x1b" not in text
    assert f"and {21 - SHOWN} more" in text
    assert "shop/mute-0" in text and "shop/bare-0" in text and "shop/new-0" in text
    assert "web-0" not in text.replace("shop/web-0/istio-proxy.log", "")


@pytest.mark.parametrize(
    ("port", "local", "given", "by"),
    [
        (8080, True, None, "squid's own address"),
        (8080, False, None, "sizes"),
        (3128, False, "10.9.0.1:3128", "given"),
    ],
)
def test_the_proxy_is_named_with_how_it_was_found(
    tmp_path: Path, port: int, local: bool, given: str | None, by: str
) -> None:
    some = tunnels(40, 1, proxy=f"10.9.0.1:{port}")
    write(tmp_path / "envoy" / "web-0" / "e.log", envoy_lines(some))
    write(tmp_path / "squid" / "access.log", squid_lines(some, local=local))
    proxies = correlate(tmp_path, proxy=[given] if given else []).manifest["proxies"]
    assert proxies["found"] == [{"endpoint": f"10.9.0.1:{port}", "by": by}]
    assert f"10.9.0.1:{port} {by}" in " ".join(proxies_table(proxies).text().split())
