"""The proxy's answer to a CONNECT that Envoy sent itself: Squid counts it, Envoy does not.

An application's own CONNECT is opaque to its sidecar, so that both count the same bytes. A tunnel that
Envoy opens (DestinationRule tunnel settings, a waypoint) begins behind Squid's answer.
"""

from __future__ import annotations

import numpy as np

from egresslog.linking.model import Ints

ANSWER = len("HTTP/1.1 200 Connection established\r\n\r\n")  # Squid, client_side.cc / tunnel.cc
_LEAST = 100  # bytes; smaller sizes coincide by chance
_CLEAR, _MORE = 4, 2  # sizes by which, and times as many as, one reading must explain more than the other


def answer_heads(down: Ints, sent: Ints, route: Ints) -> Ints:
    """Per connection the bytes that Squid counts more: ``ANSWER`` on routes whose sizes say so, else 0.

    ``down``: bytes of Squid's lines; ``sent``, ``route``: of the connections.
    """
    heads, sizes = np.zeros(len(sent), dtype=np.int64), np.unique(down[down >= _LEAST])
    for one in np.unique(route):
        mine = route == one
        distinct = np.unique(sent[mine & (sent >= _LEAST)])
        plain, behind = (int(np.isin(distinct + more, sizes).sum()) for more in (0, ANSWER))
        if behind >= _CLEAR + _MORE * plain:
            heads[mine] = ANSWER
    return heads
