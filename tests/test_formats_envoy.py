"""Envoy's command operators: optional arguments, aliases, times, addresses, and who fills a column."""

from __future__ import annotations

import pytest

from egresslog.formats import Field, compile_format
from egresslog.formats.codes import codes
from egresslog.parse.line_parser import LineParser, Parsed, Unparsed
from egresslog.parse.records import RECORDS
from egresslog.parse.values import Value

SECOND = 1_795_407_756  # 2026-11-23T04:22:36Z


def field_of(text: str) -> Field:
    (found,) = compile_format(text, "envoy").fields
    return found


def read(text: str, line: str, *, omit_empty: bool = False) -> dict[str, Value]:
    found = LineParser(compile_format(text, "envoy", omit_empty=omit_empty)).parse(line.encode())
    assert isinstance(found, Parsed) and not found.doubtful, found
    return found.values


# Format of the time, what is logged, the instant in us (None: the text does not tell it).
MOMENTS = [
    ("START_TIME(%Y/%m/%dT%H:%M:%S%z)", "2026/11/23T04:22:36+0000", SECOND * 1_000_000),
    ("START_TIME(%s)", "1795407756", SECOND * 1_000_000),
    ("START_TIME(%s.%3f)", "1795407756.336", SECOND * 1_000_000 + 336_000),
    ("START_TIME(%s.%6f)", "1795407756.336001", SECOND * 1_000_000 + 336_001),
    ("START_TIME(%s.%9f)", "1795407756.336001999", SECOND * 1_000_000 + 336_001),
    ("START_TIME(%s.%f)", "1795407756.336001999", SECOND * 1_000_000 + 336_001),
    ("START_TIME(%3f %s %6f)", "336 1795407756 336001", SECOND * 1_000_000 + 336_001),
    ("START_TIME(%F %T)", "2026-11-23 04:22:36", SECOND * 1_000_000),
    ("START_TIME(%FT%H:%M:%E3S%Ez)", "2026-11-23T04:22:36.336+00:00", SECOND * 1_000_000 + 336_000),
    ("START_TIME(%c)", "Mon Nov 23 04:22:36 2026", SECOND * 1_000_000),
    ("START_TIME(%e %B %Y, %I:%M:%S %p)", "23 November 2026, 04:22:36 AM", SECOND * 1_000_000),
    ("START_TIME(%Y %j %T)", "2026 327 04:22:36", SECOND * 1_000_000),
    ("START_TIME(%H:%M)", "04:22", None),
    ("START_TIME(%y-%m-%d %T)", "26-11-23 04:22:36", None),
    ("START_TIME(%F %R)", "2026-11-23 04:22", None),
    ("START_TIME(%Q what)", "anything at all", None),
    ("START_TIME_LOCAL(%F %T)", "2026-11-23 05:22:36", None),
    ("START_TIME_LOCAL(%F %T %Z)", "2026-11-23 05:22:36 CET", None),
    ("START_TIME_LOCAL(%F %T %z)", "2026-11-23 05:22:36 +0100", SECOND * 1_000_000),
    ("START_TIME_LOCAL(%F %T%Ez)", "2026-11-22 20:52:36-07:30", SECOND * 1_000_000),
    ("START_TIME_LOCAL(%s)", "1795407756", SECOND * 1_000_000),
    ("START_TIME_LOCAL", "2026-11-23T05:22:36.336+0100", None),
    ("START_TIME()", "2026-11-23T04:22:36.336Z", SECOND * 1_000_000 + 336_000),
]


@pytest.mark.parametrize(("command", "line", "instant"), MOMENTS)
def test_times_in_any_format(command: str, line: str, instant: int | None) -> None:
    values = read(f"%{command}%", line)
    assert values == ({"start_text": line} if instant is None else {"start": instant})


@pytest.mark.parametrize(
    "line", ["2026-02-30 00:00:00 +0000", "2026-02-01 24:00:00 +0000", "2026-02-01 00:00:00 +9900"]
)
def test_times_that_calendars_do_not_know_reject_the_line(line: str) -> None:
    found = LineParser(compile_format("%START_TIME_LOCAL(%F %T %z)%", "envoy")).parse(line.encode())
    assert found == Unparsed(f"no such time: {line}", 0)


@pytest.mark.parametrize(
    ("text", "step"), [("%s", 1_000_000), ("%s.%1f", 100_000), ("%s.%3f", 1_000), ("%s.%6f", 1), ("%s.%f", 1)]
)
def test_the_resolution_is_that_of_what_is_written(text: str, step: int) -> None:
    assert field_of(f"%START_TIME({text})%").type.step == step


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%REQ(:METHOD)%", "%REQUEST_HEADER(:method)%"),
        ("%RESP(X-A?X-B):9%", "%RESPONSE_HEADER(X-A?X-B):9%"),
        ("%TRAILER(GRPC-STATUS)%", "%RESPONSE_TRAILER(GRPC-STATUS)%"),
        ("%PATH%", "%PATH(WQ)%"),
        ("%REQUESTED_SERVER_NAME%", "%REQUESTED_SERVER_NAME(SNI_ONLY)%"),
    ],
)
def test_two_ways_to_write_one_operator(one: str, other: str) -> None:
    assert field_of(one).columns == field_of(other).columns


# Format, line, what the record's address and port columns say.
ADDRESSES = [
    ("%UPSTREAM_HOST%", "tcp://10.0.0.1:80", ("10.0.0.1", 80)),
    ("%UPSTREAM_HOST%", "[::ffff:10.0.0.1]:80", ("10.0.0.1", 80)),
    ("%UPSTREAM_HOST%", "/run/envoy.sock", ("/run/envoy.sock", None)),
    ("%UPSTREAM_HOST%", "@agent:80", ("@agent:80", None)),
    ("%UPSTREAM_HOST%", "envoy://sni_listener/", ("envoy://sni_listener/", None)),
    ("%UPSTREAM_HOST%", "10.0.0.1:70000", ("10.0.0.1:70000", None)),
    ("%UPSTREAM_REMOTE_ADDRESS%", "10.0.0.1:80", ("10.0.0.1", 80)),
    ("%UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_HOST%", "10.0.0.9:9 10.0.0.1:80", ("10.0.0.1", 80)),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%", "10.0.0.1 80", ("10.0.0.1", 80)),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "fd00::1", ("fd00::1", None)),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%", "10.1.0.0/16", (None, None)),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "10.1.0.0/16", (None, None)),
    ("%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%", "- 0", (None, None)),
]


@pytest.mark.parametrize(("text", "line", "wanted"), ADDRESSES)
def test_addresses_of_every_kind(text: str, line: str, wanted: tuple[Value, Value]) -> None:
    values = read(text, line)
    assert (values.get("upstream_address"), values.get("upstream_port")) == wanted


REMOTE = ("downstream_remote_address", "downstream_remote_port")
WHERE, DIRECT = "%DOWNSTREAM_REMOTE_ADDRESS", "%DOWNSTREAM_DIRECT_REMOTE"
PEERS = [
    (f"{DIRECT}_ADDRESS%", "10.0.0.1:80", ("10.0.0.1", 80)),
    (f"{DIRECT}_ADDRESS% {WHERE}%", "10.0.0.1:80 10.0.0.2:90", ("10.0.0.2", 90)),
    (f"{DIRECT}_ADDRESS_WITHOUT_PORT% {DIRECT}_PORT%", "10.0.0.1 80", ("10.0.0.1", 80)),
    # The client's address beside the physical peer's port is nobody's endpoint.
    (f"{WHERE}_WITHOUT_PORT% {DIRECT}_PORT%", "10.0.0.1 80", ("10.0.0.1", None)),
]


@pytest.mark.parametrize(("text", "line", "wanted"), PEERS)
def test_client_and_physical_peer_are_not_mixed(text: str, line: str, wanted: tuple[Value, Value]) -> None:
    values = read(text, line)
    assert tuple(values.get(column) for column in REMOTE) == wanted


def test_the_listeners_own_address_is_not_the_destination() -> None:
    assert not {"downstream_local_address"} & set(field_of("%DOWNSTREAM_DIRECT_LOCAL_ADDRESS%").columns)


@pytest.mark.parametrize("text", ["%DURATION% %DURATION%", '{"a": "%DURATION%", "b": "in %DURATION% ms"}'])
def test_the_first_of_two_equal_directives_fills_the_column(text: str) -> None:
    line = "1 2" if text.startswith("%") else '{"a": 1, "b": "in 2 ms"}'
    assert read(text, line) == {"duration": 1, "duration#1": 2}


def test_every_column_of_envoys_records_can_be_filled() -> None:
    given = {column for code in codes("envoy") for column in code.columns}
    given |= {column for code in codes("ztunnel") for column in code.columns}
    made = {"record_id", "file", "line", "cluster", "format", "end", "resolution", "flags", "raw"}
    wrapped = {"container", "node"}
    assert set(RECORDS["envoy"].names) - made - wrapped <= given


@pytest.mark.parametrize("header", ["AUTHORIZATION", "cookie", "X-A?Authorization", "Cookie?X-A"])
def test_headers_that_hold_credentials_are_secret(header: str) -> None:
    assert field_of(f"%REQ({header})%").code.secret and field_of(f"%REQUEST_HEADER({header}):9%").code.secret
    assert not field_of("%REQ(X-A?X-B)%").code.secret


def test_who_chooses_a_text_and_what_can_break_a_line() -> None:
    by = {code.code: code.by for code in codes("envoy")}
    assert {by[name] for name in ("REQ", "PATH", "QUERY_PARAM", "DOWNSTREAM_PEER_SUBJECT")} == {"client"}
    assert {by[name] for name in ("RESP", "TRAILER")} == {"server"}
    breaking = {code.code for code in codes("envoy") if code.breaks}
    assert {"DOWNSTREAM_PEER_URI_SAN", "DYNAMIC_METADATA", "FILTER_STATE", "LOCAL_REPLY_BODY"} <= breaking


OMITTED = '[%START_TIME%] %RESPONSE_FLAGS% %BYTES_SENT% "%REQ(USER-AGENT)%" %UPSTREAM_HOST%'


def test_what_is_missing_prints_nothing_with_omit_empty_values() -> None:
    values = read(OMITTED, '[2026-11-23T04:22:36.336Z] - 9 "" ', omit_empty=True)
    assert (values["bytes_sent"], values["user_agent"], values["upstream_address"]) == (9, None, None)
    refused = LineParser(compile_format(OMITTED, "envoy")).parse(b'[2026-11-23T04:22:36.336Z] - 9 "" ')
    assert isinstance(refused, Unparsed)
    assert read("istio-2018", SHORT, omit_empty=True)["upstream_port"] == 80


SHORT = '[2026-11-23T04:22:36.336Z] "  " 0 - 1 2 3  "" "" "" "" "10.0.0.1:80" x  10.0.0.2:443 10.0.0.3:5 '


def test_negative_durations_and_cut_values() -> None:
    assert read("%COMMON_DURATION(US_RX_END:US_TX_END:us)%", "-15") == {
        "common_duration_us_rx_end_us_tx_end_us": -15
    }
    assert read("%QUERY_PARAM(a):3%|", "ab|") == {"query_param_a": "ab"}
    assert read("%QUERY_PARAM(a):3%|", "aé|") == {"query_param_a": None}  # three bytes, perhaps cut
    assert read("%CEL(request.url_path.contains('v1'))%", "true") == {
        "cel_request_url_path_contains__v1": "true"
    }
