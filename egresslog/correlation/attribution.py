"""Who the mesh client is: needs less than the connection, and is never a gateway, node or mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egresslog.identity.inventory import Inventory
from egresslog.identity.pods import Pod

AGREE = 0.99  # of the probability must lie on connections of one pod for them to name it
# An inventory can be stale and an address reused: a name by address is never certain.
BY_ADDRESS = 0.999


@dataclass(frozen=True)
class Attribution:
    """The pod, what named it (schema.ATTRIBUTIONS) and the probability that the name is right."""

    pod: Pod
    by: str
    confidence: float


def by_connection(owner: Pod | None, confidence: float) -> Attribution | None:
    """The linked connection's own pod."""
    return (
        Attribution(owner, "connection", confidence) if owner is not None and not owner.is_gateway else None
    )


def by_candidates(owners: Sequence[tuple[Pod | None, float]]) -> Attribution | None:
    """The pod that all likely candidates share; ``owners`` are (pod, posterior)."""
    total = sum(posterior for _, posterior in owners)
    named = {(pod.namespace, pod.name): pod for pod, _ in owners if pod is not None}
    if len(named) != 1 or total < AGREE or any(pod is None for pod, _ in owners):
        return None
    (pod,) = named.values()
    return None if pod.is_gateway else Attribution(pod, "candidates", min(total, 1.0))


def by_address(address: str | None, moment: int | None, inventory: Inventory) -> Attribution | None:
    """The only pod that held Squid's client address then."""
    if address is None or inventory.is_node(address) or is_masked(address):
        return None
    holders = inventory.holders(address, moment)
    names = {(pod.namespace, pod.name) for pod in holders}
    if len(names) != 1 or any(pod.host_network or pod.is_gateway for pod in holders):
        return None
    return Attribution(holders[0], "address", BY_ADDRESS)


def is_masked(address: str | None) -> bool:
    """True for what client_netmask leaves of an IPv4 address (the host part zero)."""
    return address is not None and "." in address and address.endswith(".0")
