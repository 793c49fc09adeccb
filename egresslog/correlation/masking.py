"""Client addresses that Squid masked (client_netmask): they stand for a whole network, and name nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cache
from ipaddress import ip_address

from egresslog.identity.inventory import Inventory

Place = tuple[str, str]  # Squid instance, client address: each instance has a mask of its own

_BITS = {4: (32, 8), 6: (128, 16)}  # of an address; least number of zeros at its end for a mask


def zero_bits(address: str) -> int:
    """Zeros at the end of an address as a mask would leave them, in whole octets or groups; 0 for none."""
    version, value = _parsed(address)
    if not version:
        return 0
    bits, step = _BITS[version]
    zeros = bits if value == 0 else (value & -value).bit_length() - 1
    return zeros - zeros % step


def network(address: str, zeros: int) -> tuple[int, int]:
    """What addresses that differ in the last ``zeros`` bits only have in common."""
    version, value = _parsed(address)
    return version, value >> zeros


@cache
def _parsed(address: str) -> tuple[int, int]:
    try:
        found = ip_address(address)
    except ValueError:
        return 0, 0
    return found.version, int(found)


def is_masked(address: str, inventory: Inventory) -> bool:
    """True for an address that is nobody's and ends in zeros, as client_netmask leaves addresses."""
    return zero_bits(address) > 0 and not inventory.knows(address)


def find_masked(
    places: Iterable[tuple[str, str | None]], own: Collection[str], inventory: Inventory
) -> frozenset[Place]:
    """The masked ones among (instance, client address); ``own`` are the addresses of Envoys.

    Where every address of an instance ends in zeros, one that is also a pod's is masked too, if
    Envoys of its network have other addresses, which then never show.
    """
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for instance, address in set(places):
        if address is not None:
            seen[instance].add(address)
    hiding = {instance for instance, addresses in seen.items() if all(map(zero_bits, addresses))}
    return frozenset(
        (instance, address)
        for instance, addresses in seen.items()
        for address in addresses
        if (address not in own and is_masked(address, inventory))
        or (instance in hiding and _stands_for_others(address, own))
    )


def _stands_for_others(address: str, own: Iterable[str]) -> bool:
    zeros = zero_bits(address)
    mine = network(address, zeros)
    return any(other != address and network(other, zeros) == mine for other in own)
