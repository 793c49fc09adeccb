"""Several Envoy records of one connection are one connection; fates and hosts of what never got to Squid."""

from __future__ import annotations

from pathlib import Path

import pytest

from egresslog.api import correlate
from egresslog.arrow import rows_of
from egresslog.correlation.parts import find_parts
from egresslog.files.sources import Given
from egresslog.formats import compile_format
from egresslog.parse.logs import read_logs

FORMAT = (
    "%START_TIME% %ACCESS_LOG_TYPE% %STREAM_ID% %CONNECTION_ID% %REQ(:METHOD)% %DURATION% %BYTES_RECEIVED% "
    "%BYTES_SENT% %UPSTREAM_HOST% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS%"
)
START = "2026-11-23T04:22:36.336Z"
TO, BY = "10.60.2.10:3128", "10.60.1.11:47190"

# Lines (after the start time), and for each the line that is its connection, or "-" where it is itself one.
FLUSHED = {
    "start, connected, periodic, end": (
        [f"TcpConnectionStart s 7 - 0 0 0 - {TO} {BY}", f"TcpUpstreamConnected s 7 - 1 0 0 {TO} {TO} {BY}",
         f"TcpPeriodic s 7 - 500 90 80 {TO} {TO} {BY}", f"TcpConnectionEnd s 7 - 900 99 98 {TO} {TO} {BY}"],
        "333-",
    ),
    "still open": (
        [f"TcpConnectionStart s 7 - 0 0 0 - {TO} {BY}", f"TcpPeriodic s 7 - 500 90 80 {TO} {TO} {BY}"], "1-",
    ),
    "the end is written first": (
        [f"TcpConnectionEnd s 7 - 900 99 98 {TO} {TO} {BY}",
         f"TcpPeriodic s 7 - 950 90 80 {TO} {TO} {BY}"], "-0",
    ),
    "no type, no ids": ([f"- - - - 500 90 80 {TO} {TO} {BY}", f"- - - - 900 99 98 {TO} {TO} {BY}"], "1-"),
    "two clients": (
        [f"- - - - 500 90 80 {TO} {TO} {BY}", f"- - - - 900 99 98 {TO} {TO} 10.60.1.11:47191"], "--",
    ),
    "two requests of one connection in one millisecond": (
        [f"- - - GET 5 9 8 {TO} {TO} {BY}", f"- - - GET 6 9 8 {TO} {TO} {BY}"], "--",
    ),
    "a request in parts": (
        [f"DownstreamStart s 7 GET 0 0 0 {TO} {TO} {BY}",
         f"DownstreamEnd s 7 GET 6 9 8 {TO} {TO} {BY}"], "1-",
    ),
    "two streams": (
        [f"DownstreamEnd s 7 GET 6 9 8 {TO} {TO} {BY}", f"DownstreamEnd t 7 GET 6 9 8 {TO} {TO} {BY}"], "--",
    ),
    "a stream id that a client repeats on connections of its own": (
        [f"DownstreamEnd s 7 GET 6 9 8 {TO} {TO} {BY}", f"DownstreamEnd s 8 GET 6 9 8 {TO} {TO} {BY}"], "--",
    ),
    "two ends": (
        [f"TcpConnectionEnd s 7 - 500 90 80 {TO} {TO} {BY}",
         f"TcpConnectionEnd s 7 - 900 99 98 {TO} {TO} {BY}"],
        "--",
    ),
    "bytes that shrink": ([f"- - - - 500 90 80 {TO} {TO} {BY}", f"- - - - 900 99 8 {TO} {TO} {BY}"], "--"),
    "a client whose port is not known": (
        [f"- - - - 500 90 80 {TO} {TO} 10.60.1.11", f"- - - - 900 99 98 {TO} {TO} 10.60.1.11"], "--",
    ),
    "handed on to a listener of its own": (
        [f"- - - - 55 813 111 {TO} envoy://sni/ envoy://internal_client_address/",
         "- - - - 55 1531 909 envoy://sni/ 10.60.2.5:8443 10.60.1.11:55102"],
        "-0",
    ),
    "two handed on at once": (
        [f"- - - - 55 813 111 {TO} envoy://sni/ envoy://c/",
         f"- - - - 56 813 111 {TO} envoy://sni/ envoy://c/",
         "- - - - 55 1531 909 envoy://sni/ 10.60.2.5:8443 10.60.1.11:55102"],
        "---",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FLUSHED)
def test_the_last_record_of_a_connection_is_the_connection(tmp_path: Path, case: str) -> None:
    lines, wanted = FLUSHED[case]
    (tmp_path / "x.log").write_text("".join(f"{START} {line}\n" for line in lines))
    logs = read_logs([Given(str(tmp_path / "x.log"), "envoy", formats=(compile_format(FORMAT, "envoy"),))])
    rows = sorted(rows_of(logs.envoy), key=lambda row: row["line"])
    assert len(rows) == len(lines)
    parts = find_parts(rows)
    assert "".join(str(parts.get(index, "-")) for index in range(len(rows))) == wanted


def istio(
    first: str, code: str, upstream: str, cluster: str, to: str, sni: str, route: str, authority: str,
    sizes: str = "0 0 5", local: str = "-",
) -> str:  # fmt: skip
    return (
        f'[{START}] "{first}" {code} "-" {sizes} - "-" "-" "-" "{authority}" "{upstream}" {cluster} {local} '
        f"{to} {BY} {sni} {route}\n"
    )


PORT = (
    "1795407756.349     12 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT h.example:443 - HIER_DIRECT/10.60.3.11 - "
    f"47194 {TO} 446\n"
)


def test_a_part_carries_nothing_and_the_connection_is_linked(tmp_path: Path) -> None:
    tcp = ("- - -", "0 - - -", TO, "outbound|3128||p", TO, "-", "-", "-")
    sizes = ("0 0 1", "446 3039 13")
    (tmp_path / "squid.log").write_text(PORT)
    (tmp_path / "envoy.log").write_text("".join(istio(*tcp, s, "10.60.1.11:47194") for s in sizes))
    found = correlate(tmp_path)
    assert list(found.connections["fate"]) == ["part", "linked"]
    assert list(found.transactions["link"]) == ["exact"]


# What Envoy wrote -> fate and host.
OUT = "93.184.216.34:443"
STOPPED = [
    ("blocked_in_mesh", "a.example",
     ("CONNECT - HTTP/1.1", "404 NR route_not_found -", "-", "-", TO, "-", "-", "A.Example:443")),
    ("blackholed", "b.example", ("- - -", "0 UH - -", "-", "BlackHoleCluster", OUT, "b.example", "-", "-")),
    ("blackholed", "c.example",
     ("GET / HTTP/1.1", "502 - direct_response -", "-", "-", OUT, "-", "block_all", "c.example")),
    ("bypass", None, ("- - -", "0 - - -", OUT, "PassthroughCluster", OUT, "-", "-", "-")),
    ("bypass", "d.example", ("- - -", "0 - - -", OUT, "outbound|443||d.example", OUT, "-", "-", "-")),
    ("bypass", "e.example",
     ("- - -", "0 - - -", OUT, "dynamic_forward_proxy_cluster", "10.0.0.9:443", "e.example", "-", "-")),
    ("not_to_proxy", "x.shop.svc.cluster.local",
     ("- - -", "0 - - -", "10.0.0.9:443", "outbound|443||x.shop.svc.cluster.local", "10.0.0.9:443",
      "outbound_.443_._.x.shop.svc.cluster.local", "-", "-")),
    ("blocked_in_mesh", None,
     ("- - -", "0 NR filter_chain_not_found -", "-", "-", OUT, "invalid:f_g", "-", "-")),
    ("not_to_proxy", None,
     ("- - -", "0 - - -", "127.0.0.1:8080", "inbound|8080||", "10.60.1.11:8080", "-", "-", "-")),
]  # fmt: skip


@pytest.mark.parametrize(("fate", "host", "fields"), STOPPED, ids=[f"{f} {h}" for f, h, _ in STOPPED])
def test_what_the_mesh_stopped_or_sent_past_the_proxy(
    tmp_path: Path, fields: tuple[str, ...], fate: str, host: str | None
) -> None:
    (tmp_path / "squid.log").write_text(PORT)
    (tmp_path / "envoy.log").write_text(istio(*fields))
    (connection,) = rows_of(correlate(tmp_path).tables["connections"])
    assert (connection["fate"], connection["host"]) == (fate, host)
