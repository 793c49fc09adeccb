"""Lines that are not the proxies' own: of other containers, and what a proxy's container prints besides."""

from __future__ import annotations

import re
from collections.abc import Collection

from egresslog.formats.codes import Dialect
from egresslog.unwrap.origin import Origin

# istio-proxy, envoy, cilium-envoy, ztunnel, waypoint, istio-egressgateway, ...
_ENVOY_CONTAINER = re.compile(r"envoy|proxy|ztunnel|waypoint|gateway|sidecar")


def is_foreign(dialect: Dialect, origin: Origin) -> bool:
    """True where a line that looks like Envoy's comes from a container that is none: an application's log."""
    return dialect == "envoy" and origin.container is not None and not is_envoys(origin.container)


def is_envoys(container: str) -> bool:
    """True for the name of a container that runs Envoy or ztunnel."""
    return _ENVOY_CONTAINER.search(container) is not None


def is_mixed(origin: Origin, dialects: Collection[Dialect]) -> bool:
    """True where other lines stand among access lines by nature: a container's output, a host's syslog.

    Envoy's access log is its container's output; Squid's own file holds nothing else.
    """
    return origin.container is not None or origin.host is not None or set(dialects) == {"envoy"}
