"""Several Squids behind one address with clocks of their own; clusters whose pod networks overlap."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab import DATA, envoy_files, key, squid_files, truth
from made_logs import Tunnel, envoy_lines, squid_lines, tunnels, write

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of

AHEAD = 2.7


def rows(found: Correlation, table: str = "transactions") -> list[dict[str, Any]]:
    return rows_of(found.tables[table])


def split(folder: Path, lab: str, squid: str) -> dict[tuple[str, str, int], tuple[str, int]]:
    """The lab's log as two Squids would have written it, one with its clock ahead: new place -> old place."""
    places: dict[tuple[str, str, int], tuple[str, int]] = {}
    for path in squid_files(lab, squid):
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw).splitlines(True)
        suffix = ".0" if ".log.0" in path.name else ""
        parts: dict[str, list[bytes]] = {"one": [], "two": []}
        for number, line in enumerate(lines, 1):
            instance = "two" if number % 3 == 0 else "one"
            if instance == "two":
                line = re.sub(rb"^\d+\.\d+", lambda m: b"%.3f" % (float(m[0]) + AHEAD), line)
            parts[instance].append(line)
            places[instance, suffix, len(parts[instance])] = (suffix, number)
        for instance, part in parts.items():
            (folder / instance).mkdir(parents=True, exist_ok=True)
            (folder / instance / f"access.log{suffix}").write_bytes(b"".join(part))
    return places


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("lab", "squid", "least"),
    [("lab", "port", 0.999), ("lab", "native", 0.88), ("snat", "native", 0.99), ("gateway", "native", 0.99)],
)
def test_two_squids_behind_one_address(
    tmp_path: Path, lab: str, squid: str, least: float, named: bool
) -> None:
    places = split(tmp_path, lab, squid)
    folders = [tmp_path / "one", tmp_path / "two"]
    given = [f"{folder.name}={folder}" for folder in folders] if named else tmp_path
    found = correlate(squid=given, envoy=envoy_files(lab), pods=DATA / lab / "pods.json")
    clocks = {clock["proxy"]: clock["offset_us"] for clock in found.manifest["clocks"]}
    assert set(clocks) == {"one", "two"}
    assert abs(clocks["one"]) <= 20_000
    assert abs(clocks["two"] - AHEAD * 1_000_000) <= 20_000
    right = wrong = connected = 0
    for row in rows(found):
        suffix = key(row["squid_file"], 0)[0]
        line = truth(lab)[places[row["proxy"], suffix, row["squid_line"]]]
        connected += line.envoy_line is not None
        same = (line.pod, line.envoy_line) == (row["pod"], row["envoy_line"])
        right += row["connection_id"] is not None and same
        wrong += row["connection_id"] is not None and not same
    assert wrong <= 0.001 * right
    assert right >= least * connected


def clusters(folder: Path, west: list[Tunnel], east: list[Tunnel]) -> list[str]:
    for name, some in (("west", west), ("east", east)):
        write(folder / name / "envoy" / f"{name}-0" / "e.log", envoy_lines(some))
    return [f"{name}={folder / name / 'envoy'}" for name in ("west", "east")]


def lost(at: float) -> Tunnel:
    """A tunnel that no Envoy logged, from the address both clusters have."""
    return Tunnel(at, 0.1, 99_999, 300, port=39_999)


@pytest.mark.parametrize("ahead", [0.0, AHEAD])
def test_clusters_with_one_squid_each_and_the_same_addresses(tmp_path: Path, ahead: float) -> None:
    west, east = tunnels(60, 1), tunnels(60, 2)
    envoy = clusters(tmp_path, west, east)
    write(tmp_path / "squid-w" / "access.log", squid_lines([*west, lost(10)]))
    write(tmp_path / "squid-e" / "access.log", squid_lines(east, ahead))
    found = correlate(squid=[f"w={tmp_path / 'squid-w'}", f"e={tmp_path / 'squid-e'}"], envoy=envoy)
    named = Counter((row["proxy"], row["cluster"], row["pod"]) for row in rows(found) if row["pod"])
    assert set(named) == {("w", "west", "west-0"), ("e", "east", "east-0")}
    assert all(count >= 58 for count in named.values())
    (unlinked,) = [row for row in rows(found) if row["bytes_down"] == 99_999]
    assert (unlinked["attribution"], unlinked["cluster"]) == ("address", "west")


@pytest.mark.parametrize("seen_as", [None, "203.0.113.9"])
def test_clusters_with_the_same_addresses_behind_one_squid(tmp_path: Path, seen_as: str | None) -> None:
    """The link names the cluster; the address alone never does."""
    west, east = tunnels(60, 1), tunnels(60, 2)
    envoy = clusters(tmp_path, west, east)
    seen = [replace(t, seen_as=seen_as) for t in (*west, *east, lost(10))]
    write(tmp_path / "squid" / "access.log", squid_lines(seen))
    found = correlate(squid=tmp_path / "squid", envoy=envoy)
    owner = {t.down: name for name, some in (("west", west), ("east", east)) for t in some}
    linked = [row for row in rows(found) if row["connection_id"]]
    assert len(linked) >= 114
    assert all(row["cluster"] == owner[row["bytes_down"]] for row in linked)
    assert not [row for row in rows(found) if row["attribution"] == "address"]
    (unlinked,) = [row for row in rows(found) if row["bytes_down"] == 99_999]
    assert (unlinked["pod"], unlinked["cluster"]) == (None, None)


def test_twins_in_two_clusters_are_ambiguous(tmp_path: Path) -> None:
    west = tunnels(30, 1)
    twin = Tunnel(20.0, 1.0, 7_777, 500, port=41_000)
    envoy = clusters(tmp_path, [*west, twin], [*tunnels(30, 2), twin])
    write(tmp_path / "squid" / "access.log", squid_lines([*west, *tunnels(30, 2), twin], local=False))
    found = correlate(squid=tmp_path / "squid", envoy=envoy)
    (row,) = [row for row in rows(found) if row["bytes_down"] == 7_777]
    assert (row["link"], row["pod"], row["candidates"]) == ("ambiguous", None, 2)
