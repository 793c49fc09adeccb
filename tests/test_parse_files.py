"""Files as they are found: compressed, cut, damaged, mixed, foreign; every line is accounted for."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egresslog.errors import UsageError
from egresslog.files.lines import MAX_LINE
from egresslog.files.sources import Given, Source, expand
from egresslog.formats import PRESETS, compile_format
from egresslog.formats.codes import load_toml
from egresslog.parse.content import FileContent
from egresslog.parse.reader import LOOKAHEAD, read_file
from egresslog.parse.records import Record
from egresslog.unwrap.document import may_be_document
from egresslog.unwrap.table import may_be_table

NATIVE = (
    b"1795407756.%03d     13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT h%d.example:1 - HIER_DIRECT/10.60.3.11 -"
)
PORT = NATIVE + b" 47194 10.60.2.10:3128 446"
ISTIO = (
    b'[2026-11-23T04:22:36.336Z] "- - -" 0 - - - "-" 462 3039 6 - "-" "-" "-" "-" "10.60.2.10:3128" '
    b"outbound|3128||proxy 10.60.1.11:47194 10.60.2.10:3128 10.60.1.11:47190 - -"
)
LINES = [PORT % (number % 1000, number) for number in range(3_000)]
TEXT = b"".join(line + b"\n" for line in LINES)

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def read(tmp_path: Path, data: bytes, name: str = "a.log", **said: object) -> FileContent:
    path = tmp_path / name
    path.write_bytes(data)
    content = read_file(Source(str(path), **said))  # type: ignore[arg-type]
    assert adds_up(content)
    return content


def adds_up(content: FileContent) -> bool:
    report = content.report
    kept = sum(len(rows) for rows in content.records.values())
    known = report.parsed + report.rejected + sum(report.skipped.values()) + report.continued
    return report.lines == known and report.parsed == kept and report.rejected == len(content.rejects)


def rows(content: FileContent) -> list[Record]:
    return [row for some in content.records.values() for row in some]


def hosts(content: FileContent) -> list[str]:
    return [row["host"] for row in rows(content)]


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("members", [1, 3])
def test_compression_is_told_by_content(tmp_path: Path, kind: str, members: int) -> None:
    data = COMPRESS[kind](TEXT) * members
    content = read(tmp_path, data, "name-says-nothing")
    assert content.report.parsed == members * len(LINES) and content.report.problem is None
    assert content.report.size == len(data)


# Lines that must survive when the last bytes are missing: a block of bzip2 or Zstandard is lost whole.
KEPT = {"gz": 2_990, "bz2": 0, "xz": 2_990, "zst": 2_000}


@pytest.mark.parametrize("kind", COMPRESS)
def test_lines_before_a_cut_are_kept_and_the_file_is_named(tmp_path: Path, kind: str) -> None:
    content = read(tmp_path, COMPRESS[kind](TEXT)[:-9])
    assert content.report.problem is not None and content.report.problem.startswith("damaged after line ")
    assert hosts(content) == [f"h{number}.example" for number in range(content.report.parsed)]
    assert content.report.parsed >= KEPT[kind]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_overwritten_bytes_are_named(tmp_path: Path, kind: str) -> None:
    data = COMPRESS[kind](TEXT)
    half = len(data) // 2
    problem = read(tmp_path, data[:half] + bytes(64) + data[half + 64 :]).report.problem
    assert problem is not None and problem.startswith("damaged after line ")


def test_the_digest_covers_the_whole_file_damaged_or_not(tmp_path: Path) -> None:
    import hashlib

    data = gzip.compress(TEXT) + b"not a member"
    content = read(tmp_path, data)
    assert content.report.problem and content.report.parsed == len(LINES)
    assert (content.report.size, content.report.sha256) == (len(data), hashlib.sha256(data).hexdigest())


TWO = [PORT % (1, 1), PORT % (2, 2)]
SHAPES = {
    "plain": b"\n".join(TWO) + b"\n",
    "CRLF": b"\r\n".join(TWO) + b"\r\n",
    "byte-order mark": b"\xef\xbb\xbf" + b"\n".join(TWO) + b"\n",
    "blank lines": b"\n \n" + b"\n\n".join(TWO) + b"\n\n",
    "NUL line": b"\0\0\n" + b"\n".join(TWO) + b"\n",
    "binary": bytes(range(11, 256)) * 9 + b"\n" + b"\n".join(TWO) + b"\n",
    "line separators of Unicode": "\u2028\x85\x0b\x0c\x1c\n".encode() + b"\n".join(TWO) + b"\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_two_lines_are_two_records(tmp_path: Path, shape: str) -> None:
    content = read(tmp_path, SHAPES[shape])
    assert hosts(content) == ["h1.example", "h2.example"]
    for row in rows(content):
        assert SHAPES[shape].split(b"\n")[row["line"] - 1].strip(b"\r\xef\xbb\xbf") == row["raw"].encode()


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert read(tmp_path, b"").report.kind == "empty"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_and_named(tmp_path: Path, encoding: str) -> None:
    content = read(tmp_path, TEXT.decode().encode(encoding))
    assert content.report.encoding in ("utf-16-le", "utf-16-be") and content.report.problem is None
    assert hosts(content) == [f"h{number}.example" for number in range(len(LINES))]


def test_utf_16_that_ends_within_a_character_is_named(tmp_path: Path) -> None:
    content = read(tmp_path, TEXT.decode().encode("utf-16")[:-1])
    assert str(content.report.problem).startswith("damaged after line")
    assert content.report.parsed >= len(LINES) - 1


def test_a_last_line_without_newline_is_truncated_and_its_last_field_unknown(tmp_path: Path) -> None:
    whole, cut = rows(read(tmp_path, b"\n".join(TWO)))
    assert (whole["flags"], whole["bytes_up"]) == ([], 446)
    assert (cut["flags"], cut["bytes_up"], cut["client_port"]) == (["truncated"], None, 47194)


def test_a_format_that_ends_in_text_shows_that_its_last_field_is_whole(tmp_path: Path) -> None:
    log_format = compile_format('"%ts %>a %<st"', "squid")
    (row,) = rows(read(tmp_path, b'"1795407756 10.0.0.1 12"', formats=(log_format,)))
    assert (row["flags"], row["bytes_down"]) == (["truncated"], 12)


@pytest.mark.parametrize("extra", [1, MAX_LINE, 3 * MAX_LINE + 5])
def test_a_line_over_the_limit_is_rejected_and_offsets_go_on(tmp_path: Path, extra: int) -> None:
    long = b"x" * (MAX_LINE + extra)
    content = read(tmp_path, TWO[0] + b"\n" + long + b"\nnot a log line\n" + TWO[1] + b"\n")
    assert hosts(content) == ["h1.example", "h2.example"]
    found = [(reject.line, reject.offset, reject.reason) for reject in content.rejects]
    assert found == [
        (2, len(TWO[0]) + 1, f"longer than {MAX_LINE} bytes"),
        (3, len(TWO[0]) + len(long) + 2, "expected %ts (epoch)"),
    ]


def test_a_reject_shows_where_and_why(tmp_path: Path) -> None:
    (reject,) = read(tmp_path, b"\n".join(TWO) + b"\n1795407756.003 13 10.60.1.11 \x1b[2K\xff\n").rejects
    assert (reject.line, reject.column, reject.reason) == (3, 29, "expected %Ss (result)")
    assert "\\xff" in reject.excerpt


@pytest.mark.parametrize("entry", load_toml("other_lines.toml")["line"], ids=lambda entry: entry["kind"])
def test_foreign_lines_are_skipped_by_kind(tmp_path: Path, entry: dict[str, str]) -> None:
    content = read(
        tmp_path, entry["sample"].encode() + b"\n" + ISTIO + b"\n" + entry["sample"].encode() + b"\n"
    )
    assert content.report.skipped == {entry["kind"]: 2} and content.report.parsed == 1


def test_a_log_may_speak_of_kubernetes_objects(tmp_path: Path) -> None:
    """Fluent Bit with owner references: an apiVersion in every line."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d5f"}
    line = {"log": ISTIO.decode(), "kubernetes": {"pod_name": "web-0", "ownerReferences": [owner]}}
    content = read(tmp_path, json.dumps(line).encode() + b"\n")
    assert (content.report.kind, content.report.parsed) == ("envoy", 1)


def test_two_formats_in_one_file(tmp_path: Path) -> None:
    native = [NATIVE % (number, number) for number in range(3)]
    content = read(tmp_path, b"\n".join([*native, TWO[0], ISTIO, native[0], b"junk"]) + b"\n")
    assert content.report.kind == "mixed" and content.report.rejected == 1
    assert [(row["line"], row["format"]) for row in rows(content)] == [
        (1, "squid"), (2, "squid"), (3, "squid"), (4, "squid-egresslog"), (6, "squid"), (5, "istio"),
    ]  # fmt: skip


@pytest.mark.parametrize("junk", [60, LOOKAHEAD + 60])
def test_a_format_is_found_behind_any_amount_of_junk(tmp_path: Path, junk: int) -> None:
    content = read(tmp_path, b"what is this\n" * junk + TWO[0] + b"\n" + b"and this\n" * junk + ISTIO + b"\n")
    assert (content.report.parsed, content.report.rejected) == (2, 2 * junk)


def test_a_second_format_may_be_the_longer_part(tmp_path: Path) -> None:
    many = LOOKAHEAD * 2 + 1
    content = read(tmp_path, TWO[0] + b"\n" + (ISTIO + b"\n") * many)
    assert (content.report.parsed, content.report.rejected) == (1 + many, 0)


def test_cut_lines_of_the_port_format_are_not_native_ones(tmp_path: Path) -> None:
    cut = PORT[: PORT.index(b" 47194")] % (3, 3)
    content = read(tmp_path, b"\n".join([*TWO, cut]) + b"\n")
    assert (content.report.formats, content.report.rejected) == (("squid-egresslog",), 1)


def test_a_file_read_in_a_given_format_says_what_that_expects(tmp_path: Path) -> None:
    (reject,) = read(tmp_path, b"x\n", formats=(PRESETS["squid"].format,)).rejects
    assert reject.reason == "expected %ts (epoch)"


def test_times_and_numbers_out_of_range_are_no_values(tmp_path: Path) -> None:
    far = (
        b"99999999999.999 9223372036854775807 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT h:443 - HIER_DIRECT/- -"
    )
    (row,) = rows(read(tmp_path, far + b"\n" + b"9" * 19 + far + b"\n"))
    assert (row["start"], row["end"]) == (None, 99_999_999_999_999_000)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    given = [Given(str(tmp_path / name)) for name in ("absent", "empty", "*.log")]
    sources, problems = expand(given)
    assert sources == []
    assert [problem.split(": ")[1] for problem in problems] == [
        "no such file or folder", "the folder holds no file", "no file matches",
    ]  # fmt: skip
    assert read_file(Source(str(tmp_path / "absent"))).report.problem == "no such file or directory"
    assert read_file(Source(str(tmp_path))).report.problem == "is a directory"


def test_what_is_no_regular_file_is_left_out_of_folders_and_globs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "a.log").write_bytes(TEXT)
    (tmp_path / ".hidden.log").write_bytes(TEXT)
    (tmp_path / "loop").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "*"):
        sources, _ = expand([Given(str(path))])
        assert [Path(source.path).name for source in sources] == ["a.log"]


def test_a_file_given_twice_is_read_once_and_what_names_it_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(TEXT)
    sources, _ = expand([Given(str(tmp_path)), Given(str(path), "squid", "edge")])
    assert [source.name for source in sources] == ["edge"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(TEXT))))
    assert read_file(Source("-")).report.parsed == len(LINES)
    with pytest.raises(UsageError):
        expand([Given("-"), Given("-")])


PIECES = [
    TWO[0], ISTIO, NATIVE % (5, 5), b"\n", b"\n", b"\r\n", b"\0", b"# x", b'{"a":1}', b"\xff\xfe",
    b"\x1f\x8b", b"BZh9", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b" ", b'"', b'{"start_time":', b"[" * 3_000,
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=12).map(b"".join),
    st.sampled_from([None, *COMPRESS]),
)
def test_any_bytes_are_accounted_for(tmp_path: Path, data: bytes, kind: str | None) -> None:
    content = read(tmp_path, COMPRESS[kind](data) if kind else data)
    packed = may_be_document(data) or may_be_table(data)  # then it counts what these hold
    if content.report.encoding is None and not packed and (kind or content.report.problem is None):
        assert content.report.lines == data.removeprefix(b"\xef\xbb\xbf").count(b"\n") + bool(
            data.removeprefix(b"\xef\xbb\xbf").rpartition(b"\n")[2]
        )
