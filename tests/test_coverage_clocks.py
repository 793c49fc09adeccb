"""What a log covers is told on one clock, whichever machine's is off."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_logs import Tunnel, envoy_lines, squid_lines, tunnels, write

from egresslog.api import correlate
from egresslog.arrow import rows_of

HOUR = 3_600.0


@pytest.mark.parametrize(
    ("squid", "envoy"), [(0.0, 0.0), (HOUR, 0.0), (0.0, HOUR), (0.0, -HOUR), (HOUR, 2.7)]
)
def test_connections_without_a_line(tmp_path: Path, squid: float, envoy: float) -> None:
    """One of two hosts is off; of its connections one is within Squid's log, one began long after it."""
    here, there = tunnels(80, 1), tunnels(80, 2, client="10.0.0.2")
    within = Tunnel(12.0, 1.0, 7_777, 333, "10.0.0.2", 50_001)
    after = Tunnel(600.0, 1.0, 8_888, 444, "10.0.0.2", 50_002)
    write(tmp_path / "squid" / "access.log", squid_lines([*here, *there], squid))
    write(tmp_path / "envoy" / "x-0" / "e.log", envoy_lines(here))
    write(tmp_path / "envoy" / "y-0" / "e.log", envoy_lines([*there, within, after], envoy))
    found = rows_of(correlate(tmp_path).tables["connections"])
    reasons = {row["bytes_received"]: row["reason"] for row in found if row["fate"] == "unmatched"}
    assert reasons == {333: "no_candidate", 444: "outside_coverage"}
