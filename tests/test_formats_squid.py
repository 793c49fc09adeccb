"""Squid's logformat beyond single codes: times, numbers, encodings, rivals for a column, built-in formats."""

from __future__ import annotations

import pytest

from egresslog.formats import NAMED, PRESETS, Field, compile_format
from egresslog.formats.codes import codes
from egresslog.formats.encodings import CHANGED, written
from egresslog.parse.detect import detect, other_line, parser_of, presets
from egresslog.parse.line_parser import Parsed
from egresslog.parse.records import Record, record
from egresslog.parse.values import BadValue, read_values
from egresslog.unwrap.entry import Entry

SECOND = 1_795_407_756_000_000  # 2026-11-23T04:22:36Z


def field_of(text: str) -> Field:
    (found,) = compile_format(text, "squid").fields
    return found


def row_of(text: str, line: bytes) -> Record:
    log_format = compile_format(text, "squid")
    parsed = parser_of(log_format).parse(line)
    assert isinstance(parsed, Parsed), parsed
    return record(log_format, Entry(number=1, offset=0, raw=line), parsed)


# Format, line, end (microseconds; None: not known), resolution.
ENDS = [
    ("%ts.%03tu", b"1795407756.007", SECOND + 7_000, 1_000),
    ("%ts.%tu", b"1795407756.7", SECOND + 7_000, 1_000),  # without 03 no zeros lead
    ("%ts.%06.6tu", b"1795407756.000343", SECOND + 343, 1),
    ("%ts.%.1tu", b"1795407756.3", SECOND + 300_000, 100_000),
    ("%ts", b"1795407756", SECOND, 1_000_000),
    ("%tl", b"23/Nov/2026:05:22:36 +0100", SECOND, 1_000_000),
    ("%tg", b"23/Nov/2026:04:22:36", SECOND, 1_000_000),
    ("%{%d/%b/%Y %T %z}tl", b"23/Nov/2026 05:22:36 +0100", SECOND, 1_000_000),
    ("%{%FT%TZ}tg", b"2026-11-23T04:22:36Z", SECOND, 1_000_000),
    ("%{%s}tl", b"1795407756", SECOND, 1_000_000),
    ("%{%D %I:%M:%S %p}tg", b"11/23/26 04:22:36 AM", SECOND, 1_000_000),
    ("%{%Y %j %T}tg", b"2026 327 04:22:36", SECOND, 1_000_000),
    ("%{%c}tg", b"Mon Nov 23 04:22:36 2026", SECOND, 1_000_000),
    ("%{%FT%T}tl", b"2026-11-23T04:22:36", None, 1_000_000),  # no zone: never a guess
    ("%{%F %H:%M}tg", b"2026-11-23 04:22", None, 1_000_000),
    ("%{%G-%V}tg", b"2026-48", None, 1_000_000),
    ("%#tl", b"23/Nov/2026:05:22:36%20+0100", SECOND, 1_000_000),
    ("%/tl", b'"23/Nov/2026:05:22:36 +0100"', SECOND, 1_000_000),
    ("%{%Y-%m-%dT%H:%M:%S}tg.%03tuZ", b"2026-11-23T04:22:36.343Z", SECOND + 343_000, 1_000),
    ("%{%FT%T}tg.%06.6tu", b"2026-11-23T04:22:36.000343", SECOND + 343, 1),
    ("%{%FT%T%z}tl %tu", b"2026-11-23T05:22:36+0100 7", SECOND + 7_000, 1_000),
    ("[%tl] %03tu", b"[23/Nov/2026:05:22:36 +0100] 343", SECOND + 343_000, 1_000),
    ("%tg,%tu", b"23/Nov/2026:04:22:36,43", SECOND + 43_000, 1_000),
    ("%{%FT%T}tl.%03tu", b"2026-11-23T05:22:36.343", None, 1_000),
    ("%{%F %T %Z}tg", b"2026-11-23 04:22:36 GMT", SECOND, 1_000_000),
    ("%{%F %T.%3f}tg", b"2026-11-23 04:22:36.%3f", None, 1_000_000),  # strftime(3) knows no %f
    ("%ts %tl", b"1795407756 01/Jan/2000:00:00:00 +0000", SECOND, 1_000_000),
]


@pytest.mark.parametrize(("text", "line", "end", "resolution"), ENDS, ids=[text for text, *_ in ENDS])
def test_ends(text: str, line: bytes, end: int | None, resolution: int) -> None:
    row = row_of(text, line)
    assert (row["end"], row["resolution"]) == (end, resolution)


@pytest.mark.parametrize("line", [b"2026-02-30T00:00:00", b"2026-01-01T25:00:00", b"2026-01-01T00:61:00"])
def test_a_time_that_no_calendar_has_is_no_value(line: bytes) -> None:
    with pytest.raises(BadValue):
        read_values(field_of("%{%FT%T}tg"), line)


VALUES: list[tuple[str, bytes, object]] = [
    ("%tr", b"13", 13), ("%tr", b"-3", -3), ("%06tr", b"-00003", -3), ("%.3tr", b"13.250", 13),
    ("%.3tr", b"13", 13),  # 3.5 takes no precision here
    ("%tS", b"1795407756.330", SECOND + 330_000), ("%.6tS", b"1795407756.000330", SECOND + 330),
    ("%.0tS", b"1795407756.7", SECOND + 7_000), ("%.7tS", b"1795407756.0000330", SECOND + 330),
    ("%tS", b"0.000", None),
    (">nfmark", b"0x2a", 42), ("<sS", b"-301", -301), ("05>Hs", b"00000", None), ("06>p", b"000000", None),
    ("busy_time", b"184220", 184220), (".3busy_time", b"184220", 184220),
    ("[>a", b"fe80::1%25eth0", "fe80::1%eth0"),
    ("[un", rb"corp\\alice%5b", r"corp\alice["), ('"un', rb"a\"b\n", 'a"b\n'), ("#un", b"a%20b%25", "a b%"),
    ("/un", b'"a b\\\\"', "a b\\"), ("/un", b"ab", "ab"), ("'un", b"a b", "a b"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "raw", "value"), VALUES, ids=[f"{text} {raw!r}" for text, raw, _ in VALUES])
def test_values(text: str, raw: bytes, value: object) -> None:
    field = field_of("%" + text.removeprefix("%"))
    assert field.exact.fullmatch(raw)
    assert read_values(field, raw) == (value,)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("Ss", b"ICAP_MOD"), ("[un", b"a%5B"), ("[un", b"a[b"), ("[un", b"a%41"), ("[un", rb"a\x"),
        ("[un", b"\xff"), ("#un", b"a b"), ("#un", b"a'b"), (">h{A}", b"a b"), (">a", b"13"),
        (">nfmark", b"2a"), ("un", b""),
    ],
)  # fmt: skip
def test_what_squid_cannot_have_written_is_no_value(text: str, raw: bytes) -> None:
    assert not field_of(f"%{text}").exact.fullmatch(raw)


def test_negative_elapsed_gives_no_start() -> None:
    row = row_of("%ts %tr", b"1795407756 -3")
    assert (row["elapsed"], row["start"], row["end"]) == (None, None, SECOND)


# Formats in which several directives could fill a column, a line, the column, the value of the better one.
RIVALS = [
    ("%ul %un", b"- bob", "user", "bob"), ("%un %ul", b"bob -", "user", "bob"),
    ("%EXT_USER %LOGIN", b"ext login", "user", "login"),
    ("%ru %>ru", b"http://a/? http://a/?q", "url", "http://a/?q"),
    ("%>ru %ru", b"http://a/?q http://a/?", "url", "http://a/?q"),
    ("%<ru %ru", b"http://b/ http://a/", "url", "http://a/"),
    ("%>rm %rm", b"GET HEAD", "method", "HEAD"), ("%Hs %>Hs", b"200 503", "status", 503),
    ("%SRC %>a", b"10.0.0.1 10.0.0.2", "client_address", "10.0.0.2"),
    ("%>a %>a", b"10.0.0.1 10.0.0.2", "client_address", "10.0.0.1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "value"), RIVALS, ids=[text for text, *_ in RIVALS])
def test_one_directive_fills_a_column(text: str, line: bytes, column: str, value: object) -> None:
    assert row_of(text, line)[column] == value
    fields = compile_format(text, "squid").fields
    assert len({name for field in fields for name in field.columns}) == len(fields)


def test_host_and_port_come_from_their_own_codes_where_there_is_no_url() -> None:
    row = row_of("%>rd %>rP", b"Saas.Example. 443")
    assert (row["host"], row["port"]) == ("saas.example", 443)
    row = row_of("%>rd %>rP %ru", b"%5B::1%5D 443 -")
    assert (row["host"], row["port"]) == ("::1", 443)
    assert row_of("%>rd %ru", b"other http://h/")["host"] == "h"
    row = row_of("%rm %ru", b"CONNECT :443")
    assert (row["host"], row["port"]) == (None, 443)


@pytest.mark.parametrize("encoding", CHANGED)
def test_encoded_bytes_have_the_shape_of_the_encoding(encoding: str) -> None:
    field = field_of(f"%{encoding if encoding != '%' else ''}{{A}}>h")
    for byte in range(1, 256):
        text = written(encoding, byte)
        assert field.exact.fullmatch(b'"' + text + b'"' if encoding == "/" and byte == 0x20 else text)
        assert set(text) <= field.allowed


def test_mime_blobs_side_by_side_have_one_reading() -> None:
    line = rb"[Host: a\r\nX: %5d %5b\r\n] [HTTP/1.1 200 OK\r\n]"
    parsed = parser_of(compile_format("[%>h] [%<h]", "squid")).parse(line)
    assert isinstance(parsed, Parsed) and not parsed.doubtful
    assert parsed.values["request_headers"] == "Host: a\r\nX: ] [\r\n"


def test_what_is_marked_in_the_catalogue() -> None:
    found = codes("squid")
    assert {c.by for c in found} == {"", "client", "server"}
    assert {c.code for c in found if c.breaks} == {"tls::>sni", "USER_CERT", "USER_CERTCHAIN"}
    dumps = {c.code for c in found if c.secret and c.arg is None}
    assert dumps == {
        ">h", "<h", ">ha", "icap::>h", "icap::<h", "icap::<last_h", "adapt::<last_h", "credentials",
    }  # fmt: skip


CONNECT = b"1795407756.343     13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT h:443 - HIER_DIRECT/10.60.3.11 -"
LINES = {
    "squid": CONNECT,
    "squid-mime": CONNECT + rb" [Host: h:443\r\n] []",
    "common": b'10.60.1.11 - - [23/Nov/2026:04:22:36 +0000] "GET http://h/ HTTP/1.1" 200 9 '
    b"TCP_MISS:HIER_DIRECT",
    "combined": b'10.60.1.11 - - [23/Nov/2026:04:22:36 +0000] "GET http://h/ HTTP/1.1" 200 9 "-" "a" '
    b"TCP_MISS:HIER_DIRECT",
    "common-mime": b'10.60.1.11 - - [23/Nov/2026:04:22:36 +0000] "GET http://h/ HTTP/1.1" 200 9 '
    rb"TCP_MISS:HIER_DIRECT [Host: h\r\n] [HTTP/1.1 200 OK\r\n]",
}


@pytest.mark.parametrize("name", LINES)
def test_built_in_formats_are_found_by_their_lines(name: str) -> None:
    found = detect([Entry(number=1, offset=0, raw=LINES[name])], presets(None))
    assert found is not None and found.name == name


# Lines that hold no transaction, or are cut: none of the formats looked for may read them.
OTHERS = [
    b"1795407756.343     31 10.60.1.11 ICAP_MOD/200 412 REQMOD icap://10.60.4.2:1344/reqmod - -/10.60.4.2 -",
    b"1795407756.343 10.60.1.11 http://r.example/ http://h/",
    b'10.60.1.11 [23/Nov/2026:04:22:36 +0000] "curl/8.5.0"',
    b"1795407756.343     13 10.60.1.11 TCP_MISS/200 3039 GET",
    LINES["squid"] + rb" [User-Agent: Mozilla/5.0 (X11;",
]


@pytest.mark.parametrize("line", OTHERS)
def test_no_format_that_is_looked_for_reads_other_lines(line: bytes) -> None:
    read = [p.name for p in PRESETS.values() if isinstance(parser_of(p.format).parse(line), Parsed)]
    assert read == []


def test_icap_lines_are_skipped_by_kind() -> None:
    assert other_line(OTHERS[0]) == "squid icap log"


# Presets that have to be asked for, with a line of theirs.
BY_NAME = {
    "useragent": OTHERS[2],
    "referrer": OTHERS[1],
    "common-7": LINES["common"],
    "combined-7": LINES["combined"],
}


@pytest.mark.parametrize("name", BY_NAME)
def test_presets_that_are_asked_for_by_name(name: str) -> None:
    assert name not in PRESETS and NAMED[name].versions
    parsed = parser_of(compile_format(name, "squid")).parse(BY_NAME[name])
    assert isinstance(parsed, Parsed) and not parsed.doubtful
