"""Bytes up that Squid did not log: Envoy's, where it is sure whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import DATA, envoy_files, squid_files
from made_logs import Tunnel, envoy_lines, squid_lines, tunnels, write

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of

WHOLE, FIRST, SECOND = Tunnel(100, 2, 9_039, 900, port=50_001), 3_584, 9_039 - 3_584
BY = ("cluster", "namespace", "workload", "client", "host")


def line(end: float, result: str, down: int, request: str) -> str:
    return f"{1_795_407_800 + end:.3f}      1 10.0.0.1 {result} {down} {request} - HIER_NONE/- -"


REFUSED = line(100.004, "TCP_DENIED/407", FIRST, "CONNECT a.example:443")
TUNNEL = line(102.0, "TCP_TUNNEL/200", SECOND, "CONNECT a.example:443").replace("     1 10", "  1990 10")


def found(folder: Path, *lines: str) -> Correlation:
    """The lines beside others that show the clock, and the one connection that they share."""
    rest = tunnels(30)
    squid = sorted([*squid_lines(rest), *lines], key=lambda text: float(text.split()[0]))
    write(folder / "squid" / "access.log", squid)
    write(folder / "envoy" / "x-0" / "e.log", envoy_lines([*rest, WHOLE]))
    return correlate(folder)


def flags(result: Correlation) -> list[str]:
    rows = rows_of(result.tables["connections"])
    return next(row["flags"] for row in rows if row["bytes_received"] == WHOLE.up)


def test_lines_that_add_up_to_their_connection_share_it(tmp_path: Path) -> None:
    result = found(tmp_path, REFUSED, TUNNEL)
    assert flags(result) == ["shared"]
    assert result.matrix()["bytes_up_known"].sum() == 32


def test_the_totals_of_one_host_take_in_its_two_ports(tmp_path: Path) -> None:
    plain = line(100.004, "TCP_MISS/200", FIRST, "GET http://a.example/")
    result = found(tmp_path, plain, TUNNEL)
    assert flags(result) == ["shared"]
    apart, together = result.matrix(), result.matrix(by=BY)
    assert (len(apart), apart["bytes_up_known"].sum()) == (2, 30)
    assert (len(together), together["bytes_up_known"].sum()) == (1, 32)
    assert together["bytes_up"].sum() == apart["bytes_up"].sum() + WHOLE.up


@pytest.mark.parametrize(
    "lines",
    [
        (REFUSED, TUNNEL.replace(f" {SECOND} ", f" {SECOND - 5} ")),  # a line is missing, or cut short
        (line(100.004, "TCP_MISS/503", FIRST, "GET http://a.example/"), TUNNEL),  # Squid closes
    ],
)
def test_lines_that_may_not_be_all_share_nothing(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert flags(found(tmp_path, *lines)) == []


def test_a_line_that_could_have_been_on_it_makes_it_unknown(tmp_path: Path) -> None:
    """Two refusals alike but for their hosts, and one connection: one of them has another, not logged."""
    other = REFUSED.replace("a.example", "b.example")
    result = found(tmp_path, REFUSED, other, TUNNEL)
    assert flags(result) == []
    assert result.matrix(by=BY)["bytes_up_known"].sum() == 30


@pytest.mark.parametrize("lab", ["lab", "clock", "gateway", "snat"])
def test_every_total_of_a_native_log_is_what_squid_counted(lab: str) -> None:
    """As the native log does not say it; of folded headers Squid counts two bytes less."""
    pods = DATA / lab / "pods.json"
    native, port = (
        correlate(squid=squid_files(lab, form), envoy=envoy_files(lab), pods=pods).tables
        for form in ("native", "port")
    )
    counted = {(row["squid_line"], row["end"]): row["bytes_up"] for row in rows_of(port["transactions"])}
    lines = rows_of(native["transactions"])
    shared = {
        c["connection_id"]: c["bytes_received"]
        for c in rows_of(native["connections"])
        if "shared" in c["flags"]
    }
    assert len(shared) > 40
    for name, received in shared.items():
        mine = [row for row in lines if row["connection_id"] == name]
        assert sum(counted[row["squid_line"], row["end"]] for row in mine) == received
    alone = [row for row in lines if row["bytes_up_source"] == "connection"]
    off = [row["bytes_up"] - counted[row["squid_line"], row["end"]] for row in alone]
    assert len(alone) > 200 and set(off) <= {0, 2} and off.count(2) <= 2
