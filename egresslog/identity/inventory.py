"""Inventory: which pod held an address at a moment, and which pod wrote a log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from egresslog.identity.paths import owner_of, stem
from egresslog.identity.pods import Pod, workload_from_name


@dataclass(frozen=True)
class Inventory:
    """Pods by address and by name; built once from pod lists, read many times."""

    pods: tuple[Pod, ...] = ()
    by_address: dict[str, list[Pod]] = field(default_factory=dict)
    by_name: dict[str, list[Pod]] = field(default_factory=dict)
    node_of: dict[str, str] = field(default_factory=dict)  # node address -> node name or address
    is_listed: bool = False  # a pod list was given, so an address that is in none is no pod's

    def holders(self, address: str | None, moment: int | None) -> list[Pod]:
        """The pods that held the address at that moment (us); hostNetwork pods share their node's."""
        if address is None:
            return []
        return [p for p in self.by_address.get(address, ()) if moment is None or p.start <= moment <= p.end]

    def is_node(self, address: str | None) -> bool:
        """True for an address of a node: it stands for every pod behind it."""
        return address in self.node_of

    def owner(self, path: str, own: Iterable[str] = ()) -> Pod | None:
        """The pod whose Envoy wrote the log at this path; one that no list names is made from the path.

        ``own``: addresses the log shows as its own; they decide between pods of one name.
        """
        parts = path.split("/")
        parts[-1] = stem(parts[-1])
        listed = [pod for part in reversed(parts) for pod in self.by_name.get(part, ())]
        guessed = owner_of(path)
        if guessed is not None and not listed:
            listed = self.by_name.get(guessed.pod, [])
            parts.append(guessed.namespace or "")
        if listed:
            addresses = set(own)
            return max(
                listed, key=lambda pod: (not addresses.isdisjoint(pod.addresses), pod.namespace in parts)
            )
        if guessed is None:
            return None
        return Pod(guessed.namespace, guessed.pod, workload_from_name(guessed.pod), has_sidecar=True)


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
