"""Evidence in words: what was compared, and what its weight means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from egresslog.report.human import number, size
from egresslog.schema import CANDIDATES

Compared = dict[str, Any]

_SILENT = 0.3  # bits: less says nothing either way

FATES = {
    "linked": "it carried the Squid records below",
    "ambiguous": "a Squid record could have used it, or another connection",
    "unmatched": "it went to the proxy, and no Squid record was linked to it",
    "hop": "a gateway's record of a connection that a mesh client began",
    "part": "an earlier record of a connection whose last record counts",
    "not_to_proxy": "it did not go to the proxy",
    "bypass": "it went straight to an external host, past the proxy",
    "blackholed": "the mesh let it go nowhere",
    "blocked_in_mesh": "Envoy itself refused it",
    "refused": "Envoy could not connect to the proxy",
}

ATTRIBUTIONS = {
    "connection": "named by the connection that carried it",
    "candidates": "named by the candidates, which all agree",
    "address": "named by Squid's client address, which was that pod's then",
}


def sentence(kind: str, weight: float | None, compared: Compared) -> str:
    """One kind of evidence: the numbers compared, and how much likelier they make the link."""
    tell = _TOLD.get(kind)
    said = tell(compared) if tell else None
    what = said or CANDIDATES[f"{kind}_weight"].meaning
    return f"{what}: {likelier(weight)}"


def likelier(weight: float | None) -> str:
    """A weight (log2) as people say it, against a connection picked at random."""
    if weight is None or abs(weight) < _SILENT:
        return "says nothing either way"
    return f"{weight:+.1f} bits, {times(abs(weight))} {'likelier' if weight > 0 else 'less likely'}"


def times(weight: float) -> str:
    """Two to the power of the weight, rounded as people would: ``about 140 times``."""
    if weight < _SILENT:
        return "next to nothing"
    if weight > 40:
        return "over a trillion times"
    factor = 2.0**weight
    for limit, name in ((1e9, "billion"), (1e6, "million")):
        if factor >= limit:
            return f"about {_rounded(factor / limit)} {name} times"
    return f"about {_rounded(factor)} times"


def probability(value: float | None) -> str:
    """A probability that never claims to be certain."""
    if value is None:
        return "?"
    if value > 0.9999:
        return ">0.9999" if value <= 1 else f"{value:.4f}"
    return f"{value:.4f}" if value >= 0.0001 else "<0.0001"


def lasting(microseconds: float) -> str:
    """A duration without its sign, in the unit people would use."""
    span = abs(microseconds)
    if span < 1e4:
        return f"{span / 1e3:g} ms"
    if span < 1e6:
        return f"{span / 1e3:.0f} ms"
    if span < 120e6:
        return f"{span / 1e6:.2f} s"
    return f"{span / 60e6:.0f} min" if span < 7200e6 else f"{span / 3600e6:.1f} h"


def _rounded(factor: float) -> str:
    """Two digits that count."""
    if factor < 9.95:
        return f"{factor:.1f}".removesuffix(".0")
    if factor < 100:
        return f"{factor:.0f}"
    step = 10 ** (len(str(int(factor))) - 2)
    return number(round(factor / step) * step)


def _port(told: Compared) -> str | None:
    mine, theirs = told["client_port"], told["upstream_local_port"]
    if mine is None or theirs is None:
        return "client port: not logged by both"
    if mine == theirs:
        return f"client port {mine} on both sides"
    return f"client port {mine} at Squid, {theirs} at Envoy"


def _moment(name: str, happened: str) -> Callable[[Compared], str | None]:
    """How far apart both sides' starts, or ends, are."""

    def told(compared: Compared) -> str | None:
        apart = compared[f"{name}_us"]
        if apart is None:
            return f"{name}: not known on both sides"
        if apart == 0:
            return f"both {happened} in the same millisecond"
        side = "after" if apart > 0 else "before"
        return f"Squid's request {happened} {lasting(apart)} {side} the connection"

    return told


def _bytes(direction: str, squid: str, envoy: str) -> Callable[[Compared], str | None]:
    def told(compared: Compared) -> str | None:
        mine, theirs = compared[squid], compared[envoy]
        if mine is None or theirs is None:
            return f"bytes {direction}: not logged by both"
        if mine == theirs:
            return f"{_count(mine)} {direction} on both sides"
        if direction == "down" and compared["lines"] > 1 and compared["lines_bytes_down"] == theirs:
            return (
                f"{_count(mine)} of {_count(theirs)} down, which {compared['lines']} records make up together"
            )
        return f"{_count(mine)} {direction} at Squid, {_count(theirs)} at Envoy"

    return told


def _share(told: Compared) -> str | None:
    if told["lines"] < 2:
        return "no other record shares the connection"
    down = f"{number(told['lines_bytes_down'])} of its {_count(told['bytes_sent'])} down"
    return f"{told['lines']} records share the connection, together {down}"


def _host(told: Compared) -> str | None:
    mine, theirs = told["host"], told["named_host"]
    if mine is None or theirs is None:
        return "host: not named on both sides"
    return f"host {mine} on both sides" if mine == theirs else f"host {mine} at Squid, {theirs} at Envoy"


def _count(count: int | None) -> str:
    return size(count) if count is None or count < 1000 else f"{number(count)} B"


_TOLD: dict[str, Callable[[Compared], str | None]] = {
    "port": _port,
    "start": _moment("start", "began"),
    "end": _moment("end", "ended"),
    "bytes_down": _bytes("down", "bytes_down", "bytes_sent"),
    "bytes_up": _bytes("up", "bytes_up", "bytes_received"),
    "share": _share,
    "host": _host,
}
