"""Names for both sides: the pod behind every Envoy record, and what the Envoy logs teach of addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from egresslog.arrow import values_of
from egresslog.identity.history import history
from egresslog.identity.inventory import Inventory, inventory
from egresslog.identity.owners import Log, Owners
from egresslog.identity.pods import Pod

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Identities:
    """``owners``: the pod of each Envoy record, by row; ``inventory``: pod lists and logs together.

    ``listed``: what the pod lists hold, each pod in the clusters whose logs show it.
    ``claims``: of each Envoy record the names that its log itself gives its pod; empty where it gives none.
    """

    owners: Sequence[Pod | None]
    inventory: Inventory
    listed: Sequence[Pod] = ()
    claims: Sequence[Set[str]] = ()


class _Row(NamedTuple):
    """What of an Envoy record tells its pod; ``address`` is its own, None where it is no pod's."""

    log: Log
    address: str | None
    start: int | None
    end: int | None


def identify(envoy: pa.Table, pods: Sequence[Pod], trails: Mapping[str, str]) -> Identities:
    """The pod of every Envoy record, in the record's cluster; ``trails``: see ``Source.trail``, by file.

    A sidecar's log and its own address are a history of that address: they name Squid's clients
    where no pod list does.
    """
    rows = list(_rows(envoy))
    clusters = {row.log.cluster for row in rows}
    listed = inventory(history(pods, clusters))
    own: defaultdict[Log, set[str]] = defaultdict(set)
    for row in rows:
        own[row.log].update({row.address} if row.address else ())
    naming = Owners(listed, trails, own)
    owners = [naming.owner(row.log, row.address, row.start) for row in rows]
    known = history(_in_clusters(listed.pods, owners), clusters)
    claims = [naming.claimed(row.log) for row in rows]
    return Identities(owners, inventory(known, _learned(rows, owners, listed)), known, claims)


def _rows(envoy: pa.Table) -> Iterator[_Row]:
    columns = (values_of(envoy, name) for name in (*Log._fields, "upstream_local_address", "start", "end"))
    for *log, address, start, end in zip(*columns, strict=True):
        yield _Row(Log(*log), address if address and _is_unicast(address) else None, start, end)


def _is_unicast(address: str) -> bool:
    """False for loopback (127.0.0.6 marks inbound traffic) and for what is no IP address."""
    return address[:1].isalnum() and not address.startswith(("127.", "envoy", "::1"))


def _in_clusters(pods: Iterable[Pod], owners: Iterable[Pod | None]) -> Iterator[Pod]:
    """Each listed pod in every cluster whose logs show it: a name that two share is two pods."""
    clusters: defaultdict[tuple[object, ...], set[str | None]] = defaultdict(set)
    for owner in filter(None, set(owners)):
        clusters[owner.namespace, owner.name, owner.addresses].add(owner.cluster)
    for pod in pods:
        found = clusters.get((pod.namespace, pod.name, pod.addresses), {pod.cluster})
        yield from (replace(pod, cluster=name) for name in sorted(found, key=lambda name: name or ""))


def _learned(rows: Iterable[_Row], owners: Iterable[Pod | None], listed: Inventory) -> list[Pod]:
    """Address intervals seen in the logs of pods, where no listed pod holds the address in that time."""
    seen: dict[tuple[Pod, str], tuple[int, int]] = {}
    for row, owner in zip(rows, owners, strict=True):
        if owner is None or row.address is None or row.start is None or row.address in owner.addresses:
            continue
        if not listed.is_node(row.address):
            first, last = seen.get((owner, row.address), (row.start, row.start))
            ended = row.start if row.end is None else row.end
            seen[owner, row.address] = min(first, row.start), max(last, ended)
    return [
        replace(owner, addresses=(address,), node_addresses=(), start=first, end=last, has_sidecar=True)
        for (owner, address), (first, last) in seen.items()
        if not any(pod.start <= last and first <= pod.end for pod in listed.holders(address, None))
    ]
