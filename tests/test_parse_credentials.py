"""Credentials stay out of the records' raw line, wherever in the line they may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from egresslog.files.sources import Given
from egresslog.formats import NAMED, compile_format
from egresslog.formats.program import LogFormat
from egresslog.parse.credentials import masked
from egresslog.parse.cut_lines import CUT_AT
from egresslog.parse.detect import parser_of
from egresslog.parse.line_parser import Parsed
from egresslog.parse.logs import read_logs
from egresslog.parse.records import content_id, record
from egresslog.unwrap.entry import Entry

NATIVE = b"1795407756.343     13 10.60.1.11 TCP_MISS/200 3039 GET http://r.example/ alice HIER_NONE/- -"
BLOBS = rb" [Host: r.example\r\nProxy-Authorization: Basic YWxpY2U6c2VzYW1l\r\n] [HTTP/1.1 200 OK\r\n\r\n]"


def parsed(log_format: LogFormat, line: bytes) -> Parsed:
    found = parser_of(log_format).parse(line)
    assert isinstance(found, Parsed), found
    return found


def raw_of(log_format: LogFormat, line: bytes) -> str:
    row = record(log_format, Entry(number=1, offset=0, raw=line), parsed(log_format, line))
    assert row["record_id"] == content_id(line)
    return str(row["raw"])


# Format, line, the raw line of its record.
CASES = [
    ("%>a %{Authorization}>h %ts", b"10.0.0.1 Basic%20YTpi 1", "10.0.0.1 *** 1"),
    ("%>a %{authorization}>h %ts", b"10.0.0.1 Basic%20YTpi 1", "10.0.0.1 *** 1"),
    ("%>a %{Cookie:;sid}>h %ts", b"10.0.0.1 7d1f 1", "10.0.0.1 *** 1"),
    ("%>a %{Set-Cookie}<h", b"10.0.0.1 sid=7d1f", "10.0.0.1 ***"),
    ("%>a %credentials", b"10.0.0.1 -", "10.0.0.1 -"),  # nothing is no secret
    ("%>a %credentials", b"10.0.0.1 se same", "10.0.0.1 ***"),
    ("%>a %un %credentials %ts", b"10.0.0.1 a b c 1", "10.0.0.1 a *** 1"),  # may begin at b or at c
    ("%>a %{Referer}>h", b"10.0.0.1 http://r/", "10.0.0.1 http://r/"),
]


@pytest.mark.parametrize(("text", "line", "raw"), CASES, ids=[text for text, _, _ in CASES])
def test_the_raw_line_of_a_record_holds_no_credentials(text: str, line: bytes, raw: str) -> None:
    assert raw_of(compile_format(text, "squid"), line) == raw


def test_an_open_span_is_masked_as_far_as_it_can_reach() -> None:
    line = b"a " * 3_000 + b"1"
    found = parsed(log_format := compile_format("%un %credentials %ru %ts", "squid"), line)
    assert found.doubtful and found.secrets == ((2, len(line) - 4),)
    assert raw_of(log_format, line) == "a *** a 1"


@pytest.mark.parametrize("name", ["squid-mime", "common-mime", "combined-mime"])
def test_header_dumps_of_log_mime_hdrs_are_masked(name: str) -> None:
    fields = NAMED[name].format.fields
    assert [field.code.code for field in fields if field.code.secret] == [">h", "<h"]
    if name == "squid-mime":
        assert raw_of(NAMED[name].format, NATIVE + BLOBS) == (NATIVE + b" [***] [***]").decode()
        assert raw_of(NAMED[name].format, NATIVE + b" [] []") == (NATIVE + b" [] []").decode()


def test_the_native_format_reads_no_line_with_header_dumps() -> None:
    assert not isinstance(parser_of(NAMED["squid"].format).parse(NATIVE + BLOBS), Parsed)


def test_spans_that_overlap_are_masked_as_one() -> None:
    assert masked(b"0123456789", [(2, 5), (4, 7), (8, 9)]) == b"01***7***9"
    assert masked(b"0123456789", [(3, 3)]) == b"0123456789"


JSON_FORMAT = '{"a": "%REQ(AUTHORIZATION)%", "in": {"c": "%REQ(COOKIE)% x"}, "d": "%DURATION%"}'


def test_credentials_in_json_are_masked() -> None:
    log_format = compile_format(JSON_FORMAT, "envoy")
    raw = b'{"a": "Basic \\"c2VjcmV0", "in": {"c": "sid=secret x"}, "d": 5}'
    parsed = parser_of(log_format).parse(raw)
    assert isinstance(parsed, Parsed)
    shown = record(log_format, Entry(1, 0, raw), parsed)["raw"]
    assert shown == '{"a": "***", "in": {"c": "***"}, "d": 5}'


def test_credentials_of_cut_lines_and_rejects_are_masked(tmp_path: Path) -> None:
    text = '%ts.%03tu %>a "%{Authorization}>h" %ru %>p'
    good = '1795407756.343 10.60.1.12 "Basic c2VjcmV0c2VjcmV0" http://h/ 47194'
    cut = (good[:-5] + "a" * CUT_AT)[:CUT_AT]
    (tmp_path / "x.log").write_text("\n".join([good, cut, good[:-5] + "x"]) + "\n")
    logs = read_logs([Given(str(tmp_path / "x.log"), "squid", formats=(compile_format(text, "squid"),))])
    shown = [*logs.squid["raw"].to_pylist(), *logs.rejects["excerpt"].to_pylist()]
    assert len(shown) == 3 and not [line for line in shown if "c2VjcmV0" in line]
