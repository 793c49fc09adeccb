"""Why a record is not linked: each pod's own log, its edges and holes, kills, and chains that break."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_logs import Tunnel, envoy_line, envoy_lines, squid_lines, write

from egresslog.api import Correlation, correlate
from egresslog.arrow import rows_of
from egresslog.schema import REASONS

A, B = "10.0.0.1", "10.0.0.2"
README = Path(__file__).parents[1] / "README.md"


def rows(found: Correlation, table: str = "transactions") -> list[dict[str, Any]]:
    return rows_of(found.tables[table])


def busy(client: str, first: float, last: float, every: float = 1.0) -> list[Tunnel]:
    """Tunnels of sizes of their own, ended evenly from first to last (s)."""
    ends = [first + n * every for n in range(int((last - first) / every) + 1)]
    base = 10_000 if client == A else 50_000
    return [
        Tunnel(end - 0.5, 0.5, base + round(end * 7), 300, client, 40_000 + round(end)) for end in ends
    ]  # fmt: skip


def extra(number: int, end: float, lasts: float = 0.4, client: str = A) -> Tunnel:
    return Tunnel(end - lasts, lasts, 90_000 + number, 300, client, 30_000 + number)


def correlated(folder: Path, logged: Iterable[Tunnel], seen: Iterable[Tunnel], port: bool) -> Correlation:
    """``logged`` by the sidecars, each in a log of its own; ``seen`` by Squid."""
    logged = list(logged)
    for client in sorted({t.client for t in logged}):
        write(
            folder / "envoy" / f"p-{client[-1]}" / "e.log",
            envoy_lines(t for t in logged if t.client == client),
        )
    write(folder / "squid" / "access.log", squid_lines(seen, local=port))
    return correlate(folder)


OPEN = [extra(n, 60.05 + n / 100, 5.0 + n) for n in range(3)]  # cut off together
UNWRITTEN = [extra(9, 58.5), extra(8, 59.2)]
ALL = (*busy(A, 0, 200), *busy(B, 0, 200))
UP_TO = (*busy(A, 0, 58), *busy(B, 0, 200))
BACK = (*busy(A, 0, 58), *busy(A, 70, 200), *busy(B, 0, 200))

# What the sidecars logged, what Squid logged beside it, the reason of this with a port and without.
LOST: dict[str, tuple[Sequence[Tunnel], Sequence[Tunnel], str, str]] = {
    "one line missing amid others": (ALL, [extra(1, 100.3)], "log_lost", "no_candidate"),
    "after the pod's own log, which another's outlasts": (
        UP_TO, [extra(1, 100.3), extra(2, 150.3)], "outside_coverage", "outside_coverage",
    ),
    "before the pod's own log": (
        (*busy(A, 100, 200), *busy(B, 0, 200)), [extra(1, 30.3)], "outside_coverage", "outside_coverage",
    ),
    "still open when the log ends": (
        UP_TO, [extra(1, 58.3, 30), extra(2, 140.3, 100)], "outside_coverage", "outside_coverage",
    ),
    "a hole in the log: a rotated file is missing": (
        (*busy(A, 0, 50), *busy(A, 150, 200), *busy(B, 0, 200)), [extra(n, 60.3 + n * 8) for n in range(10)],
        "outside_coverage", "outside_coverage",
    ),
    "killed, and back": (BACK, [*UNWRITTEN, *OPEN], "log_lost", "log_lost"),
    "killed for good, while others go on": (UP_TO, [*UNWRITTEN, *OPEN], "log_lost", "log_lost"),
    "collected early, like all": (
        (*busy(A, 0, 58), *busy(B, 0, 58)), [*UNWRITTEN, *OPEN], "outside_coverage", "outside_coverage",
    ),
}  # fmt: skip


@pytest.mark.parametrize("port", [True, False])
@pytest.mark.parametrize("case", LOST)
def test_what_a_sidecar_did_not_write(tmp_path: Path, case: str, port: bool) -> None:
    logged, unlogged, with_port, without = LOST[case]
    found = correlated(tmp_path, logged, [*logged, *unlogged], port)
    missing = [row for row in rows(found) if row["bytes_down"] >= 90_000]
    assert len(missing) == len(unlogged)
    assert {row["reason"] for row in missing} == {with_port if port else without}
    assert {row["reason"] for row in rows(found) if row["bytes_down"] < 90_000} == {None}


UNSEEN: dict[str, tuple[Sequence[Tunnel], Sequence[Tunnel], str, str]] = {
    "one line missing amid others": (ALL, [extra(1, 100.3)], "log_lost", "no_candidate"),
    "after Squid's log": (busy(A, 0, 100), [extra(1, 150.3)], "outside_coverage", "outside_coverage"),
    "before it": (busy(A, 50, 100), [extra(1, 20.3)], "outside_coverage", "outside_coverage"),
    "a hole in Squid's log": (
        (*busy(A, 0, 50), *busy(A, 150, 200)), [extra(1, 100.3)], "outside_coverage", "outside_coverage",
    ),
    "still open when Squid's log ends": (
        busy(A, 0, 100), [extra(1, 150.3, 100)], "outside_coverage", "outside_coverage",
    ),
}  # fmt: skip


@pytest.mark.parametrize("port", [True, False])
@pytest.mark.parametrize("case", UNSEEN)
def test_what_squid_did_not_write(tmp_path: Path, case: str, port: bool) -> None:
    logged, unseen, with_port, without = UNSEEN[case]
    connections = rows(correlated(tmp_path, [*logged, *unseen], logged, port), "connections")
    told = {(row["fate"], row["reason"]) for row in connections if row["bytes_sent"] >= 90_000}
    assert told == {("unmatched", with_port if port else without)}
    assert {(row["fate"], row["reason"]) for row in connections if row["bytes_sent"] < 90_000} == {
        ("linked", None)
    }


INNER, OUTER = "10.0.8.8", "10.0.9.9"


def chained(
    folder: Path, some: Sequence[Tunnel], logs: dict[str, Sequence[Tunnel]], twice: bool = False
) -> Correlation:
    """sidecar -> inner gateway -> outer gateway -> Squid; ``logs``: which tunnels each of them logged."""

    def lines(tunnels: Iterable[Tunnel], own: str, before: str, to: str, step: int) -> list[str]:
        return [
            envoy_line(
                t.at, t.lasts, t.up, t.down, to, f"{own}:{t.port + step}", f"{before}:{t.port + step - 100}"
            )
            for t in tunnels
        ]

    others = [replace(t, up=t.up + 1) for t in logs["sidecar"]]
    for pod, tunnels in (("p-1", logs["sidecar"]), ("p-2", others if twice else [])):
        write(folder / "envoy" / pod / "e.log", lines(tunnels, A, A, f"{INNER}:8443", 0))
    write(folder / "envoy" / "inner-0" / "e.log", lines(logs["inner"], INNER, A, f"{OUTER}:8443", 100))
    write(folder / "envoy" / "outer-0" / "e.log", lines(logs["outer"], OUTER, INNER, "10.9.0.1:3128", 200))
    seen = [Tunnel(t.at, t.lasts, t.down, t.up, OUTER, t.port + 200) for t in some]
    write(folder / "squid" / "access.log", squid_lines(seen, local=True))
    return correlate(folder)


SOME = busy(A, 0, 40)
TEN = SOME[10:20]
REST = [t for t in SOME if t not in TEN]

# Which tunnels each hop logged -> for the ten: hops in via, the reason; the fates of their connections.
Fates = dict[tuple[str, str | None], int]
BROKEN: dict[str, tuple[dict[str, Sequence[Tunnel]], bool, int, str | None, Fates]] = {
    "whole": (
        {"sidecar": SOME, "inner": SOME, "outer": SOME}, False, 2, None,
        {("linked", None): 10, ("hop", None): 20},
    ),
    "the sidecar's lines are missing": (
        {"sidecar": REST, "inner": SOME, "outer": SOME}, False, 2, "hop_lost",
        {("hop", "hop_lost"): 10, ("hop", None): 10},
    ),
    "the inner gateway's lines are missing": (
        {"sidecar": SOME, "inner": REST, "outer": SOME}, False, 1, "hop_lost",
        {("hop", "hop_lost"): 10, ("not_to_proxy", None): 10},
    ),
    "no log of the sidecar": (
        {"sidecar": [], "inner": SOME, "outer": SOME}, False, 2, "gateway_only",
        {("hop", "gateway_only"): 10, ("hop", None): 10},
    ),
    "the sidecar's log begins later": (
        {"sidecar": SOME[30:], "inner": SOME, "outer": SOME}, False, 2, "gateway_only",
        {("hop", "gateway_only"): 10, ("hop", None): 10},
    ),
    "only the outer gateway's log": (
        {"sidecar": [], "inner": [], "outer": SOME}, False, 1, "gateway_only", {("hop", "gateway_only"): 10},
    ),
    "two sidecars with one address": (
        {"sidecar": SOME, "inner": SOME, "outer": SOME}, True, 2, "several_hops",
        {("hop", "several_hops"): 10, ("hop", None): 10, ("not_to_proxy", None): 20},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_chain_is_reported_where_it_breaks(tmp_path: Path, case: str) -> None:
    logs, twice, hops, reason, fates = BROKEN[case]
    found = chained(tmp_path, SOME, logs, twice)
    sizes = {t.down for t in TEN}
    mine = [row for row in rows(found) if row["bytes_down"] in sizes]
    assert {(len(row["via"]), row["reason"]) for row in mine} == {(hops, reason)}
    assert {row["pod"] for row in mine} == ({None} if reason else {"p-1"})
    first = [Path(row["via"][0]["file"]).parent.name for row in mine]
    assert set(first) == {"inner-0" if hops == 2 else "outer-0"}
    connections = [row for row in rows(found, "connections") if row["bytes_sent"] in sizes]
    assert Counter((row["fate"], row["reason"]) for row in connections) == fates


def test_every_reason_is_explained_with_an_example() -> None:
    text = README.read_text(encoding="utf-8")
    table = text[text.index("| reason |") :].split("\n\n")[0]
    told = [line.split(" | ") for line in table.splitlines()[2:]]
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells[0] for cells in told))) == sorted(REASONS)
    assert all(len(cells) == 3 and len(cells[2]) > 10 for cells in told)
