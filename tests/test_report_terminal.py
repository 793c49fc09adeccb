"""Tables for people: readable at 80 and 100 columns, harmless, and with the right totals."""

import io
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from test_report_matrix import NOON, UNNAMED, connections, transactions

from egresslog.correlation.stage import Clock
from egresslog.errors import OutputError
from egresslog.report.clocks import clock_entries, clock_lines, clock_warnings
from egresslog.report.human import known, number, seconds, single_date, size, time
from egresslog.report.layout import Column, Line, Sheet, columns_of, layout
from egresslog.report.matrix import matrix
from egresslog.report.printing import screen, show
from egresslog.report.terminal import (
    balance_table,
    clocks_table,
    files_table,
    matrix_table,
    unlinked_table,
)

HOSTILE = "[red]\x1b[2J\u202e$" + "h" * 253 + ".vendor.example"


def printed(tables: Iterable[Sheet], width: int = 100) -> str:
    file = io.StringIO()
    show(tables, screen(file, width))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).rstrip("\n") + "\n"


def sample() -> Any:
    return transactions(
        {},
        {"end": NOON + timedelta(minutes=5), "bytes_up": None, "bytes_down": 4_000_000},
        {"host": "s3.eu-central-1.amazonaws.com", "result": "TCP_DENIED", "status": 403},
        {**UNNAMED, "link": "none", "reason": "not_injected", "host": HOSTILE},
        {"workload": "search", "link": "ambiguous", "reason": "several_candidates"},
    )


def test_matrix_at_100_columns() -> None:
    assert printed([matrix_table(matrix(sample()))]) == """\
Mesh clients and external hosts, 2024-05-01 (UTC)
Client, host:port                 Tunnels Denied Failed Unsure    Up Known    Down    First     Last
────────────────────────────────────────────────────────────────────────────────────────────────────
west/shop/basket
  api.example:443                       2                      >10 B   1/2 4.00 MB 12:00:00 12:05:00
  s3.eu-cen…l-1.amazonaws.com:443              1                10 B   1/1   100 B 12:00:00 12:00:00
west/shop/search
  api.example:443                       1                    1  10 B   1/1   100 B 12:00:00 12:00:00
10.0.0.1
  [red]\\x1b…hh.vendor.example:443       1                    1  10 B   1/1   100 B 12:00:00 12:00:00
Total of 4                              4      1             2 >40 B   4/5 4.00 MB 12:00:00 12:05:00
"""


def test_what_is_left_out_is_added_up_in_one_line() -> None:
    text = printed([matrix_table(matrix(sample()), limit=1)])
    (rest,) = [line for line in text.splitlines() if line.startswith("and 3 more")]
    assert rest.split()[3:6] == ["2", "1", "2"]
    assert "Total of 4" in text


def test_dates_are_shown_where_they_differ() -> None:
    records = transactions({}, {"end": NOON + timedelta(days=1)})
    text = printed([matrix_table(matrix(records))])
    assert "2024-05-01 12:00:00 2024-05-02 12:00:00" in text
    assert text.startswith("Mesh clients and external hosts (UTC)\n")


def test_columns_make_way_for_names_times_last() -> None:
    statuses = ({"status": status} for status in (403, 407, 503, None))
    crowded = transactions({"host": "h" * 60, "link": "none", "bytes_up": None}, *statuses)
    tables = [(matrix_table(matrix(crowded), width), width) for width in (110, 94, 86)]
    heads = [printed([table], width).splitlines()[1] for table, width in tables]
    shown = [[name for name in ("Known", "First", "Last") if name in head] for head in heads]
    assert shown == [["Known", "First", "Last"], ["Known", "Last"], ["Known"]]


def test_an_empty_matrix_is_a_table_too() -> None:
    assert "Total of 0" in printed([matrix_table(matrix(transactions()))])


def test_unlinked_clients_by_reason() -> None:
    assert printed([unlinked_table(sample())]) == """\
Connection not known, 2024-05-01 (UTC)
Reason, client     Records Hosts  Down    First     Last
────────────────────────────────────────────────────────
several_candidates       1       100 B 12:00:00 12:00:00
  west/shop/search       1     1 100 B 12:00:00 12:00:00
not_injected             1       100 B 12:00:00 12:00:00
  10.0.0.1               1     1 100 B 12:00:00 12:00:00
"""


def test_unlinked_clients_without_a_known_reason_are_listed_too() -> None:
    records = transactions(
        *({"link": "none", "reason": "new", "client_address": f"10.0.0.{i}"} | UNNAMED for i in range(5)),
        {"link": "none", "client_address": "10.0.0.9", "host": None},
    )
    text = printed([unlinked_table(records, limit=2)])
    assert "new " in text and "and 3 more" in text and "no reason given" in text


def test_balance_adds_up_both_sides() -> None:
    envoy = connections(
        {"connection_id": "c", "transactions": 1, "bytes_received": 10, "bytes_sent": 1000},
        {"connection_id": "d", "transactions": 0, "fate": "bypass"},
    )
    assert printed([balance_table(sample(), envoy)]) == """\
Balance
Side                            Records   Up Known    Down
──────────────────────────────────────────────────────────
Squid records                         5 40 B   4/5 4.00 MB
  exact                               3 20 B   2/3 4.00 MB
  ambiguous: several_candidates       1 10 B   1/1   100 B
  none: not_injected                  1 10 B   1/1   100 B
Envoy records                         2 10 B   1/2 1.00 kB
  linked                              1 10 B   1/1 1.00 kB
  bypass                              1    ?   0/1       ?
"""


def file_facts(**changes: object) -> dict[str, object]:
    counts = {"lines": 10, "parsed": 8, "rejected": 1, "skipped": 1, "continued": 0, "duplicate": 2}
    return {"path": "a.log", "kind": "squid", **counts, **changes}


def test_files_that_do_not_add_up_are_marked() -> None:
    text = printed([files_table([file_facts(), file_facts(path="b\x1b.log", lines=13)])])
    assert [line.split()[-1] for line in text.splitlines()[1:] if "─" not in line] == ["by", "0", "3", "3"]
    assert r"b\x1b.log" in text
    assert "Off by" not in printed([files_table([file_facts()])])


def test_clocks() -> None:
    measured = clock("squid-0", -1_500_000, pairs=12)
    unknown = clock("squid-1", 0, pairs=0, method="none")
    assert printed([clocks_table(clock_entries([measured, unknown]))]) == """\
Clocks, Squid minus Envoy
Squid     Offset  Error Spread Links                 By
───────────────────────────────────────────────────────
squid-0 -1.500 s 1.0 ms 2.0 ms    12              bytes
squid-1  unknown                   0 nothing, assumed 0
"""


def test_a_host_that_deviates_has_a_line_of_its_own() -> None:
    agreeing = [clock("squid", 1_000, host=f"node-{number}") for number in range(3)]
    steps = ((None, 1_000, 0.0), (1_795_000_000_000_000, 61_000_000, 0.0))
    others = [
        clock("squid", 9_000_000, host="node-7\x1b", drift=-12.5),
        clock("squid", -7_197_300_000, host="node-8", zone=-7_200_000_000),
        clock("squid", 1_000, host="node-9", segments=steps),
    ]
    entries = clock_entries([*agreeing, *others])
    assert printed([clocks_table(entries)]) == """\
Clocks, Squid minus Envoy
Squid            Zone   Offset  Error Spread     Drift Steps Links    By
────────────────────────────────────────────────────────────────────────
squid                  +1.0 ms 1.0 ms 2.0 ms                   300 bytes
  node-7\\x1b          +9.000 s 1.0 ms 2.0 ms -12.5 ppm         100 bytes
  node-8     -2:00:00 +2.700 s 1.0 ms 2.0 ms                   100 bytes
  node-9               +1.0 ms 1.0 ms 2.0 ms               1   100 bytes
"""
    said = "\n".join(line for entry in entries for line in clock_lines(entry))
    assert "Clock of squid: +1.0 ms against Envoy, spread 2.0 ms, from 300 pairs by bytes" in said
    assert said.count("set: +61.000 s from 2026-11-18 ") == 1
    assert "node-0" not in said
    assert clock_warnings(entries) == [
        "the clock of squid against node-8 is in another time zone: -2:00:00 and +2.700 s, taken out"
    ]


def clock(
    proxy: str,
    offset: int,
    *,
    host: str | None = None,
    pairs: int = 100,
    method: str = "bytes",
    drift: float = 0.0,
    zone: int = 0,
    segments: tuple[tuple[int | None, int, float], ...] | None = None,
) -> Clock:
    course = segments or ((None, offset, drift),)
    return Clock(proxy, host, offset, 1_000, 2_000, pairs, method, drift, zone, course)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_asked_and_none_is_wrapped(width: int) -> None:
    text = printed([matrix_table(matrix(sample()), width), unlinked_table(sample(), width)], width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert len([line for line in text.splitlines() if "example:443" in line]) == 3
    assert "\x1b" not in text and "\u202e" not in text


@given(st.text(st.characters()), st.lists(st.text(st.characters(), max_size=5), min_size=1, max_size=3))
def test_no_text_acts_on_the_terminal(name: str, cells: list[str]) -> None:
    heads = [Column(cell) for cell in cells]
    text = printed([layout(name, name, heads, [Line(name, cells)], 80)], 80)
    assert not {sign for sign in text if sign < " " or "\x7f" <= sign <= "\x9f"} - {"\n"}


def test_colour_only_on_a_terminal_and_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    table = matrix_table(matrix(sample()))
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    assert colours(table, terminal=False) is False
    assert colours(table, terminal=True) is True
    monkeypatch.setenv("NO_COLOR", "1")
    assert colours(table, terminal=True) is False


def colours(table: Sheet, *, terminal: bool) -> bool:
    file = io.StringIO()
    file.isatty = lambda: terminal  # type: ignore[method-assign]
    show([table], screen(file))
    assert ("\x1b" in file.getvalue()) is ("\x1b[1;36m" in file.getvalue())
    return "\x1b[1;36m" in file.getvalue()


@pytest.mark.parametrize("name", ["плат" * 30, "日本語" * 30, "e\u0301" * 60, "a" * 99])
@pytest.mark.parametrize("width", [40, 81])
def test_wide_and_combining_signs_keep_their_columns(name: str, width: int) -> None:
    lines = printed([layout("t", "Name", [Column("Cell")], [Line(name, ["日本"]), Line("b", ["12"])], width)])
    assert {cell_len(line) for line in lines.splitlines()[1:]} == {columns_of(lines.splitlines()[2])}
    assert cell_len(lines.splitlines()[2]) <= width


def test_the_widest_cells_are_cut_where_names_cannot_give_more() -> None:
    text = printed([layout("t", "Name", [Column("Cell")], [Line("n" * 50, ["c" * 300])], 60)])
    assert text.splitlines()[3].split() == ["nnnn…nnnnnnn", f"{'c' * 16}…{'c' * 30}"]


def test_an_encoding_that_lacks_a_sign_gets_its_escape() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    show([matrix_table(matrix(transactions({"host": "bücher.example"})))], screen(file))
    assert rb"b\xfccher.example:443" in raw.getvalue()
    assert b"-----" in raw.getvalue() and rb"\u2500" not in raw.getvalue()


def test_a_stream_that_cannot_be_written_is_named() -> None:
    full = open("/dev/full", "w")  # noqa: SIM115  # closing it tries once more
    with pytest.raises(OutputError, match="/dev/full: cannot be written"):
        show(["a sentence"], screen(full))
    with suppress(OSError):
        full.close()


def test_width_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert screen(io.StringIO()).width == 100
    monkeypatch.setenv("COLUMNS", "132")
    assert screen(io.StringIO()).width == 132


def test_rich_is_loaded_only_when_a_table_is_made() -> None:
    script = "import sys, egresslog.report.terminal, egresslog.report.plot; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not {"rich", "pyarrow", "pandas", "matplotlib"} & set(loaded.split())


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (size(None), "?"), (size(0), "0 B"), (size(999), "999 B"), (size(1000), "1.00 kB"),
        (size(9_994), "9.99 kB"), (size(99_960), "100 kB"), (size(999_499), "999 kB"),
        (size(999_500), "1.00 MB"), (size(2**63 - 1), "9.22 EB"), (number(1234567), "1,234,567"),
        (number(None), "?"), (known(3, 12), "3/12"), (known(3, 3), "3/3"), (seconds(None), "?"),
        (seconds(-1500), "-1.5 ms"), (seconds(2_500_000), "+2.500 s"), (time(None), "?"),
        (time("2024-05-01T12:00:00.123456Z"), "2024-05-01 12:00:00"),
        (time("10000-01-01T12:00:00.123456Z", with_date=False), "12:00:00"),
        (single_date(["2024-05-01T1", None, "2024-05-01T2"]), "2024-05-01"), (single_date([]), None),
    ],
)  # fmt: skip
def test_numbers_and_times(shown: str | None, expected: str | None) -> None:
    assert shown == expected
