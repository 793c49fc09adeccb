"""Who the mesh client is: needs less than the connection, and is never a gateway, node or mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egresslog.identity.inventory import Inventory, only
from egresslog.identity.pods import Pod

AGREE = 0.99  # of the probability must lie on connections of one pod for them to name it
# An inventory can be stale and an address reused: a name by address is never certain.
BY_ADDRESS = 0.999

Candidates = Sequence[tuple[Pod | None, float]]  # the pod of each candidate and its posterior, best first


@dataclass(frozen=True)
class Attribution:
    """The pod, what named it (schema.ATTRIBUTIONS) and the probability that the name is right."""

    pod: Pod
    by: str
    confidence: float


def by_connection(owner: Pod | None, owners: Candidates) -> Attribution | None:
    """The linked connection's own pod, as sure as all candidates that are its own together."""
    if owner is None or owner.is_gateway:
        return None
    sure = sum(posterior for pod, posterior in owners if pod is not None and pod.key == owner.key)
    return Attribution(owner, "connection", min(1.0, sure))


def by_candidates(owners: Candidates) -> Attribution | None:
    """The pod that all likely candidates share, as it was at the best of them."""
    total = sum(posterior for _, posterior in owners)
    pods = [pod for pod, _ in owners if pod is not None]
    pod = only(pods) if len(pods) == len(owners) else None
    if pod is None or pod.is_gateway or total < AGREE:
        return None
    return Attribution(pod, "candidates", min(total, 1.0))


def by_address(address: str | None, moment: int | None, inventory: Inventory) -> Attribution | None:
    """The only pod that held Squid's client address then; the address is not known to be masked."""
    if address is None or inventory.is_node(address):
        return None
    holders = inventory.holders(address, moment)
    pod = only(holders)
    if pod is None or any(holder.host_network or holder.is_gateway for holder in holders):
        return None
    return Attribution(pod, "address", BY_ADDRESS)
