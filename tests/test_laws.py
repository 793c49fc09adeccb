"""The laws that hold for the whole: whatever way the logs come, the rows are the same."""

from __future__ import annotations

import gzip
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import SAMPLES

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of
from egresslog.report.rows import digest

NATIVE = SAMPLES / "lab-native"
PLACES = {"squid_file", "squid_line", "envoy_file", "envoy_line", "via", "proxy"}


def rows(found: Correlation, table: str = "transactions") -> list[dict[str, Any]]:
    """The rows without what only a path knows."""
    return [{k: v for k, v in row.items() if k not in PLACES} for row in rows_of(found.tables[table])]


@pytest.fixture(scope="module")
def whole() -> Correlation:
    return correlate(NATIVE)


def pieces(lines: list[bytes], cuts: list[int]) -> Iterator[list[bytes]]:
    """Cut between lines of different times: a file of one instant cannot be told from a copy of lines."""
    apart = [n for n in range(1, len(lines)) if lines[n][:14] != lines[n - 1][:14]]
    edges = sorted({0, len(lines), *(apart[cut % len(apart)] for cut in cuts if apart)})
    yield from (lines[start:end] for start, end in itertools.pairwise(edges))


def write_pieces(folder: Path, cuts: list[int], seed: int) -> None:
    """The native sample with every log cut into pieces, some compressed, under names of their own."""
    chance = random.Random(seed)
    for log in sorted(NATIVE.rglob("*.log*")):
        target = folder / log.relative_to(NATIVE).parent
        target.mkdir(parents=True, exist_ok=True)
        for piece in pieces(log.read_bytes().splitlines(keepends=True), cuts):
            name, content = f"{chance.random():.12f}.log", b"".join(piece)
            if chance.random() < 0.5:
                name, content = f"{name}.gz", gzip.compress(content)
            (target / name).write_bytes(content)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 400), max_size=4), seed=st.integers(0, 2**32))
def test_splits_order_and_compression_change_no_row(
    whole: Correlation, tmp_path_factory: pytest.TempPathFactory, cuts: list[int], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    write_pieces(folder, cuts, seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(seed).shuffle(files)
    squid = [path for path in files if "squid" in path.parts]
    other = [path for path in files if "squid" not in path.parts]
    again = correlate(squid=squid, envoy=other, pods=NATIVE / "pods.json")
    assert rows(again) == rows(whole)
    assert rows(again, "connections") == rows(whole, "connections")
    assert rows(again, "candidates") == rows(whole, "candidates")


def test_a_copy_of_everything_changes_no_row(whole: Correlation, tmp_path: Path) -> None:
    for log in sorted(NATIVE.rglob("*.log*")):
        copy = tmp_path / log.relative_to(NATIVE).parent / f"{log.name}.gz"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(gzip.compress(log.read_bytes()))
    twice = correlate(NATIVE, tmp_path)
    assert rows(twice) == rows(whole)
    assert twice.files["duplicate"].sum() == 900


def links_by_line(found: Correlation) -> dict[tuple[str, int], tuple[Any, ...]]:
    """What each Squid line was linked to: a moved line has another id, and so another place."""
    return {
        (Path(row["squid_file"]).name, row["squid_line"]): (row["envoy_line"], row["pod"], row["link"])
        for row in rows_of(found.tables["transactions"])
    }


@pytest.mark.parametrize("seconds", [-600, -2.7, 0.25, 60, 800])
def test_a_shifted_squid_clock_moves_the_offset_and_no_link(
    whole: Correlation, tmp_path: Path, seconds: float
) -> None:
    squid = tmp_path / "squid"
    squid.mkdir()
    for log in sorted((NATIVE / "squid").iterdir()):
        lines = log.read_bytes().splitlines()
        moved = [b"%.3f%s" % (float(line[:14]) + seconds, line[14:]) for line in lines]
        (squid / log.name).write_bytes(b"\n".join(moved) + b"\n")
    shifted = correlate(squid=squid, envoy=NATIVE / "envoy", pods=NATIVE / "pods.json")
    assert links_by_line(shifted) == links_by_line(whole)
    (moved_clock,), (clock,) = shifted.manifest["clocks"], whole.manifest["clocks"]
    assert moved_clock["offset_us"] - clock["offset_us"] == pytest.approx(seconds * 1e6, abs=2_000)


def test_beyond_the_largest_offset_nothing_is_linked(tmp_path: Path) -> None:
    """The false-link control: a day apart, the two logs have nothing to do with each other."""
    squid = tmp_path / "squid"
    squid.mkdir()
    for log in sorted((NATIVE / "squid").iterdir()):
        lines = log.read_bytes().splitlines()
        moved = [b"%.3f%s" % (float(line[:14]) + 86_400, line[14:]) for line in lines]
        (squid / log.name).write_bytes(b"\n".join(moved) + b"\n")
    apart = correlate(squid=squid, envoy=NATIVE / "envoy", pods=NATIVE / "pods.json")
    assert apart.transactions["connection_id"].isna().all()
    assert set(apart.transactions["reason"]) == {"outside_coverage", "not_a_pod"}


def test_the_same_input_gives_the_same_rows(whole: Correlation) -> None:
    again = correlate(NATIVE)
    for name in ("transactions", "connections", "candidates"):
        assert digest(again.tables[name]) == digest(whole.tables[name])
    assert again.manifest == whole.manifest
