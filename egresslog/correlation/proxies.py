"""Which upstream addresses are the proxy: named by the user, by Squid's own address, else inferred.

Each Squid instance is asked for itself: one may log its own address where another does not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from egresslog.arrow import values_of
from egresslog.errors import UsageError
from egresslog.linking.estimate import FARTHEST_US, QUARTER_US
from egresslog.parse.values import is_address, normal_address

if TYPE_CHECKING:
    import pyarrow as pa

Endpoint = tuple[str, int | None]
_Key = tuple[str | None, int]  # client address or None, bytes

SQUID_PORT = 3128  # squid.conf http_port, the default
MIN_BYTES = 100  # smaller sizes coincide by chance
MIN_HITS = 3
MIN_SHARE = 0.3  # of an upstream's connections whose size the instance logged
OVER_CHANCE = 3  # times as many hits as sizes one byte off get
_ZONES = 4  # the likeliest are tried
_RARE = 16  # lines of a size that say in which zone, not by chance


@dataclass(frozen=True)
class Proxies:
    """The proxy's endpoints as Envoy sees them, and how each was found."""

    found: dict[Endpoint, str] = field(default_factory=dict)
    unseen: tuple[Endpoint, ...] = ()  # given by the user, but no Envoy record went there

    @property
    def endpoints(self) -> frozenset[Endpoint]:
        return frozenset(self.found)

    @property
    def source(self) -> str:
        """How they were found: given, squid's own address, sizes, port 3128, or none."""
        return ", ".join(dict.fromkeys(self.found.values())) or "none"

    def __contains__(self, endpoint: object) -> bool:
        return endpoint in self.found


def parse_endpoint(text: str) -> Endpoint:
    """``ADDR:PORT`` (IPv6 in brackets) -> (address, port). Raises UsageError."""
    address, colon, port = text.rpartition(":")
    in_range = port.isascii() and port.isdigit() and 0 < int(port) < 65_536
    if not (colon and in_range and is_address(address)):
        raise UsageError(f"--proxy {text}: not ADDR:PORT", hint="for example --proxy 10.60.2.10:3128")
    return normal_address(address), int(port)


def find_proxies(
    squid: pa.Table, envoy: pa.Table, given: Collection[Endpoint] = (), max_offset: int = 900_000_000
) -> Proxies:
    """The proxy's endpoints, for each Squid instance from the surest source that names any.

    ``max_offset`` (us): how far apart the two clocks may be, apart from whole time zones.
    """
    upstreams = _upstreams(envoy)
    if given:
        unseen = tuple(endpoint for endpoint in given if endpoint not in upstreams)
        return Proxies(dict.fromkeys(given, "given"), unseen)
    found: dict[Endpoint, str] = {}
    for lines in _by_instance(squid) or [[]]:
        found |= _of_instance(lines, upstreams, found, max_offset)
    return Proxies(found)


@dataclass(frozen=True)
class _Connection:
    address: str | None
    size: int
    end: int


def _upstreams(envoy: pa.Table) -> dict[Endpoint, list[_Connection]]:
    """Connections by upstream; an address that is an Envoy's own is a gateway, not the proxy."""
    names = ("upstream_address", "upstream_port", "upstream_local_address", "bytes_sent", "end", "method")
    own = set(values_of(envoy, "upstream_local_address"))
    upstreams: defaultdict[Endpoint, list[_Connection]] = defaultdict(list)
    columns = [values_of(envoy, name) for name in names]
    for address, port, local, size, end, method in zip(*columns, strict=True):
        if address is not None and address not in own and method in (None, "CONNECT"):
            upstreams[address, port].append(_Connection(local, size or 0, end or 0))
    return upstreams


def _by_instance(squid: pa.Table) -> list[list[dict[str, Any]]]:
    names = ("proxy", "client_address", "local_address", "local_port", "bytes_down", "end")
    instances: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for values in zip(*(values_of(squid, name) for name in names), strict=True):
        instances[values[0]].append(dict(zip(names, values, strict=True)))
    return [instances[name] for name in sorted(instances)]


def _of_instance(
    lines: list[dict[str, Any]],
    upstreams: dict[Endpoint, list[_Connection]],
    known: Collection[Endpoint],
    max_offset: int,
) -> dict[Endpoint, str]:
    own = {(line["local_address"], line["local_port"]) for line in lines} & upstreams.keys()
    if own:
        return dict.fromkeys(sorted(own), "squid's own address")
    sizes = _by_sizes(lines, upstreams, max_offset)
    if sizes:
        return {endpoint: "sizes" for endpoint in sorted(sizes, key=repr) if endpoint not in known}
    by_port = sorted(endpoint for endpoint in upstreams if endpoint[1] == SQUID_PORT)
    return {endpoint: f"port {SQUID_PORT}" for endpoint in by_port if endpoint not in known}


@dataclass(frozen=True)
class _Sizes:
    """When an instance logged each size; by client address where the Envoys use those addresses too."""

    by_address: bool
    ends: Mapping[_Key, Sequence[int]]  # ascending

    def key(self, connection: _Connection, off: int = 0) -> _Key:
        """Under which the connection's size, or one ``off`` bytes from it, would be logged."""
        return connection.address if self.by_address else None, connection.size + off


def _by_sizes(
    lines: list[dict[str, Any]], upstreams: dict[Endpoint, list[_Connection]], max_offset: int
) -> set[Endpoint]:
    """Upstreams whose connections carried sizes that the instance logged, far above chance.

    Where none did at about the time that Squid's clock shows, the likeliest other time zones are tried.
    """
    logged = _sizes(lines, {c.address for some in upstreams.values() for c in some})
    large = {end: [c for c in some if c.size >= MIN_BYTES] for end, some in upstreams.items()}
    for zone in _zones(chain.from_iterable(large.values()), logged):
        near = _Near(logged, zone - max_offset, zone + max_offset)
        found = {endpoint for endpoint, some in large.items() if near.is_clear(some)}
        if found:
            return found
    return set()


def _sizes(lines: list[dict[str, Any]], addresses: Collection[str | None]) -> _Sizes:
    by_address = any(line["client_address"] in addresses for line in lines)
    found: defaultdict[_Key, list[int]] = defaultdict(list)
    for line in lines:
        if (line["bytes_down"] or 0) >= MIN_BYTES and line["end"] is not None:
            key = line["client_address"] if by_address else None
            found[key, line["bytes_down"]].append(line["end"])
    return _Sizes(by_address, {key: sorted(ends) for key, ends in found.items()})


def _zones(connections: Iterable[_Connection], logged: _Sizes) -> Iterator[int]:
    """0, then the shifts (us) of whole quarters of an hour at which most sizes of few lines were logged."""
    yield 0
    met: defaultdict[int, set[_Key]] = defaultdict(set)
    for connection in connections:
        key = logged.key(connection)
        ends = logged.ends.get(key, ())
        for end in ends if len(ends) <= _RARE else ():
            zone = round((end - connection.end) / QUARTER_US) * QUARTER_US
            if zone and abs(zone) <= FARTHEST_US:
                met[zone].add(key)
    yield from sorted(met, key=lambda zone: (-len(met[zone]), abs(zone), zone))[:_ZONES]


@dataclass(frozen=True)
class _Near:
    """The sizes logged; a line counts that ended between ``first`` and ``last`` us after a connection."""

    logged: _Sizes
    first: int
    last: int

    def is_clear(self, connections: list[_Connection]) -> bool:
        """Enough of the connections have a size that was logged then, far more than have one by chance."""
        hits, chance = (self._hits(connections, off) for off in (0, 1))
        return hits >= max(MIN_HITS, MIN_SHARE * len(connections), OVER_CHANCE * chance)

    def _hits(self, connections: list[_Connection], off: int) -> int:
        """Sizes (``off`` bytes from those of connections) that were logged near their end; each once."""
        keys = ((connection.end, self.logged.key(connection, off)) for connection in connections)
        return len({key for end, key in keys if self._is_met(end, self.logged.ends.get(key, ()))})

    def _is_met(self, end: int, ends: Sequence[int]) -> bool:
        place = bisect_left(ends, end + self.first)
        return place < len(ends) and ends[place] <= end + self.last
