"""A pod with an IPv4 and an IPv6 address is one pod; a gateway between the families stays a gateway."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from made_logs import Tunnel, envoy_line, squid_lines, tunnels, write

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of

OLD, NEW = "10.0.0.1", "fd00:1::5"
GATEWAY = {"old": "10.0.9.9", "new": "fd00:9::9"}


def ends(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def line(t: Tunnel, local: str, remote: str, asked: str, upstream: str) -> str:
    """A tunnel's line: by which own address it left, who connected, whom it asked for, what it got."""
    text = envoy_line(t.at, t.lasts, t.up, t.down, "UPSTREAM", local, remote)
    return text.replace("UPSTREAM", upstream, 1).replace("UPSTREAM", asked)


def sidecar(some: Iterable[Tunnel], into: str, out: str, squid: str, vip: str) -> Iterator[str]:
    for t in sorted(some, key=lambda t: t.at + t.lasts):
        yield line(t, ends(out, t.port), ends(into, t.port - 9), ends(vip, 3128), ends(squid, 3128))


def logged(some: Iterable[Tunnel]) -> Iterator[str]:
    """Squid's lines, with its own address as it prints it: without brackets."""
    return (text.replace("[", "").replace("]", "") for text in squid_lines(some, local=True))


def pods_file(path: Path, **pods: list[str]) -> Path:
    items = [
        {"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [{"name": "istio-proxy"}]},
         "status": {"podIP": addresses[0], "podIPs": [{"ip": one} for one in addresses]}}
        for name, addresses in pods.items()
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"kind": "List", "items": items}))
    return path


def named(found: Correlation) -> Counter[object]:
    return Counter(
        (row["pod"], row["link"], len(row["via"])) for row in rows_of(found.tables["transactions"])
    )


SIDES = [(OLD, NEW, "fd00:2::3", "240.240.0.7"), (NEW, OLD, "10.9.0.1", "2001:2::f0f0:7")]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(("into", "out", "squid", "vip"), SIDES)
def test_a_sidecar_between_its_own_addresses_is_no_gateway(
    tmp_path: Path, into: str, out: str, squid: str, vip: str, listed: bool
) -> None:
    some = tunnels(40, client=out, proxy=ends(squid, 3128))
    write(tmp_path / "squid" / "access.log", logged(some))
    write(tmp_path / "envoy" / "x-0" / "e.log", sidecar(some, into, out, squid, vip))
    pods = [pods_file(tmp_path / "pods.json", **{"x-0": [into, out]})] if listed else []
    found = correlate(tmp_path / "squid", tmp_path / "envoy", pods=pods)
    assert named(found) == {("x-0", "exact", 0): 40}
    assert set(found.connections["fate"]) == {"linked"}


def test_its_other_connections_show_that_the_address_is_its_own(tmp_path: Path) -> None:
    """It asks a listener for the proxy, so nothing but its connections of the other family tells."""
    some = tunnels(40, client=NEW, proxy="[fd00:2::3]:3128")
    lines = [
        line(t, ends(NEW, t.port), ends(OLD, t.port - 9), "10.0.0.1:15008", "[fd00:2::3]:3128") for t in some
    ]
    rest = [envoy_line(n, 1, 50, 99, "10.5.0.9:5432", f"{OLD}:{20_000 + n}", f"{OLD}:9") for n in range(9)]
    write(tmp_path / "squid" / "access.log", logged(some))
    write(tmp_path / "envoy" / "x-0" / "e.log", [*lines, *rest])
    assert named(correlate(tmp_path)) == {("x-0", "exact", 0): 40}


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("first", [True, False], ids=["hop logged", "hop not logged"])
@pytest.mark.parametrize("port", [3128, 8443], ids=["same port", "own port"])
def test_a_gateway_between_the_families_is_one(tmp_path: Path, listed: bool, first: bool, port: int) -> None:
    """Its clients are two pods; where their logs are missing, it names neither them nor itself."""
    clients = {"a-0": OLD, "b-0": "10.0.0.2"}
    pods = {
        name: tunnels(40, seed, client=address) for seed, (name, address) in enumerate(clients.items(), 1)
    }
    through = [
        (t, Tunnel(t.at, t.lasts, t.down, t.up, GATEWAY["new"], 30_000 + n, proxy="[fd00:2::3]:3128"))
        for n, t in enumerate(t for some in pods.values() for t in some)
    ]
    entry = ends(GATEWAY["old"], port)
    write(tmp_path / "squid" / "access.log", logged(g for _, g in through))
    write(
        tmp_path / "envoy" / "out-0" / "e.log",
        (line(t, ends(g.client, g.port), ends(t.client, t.port), entry, g.proxy) for t, g in through),
    )
    for name, some in pods.items() if first else ():
        lines = (line(t, ends(t.client, t.port), ends(t.client, 9), entry, entry) for t in some)
        write(tmp_path / "envoy" / name / "e.log", lines)
    addresses = {name: [address] for name, address in clients.items()}
    known = (
        [pods_file(tmp_path / "pods.json", **addresses, **{"out-0": [*GATEWAY.values()]})] if listed else []
    )
    found = named(correlate(tmp_path / "squid", tmp_path / "envoy", pods=known))
    if first:
        assert found == {("a-0", "exact", 1): 40, ("b-0", "exact", 1): 40}
    else:
        assert found == {(None, "none", 1): 80}


def test_a_gateway_of_one_client_is_told_by_the_pod_list_its_port_or_its_name(tmp_path: Path) -> None:
    some = tunnels(40, client=OLD)
    through = [
        (t, Tunnel(t.at, t.lasts, t.down, t.up, GATEWAY["new"], t.port, proxy="[fd00:2::3]:3128"))
        for t in some
    ]
    pods = pods_file(tmp_path / "pods.json", **{"a-0": [OLD], "out-0": [*GATEWAY.values()]})
    for port, name, given in (
        (3128, "out-0", [pods]),
        (8443, "out-0", []),
        (3128, "istio-egressgateway-0", []),
    ):
        folder, entry = tmp_path / f"{name}-{port}", ends(GATEWAY["old"], port)
        write(folder / "squid" / "access.log", logged(g for _, g in through))
        write(
            folder / "envoy" / name / "e.log",
            (line(t, ends(g.client, g.port), ends(t.client, t.port), entry, g.proxy) for t, g in through),
        )
        assert set(correlate(folder, pods=given).transactions["pod"].isna()) == {True}
