"""The proxy's endpoint by the sizes that both sides logged, whatever time zone Squid's clock is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_logs import Tunnel, envoy_line, envoy_lines, squid_lines, tunnels, write

from egresslog.api import correlate

PROXY = "10.9.0.2:8080"
HOURS = (0, 1, -1, 5.5, 5.75, -9.5, 13, 14)


def others(count: int) -> list[str]:
    """Connections to a database."""
    return [
        envoy_line(n / 10, 1, 50, 100 + n, "10.5.0.9:5432", f"10.0.0.1:{20_000 + n}", "10.0.0.1:9")
        for n in range(count)
    ]


@pytest.mark.parametrize("seconds", [0.0, 2.7, -240.0])
@pytest.mark.parametrize("hours", HOURS)
def test_found_in_any_time_zone(tmp_path: Path, hours: float, seconds: float) -> None:
    some = tunnels(40, proxy=PROXY)
    write(tmp_path / "squid" / "access.log", squid_lines(some, hours * 3600 + seconds))
    write(tmp_path / "envoy" / "x-0" / "e.log", [*envoy_lines(some), *others(400)])
    found = correlate(tmp_path)
    assert found.manifest["proxies"]["endpoints"] == [PROXY]
    assert found.manifest["proxies"]["source"] == "sizes"
    assert found.transactions["link"].isin(["exact", "strong"]).sum() >= 39


def test_found_with_clocks_further_off_than_is_looked_for_only_in_whole_zones(tmp_path: Path) -> None:
    """A clock that is wrong by 20 minutes is not taken for one in another zone."""
    some = tunnels(40, proxy=PROXY)
    write(tmp_path / "squid" / "access.log", squid_lines(some, 1200))
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines(some))
    assert correlate(tmp_path, max_offset=60).manifest["proxies"]["endpoints"] == []
    assert correlate(tmp_path, max_offset=1500).manifest["proxies"]["endpoints"] == [PROXY]


def test_sizes_by_chance_in_some_zone_are_not_the_proxy(tmp_path: Path) -> None:
    """Over a whole day a service with every size meets each of Squid's in some zone."""
    small = [Tunnel(n * 400.0, 1, 100 + 7 * n, 500, port=40_000 + n, proxy=PROXY) for n in range(200)]
    rest = [
        envoy_line(n * 20.0, 1, 50, 100 + n % 1_500, "10.5.0.9:5432", f"10.0.0.1:{20_000 + n}", "10.0.0.1:9")
        for n in range(4_000)
    ]
    write(tmp_path / "squid" / "access.log", squid_lines(small, 7 * 3600))
    write(tmp_path / "envoy" / "x-0" / "e.log", [*envoy_lines(small), *rest])
    assert correlate(tmp_path).manifest["proxies"]["endpoints"] == [PROXY]
