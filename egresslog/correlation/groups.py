"""Who can meet whom: lines and connections of one address, or of what that address hides.

Lines are linked in passes. In the first, a line meets the connections of its client address. In the
later ones lines whose client is a node's address, a masked one, or one that the data show to stand for
others (source NAT) meet what is left of the connections that can be behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from egresslog.correlation.masking import Place, find_masked, network, zero_bits
from egresslog.correlation.translation import FEWEST_OF_ONE, Finding, Sides, Suspect, find_translated
from egresslog.identity.inventory import Inventory
from egresslog.linking.model import ConnectionColumns, TransactionColumns

ANY = "any address"  # stands for what is behind translated addresses

Keys = Sequence[str | None]  # equal keys of both sides may meet, None meets nothing


@dataclass(frozen=True)
class Pass:
    """The keys of the lines and of the connections."""

    lines: Keys
    connections: Keys


@dataclass(frozen=True)
class Groups:
    """``plain``: by the address itself; ``hidden``: by what hides it.

    ``masked``: see find_masked; ``translated``: what the data show to stand for others.
    """

    plain: Pass
    hidden: tuple[Pass, ...]
    masked: frozenset[Place] = frozenset()
    translated: frozenset[Place] = frozenset()

    @property
    def lines(self) -> Keys:
        return self.plain.lines

    @cached_property
    def hidden_lines(self) -> Keys:
        """Each line's key in the later passes; it has one at most."""
        columns = zip(*(each.lines for each in self.hidden), strict=True)
        return [next(filter(None, keys), None) for keys in columns]

    @cached_property
    def passes(self) -> tuple[tuple[Keys, Keys], ...]:
        """(keys of the lines, of the connections): of the first pass, and of each other that has lines."""
        later = (each for each in self.hidden if any(each.lines))
        return tuple((each.lines, each.connections) for each in (self.plain, *later))


@dataclass(frozen=True)
class Addresses:
    """``clients`` and ``instances`` are of Squid's lines, ``locals`` the Envoys' own addresses."""

    clients: Keys
    instances: Sequence[str]
    locals: Keys

    @cached_property
    def own(self) -> frozenset[str]:
        return frozenset(filter(None, self.locals))

    @cached_property
    def places(self) -> list[tuple[str, str | None]]:
        """Instance and client address of each line."""
        return list(zip(self.instances, self.clients, strict=True))


def find_groups(
    addresses: Addresses,
    inventory: Inventory,
    lines: TransactionColumns,
    connections: ConnectionColumns,
    reach: int,
) -> Groups:
    """The keys; ``reach`` (us) is how far apart the clocks of both sides may be."""
    masked = find_masked(addresses.places, addresses.own, inventory)
    behind = _behind_nodes(addresses, inventory)
    nodes = {node for node in behind if node is not None}
    seen = {(instance, client) for instance, client in addresses.places if client is not None}
    open_ = {place for place in seen if _is_open(place[1], addresses, inventory, nodes)}
    suspects = sorted(place for place in open_ | masked if place[1] not in nodes)
    found = _findings(addresses, suspects, masked, lines, connections, reach)
    translated = _translated(addresses, found, inventory)
    keys = [_keys(place, nodes, masked, translated) for place in addresses.places]
    networks = _networks({address for _, address in masked & translated}, addresses.locals)
    return Groups(
        Pass([key[0] for key in keys], list(addresses.locals)),
        (
            Pass([key[1] for key in keys], behind),
            Pass([key[2] for key in keys], networks),
            Pass([key[3] for key in keys], [ANY if local else None for local in addresses.locals]),
        ),
        masked,
        frozenset(place for place, finding in found.items() if finding.is_translated),
    )


def _keys(
    place: tuple[str, str | None], nodes: Collection[str], masked: Collection[Place], found: Collection[Place]
) -> tuple[str | None, ...]:
    """The keys of a line in each pass: its address, its node, its network, any."""
    address = place[1]
    if address is None:
        return None, None, None, None
    if address in nodes:
        return None, address, None, None
    known = (place[0], address)
    if known in masked:
        return None, None, address if known in found else None, None
    return (None, None, None, ANY) if known in found else (address, None, None, None)


def _behind_nodes(addresses: Addresses, inventory: Inventory) -> list[str | None]:
    """For each connection the node address, among those Squid saw, that it goes out by."""
    nodes = {client for client in addresses.clients if client and inventory.is_node(client)}
    named = {inventory.node_of[node]: node for node in sorted(nodes)}
    found = {own: _node_of(own, nodes, named, inventory) for own in addresses.own}
    return [found.get(local) if local else None for local in addresses.locals]


def _node_of(
    address: str, nodes: Collection[str], named: Mapping[str, str], inventory: Inventory
) -> str | None:
    if address in nodes:  # hostNetwork: the pod's address is the node's
        return address
    holders = inventory.holders(address, None)
    found = {node for pod in holders for node in pod.node_addresses if node in nodes}
    found |= {named[pod.node] for pod in holders if pod.node is not None and pod.node in named}
    return found.pop() if len(found) == 1 else None


def _is_open(address: str, addresses: Addresses, inventory: Inventory, nodes: Collection[str]) -> bool:
    """True where neither an Envoy nor a pod list says whose the address is."""
    if address in addresses.own or address in nodes:
        return False
    return inventory.is_node(address) or not inventory.knows(address)


def _findings(
    addresses: Addresses,
    suspects: Sequence[Place],
    masked: Collection[Place],
    lines: TransactionColumns,
    connections: ConnectionColumns,
    reach: int,
) -> dict[Place, Finding]:
    """What the data say of each suspect."""
    rows: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
    for row, place in enumerate(addresses.places):
        rows[place].append(row)
    numbers = {name: n for n, name in enumerate(sorted({*filter(None, addresses.clients), *addresses.own}))}
    clients, locals_ = (
        np.array([numbers[a] if a else -1 for a in some], dtype=np.int64)
        for some in (addresses.clients, addresses.locals)
    )
    sides = Sides(lines, connections, clients, locals_, reach)
    listed: defaultdict[str, list[Suspect]] = defaultdict(list)
    for place in suspects:
        inside = _inside(place[1], addresses.locals) if place in masked else locals_ >= 0
        listed[place[0]].append(Suspect(np.array(rows[place], dtype=np.int64), inside))
    found = find_translated(sides, listed)
    return {place: found[place[0]].pop(0) for place in suspects}


def _inside(address: str, locals_: Keys) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    zeros = zero_bits(address)
    mine = network(address, zeros)
    return np.array([bool(a) and network(str(a), zeros) == mine for a in locals_], dtype=bool)


def _translated(
    addresses: Addresses, found: Mapping[Place, Finding], inventory: Inventory
) -> frozenset[Place]:
    """The suspects that stand for others.

    Where there is no pod list and an instance sees no Envoy's address, also those of too few lines
    to tell: links alone can then bear them out.
    """
    seeing = {instance for instance, client in addresses.places if client in addresses.own}
    untold = {
        place
        for place, finding in found.items()
        if not inventory.is_listed and place[0] not in seeing and finding.tested < FEWEST_OF_ONE
    }
    return frozenset({place for place, finding in found.items() if finding.is_translated} | untold)


def _networks(masked: Iterable[str], locals_: Keys) -> list[str | None]:
    """For each connection the masked address that stands for its own; the narrowest of several."""
    known = {(zero_bits(address), network(address, zero_bits(address))): address for address in masked}
    widths = sorted({zeros for zeros, _ in known})
    found: dict[str, str | None] = {}
    for own in filter(None, locals_):
        fitting = (known.get((zeros, network(own, zeros))) for zeros in widths)
        found[own] = found[own] if own in found else next(filter(None, fitting), None)
    return [found[local] if local else None for local in locals_]
