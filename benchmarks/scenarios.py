"""The simulated worlds that accuracy is measured on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from simulate import World

_USUAL = World(retries=0.005, polls=0.02, outside=0.005, cut=True, seed=1)
_BUSY = dataclasses.replace(_USUAL, retries=0.05, polls=0.2)
WORLDS = {
    "130/s, six addresses": _USUAL,
    "2,600/s, six addresses": dataclasses.replace(_USUAL, rate=2_600.0),
    "13,000/s, six addresses": dataclasses.replace(_USUAL, rate=13_000.0),
    "130/s, 200 addresses": dataclasses.replace(_USUAL, groups=200),
    "130/s, one address": dataclasses.replace(_USUAL, one_address=True),
    "1,000/s, one address": dataclasses.replace(_USUAL, rate=1_000.0, one_address=True),
    "2,600/s, one address": dataclasses.replace(_USUAL, rate=2_600.0, one_address=True),
    "SNAT, random ports logged": dataclasses.replace(_USUAL, one_address=True, port=True),
    "SNAT, 68 % of ports kept": dataclasses.replace(_USUAL, one_address=True, port=True, kept_ports=0.68),
    "clock +2.7 s": dataclasses.replace(_USUAL, offset_us=2_700_000),
    "drift 300 ppm": dataclasses.replace(_USUAL, drift_ppm=300.0),
    "step 1.5 s": dataclasses.replace(_USUAL, step_us=1_500_000),
    "two Squids": dataclasses.replace(_USUAL, instances=2),
    "5 % lost on both sides": dataclasses.replace(_USUAL, lost_lines=0.05, lost_connections=0.05),
    "Envoys and Squid killed": dataclasses.replace(_USUAL, envoy_kills=2, squid_kills=1),
    "95 % repeated sizes": dataclasses.replace(_USUAL, repeated=0.95),
    "retries and polls": _BUSY,
    "combined format": dataclasses.replace(_USUAL, coarse=True),
    "with port": dataclasses.replace(_USUAL, port=True),
}


def worlds(connections: int, only: str | None = None) -> Iterator[tuple[str, World]]:
    """Names and worlds of about so many connections; only those whose name contains ``only``."""
    for name, world in WORLDS.items():
        if only is None or only in name:
            yield name, dataclasses.replace(world, connections=connections)
