"""Log files as each tool writes them (tests/data/field): what is read without options, and what is not.

``expected.toml`` says per file how many records it holds, their values, and what of it is no access line.
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from typing import Any

import pytest
from lab import DATA

from egresslog.api.reading import Inputs, read_both
from egresslog.parse.content import FileReport
from egresslog.parse.logs import Logs

FIELD = DATA / "field"
CASES: dict[str, dict[str, Any]] = tomllib.loads((FIELD / "expected.toml").read_text("utf-8"))
READ = {name: case for name, case in CASES.items() if "unread" not in case}
OPTIONS = {"--squid-format": "squid_format", "--envoy-format": "envoy_format"}
IDENTITY = ("namespace", "pod", "node")

Row = dict[str, Any]


def read(case: dict[str, Any]) -> Logs:
    said = dict(zip(case["options"][::2], case["options"][1::2], strict=True))
    return read_both(Inputs([FIELD / case["file"]], **{OPTIONS[name]: text for name, text in said.items()}))


def rows(logs: Logs) -> list[Row]:
    found = [row | {"side": side} for side, table in sides(logs) for row in table.to_pylist()]
    return sorted(found, key=lambda row: (row["line"], row["end"] is None, row["end"]))


def sides(logs: Logs) -> list[tuple[str, Any]]:
    return [("squid", logs.squid), ("envoy", logs.envoy)]


def wrong(row: Row, wanted: Row) -> dict[str, tuple[Any, Any]]:
    """What a record says otherwise than expected; of a Squid record its pod names the instance."""
    known = {k: v for k, v in wanted.items() if row["side"] == "envoy" or k not in IDENTITY}
    return {k: (row.get(k), v) for k, v in known.items() if not same(k, row.get(k), v)}


def same(column: str, value: Any, wanted: Any) -> bool:
    if column in ("start", "end") and value is not None:
        cut = value.replace(microsecond=value.microsecond // 1_000 * 1_000)
        return bool(cut == datetime.fromisoformat(wanted))
    nothing = (column, wanted) in (("status", 0), ("response_code", 0), ("method", "NONE"))
    return bool(value == (None if nothing else wanted))


def passed_over(report: FileReport) -> int:
    return sum(count for kind, count in report.skipped.items() if kind != "blank")


@pytest.mark.parametrize("name", READ)
def test_a_file_of_the_field_is_read(name: str) -> None:
    case = READ[name]
    logs = read(case)
    (report,) = logs.files
    found = rows(logs)
    assert report.lines == report.parsed + report.rejected + sum(report.skipped.values()) + report.continued
    if "open" in case:
        assert report.problem and found
        return
    counts = len(found), report.rejected, passed_over(report)
    assert counts == (case["records"], case["torn"], case["skipped"])
    assert ("cut" in case) <= (report.problem is not None)
    left = list(found)
    for wanted in case["rows"]:
        best = min(left, key=lambda row: len(wrong(row, wanted)))
        assert wrong(best, wanted) == {}
        left.remove(best)


@pytest.mark.parametrize("name", sorted(CASES.keys() - READ.keys()))
def test_what_is_not_read_is_named(name: str) -> None:
    """Never silently: the file is of no known format, and the command says so (exit 3)."""
    (report,) = read(CASES[name]).files
    assert report.kind == "unknown" and report.parsed == 0 and report.rejected > 0


def test_nearly_all_of_it_is_read() -> None:
    standard = {name: case for name, case in CASES.items() if not case["options"] and case["records"]}
    assert len(standard.keys() & READ.keys()) >= 0.97 * len(standard)
