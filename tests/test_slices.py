"""Reading large logs in part: the right lines, the right numbers, and the same answer as from all of them."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import DATA
from test_cli import run, said

import egresslog
from egresslog.api import Inputs, Question, Terms, asking, who, window
from egresslog.files.lines import RawFile, lines
from egresslog.files.slices import line_slice, line_start, lines_before, plain, slice_of
from egresslog.files.sources import Source
from egresslog.parse import timeline as timelines
from egresslog.parse.reader import read_file
from egresslog.parse.timeline import timeline

BEGAN = 1_795_400_000  # s
LINE = (
    "{end:.3f}     20 10.60.1.{pod} TCP_TUNNEL/200 {size} CONNECT h{n}.example:443 - HIER_DIRECT/10.60.3.11 -"
)


def squid_log(path: Path, count: int, order: int = 1) -> Path:
    """A line per second, each with its number in the host."""
    rows = (LINE.format(end=BEGAN + n, pod=11 + n % 4, size=300 + n, n=n) for n in range(count)[::order])
    path.write_text("".join(f"{row}\n" for row in rows))
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return squid_log(tmp_path / "access.log", 4_000)


def test_a_slice_is_whole_lines_with_their_numbers(log: Path) -> None:
    data = log.read_bytes()
    part = slice_of(str(log), 10_000, 20_000)
    assert data[part.start - 1 : part.start] == b"\n" == data[part.stop - 1 : part.stop]
    assert part.lines == data[: part.start].count(b"\n") == lines_before(str(log), part.start)
    raw = RawFile(str(log), part)
    read = list(lines(raw.blocks(), part))
    raw.close()
    assert b"".join(line.raw + b"\n" for line in read) == data[part.start : part.stop]
    assert [line.number for line in read] == list(range(part.lines + 1, part.lines + 1 + len(read)))
    assert read[0].offset == part.start and (raw.size, raw.sha256) == (part.stop - part.start, None)


@pytest.mark.parametrize("offset", [0, 1, 5, 94, 95, 96, 10**9])
def test_a_line_starts_behind_a_line_end(log: Path, offset: int) -> None:
    data = log.read_bytes()
    starts = [0, *(match.end() for match in re.finditer(b"\n", data))]
    wanted = next((start for start in starts if start >= offset), offset - 1)
    assert line_start(str(log), offset) == wanted


@pytest.mark.parametrize("number", [1, 2, 1_999, 4_000, 4_001, 9_999])
def test_a_line_is_found_by_its_number(log: Path, number: int) -> None:
    part = line_slice(str(log), number, 1)
    if number > 4_000:
        assert part is None
    else:
        assert part is not None and part.lines == number - 1
        line = log.read_bytes()[part.start : part.stop]
        assert f" CONNECT h{number - 1}.example:443 ".encode() in line.splitlines()[0]


def test_a_part_is_read_like_the_whole(log: Path) -> None:
    part = slice_of(str(log), 100_000, 120_000)
    whole, some = read_file(Source(str(log))), read_file(Source(str(log), part=part))
    rows = whole.records["squid"][part.lines : part.lines + len(some.records["squid"])]
    assert some.records["squid"] == rows and len(rows) > 100
    assert some.report.lines == some.report.parsed == len(rows) and some.report.sha256 is None


@pytest.mark.parametrize("second", [-5, 0, 1, 1_234, 3_999, 4_010])
def test_a_moment_is_found_closely(log: Path, second: int) -> None:
    found = timeline(Source(str(log)))
    assert found is not None
    moment = (BEGAN + second) * 1_000_000
    low, high = found.position(moment), found.after(moment)
    data = log.read_bytes()
    numbers = [int(n) for n in re.findall(rb" h(\d+)\.", data[:low])]
    assert all(number < second for number in numbers)
    assert all(int(n) >= second for n in re.findall(rb" h(\d+)\.", data[high:]))
    assert high - low <= timelines._FINE + 200 and len(found.looked) < 40


def test_a_log_out_of_order_has_no_timeline(tmp_path: Path) -> None:
    assert timeline(Source(str(squid_log(tmp_path / "a.log", 4_000, order=-1)))) is None
    both = tmp_path / "b.log"
    first, second = squid_log(tmp_path / "1.log", 4_000), squid_log(tmp_path / "2.log", 4_000)
    both.write_bytes(first.read_bytes() + second.read_bytes())
    assert timeline(Source(str(both))) is None


def test_only_large_plain_files_are_read_in_part(log: Path, tmp_path: Path) -> None:
    packed = tmp_path / "access.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    wide = tmp_path / "wide.log"
    wide.write_bytes(log.read_text().encode("utf-16"))
    small = squid_log(tmp_path / "small.log", 10)
    for path in (packed, wide, small, tmp_path, tmp_path / "absent.log"):
        assert timeline(Source(str(path))) is None
    assert plain("-") is None and plain(str(packed)) is None and plain(str(small)) is not None


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small logs are read in part, as large ones are."""
    monkeypatch.setattr(window, "SMALL", 0)
    monkeypatch.setattr(timelines, "LEAST", 0)
    monkeypatch.setattr(asking, "NEAR", window.Reach(20_000_000, 60_000))


def unpacked(lab: str, folder: Path) -> Path:
    """A lab set with its native and text logs as plain files."""
    for pattern in ("squid/access.log*", "envoy/*/istio-text.log*"):
        for packed in (DATA / lab).glob(pattern):
            target = folder / packed.relative_to(DATA / lab).with_name(packed.name.removesuffix(".gz"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(gzip.decompress(packed.read_bytes()))
    (folder / "pods.json").write_bytes((DATA / lab / "pods.json").read_bytes())
    return folder


def asked(folder: Path, every: int) -> Iterator[tuple[str, str | None, str]]:
    """Some Squid lines, with the connection and the class of the link that all of the logs give."""
    rows = egresslog.correlate(folder).tables["transactions"].to_pylist()
    for row in rows[::every]:
        text = Path(row["squid_file"]).read_bytes().split(b"\n")[row["squid_line"] - 1]
        yield text.decode("utf-8", "surrogateescape"), row["connection_id"], row["link"]


@pytest.mark.parametrize("lab", ["lab", pytest.param("clock", marks=pytest.mark.slow)])
def test_the_answer_is_that_of_the_whole_logs(lab: str, tmp_path: Path, eager: None) -> None:
    """In ``clock`` Squid is 2.7 s ahead: Envoy's lines are looked for that much earlier."""
    folder, parts = unpacked(lab, tmp_path), 0
    for line, connection, link in asked(folder, 20):
        answer = who(Inputs([folder]), Question(line), Terms())
        row = answer.explanations[0].facts["transaction"]
        assert (row["connection_id"], row["link"]) == (connection, link), line
        parts += answer.looked is not None
    assert parts


def test_what_was_looked_at_is_said_and_its_lines_keep_their_numbers(tmp_path: Path) -> None:
    log = squid_log(tmp_path / "access.log", 100_000)
    done = run("explain", str(log), "access.log:50001", "--format", "json")
    assert b'"squid_line": 50001' in done.stdout and b'"host": "h50000.example"' in done.stdout
    assert re.search(r"looked at \d+ kB of 1\d\.\d MB: records that ended .* UTC", said(done))
    whole = run("explain", str(log), "t" + "0" * 20)
    assert whole.returncode == 2 and "looked at" not in said(whole)


def test_an_unlinked_line_is_looked_for_farther_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection lived on for ten minutes after Squid's line: the near part does not hold it."""
    spans: list[int] = []
    narrowed = window.Window.narrowed

    def watched(self: window.Window, sources: list[Source], reach: window.Reach) -> list[Source]:
        spans.append(reach.span)
        return narrowed(self, sources, reach)

    monkeypatch.setattr(window, "SMALL", 0)
    monkeypatch.setattr(timelines, "LEAST", 0)
    monkeypatch.setattr(window.Window, "narrowed", watched)
    folder = unpacked("lab", tmp_path)
    line = "1795407810.934 5 10.60.1.15 TCP_TUNNEL/200 77777777 CONNECT x.example:443 - HIER_DIRECT/- -"
    monkeypatch.setattr(asking, "NEAR", window.Reach(20_000_000, 60_000))
    who(Inputs([folder]), Question(line), Terms(max_offset=60))
    assert spans[0] == 20_000_000 and spans[-1] == 240_000_000
