"""Every line of the lab, in all seven formats: read, agreed on between formats, forged by none."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from lab import DATA, SAMPLES

from egresslog.files.sources import Source
from egresslog.formats.codes import Dialect
from egresslog.parse.content import FileContent
from egresslog.parse.duplicates import TIME
from egresslog.parse.reader import read_file
from egresslog.parse.records import RECORDS, Record

LOGS = sorted(path for lab in DATA.iterdir() if lab.name != "field" for path in lab.rglob("*.log*"))
SAMPLE_LOGS = sorted(path for path in SAMPLES.rglob("*.log*"))
ENVOY = {"istio-2018": "istio-2018", "istio-text": "istio", "istio-json": "istio-json"}
SQUID = {
    "access": "squid",
    "access-port": "squid-egresslog",
    "access-json": "squid-json",
    "access-combined": "combined",
}
FORMATS = ENVOY | SQUID | {"istio-proxy": "istio-2018"}

# The lines whose client sent a User-Agent that looks like the fields after it.
DOUBTFUL = {
    ("reviews-v2-6c9f8bd5c-8zj4t/istio-2018.log.gz", 138),
    ("reviews-v2-6c9f8bd5c-8zj4t/istio-text.log.gz", 138),
    ("squid/access-combined.log.0.gz", 219),
    ("squid/access-combined.log.0.gz", 323),
}
FORGED = {"evil.example", "10.9.9.9", "req-1"}
OWN = {"record_id", "file", "line", "format", "flags", "raw", "resolution", "proxy", "cluster"}


@cache
def content(path: Path) -> FileContent:
    return read_file(Source(str(path)))


def records(path: Path) -> list[Record]:
    return [row for rows in content(path).records.values() for row in rows]


def short(path: Path) -> str:
    return "/".join(path.parts[-2:])


@pytest.mark.parametrize("path", LOGS + SAMPLE_LOGS, ids=lambda p: "/".join(p.parts[-4:]))
def test_every_line_is_read(path: Path) -> None:
    report = content(path).report
    assert report.problem is None and not content(path).rejects
    assert report.lines == report.parsed > 0 and not report.skipped
    assert report.formats == (FORMATS[path.name.split(".")[0]],)


def test_the_doubtful_lines_are_exactly_the_forged_ones() -> None:
    found = {(short(p), r["line"]) for p in LOGS if "/lab/" in str(p) for r in records(p) if r["flags"]}
    assert found == DOUBTFUL


@pytest.mark.parametrize("path", LOGS, ids=lambda p: "/".join(p.parts[-4:]))
def test_no_forged_value_is_published(path: Path) -> None:
    for row in records(path):
        told = {str(value) for name, value in row.items() if name not in ("raw", "user_agent")}
        assert not [value for value in told if any(forged in value for forged in FORGED)]


def test_a_user_name_with_a_space_keeps_it() -> None:
    logs = [DATA / "lab" / "squid" / f"{stem}.log.0.gz" for stem in SQUID]
    found = {(r["user"], r["host"]) for p in logs for r in records(p) if " " in str(r["user"])}
    assert found == {("user name", "api.authed.example")}


def siblings(folder: Path, names: dict[str, str], suffix: str) -> list[list[Record]]:
    return [
        records(folder / f"{stem}.log{suffix}") for stem in names if (folder / f"{stem}.log{suffix}").exists()
    ]


FOLDERS: list[tuple[Dialect, Path, str]] = [
    ("envoy", path, ".gz") for path in sorted((DATA / "lab" / "envoy").iterdir())
] + [("squid", DATA / "lab" / "squid", suffix) for suffix in (".gz", ".0.gz")]


@pytest.mark.parametrize(
    ("dialect", "folder", "suffix"), FOLDERS, ids=lambda part: getattr(part, "name", part)
)
def test_formats_of_the_same_traffic_agree_on_every_column(
    dialect: Dialect, folder: Path, suffix: str
) -> None:
    logs = siblings(folder, ENVOY if dialect == "envoy" else SQUID, suffix)
    assert len(logs) == (3 if dialect == "envoy" else 4)
    for one, *others in zip(*logs, strict=True):
        for other in others:
            assert differing(dialect, one, other) == {}


def differing(dialect: Dialect, one: Record, other: Record) -> dict[str, tuple[object, object]]:
    """Columns that both rows have, with other values in each; times at the coarser resolution."""
    coarse = max(one["resolution"], other["resolution"])
    common = [
        name for name in RECORDS[dialect].names if name not in OWN and None not in (one[name], other[name])
    ]
    pairs = {name: (at(one, name, dialect, coarse), at(other, name, dialect, coarse)) for name in common}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and not is_lost_in_json(pair)}


def is_lost_in_json(pair: tuple[object, object]) -> bool:
    """Envoy's JSON writes a byte that is not UTF-8 as the character of that number."""
    return any(isinstance(value, str) and "\\x" in value for value in pair)


def at(row: Record, name: str, dialect: Dialect, coarse: int) -> object:
    return int(row[name]) // coarse if name == TIME[dialect] else row[name]


def test_every_line_without_doubt_has_its_time() -> None:
    for path in LOGS:
        rows = [row for row in records(path) if not row["flags"]]
        assert all(row[TIME["squid" if "/squid/" in str(path) else "envoy"]] is not None for row in rows)
