"""Who can meet whom: lines and connections of one address, or of the node behind which it hides.

Lines are linked in passes. In the first, a line meets the connections of its client address. In the
second, lines whose client is a node's address (source NAT), or an address no Envoy ever used, meet what
is left of all connections that go out by it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from egresslog.identity.inventory import Inventory

ANY = "any address"  # stands for addresses that translation hides and no pod list explains


@dataclass(frozen=True)
class Groups:
    """Keys of both sides: equal keys may meet in that pass, None meets nothing."""

    lines: Sequence[str | None]
    hidden_lines: Sequence[str | None]
    connections: Sequence[str | None]
    hidden_connections: Sequence[str | None]

    @cached_property
    def passes(self) -> tuple[tuple[Sequence[str | None], Sequence[str | None]], ...]:
        """(keys of the lines, keys of the connections) of each pass that has lines."""
        both = ((self.lines, self.connections), (self.hidden_lines, self.hidden_connections))
        return tuple(each for each in both if any(each[0]))


def find_groups(
    clients: Sequence[str | None],
    instances: Sequence[str],
    locals_: Sequence[str | None],
    inventory: Inventory,
) -> Groups:
    """The keys: ``clients`` and ``instances`` are of Squid's lines, ``locals_`` the Envoys' own addresses."""
    own = {address for address in locals_ if address}
    hidden = _hidden_instances(clients, instances, own, inventory)
    nodes = {client for client in clients if client and inventory.is_node(client)}

    def key(client: str | None, instance: str) -> str | None:
        if client is None:
            return None
        return client if client in nodes else ANY if instance in hidden else None

    veiled = [key(client, instance) for client, instance in zip(clients, instances, strict=True)]
    plain = [None if veil else client for client, veil in zip(clients, veiled, strict=True)]
    behind = {address: ANY if hidden else _node_of(address, nodes, inventory) for address in own}
    return Groups(plain, veiled, list(locals_), [behind.get(local) if local else None for local in locals_])


def _hidden_instances(
    clients: Sequence[str | None], instances: Sequence[str], own: Collection[str], inventory: Inventory
) -> set[str]:
    """Instances that see none of the Envoys' addresses, where no pod list tells the nodes."""
    if inventory.is_listed:
        return set()
    plain = {i for client, i in zip(clients, instances, strict=True) if client in own}
    return set(instances) - plain


def _node_of(address: str, nodes: Collection[str], inventory: Inventory) -> str | None:
    """The node address, among those Squid saw, that this address goes out by."""
    if address in nodes:  # hostNetwork: the pod's address is the node's
        return address
    holders = inventory.holders(address, None)
    found = {node for pod in holders for node in pod.node_addresses if node in nodes}
    return found.pop() if len(found) == 1 else None
