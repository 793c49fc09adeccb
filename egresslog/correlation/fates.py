"""What an Envoy record is before linking: to the proxy, past it, or stopped inside the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from egresslog.correlation.proxies import Proxies
from egresslog.parse.records import split_authority
from egresslog.parse.values import is_public

TO_PROXY = "to_proxy"  # not a fate: linking decides which one it gets

# Envoy response flags of an upstream that could not be reached (substitution_formatter.rst).
_REFUSED = frozenset(("UF", "URX", "UH", "UC", "DF"))
_LOCAL_SUFFIXES = (".local", ".internal", ".svc")


@dataclass(frozen=True)
class Cluster:
    """outbound|PORT|SUBSET|HOST, taken apart; other cluster names have no direction."""

    name: str
    direction: str = ""
    port: int | None = None
    host: str | None = None


def read_cluster(name: str | None) -> Cluster:
    """An Istio cluster name in parts."""
    parts = (name or "").split("|")
    if len(parts) != 4:
        return Cluster(name or "")
    return Cluster(name or "", parts[0], int(parts[1]) if parts[1].isdigit() else None, parts[3] or None)


def fate_before_linking(row: dict[str, Any], proxies: Proxies) -> str:
    """A fate of schema.FATES, or TO_PROXY."""
    cluster, flags = read_cluster(row["upstream_cluster"]), _flags(row)
    endpoint = (row["upstream_address"], row["upstream_port"])
    if endpoint in proxies:
        return "refused" if is_refused(row) else TO_PROXY
    if cluster.name.startswith("BlackHole"):
        return "blackholed"
    if row["route_name"] == "block_all":  # REGISTRY_ONLY, for HTTP
        return "blackholed"
    if "NR" in flags:  # no route: a ServiceEntry typed HTTP refuses CONNECT so
        return "blocked_in_mesh"
    is_outside = _is_external(cluster) or (cluster.direction != "inbound" and is_public(endpoint[0]))
    return "bypass" if is_outside else "not_to_proxy"


def is_refused(row: dict[str, Any]) -> bool:
    """True where Envoy never had a connection to the upstream."""
    return bool(_flags(row) & _REFUSED) and row["upstream_local_address"] is None


def known_host(row: dict[str, Any]) -> str | None:
    """The best name Envoy had for where the record went: authority, SNI, cluster, in this order."""
    return named_host(row) or read_cluster(row["upstream_cluster"]).host


def named_host(row: dict[str, Any]) -> str | None:
    """The host that the client named to Envoy: authority or SNI."""
    authority = row["authority"]
    if authority:
        return split_authority(authority)[0]
    server_name = row["requested_server_name"]
    # "outbound_" is auto mTLS, "invalid:" is what Envoy 1.31 and later put before text that is no name.
    if server_name and not server_name.startswith(("outbound_", "invalid:")):
        return str(server_name).lower().removesuffix(".")
    return None


def _flags(row: dict[str, Any]) -> set[str]:
    return set((row["response_flags"] or "").split(","))


def _is_external(cluster: Cluster) -> bool:
    """PassthroughCluster leaves the mesh unmanaged; outbound clusters leave it by a public name."""
    if cluster.name.startswith("PassthroughCluster"):
        return True
    if cluster.direction != "outbound" or cluster.host is None:
        return False
    return "." in cluster.host and not cluster.host.endswith(_LOCAL_SUFFIXES)
