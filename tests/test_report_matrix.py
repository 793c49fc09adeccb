"""transactions -> matrix: every record counted once, bytes only where they are known."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egresslog.report.matrix import MATRIX, OUTCOMES, matrix
from egresslog.report.summary import client_name, host_name, top, total
from egresslog.schema import CONNECTIONS, TRANSACTIONS

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
TUNNEL: dict[str, Any] = {
    "transaction_id": "t", "squid_file": "access.log", "squid_line": 1, "proxy": "squid", "via": [],
    "end": NOON, "cluster": "west", "namespace": "shop", "pod": "basket-1", "workload": "basket",
    "client_address": "10.0.0.1", "method": "CONNECT", "host": "api.example", "port": 443,
    "result": "TCP_TUNNEL", "status": 200, "bytes_up": 10, "bytes_down": 100, "link": "exact",
    "candidates": 1, "flags": [],
}  # fmt: skip
UNNAMED = {"cluster": None, "namespace": None, "pod": None, "workload": None}


def transactions(*changes: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([TUNNEL | change for change in changes], TRANSACTIONS.arrow())


def connections(*rows: dict[str, Any]) -> pa.Table:
    given_always = {"envoy_file": "e.log", "envoy_line": 1, "fate": "linked", "flags": []}
    return pa.Table.from_pylist([given_always | row for row in rows], CONNECTIONS.arrow())


def only(table: pa.Table) -> dict[str, Any]:
    (row,) = table.to_pylist()
    return dict(row)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "tunnels"),
        ({"method": "connect", "status": 204}, "tunnels"),
        ({"result": "TCP_DENIED", "status": 403}, "denied"),
        ({"result": "TCP_TUNNEL", "status": 403}, "denied"),
        ({"result": "TCP_DENIED", "status": 200}, "denied"),
        ({"result": "TCP_DENIED", "status": None, "method": None}, "denied"),
        ({"result": "TCP_DENIED", "status": 407}, "auth"),
        ({"result": "TCP_TUNNEL", "status": 503}, "failed"),
        ({"result": "NONE_NONE", "status": 0}, "failed"),
        ({"result": None, "status": 302}, "failed"),
        ({"status": None}, "unclear"),
        ({"method": None}, "unclear"),
        ({"method": "GET", "result": "TCP_MISS", "status": 200}, "requests"),
        ({"method": "GET", "result": "TCP_MISS", "status": 403}, "requests"),
        ({"method": "GET", "result": "TCP_DENIED", "status": 403}, "denied"),
    ],
)
def test_outcome(change: dict[str, Any], outcome: str) -> None:
    row = only(matrix(transactions(change)))
    assert {name: row[name] for name in OUTCOMES if row[name]} == {outcome: 1}


def test_a_challenge_before_a_tunnel_is_no_denial() -> None:
    row = only(matrix(transactions({"result": "TCP_DENIED", "status": 407}, {})))
    assert (row["tunnels"], row["auth"], row["denied"], row["failed"]) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("identity", "client"),
    [
        ({}, "basket"),
        ({"workload": None}, "basket-1"),
        (UNNAMED, "10.0.0.1"),
        (UNNAMED | {"client_address": None}, "(unknown)"),
    ],
)
def test_client_is_named_as_well_as_possible(identity: dict[str, Any], client: str) -> None:
    row = only(matrix(transactions(identity)))
    assert row["client"] == client
    assert row["namespace"] == (TUNNEL | identity)["namespace"]


def test_a_workload_named_like_an_address_is_another_client() -> None:
    assert len(matrix(transactions({"workload": "10.0.0.1"}, UNNAMED))) == 2


def test_bytes_up_says_what_it_covers() -> None:
    row = only(matrix(transactions({}, {"bytes_up": None}, {"bytes_up": 5})))
    assert (row["bytes_up"], row["bytes_up_known"], row["transactions"]) == (15, 2, 3)
    row = only(matrix(transactions({"bytes_up": None, "bytes_down": None})))
    assert (row["bytes_up"], row["bytes_up_known"], row["bytes_down"]) == (None, 0, None)


@pytest.mark.parametrize(
    ("changes", "carried", "expected"),
    [
        ([{}, {}], 2, [(700, 2)]),
        ([{}, {}], 3, [(None, 0)]),  # a record of this connection is not here
        ([{}, {"bytes_up": 4}], 2, [(4, 1)]),  # Squid's own count is not added to Envoy's
        ([{}, {"host": "other.example"}], 2, [(None, 0), (None, 0)]),
    ],
)
def test_a_shared_connection_counts_once_for_its_records(
    changes: list[dict[str, Any]], carried: int, expected: list[tuple[int | None, int]]
) -> None:
    records = transactions(*({"connection_id": "c", "bytes_up": None} | change for change in changes))
    carrier = {"connection_id": "c", "transactions": carried, "bytes_received": 700}
    shared = connections(carrier | {"flags": ["shared"]})
    rows = matrix(records, shared).to_pylist()
    assert [(row["bytes_up"], row["bytes_up_known"]) for row in rows] == expected


def test_first_last_and_doubt() -> None:
    later = NOON + timedelta(hours=3, microseconds=1)
    row = only(matrix(transactions({"end": later, "link": "none"}, {"link": "ambiguous"}, {"end": None})))
    assert (row["first"], row["last"]) == (NOON, later)
    assert (row["ambiguous"], row["unlinked"]) == (1, 1)


def test_rows_are_sorted_whatever_the_input_order() -> None:
    changes = [UNNAMED, {"host": "b.example"}, {"host": "a.example"}, {"host": None}, {"cluster": "east"}]
    changes += [{"port": 8443}, {"namespace": "pay"}]
    expected = matrix(transactions(*changes))
    for seed in range(5):
        Random(seed).shuffle(changes)
        assert matrix(transactions(*changes)).equals(expected)
    assert [row["cluster"] for row in expected.to_pylist()][::6] == ["east", None]


def test_columns_are_the_documented_ones_even_when_empty() -> None:
    empty = matrix(transactions(), connections())
    assert empty.schema.equals(MATRIX.arrow(), check_metadata=True)
    assert len(empty) == 0


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(["CONNECT", "GET", None]),
        "status": st.sampled_from([0, 200, 403, 407, 503, None]),
        "result": st.sampled_from(["TCP_TUNNEL", "TCP_DENIED", None]),
        "host": st.sampled_from(["a.example", None]),
        "workload": st.sampled_from(["basket", None]),
        "bytes_down": st.none() | st.integers(0, 2**40),
        "link": st.sampled_from(["exact", "ambiguous", "none"]),
    },
)


@given(st.lists(CHANGES, max_size=12))
def test_nothing_is_lost_or_counted_twice(changes: list[dict[str, Any]]) -> None:
    records = transactions(*changes)
    sums = total(matrix(records).to_pylist())
    assert sums["transactions"] == sum(sums[name] for name in OUTCOMES) == len(records)
    assert (sums["bytes_down"] or 0) == sum(filter(None, records.column("bytes_down").to_pylist()))
    links = Counter(records.column("link").to_pylist())
    assert (sums["ambiguous"], sums["unlinked"]) == (links["ambiguous"], links["none"])


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [("a.example", 443, "a.example:443"), ("2001:db8::1", 443, "[2001:db8::1]:443"), (None, None, "?:?")],
)
def test_host_name(host: str | None, port: int | None, name: str) -> None:
    assert host_name({"host": host, "port": port}) == name


def test_client_name() -> None:
    assert client_name({"cluster": None, "namespace": "shop", "client": "basket"}) == "shop/basket"


def test_top_keeps_the_order_and_says_what_is_left() -> None:
    rows = [{"transactions": count} for count in (1, 5, 3, 5)]
    assert top(rows, 2) == ([rows[1], rows[3]], [rows[0], rows[2]])
    assert top(rows, None) == (rows, [])
