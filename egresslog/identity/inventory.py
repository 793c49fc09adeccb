"""Inventory: which pod held an address at a moment, and which pods have a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from egresslog.identity.pods import Pod


@dataclass(frozen=True)
class Inventory:
    """Pods by address and by name; built once from pod lists and logs, read many times."""

    pods: tuple[Pod, ...] = ()
    by_address: dict[str, list[Pod]] = field(default_factory=dict)
    by_name: dict[str, list[Pod]] = field(default_factory=dict)
    node_of: dict[str, str] = field(default_factory=dict)  # node address -> node name or address
    is_listed: bool = False  # a pod list was given, so an address that is in none is no pod's

    def holders(self, address: str | None, moment: int | None) -> list[Pod]:
        """The pods that held the address at that moment (us); hostNetwork pods share their node's."""
        if address is None:
            return []
        return [p for p in self.by_address.get(address, ()) if moment is None or p.is_held(moment)]

    def is_node(self, address: str | None) -> bool:
        """True for an address of a node: it stands for every pod behind it."""
        return address in self.node_of

    def knows(self, address: str | None) -> bool:
        """True for an address of a pod or a node, whenever it was theirs."""
        return address in self.by_address or address in self.node_of


def inventory(pods: Iterable[Pod], learned: Iterable[Pod] = ()) -> Inventory:
    """The inventory of the pods listed and of those ``learned`` from logs."""
    listed = tuple(pods)
    pods = (*listed, *learned)
    by_address: defaultdict[str, list[Pod]] = defaultdict(list)
    by_name: defaultdict[str, list[Pod]] = defaultdict(list)
    node_of: dict[str, str] = {}
    for pod in pods:
        by_name[pod.name].append(pod)
        for address in pod.addresses:
            by_address[address].append(pod)
        node_of.update((address, pod.node or address) for address in pod.node_addresses)
    return Inventory(pods, dict(by_address), dict(by_name), node_of, bool(listed))


def only(pods: Iterable[Pod]) -> Pod | None:
    """The one pod that several entries (snapshots of it) are; nobody where they are two pods or none."""
    found = list(pods)
    return found[0] if len({pod.key for pod in found}) == 1 else None
