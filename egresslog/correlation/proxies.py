"""Which upstream addresses are the proxy: named by the user, by Squid's own address, else inferred."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.errors import UsageError
from egresslog.parse.values import normal_address

if TYPE_CHECKING:
    import pyarrow as pa

Endpoint = tuple[str, int | None]

SQUID_PORT = 3128  # squid.conf http_port, the default
MIN_SHARE = 0.3  # of an upstream's sizes that Squid logged too, for it to be taken as the proxy
MIN_BYTES = 100  # smaller sizes coincide by chance


@dataclass(frozen=True)
class Proxies:
    """The proxy's endpoints as Envoy sees them, and how they were found."""

    endpoints: frozenset[Endpoint]
    source: str  # given, squid's own address, sizes, port 3128, none

    def __contains__(self, endpoint: object) -> bool:
        return endpoint in self.endpoints


def parse_endpoint(text: str) -> Endpoint:
    """``ADDR:PORT`` (IPv6 in brackets) -> (address, port). Raises UsageError."""
    address, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(f"--proxy {text}: not ADDR:PORT", hint="for example --proxy 10.60.2.10:3128")
    return normal_address(address), int(port)


def find_proxies(squid: pa.Table, envoy: pa.Table, given: Collection[Endpoint] = ()) -> Proxies:
    """The proxy's endpoints, from the surest source that names any."""
    if given:
        return Proxies(frozenset(given), "given")
    upstreams = Counter(
        zip(values_of(envoy, "upstream_address"), values_of(envoy, "upstream_port"), strict=True)
    )
    upstreams.pop((None, None), None)
    own = set(zip(values_of(squid, "local_address"), values_of(squid, "local_port"), strict=True))
    ways = (
        ("squid's own address", own & upstreams.keys()),
        ("sizes", _by_sizes(squid, envoy)),
        (f"port {SQUID_PORT}", {endpoint for endpoint in upstreams if endpoint[1] == SQUID_PORT}),
    )
    return next(
        (Proxies(frozenset(found), how) for how, found in ways if found), Proxies(frozenset(), "none")
    )


def _by_sizes(squid: pa.Table, envoy: pa.Table) -> set[Endpoint]:
    """Upstreams whose connections carried, for the most part, sizes that Squid logged."""
    logged = {size for size in values_of(squid, "bytes_down") if size is not None and size >= MIN_BYTES}
    sizes: defaultdict[Endpoint, list[int]] = defaultdict(list)
    columns = ("upstream_address", "upstream_port", "bytes_sent", "method")
    for address, port, size, method in zip(*(values_of(envoy, name) for name in columns), strict=True):
        if address is not None and size is not None and size >= MIN_BYTES and method in (None, "CONNECT"):
            sizes[address, port].append(size)
    return {
        endpoint
        for endpoint, seen in sizes.items()
        if sum(size in logged for size in seen) > MIN_SHARE * len(seen)
    }
