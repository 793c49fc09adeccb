"""Links, fates, reasons and names -> the public tables (schema.TRANSACTIONS, CONNECTIONS, CANDIDATES)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from egresslog.arrow import table_of
from egresslog.correlation.attribution import Attribution
from egresslog.identity.pods import Pod
from egresslog.schema import CANDIDATES, CONNECTIONS, EVIDENCE, TRANSACTIONS, Table

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def identity(pod: Pod | None) -> Row:
    """The identity columns; all null without a pod."""
    if pod is None:
        return dict.fromkeys(("cluster", "namespace", "pod", "workload", "service_account", "node"))
    return {
        "cluster": pod.cluster,
        "namespace": pod.namespace,
        "pod": pod.name,
        "workload": pod.workload,
        "service_account": pod.service_account,
        "node": pod.node,
    }


def transaction_row(record: Row, attribution: Attribution | None) -> Row:
    """A transaction's own columns from its record, and its client's name."""
    return {
        **{name: record[name] for name in TRANSACTIONS.names if name in record},
        "transaction_id": record["record_id"],
        "squid_file": record["file"],
        "squid_line": record["line"],
        **identity(attribution.pod if attribution else None),
        "attribution": attribution.by if attribution else None,
        "workload_confidence": attribution.confidence if attribution else None,
    }


def connection_row(record: Row, owner: Pod | None, host: str | None) -> Row:
    """A connection's own columns from its record, and its pod's name."""
    return {
        **{name: record[name] for name in CONNECTIONS.names if name in record},
        "connection_id": record["record_id"],
        "envoy_file": record["file"],
        "envoy_line": record["line"],
        **identity(owner),
        "cluster": record["cluster"],
        "host": host,
    }


def to_table(table: Table, rows: Iterable[Row], *, sort: str | None = None) -> pa.Table:
    """The rows as Arrow; columns a row lacks are null. Sorted by (end, id) where ``sort`` is the id."""
    arrow = table_of(table, rows)
    return arrow.sort_by([("end", "ascending"), (sort, "ascending")]) if sort else arrow


def transactions_table(rows: Iterable[Row]) -> pa.Table:
    """The transactions, sorted by (end, transaction_id)."""
    return to_table(TRANSACTIONS, rows, sort="transaction_id")


def connections_table(rows: Iterable[Row]) -> pa.Table:
    """The connections, sorted by (end, connection_id)."""
    return to_table(CONNECTIONS, rows, sort="connection_id")


def candidates_table(rows: Iterable[Row]) -> pa.Table:
    """The candidates, by transaction and rank; one weight column per kind of evidence."""
    return to_table(CANDIDATES, rows)


def weight_columns(weights: dict[str, float]) -> Row:
    """The evidence columns of one candidate."""
    return {f"{kind}_weight": weights[kind] for kind in EVIDENCE}
