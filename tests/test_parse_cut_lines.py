"""Lines that Squid cut at 8 KiB: what is left of them, and the record glued on behind."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from egresslog.files.sources import Source
from egresslog.formats import PRESETS, compile_format
from egresslog.parse.content import FileContent
from egresslog.parse.cut_lines import CUT_AT, parse_cut
from egresslog.parse.detect import parser_of
from egresslog.parse.line_parser import Parsed
from egresslog.parse.reader import read_file
from egresslog.parse.records import Record

_CLF = b'10.60.1.12 - - [23/Nov/2026:04:22:37 +0000] "CONNECT h.example:443 HTTP/1.1" 200 3039 '
NEXT = {
    "squid": b"1795407757.001     13 10.60.1.12 TCP_TUNNEL/200 3039 CONNECT h.example:443 - "
    b"HIER_DIRECT/10.60.3.11 -",
    "common": _CLF + b"TCP_TUNNEL:HIER_DIRECT",
    "combined": _CLF + b'"-" "x" TCP_TUNNEL:HIER_DIRECT',
}
LONG = {
    "squid": b"1795407756.343     31 10.60.1.11 TCP_MISS/200 512 GET http://long.example/",
    "common": b'10.60.1.11 - - [23/Nov/2026:04:22:36 +0000] "GET http://long.example/',
    "combined": b'10.60.1.11 - - [23/Nov/2026:04:22:36 +0000] "GET http://l.example/ HTTP/1.1" 200 512 "-" "',
}


def cut(name: str, filler: bytes = b"a") -> bytes:
    return (LONG[name] + filler * CUT_AT)[:CUT_AT]


def read(
    tmp_path: Path, *lines: bytes, given: str | None = None
) -> tuple[FileContent, list[Record]]:
    (tmp_path / "access.log").write_bytes(b"".join(line + b"\n" for line in lines))
    formats = (compile_format(given, "squid"),) if given else ()
    content = read_file(Source(str(tmp_path / "access.log"), "squid" if given else None, formats=formats))
    report = content.report
    assert report.lines == report.parsed + report.rejected + sum(report.skipped.values()) + report.continued
    assert len(content.records.get("squid", [])) == report.parsed + report.recovered
    return content, content.records.get("squid", [])


@pytest.mark.parametrize("glue", [b"", b"\0"], ids=["daemon", "stdio"])
@pytest.mark.parametrize("name", LONG)
def test_what_is_glued_on_is_recovered(tmp_path: Path, name: str, glue: bytes) -> None:
    content, rows = read(tmp_path, NEXT[name], cut(name) + glue + NEXT[name], NEXT[name])
    assert (content.report.lines, content.report.parsed, content.report.recovered) == (3, 3, 1)
    _, torn, recovered, _ = rows
    assert (torn["flags"], recovered["flags"]) == (["truncated"], ["recovered"])
    assert (torn["client_address"], torn["result"]) == ("10.60.1.11", "TCP_MISS" if name == "squid" else None)
    # In the other two the cut may have come within a user name: then what follows it is no time.
    assert (torn["end"] is not None) == (name == "squid") and torn["url"] is None
    same = {column: recovered[column] for column in recovered if column not in ("line", "flags")}
    assert same == {column: rows[0][column] for column in same}


def test_several_are_glued_together(tmp_path: Path) -> None:
    content, rows = read(tmp_path, NEXT["squid"], cut("squid") * 2 + NEXT["squid"])
    assert (content.report.parsed, content.report.recovered) == (2, 2)
    assert [row["flags"] for row in rows] == [[], ["truncated"], ["truncated", "recovered"], ["recovered"]]


def test_a_line_of_ones_own_format_keeps_its_newline(tmp_path: Path) -> None:
    given = "%ts.%03tu %>a %ru %>p"
    line = (b"1795407756.343 10.60.1.11 http://h/" + b"a" * CUT_AT)[:CUT_AT]
    content, (_, row) = read(tmp_path, b"1795407756.343 10.60.1.12 http://h/ 47194", line, given=given)
    assert (row["flags"], row["client_address"], row["client_port"], row["url"]) == (
        ["truncated"], "10.60.1.11", None, None,
    )  # fmt: skip
    assert content.report.recovered == 0


@pytest.mark.parametrize("tail", [b"", b"junk", NEXT["squid"][:40], NEXT["squid"] + b" more of it"])
def test_only_whole_records_are_recovered(tmp_path: Path, tail: bytes) -> None:
    content, rows = read(tmp_path, NEXT["squid"], cut("squid") + b"x" + tail)
    assert content.report.recovered == 0
    assert all(row["client_address"] == "10.60.1.12" or row["destination_address"] is None for row in rows)


@pytest.mark.parametrize("size", [60, 75, 90, 300])
def test_a_cut_line_says_only_what_is_certain(size: int) -> None:
    whole = LONG["squid"] + b"a/b HIER_DIRECT/10.9.9.9 text/html " * 20
    found = parse_cut(PRESETS["squid"].format, whole[:size])
    assert isinstance(found, Parsed)
    assert (found.values["client_address"], found.values["result"]) == ("10.60.1.11", "TCP_MISS")
    assert found.values["url"] is found.values["destination_address"] is found.values["content_type"] is None


def test_a_zstd_file_cut_anywhere_is_named(tmp_path: Path) -> None:
    """Except between two frames, where nothing tells that another one followed."""
    lines = [NEXT["squid"].replace(b"7.001", b"7.%03d" % n) + b"\n" for n in range(40)]
    frames = [pa.compress(b"".join(lines[at : at + 20]), codec="zstd", asbytes=True) for at in (0, 20)]
    data, path = b"".join(frames), tmp_path / "x.zst"
    for size in range(8, len(data)):
        path.write_bytes(data[:size])
        report = read_file(Source(str(path))).report
        assert (report.problem is None) == (size == len(frames[0])), size
        assert report.parsed >= (19 if size >= len(frames[0]) else 0)


TORN = {
    "squid": b"1795407756.343     13 10.60.1.11 TCP_MISS/200 39 GET http://h/ bob HIER_NONE/10.0.0.1 a/b",
    "common": b'10.60.1.11 - bob [23/Nov/2026:04:22:36 +0000] "GET http://h/ HTTP/1.1" 200 9 TCP_HIT:NONE',
    "%{%FT%T}tg.%03tu %-8rm %9tr": b"2026-11-23T04:22:36.343 GET           13",
}


@pytest.mark.parametrize("text", TORN)
def test_a_line_torn_anywhere_says_what_the_whole_one_does(text: str) -> None:
    log_format = compile_format(text, "squid")
    whole = parser_of(log_format).parse(TORN[text])
    assert isinstance(whole, Parsed) and not whole.doubtful
    for end in range(len(TORN[text])):
        torn = parse_cut(log_format, TORN[text][:end])
        assert isinstance(torn, Parsed), end
        assert all(value in (None, whole.values[column]) for column, value in torn.values.items()), end
