"""A record that stands again in another file counts once; two that happened twice stay two."""

from __future__ import annotations

import gzip
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lab import DATA

from egresslog.files.sources import Given, named
from egresslog.parse.logs import Logs, read_logs

LAB = DATA / "lab"
LINE = (
    b"1795407%03d.%03d     13 10.60.1.11 TCP_TUNNEL/200 %d CONNECT h.example:1 - HIER_DIRECT/10.60.3.11 a/b\n"
)
ISTIO = (
    b'[2026-11-23T04:22:%02d.336Z] "- - -" 0 - - - "-" 462 3039 6 - "-" "-" "-" "-" "10.60.2.10:3128" '
    b"outbound|3128||proxy 10.60.1.11:47194 10.60.2.10:3128 10.60.1.11:47190 - -\n"
)
LOG = [LINE % (number // 3, number, number) for number in range(60)]


def write(folder: Path, files: dict[str, bytes]) -> list[str]:
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return [str(folder / name) for name in files]


def logs(paths: Iterable[str]) -> Logs:
    return read_logs([Given(path, name=name) for name, path in map(named, paths)])


def ids(found: Logs) -> list[str]:
    every = found.squid["record_id"].to_pylist() + found.envoy["record_id"].to_pylist()
    assert len(set(every)) == len(every), "ids are unique"
    return every


def duplicates(found: Logs) -> int:
    total = sum(report.duplicate for report in found.files)
    assert sum(report.parsed for report in found.files) == found.squid.num_rows + found.envoy.num_rows + total
    return total


ALL = b"".join(LOG)
ONE_SECOND = b"".join(LINE % (5, 5, 5) for _ in range(3))
DOUBLED = {
    "copy": ({"a.log": ALL, "b.log": ALL}, 60, 60),
    "gzip twin": ({"a.log": ALL, "a.log.gz": gzip.compress(ALL)}, 60, 60),
    "CRLF copy": ({"a.log": ALL, "b.log": ALL.replace(b"\n", b"\r\n")}, 60, 60),
    "overlapping rotations": ({"a.log.1": b"".join(LOG[:40]), "a.log": b"".join(LOG[20:])}, 60, 20),
    "part of it": ({"a.log": ALL, "b.log": b"".join(LOG[10:20])}, 60, 10),
    "three": ({"a.log": ALL, "b.log": ALL, "c.log": b"".join(LOG[:30])}, 60, 90),
    "identical lines in one log": ({"a.log": ALL + LOG[-1] * 2}, 62, 0),
    "identical lines in a copy": ({"a.log": ALL + LOG[-1] * 2, "b.log": ALL + LOG[-1] * 2}, 62, 62),
    "seam": ({"a.log.1": b"".join([*LOG[:30], LOG[30]]), "a.log": b"".join([LOG[30], *LOG[31:]])}, 61, 0),
    "other traffic": ({"a.log": b"".join(LOG[::2]), "b.log": b"".join(LOG[1::2])}, 60, 0),
    "cut copy": ({"a.log": ALL, "b.log": ALL[:-3]}, 60, 60),
    "copy cut in the middle": ({"a.log": ALL, "b.log": b"".join(LOG[:30])[:-3]}, 60, 30),
    "one line each": ({"a.log": LOG[0], "b.log": LOG[1]}, 2, 0),
}


@pytest.mark.parametrize("case", DOUBLED)
def test_repetitions_count_once(tmp_path: Path, case: str) -> None:
    files, unique, double = DOUBLED[case]
    found = logs(write(tmp_path, files))
    assert (len(ids(found)), duplicates(found)) == (unique, double)


def test_a_dump_of_one_pod_beside_all_pods_in_one_file(tmp_path: Path) -> None:
    """Poured together without a word of whose they are, and the one pod's file of the kubelet."""
    one = [ISTIO % second for second in range(30)]
    other = [line.replace(b"10.60.1.11:4", b"10.60.1.12:4") for line in one for _ in range(9)]
    pods = f"var/log/pods/shop_web-0_{'0a' * 16}/istio-proxy"
    (tmp_path / pods).mkdir(parents=True)
    cri = b"2026-11-23T04:30:00Z stdout F "
    (tmp_path / pods / "0.log").write_bytes(b"".join(cri + line for line in one))
    (tmp_path / "all.log").write_bytes(b"".join(sorted(one + other)))
    found = logs([str(tmp_path / pods / "0.log"), str(tmp_path / "all.log")])
    assert (len(ids(found)), duplicates(found)) == (300, 30)


def test_two_named_instances_are_never_merged(tmp_path: Path) -> None:
    one, other = write(tmp_path, {"a.log": ALL, "b.log": ALL})
    found = logs([f"east={one}", f"west={other}"])
    assert Counter(found.squid["proxy"].to_pylist()) == {"east": 60, "west": 60}
    assert (len(ids(found)), duplicates(found)) == (120, 0)


def lab(*patterns: str) -> list[str]:
    return sorted(str(path) for pattern in patterns for path in LAB.glob(pattern))


FORMS = [
    ("squid/access.log*", "squid/access-port.log*"),
    ("squid/access-json.log*", "squid/access-combined.log*"),
    ("squid/*.log*",),
    ("envoy/*/istio-text.log*", "envoy/*/istio-json.log*"),
    ("envoy/*/istio-2018.log*", "envoy/*/istio-json.log*"),
    ("envoy/*/*.log*",),
    ("*/*.log*", "*/*/*.log*"),
]


@pytest.mark.parametrize("patterns", FORMS, ids=" ".join)
def test_other_formats_of_the_same_records_count_once(patterns: Sequence[str]) -> None:
    found = logs(lab(*patterns))
    assert found.squid.num_rows in (0, 462) and found.envoy.num_rows in (0, 438)
    assert (
        duplicates(found) == sum(r.parsed for r in found.files) - found.squid.num_rows - found.envoy.num_rows
    )


def test_the_richest_format_is_kept() -> None:
    found = logs(lab("squid/*.log*", "envoy/*/*.log*"))
    assert set(found.squid["resolution"].to_pylist()) == {1_000}
    assert found.squid["client_port"].null_count == 0
    assert not [flags for flags in found.envoy["flags"].to_pylist() if flags], "JSON is in no doubt"
    assert set(found.envoy["route_name"].to_pylist()) > {None}


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_files_changes_nothing(seed: int) -> None:
    paths = lab("squid/*.log*", "envoy/*/*.log*")
    mixed = random.Random(seed).sample(paths, len(paths))
    assert content(logs(mixed)) == content(logs(paths))


def content(found: Logs) -> list[object]:
    return [table.to_pylist() for table in (found.squid, found.envoy)]


@given(st.data())
def test_the_order_of_overlapping_pieces_changes_no_id(tmp_path: Path, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, 60), min_size=4, max_size=4)))
    pieces = [LOG[: cuts[2]], LOG[cuts[1] : cuts[3]], LOG[cuts[0] :], LOG[cuts[0] : cuts[2]]]
    paths = write(tmp_path, {f"{n}.log": b"".join(piece) for n, piece in enumerate(pieces)})
    order = data.draw(st.permutations(paths))
    assert ids(logs(order)) == ids(logs(paths))


@given(st.data())
def test_a_log_may_be_split_at_any_line(tmp_path: Path, data: st.DataObject) -> None:
    """Except where a piece is nothing but lines that its neighbour holds too: that is a copy by its looks."""
    lines = sorted(data.draw(st.lists(st.sampled_from(LOG[:25]), min_size=2, max_size=40)))
    at = data.draw(st.integers(1, len(lines) - 1))
    pieces = [lines[:at], lines[at:]]
    assume(not any(set(one) <= set(other) for one, other in (pieces, reversed(pieces))))
    whole = logs(write(tmp_path, {"whole/a.log": b"".join(lines)}))
    parts = logs(write(tmp_path, {f"parts/a.log.{n}": b"".join(piece) for n, piece in enumerate(pieces)}))
    assert ids(parts) == ids(whole)
    shutil.rmtree(tmp_path / "parts")


@pytest.mark.parametrize(
    "path", lab("squid/access*.log.gz", "envoy/ratings*/*.log.gz"), ids=lambda p: Path(p).name
)
@pytest.mark.parametrize("seed", range(3))
def test_a_real_log_may_be_split_at_any_line(tmp_path: Path, path: str, seed: int) -> None:
    lines = gzip.decompress(Path(path).read_bytes()).splitlines(keepends=True)
    lines = b"".join(lines).split(b"\n")[:-1]
    at = random.Random(seed).randrange(1, len(lines))
    pieces = {
        f"log.{n}": b"".join(line + b"\n" for line in piece)
        for n, piece in enumerate((lines[:at], lines[at:]))
    }
    assert sorted(ids(logs(write(tmp_path, pieces)))) == sorted(ids(logs([path])))


def test_the_same_file_name_in_two_folders_tells_two_proxies(tmp_path: Path) -> None:
    paths = write(tmp_path, {"east/access.log": b"".join(LOG[::2]), "west/access.log": b"".join(LOG[1::2])})
    assert Counter(logs(paths).squid["proxy"].to_pylist()) == {"east": 30, "west": 30}


def test_envoy_records_of_two_pods_stay_apart(tmp_path: Path) -> None:
    one = b"".join(ISTIO % second for second in range(30))
    other = one.replace(b"10.60.1.11:47194", b"10.60.1.12:47194")
    found = logs(write(tmp_path, {"a.log": one, "b.log": other}))
    assert (len(ids(found)), duplicates(found)) == (60, 0)
