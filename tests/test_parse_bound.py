"""The cost of a hostile line is bounded: steps by a constant, time by its length; and it is never wrong."""

from __future__ import annotations

import time

import pytest

from egresslog.formats import PRESETS, LogFormat, compile_format
from egresslog.parse import readings
from egresslog.parse.line_parser import LineParser, Parsed, Unparsed

HEADS = {
    "istio": (
        b'[2026-11-23T04:22:36.336Z] "GET /x HTTP/1.1" 200 - via_upstream - "-" 10 20 30 29 "-" "',
        b'" "id" "httpbin.default" "10.60.3.20:80" outbound|80|| 10.60.1.11:1 10.60.2.10:80 10.60.1.11:2 - -',
    ),
    "istio-2018": (
        b'[2026-11-23T04:22:36.336Z] "GET /x HTTP/1.1" 200 - 10 20 30 29 "-" "',
        b'" "id" "httpbin.default" "10.60.3.20:80" outbound|80||x 10.60.1.11:1 10.60.2.10:80 10.60.1.11:2 -',
    ),
    "combined": (
        b'10.60.1.11 - - [23/Nov/2026:04:22:36 +0000] "GET http://h/ HTTP/1.1" 200 10 "-" "',
        b'" TCP_MISS:HIER_DIRECT',
    ),
    "squid": (
        b"1795407756.343     13 10.60.1.11 TCP_MISS/200 3039 GET http://h/",
        b" - HIER_DIRECT/10.60.3.11 -",
    ),
}
TRUE = {
    "istio": {
        "response_code": 200,
        "authority": "httpbin.default",
        "upstream_address": "10.60.3.20",
        "method": "GET",
    },
    "istio-2018": {"response_code": 200, "authority": "httpbin.default", "upstream_address": "10.60.3.20"},
    "combined": {
        "client_address": "10.60.1.11",
        "method": "GET",
        "result": "TCP_MISS",
        "hierarchy": "HIER_DIRECT",
    },
    "squid": {"client_address": "10.60.1.11", "method": "GET", "destination_address": "10.60.3.11"},
}
REPEATED = {"quote space": b'" ', "field": b'"x" 1 1 1 ', "quote": b'"', "space": b" ", "letter": b"x"}


def hostile(name: str, piece: bytes, size: int) -> bytes:
    head, tail = HEADS[name]
    return head + piece * (size // len(piece)) + tail


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("piece", REPEATED.values(), ids=REPEATED)
def test_a_hostile_line_is_never_wrong_and_costs_a_bounded_search(name: str, piece: bytes) -> None:
    line = hostile(name, piece, 65_536)
    begun = time.perf_counter()
    found = LineParser(PRESETS[name].format).parse(line)
    assert time.perf_counter() - begun < 5
    assert isinstance(found, Parsed)
    assert all(found.values[column] in (None, value) for column, value in TRUE[name].items())


@pytest.mark.parametrize("name", HEADS)
def test_what_has_too_many_readings_is_in_doubt(name: str) -> None:
    line = hostile(name, b'" ' if name != "squid" else b" ", 65_536)
    found, whole = LineParser(PRESETS[name].format).parse(line), readings.read_all(PRESETS[name].format, line)
    assert isinstance(found, Parsed) and found.doubtful
    assert isinstance(whole, readings.Readings) and not whole.complete


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[readings._Walk]:
    """Every search made during a test."""
    made: list[readings._Walk] = []

    class Noted(readings._Walk):
        def readings(self) -> tuple[readings.Reading, ...]:
            made.append(self)
            return super().readings()

    monkeypatch.setattr(readings, "_Walk", Noted)
    return made


@pytest.mark.parametrize("name", HEADS)
def test_steps_do_not_grow_with_the_line(name: str, walks: list[readings._Walk]) -> None:
    parser = LineParser(PRESETS[name].format)
    for size in (1_000, 10_000, 100_000):
        for piece in REPEATED.values():
            parser.parse(hostile(name, piece, size))
    items = len(PRESETS[name].format.items)
    assert max(walk.steps for walk in walks) <= 2 * readings.MAX_STEPS
    assert max(len(walk.tails) for walk in walks) <= readings.MAX_STEPS * items


def test_time_grows_about_as_the_line_does() -> None:
    parser = LineParser(PRESETS["istio"].format)
    short, long = (
        min(_seconds(parser, hostile("istio", b'" ', size)) for _ in range(3)) for size in (65_536, 524_288)
    )
    assert long < 40 * short  # 8 times the bytes; squared it would be 64


def _seconds(parser: LineParser, line: bytes) -> float:
    begun = time.perf_counter()
    parser.parse(line)
    return time.perf_counter() - begun


ADJACENT = compile_format('%ru%un%ru%{A}>ha%"{B}>h%mt"X', "squid")


@pytest.mark.parametrize("log_format", [ADJACENT, compile_format("%un %ru %mt %rm %un %ru", "squid")])
def test_formats_without_separators_never_backtrack(log_format: LogFormat) -> None:
    parser, line = LineParser(log_format), b"a " * 2_000
    begun = time.perf_counter()
    parser.is_plain(line)
    parser.parse(line)
    assert time.perf_counter() - begun < 5


def test_certain_spans_that_have_no_value_reject_the_line() -> None:
    line = b"1.2.3 " + b'" ' * 5_000
    found = LineParser(compile_format("%tS %ru %un %{A}>h", "squid")).parse(line)
    assert found == Unparsed("expected %tS (decimal)", 0, begun=False)
