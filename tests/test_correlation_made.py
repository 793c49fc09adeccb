"""Situations the lab has not got: several Squids, translated beside plain addresses, clocks of gateways."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from made_logs import Tunnel, envoy_line, envoy_lines, squid_lines, tunnels, write

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of
from egresslog.correlation.balance import balance

A, B = "10.9.0.1:3128", "10.9.0.2:8080"


def rows(found: Correlation, table: str = "transactions") -> list[dict[str, Any]]:
    return rows_of(found.tables[table])


def counts(found: Correlation, table: str, column: str) -> Counter[Any]:
    return Counter(row[column] for row in rows(found, table))


def pods_file(path: Path, *pods: tuple[str, str, str]) -> Path:
    """(name, address, node address) of each pod."""
    items = [
        {"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [{"name": "istio-proxy"}]},
         "status": {"podIP": address, "hostIP": node}}
        for name, address, node in pods
    ]  # fmt: skip
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


def test_each_squid_finds_its_own_endpoint(tmp_path: Path) -> None:
    """One logs its own address, the other does not and listens on no known port."""
    first, second = tunnels(40, 1, proxy=A), tunnels(40, 2, client="10.0.0.2", proxy=B)
    write(tmp_path / "a" / "access.log", squid_lines(first, local=True))
    write(tmp_path / "b" / "access.log", squid_lines(second))
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines([*first, *second]))
    found = correlate(tmp_path)
    assert found.manifest["proxies"]["endpoints"] == [A, B]
    assert counts(found, "transactions", "link") == {"exact": 40, "strong": 40}
    assert counts(found, "connections", "fate") == {"linked": 80}


def test_upstreams_with_sizes_by_chance_are_not_the_proxy(tmp_path: Path) -> None:
    """A database with every size between 100 and 4,000 shares many with Squid, and is not it."""
    real = tunnels(60, 3, proxy=B)
    small = [Tunnel(t.at, t.lasts, 100 + 13 * n, t.up, t.client, t.port, proxy=B) for n, t in enumerate(real)]
    rest = [
        envoy_line(n / 10, 1, 50, 100 + n, "10.5.0.9:5432", f"10.0.0.1:{20_000 + n}", "10.0.0.1:9")
        for n in range(4_000)
    ]
    write(tmp_path / "squid" / "access.log", squid_lines(small))
    write(tmp_path / "envoy" / "x-0" / "e.log", [*envoy_lines(small), *rest])
    assert correlate(tmp_path).manifest["proxies"]["endpoints"] == [B]


def test_pods_behind_a_node_beside_plain_pods(tmp_path: Path) -> None:
    """Squid sees one pod's own address, the node for another, and a hostNetwork Envoy that is the node."""
    plain = tunnels(40, 4, client="10.0.0.1")
    hidden = tunnels(40, 5, client="10.0.0.2", seen_as="192.168.0.1")
    also_plain = tunnels(3, 6, client="10.0.0.2")  # the same pod, once untranslated
    host = tunnels(3, 7, client="192.168.0.1")
    everything = [*plain, *hidden, *also_plain, *host]
    write(tmp_path / "squid" / "access.log", squid_lines(everything))
    for client in {t.client for t in everything}:
        write(tmp_path / "envoy" / client / "e.log", envoy_lines(t for t in everything if t.client == client))
    pods = pods_file(
        tmp_path / "pods.json", ("a-0", "10.0.0.1", "192.168.0.1"), ("b-0", "10.0.0.2", "192.168.0.1")
    )
    found = correlate(tmp_path / "squid", tmp_path / "envoy", pods=pods)
    assert counts(found, "transactions", "link")["none"] == 0
    by_size = {t.down: t.client for t in everything}
    linked = {row["connection_id"]: row for row in rows(found, "connections")}
    for row in rows(found):
        if row["connection_id"]:
            assert linked[row["connection_id"]]["upstream_local_address"] == by_size[row["bytes_down"]]
    assert sum(row["connection_id"] is not None for row in rows(found)) >= 0.95 * len(everything)


def test_translation_without_a_pod_list(tmp_path: Path) -> None:
    some = tunnels(60, 8, seen_as="192.168.0.1")
    write(tmp_path / "squid" / "access.log", squid_lines(some))
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines(some))
    found = correlate(tmp_path)
    assert counts(found, "transactions", "link")["strong"] >= 58
    assert {row["pod"] for row in rows(found) if row["connection_id"]} == {"x-0"}


def test_logs_that_have_nothing_to_do_with_each_other_link_nothing(tmp_path: Path) -> None:
    write(tmp_path / "squid" / "access.log", squid_lines(tunnels(300, 9, seen_as="192.168.0.1")))
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines(tunnels(300, 10, client="10.0.0.3")))
    found = correlate(tmp_path)
    assert counts(found, "transactions", "connection_id") == {None: 300}
    assert counts(found, "transactions", "reason")["no_sidecar_log"] >= 290


@pytest.mark.parametrize("ahead", [0.0, 2.0, -40.0])
def test_a_gateway_with_a_clock_of_its_own_still_chains(tmp_path: Path, ahead: float) -> None:
    some = tunnels(40, 11, client="10.0.0.1")
    gateway = [Tunnel(t.at, t.lasts, t.down, t.up, "10.0.9.9", t.port + 500) for t in some]
    through = [
        envoy_line(
            t.at + ahead, t.lasts, t.up, t.down, g.proxy, f"{g.client}:{g.port}", f"{t.client}:{t.port}"
        )
        for t, g in zip(some, gateway, strict=True)
    ]
    first = [
        envoy_line(t.at, t.lasts, t.up, t.down, "10.0.9.9:8443", f"{t.client}:{t.port}", f"{t.client}:9")
        for t in some
    ]
    write(tmp_path / "squid" / "access.log", squid_lines(gateway, ahead, local=True))
    write(tmp_path / "envoy" / "out-0" / "e.log", through)
    write(tmp_path / "envoy" / "shop-0" / "e.log", first)
    found = correlate(tmp_path)
    assert Counter((row["pod"], len(row["via"])) for row in rows(found)) == {("shop-0", 1): 40}
    assert counts(found, "connections", "fate") == {"hop": 40, "linked": 40}


def test_behind_a_parent_the_destination_is_not_known(tmp_path: Path) -> None:
    for hierarchy, known in (("HIER_DIRECT", True), ("FIRSTUP_PARENT", False), ("TIMEOUT_HIER_DIRECT", True)):
        log = write(tmp_path / hierarchy / "access.log", squid_lines(tunnels(3, hierarchy=hierarchy)))
        assert {row["destination_address"] is not None for row in rows(correlate(squid=log))} == {known}


def test_bytes_up_are_the_connections_only_where_the_line_is_alone_on_it(tmp_path: Path) -> None:
    one, shared = Tunnel(1, 2, 5_000, 700), Tunnel(10, 2, 9_039, 900, port=40_001)
    denied = (
        "1795407810.500      1 10.0.0.1 TCP_DENIED/407 3584 CONNECT a.example:443 - HIER_NONE/- text/html"
    )
    both = [*squid_lines([one]), denied, *squid_lines([Tunnel(11, 1, 9_039 - 3_584, 755, port=40_001)])]
    write(tmp_path / "squid" / "access.log", both)
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines([one, shared]))
    up = {row["bytes_down"]: (row["bytes_up"], row["bytes_up_source"]) for row in rows(correlate(tmp_path))}
    assert up[5_000] == (700, "connection")
    assert up[3_584] == up[9_039 - 3_584] == (None, None)


def test_the_balance_breaks_when_a_record_is_lost(tmp_path: Path) -> None:
    some = tunnels(5)
    write(tmp_path / "squid" / "access.log", squid_lines(some))
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines(some))
    found = correlate(tmp_path)
    transactions, connections = found.tables["transactions"], found.tables["connections"]
    whole = balance([], (transactions, connections), transactions, connections)
    short = balance([], (transactions, connections), transactions.slice(1), connections)
    assert [e.what for e in whole.broken if e.side != "files"] == []
    assert {e.what for e in short.broken if e.side != "files"} >= {"records", "bytes"}
