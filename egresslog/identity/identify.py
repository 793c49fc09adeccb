"""Names for both sides: the pod behind every Envoy record, and what the Envoy logs teach of addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.identity.inventory import Inventory, inventory
from egresslog.identity.pods import Pod

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Identities:
    """``owners``: the pod of each Envoy record, by row; ``inventory``: pod lists and logs together."""

    owners: Sequence[Pod | None]
    inventory: Inventory


def identify(envoy: pa.Table, pods: Sequence[Pod]) -> Identities:
    """The pod of every Envoy record: by its log's path, else by its own address in the pod lists.

    A sidecar's log and its own address are a history of that address: they name Squid's clients
    where no pod list does.
    """
    listed = inventory(pods)
    own = _own_addresses(envoy)
    by_file = {file: listed.owner(file, mine) for file, mine in own.items()}
    owners = [by_file.get(file) for file in values_of(envoy, "file")]
    addresses, starts = values_of(envoy, "upstream_local_address"), values_of(envoy, "start")
    moments = zip(addresses, starts, owners, strict=True)
    owners = [owner or _only(listed.holders(address, at)) for address, at, owner in moments]
    return Identities(owners, inventory(pods, _learned(envoy, owners, listed)))


def _own_addresses(envoy: pa.Table) -> dict[str, set[str]]:
    """The addresses that each log's Envoy used towards its upstreams."""
    own: defaultdict[str, set[str]] = defaultdict(set)
    columns = values_of(envoy, "file"), values_of(envoy, "upstream_local_address")
    for file, address in zip(*columns, strict=True):
        own[file].update({address} if address else ())
    return own


def _only(pods: Sequence[Pod]) -> Pod | None:
    names = {(pod.namespace, pod.name) for pod in pods}
    return pods[0] if len(names) == 1 and not pods[0].host_network else None


def _learned(envoy: pa.Table, owners: Sequence[Pod | None], listed: Inventory) -> list[Pod]:
    """Address intervals seen in the logs of pods that no list gives this address."""
    seen: dict[tuple[Pod, str], tuple[int, int]] = {}
    columns = [values_of(envoy, name) for name in ("upstream_local_address", "start", "end")]
    for owner, address, start, end in zip(owners, *columns, strict=True):
        if owner is None or address is None or start is None or address in owner.addresses:
            continue
        if listed.is_node(address) or not _is_unicast(address):
            continue
        first, last = seen.get((owner, address), (start, start))
        seen[owner, address] = min(first, start), max(last, start if end is None else end)
    return [
        replace(owner, addresses=(address,), start=first, end=last, has_sidecar=True)
        for (owner, address), (first, last) in seen.items()
    ]


def _is_unicast(address: str) -> bool:
    """False for loopback (127.0.0.6 marks inbound traffic) and for what is no IP address."""
    return address[:1].isalnum() and not address.startswith(("127.", "envoy", "::1"))

