"""Made logs of both sides that belong together, for situations the lab has not got."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

BASE = 1_795_407_800.0


@dataclass(frozen=True)
class Tunnel:
    """One tunnel: when (s after BASE), how long (s), its bytes, and both ends as the proxies see them."""

    at: float
    lasts: float
    down: int
    up: int
    client: str = "10.0.0.1"
    port: int = 40_000
    seen_as: str | None = None  # the client's address at Squid, where it is translated
    proxy: str = "10.9.0.1:3128"
    host: str = "a.example"
    hierarchy: str = "HIER_DIRECT"


def tunnels(count: int, seed: int = 1, client: str = "10.0.0.1", **same: object) -> list[Tunnel]:
    """Tunnels of one client with sizes of their own, a few a second."""
    draw = random.Random(seed)
    made = (
        Tunnel(
            at=draw.uniform(0, count / 3), lasts=draw.uniform(0.01, 5), down=draw.randrange(500, 90_000),
            up=draw.randrange(300, 9_000), client=client, port=40_000 + number,
        )
        for number in range(count)
    )  # fmt: skip
    return [replace(tunnel, **same) for tunnel in made]  # type: ignore[arg-type]


def squid_lines(some: Iterable[Tunnel], ahead: float = 0.0, *, local: bool = False) -> Iterator[str]:
    """Native lines (with client port and Squid's own address if ``local``), in order of their end."""
    for t in sorted(some, key=lambda t: t.at + t.lasts):
        end = BASE + ahead + t.at + t.lasts
        line = (
            f"{end:.3f} {round(t.lasts * 1000) - 2:6d} {t.seen_as or t.client} TCP_TUNNEL/200 {t.down} "
            f"CONNECT {t.host}:443 - {t.hierarchy}/192.0.2.7 -"
        )
        yield f"{line} {t.port} {t.proxy} {t.up}" if local else line


def envoy_lines(some: Iterable[Tunnel], ahead: float = 0.0) -> Iterator[str]:
    """Istio text lines of the sidecars, in order of their end."""
    for t in sorted(some, key=lambda t: t.at + t.lasts):
        own = f"{t.client}:{t.port}"
        yield envoy_line(t.at + ahead, t.lasts, t.up, t.down, t.proxy, own, f"{t.client}:{t.port - 7}")


def envoy_line(
    at: float,
    lasts: float,
    up: int,
    down: int,
    upstream: str,
    local: str,
    remote: str,
    cluster: str = "outbound|1||p",
) -> str:
    start = datetime.fromtimestamp(BASE + at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return (
        f'[{start}Z] "- - -" 0 - - - "-" {up} {down} {round(lasts * 1000)} - "-" "-" "-" "-" "{upstream}" '
        f"{cluster} {local} {upstream} {remote} - -"
    )


def write(path: Path, lines: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
