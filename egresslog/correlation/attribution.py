"""Who the mesh client is: needs less than the connection, and is never a gateway, node or mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egresslog.identity.inventory import Inventory, only
from egresslog.identity.pods import Pod

AGREE = 0.99  # of the probability must lie on connections of one pod for them to name it
# An inventory can be stale and an address reused: a name by address is never surer than this.
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


def by_address(
    address: str | None, moment: int | None, inventory: Inventory, cluster: str | None = None
) -> Attribution | None:
    """The only pod that held Squid's client address then; the address is not known to be masked.

    The confidence is that of an address nothing is known against: see trust.py.

    ``cluster``: the one whose pods alone this Squid serves, where that is known. Where it is not, an
    address that pods of several clusters had at any time names nobody: their networks overlap.
    """
    if address is None or inventory.is_node(address):
        return None
    everyone = inventory.holders(address, None)
    if cluster is None and len({pod.cluster for pod in everyone}) > 1:
        return None
    holders = [
        p for p in inventory.holders(address, moment) if cluster is None or p.cluster in (None, cluster)
    ]
    pod = only(holders)
    if pod is None or any(holder.host_network or holder.is_gateway for holder in holders):
        return None
    return Attribution(pod, "address", BY_ADDRESS)
