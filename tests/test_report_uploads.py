"""Totals of bytes up, against a naive recount of made tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report_matrix import connections, transactions

from egresslog.errors import UsageError
from egresslog.report.matrix import KEY, MATRIX, TOTALS, matrix
from egresslog.report.terminal import matrix_table

Row = dict[str, Any]
Totals = dict[tuple[Any, ...], tuple[int | None, int, int]]  # bytes up, known of, records

BYS = (
    KEY,
    ("cluster", "namespace", "workload", "client", "host"),
    ("workload", "host"),
    ("host",),
    ("port",),
)

IDS = ("c0", "c1", "c2", "c3")
UP = st.none() | st.integers(0, 2**40)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "connection_id": st.sampled_from((*IDS, "gone", None)),
            "namespace": st.sampled_from(("shop", "pay")),
            "workload": st.sampled_from(("basket", "search", None)),
            "pod": st.none(),
            "client_address": st.sampled_from(("10.0.0.1", "10.0.0.2", None)),
            "host": st.sampled_from(("a.example", "b.example", None)),
            "port": st.sampled_from((443, 80, None)),
            "bytes_up": st.none() | UP,
        }
    ),
    max_size=14,
)
CARRIED = st.fixed_dictionaries(
    {
        "more": st.sampled_from((0, 0, 0, 1)),  # records that it carried and that are not shown
        "bytes_received": UP,
        "flags": st.lists(st.sampled_from(("shared", "shared", "unshared", "doubtful")), max_size=2),
    }
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Records and connections that go together: a record without a connection is ambiguous."""
    records = [
        record | {"link": "exact" if record["connection_id"] else "ambiguous"} for record in draw(RECORDS)
    ]
    shown = [record["connection_id"] for record in records]
    drawn = [(name, draw(CARRIED)) for name in IDS]
    return records, [
        {"connection_id": name, "transactions": shown.count(name) + row["more"], **row} for name, row in drawn
    ]


def cell(record: Row, by: Iterable[str]) -> tuple[Any, ...]:
    client = record["workload"] or record["client_address"] or "(unknown)"
    named = {"cluster": "west", "client": client, **record}
    return tuple(named[name] for name in by)


def recounted(records: list[Row], carriers: list[Row], by: tuple[str, ...]) -> Totals:
    """Each record's own bytes; and those of a connection, once, where one row has all that it carried."""
    known: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    covered: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    count: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for record in records:
        count[cell(record, by)] += 1
        if record["bytes_up"] is not None:
            known[cell(record, by)].append(record["bytes_up"])
            covered[cell(record, by)] += 1
    for carrier in carriers:
        mine = [record for record in records if record["connection_id"] == carrier["connection_id"]]
        cells = {cell(record, by) for record in mine}
        unknown = all(record["bytes_up"] is None for record in mine)
        whole = "shared" in carrier["flags"] and len(mine) == carrier["transactions"]
        if whole and unknown and len(cells) == 1 and carrier["bytes_received"] is not None:
            (where,) = cells
            known[where].append(carrier["bytes_received"])
            covered[where] += len(mine)
    return {c: (sum(known[c]) if known[c] else None, covered[c], count[c]) for c in count}


def totals(records: list[Row], carriers: list[Row], by: tuple[str, ...]) -> Totals:
    some = [{name: value for name, value in row.items() if name != "more"} for row in carriers]
    found = matrix(transactions(*records), connections(*some), by).to_pylist()
    values = ("bytes_up", "bytes_up_known", "transactions")
    return {tuple(row[name] for name in by): tuple(row[name] for name in values) for row in found}  # type: ignore[misc]


@given(tables(), st.sampled_from(BYS))
def test_totals_are_those_of_a_recount(drawn: tuple[list[Row], list[Row]], by: tuple[str, ...]) -> None:
    assert totals(*drawn, by) == recounted(*drawn, by)


@given(tables(), st.sampled_from(BYS))
def test_no_byte_counts_twice(drawn: tuple[list[Row], list[Row]], by: tuple[str, ...]) -> None:
    """All rows together have no more than the records logged and their connections received."""
    records, carriers = drawn
    logged = sum(record["bytes_up"] or 0 for record in records)
    silent = {c["connection_id"]: c["bytes_received"] or 0 for c in carriers}
    for record in records:
        if record["bytes_up"] is not None:
            silent.pop(record["connection_id"], None)
    for up, known, count in (rows := totals(*drawn, by)).values():
        assert known <= count
        assert (up is None) == (known == 0)
    assert sum(up or 0 for up, _, _ in rows.values()) <= logged + sum(silent.values())
    assert sum(count for _, _, count in rows.values()) == len(records)


@given(tables())
def test_a_coarser_total_knows_no_less(drawn: tuple[list[Row], list[Row]]) -> None:
    for fine, coarse in pairwise(BYS[:-1]):
        known = [sum(known for _, known, _ in totals(*drawn, by).values()) for by in (fine, coarse)]
        assert known[0] <= known[1]


def test_one_host_on_two_ports_is_one_total_without_the_port() -> None:
    records = [{"connection_id": "c", "bytes_up": None, "port": port} for port in (80, 443)]
    carrier = connections(
        {"connection_id": "c", "transactions": 2, "bytes_received": 700, "flags": ["shared"]}
    )
    apart = matrix(transactions(*records), carrier).to_pylist()
    assert [(row["bytes_up"], row["bytes_up_known"]) for row in apart] == [(None, 0)] * 2
    found = matrix(transactions(*records), carrier, ("host", "workload"))
    assert found.column_names == ["workload", "host", *(name for name in MATRIX.names if name not in KEY)]
    (row,) = found.to_pylist()
    assert (row["bytes_up"], row["bytes_up_known"], row["transactions"]) == (700, 2, 2)


@pytest.mark.parametrize("by", [(), ("hosts",), ("host", "bytes_up"), "host"])
def test_totals_by_nothing_that_there_is_are_refused(by: Any) -> None:
    with pytest.raises(UsageError, match="no totals by"):
        matrix(transactions({}), None, by)


def test_without_ports_a_host_stands_alone_and_its_total_says_of_how_many_it_is_known() -> None:
    table = matrix(transactions({"port": 80}, {"port": 443, "bytes_up": None}), None, TOTALS["hosts"])
    sheet = matrix_table(table, 60)
    assert sheet.head.name == "Client, host"
    assert [line.name for line in sheet.lines] == ["west/shop/basket", "  api.example", "Total of 1"]
    place = sheet.head.cells.index("Known")
    assert [line.cells[place] for line in sheet.lines[1:]] == ["1/2", "1/2"]
