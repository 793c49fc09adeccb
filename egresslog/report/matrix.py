"""transactions -> matrix: one row per mesh client and external host."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any  # Any also for pyarrow.compute, whose stubs refuse plain scalars

from egresslog.schema import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("tunnels", "requests", "denied", "auth", "failed", "unclear")
NO_CLIENT = "(unknown)"

_KEY = ("cluster", "namespace", "workload", "client", "host", "port")
_ORDER = ("cluster", "namespace", "client", "host", "port", "workload")

MATRIX = Table(
    "matrix",
    (
        Column("cluster", "string", "mesh cluster of the client"),
        Column("namespace", "string", "namespace of the client, where it could be named"),
        Column("workload", "string", "workload of the client, where it could be named"),
        Column("client", "string", "workload, else pod, else address, else (unknown)", nullable=False),
        Column("host", "string", "requested host"),
        Column("port", "int64", "requested port"),
        Column("transactions", "int64", "Squid records: the sum of the six outcomes", nullable=False),
        Column("tunnels", "int64", "CONNECT answered 2xx", nullable=False),
        Column("requests", "int64", "requests other than CONNECT, not refused", nullable=False),
        Column("denied", "int64", "TCP_DENIED, or CONNECT answered 403; no 407", nullable=False),
        Column("auth", "int64", "407: the client was asked for credentials", nullable=False),
        Column("failed", "int64", "CONNECT with any other status, 0 included", nullable=False),
        Column("unclear", "int64", "method unknown, or CONNECT with an unknown status", nullable=False),
        Column("bytes_up", "int64", "client to host, where known", "bytes"),
        Column("bytes_up_known", "int64", "records bytes_up covers", nullable=False),
        Column("bytes_down", "int64", "host to client, where known", "bytes"),
        Column("first", "timestamp", "earliest end of a record", "us"),
        Column("last", "timestamp", "latest end of a record", "us"),
        Column("ambiguous", "int64", "records with several possible connections", nullable=False),
        Column("unlinked", "int64", "records with no connection at all", nullable=False),
    ),
)


def matrix(transactions: pa.Table, connections: pa.Table | None = None, *, ports: bool = True) -> pa.Table:
    """Count tunnels, refusals and bytes per client, host and port (columns: ``MATRIX``).

    Every transaction counts in exactly one outcome, and bytes of refusals count too. With
    ``connections``, the bytes up of a connection that carried several records of one row are
    added once, for all these records. Rows are sorted by cluster, namespace, client, host, port.

    Without ``ports`` there is a row per client and host, and ``port`` is null: bytes up then include
    connections that carried records of one host on several ports.
    """
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    records = _records(transactions)
    if not ports:
        nothing = pa.nulls(len(records), MATRIX.arrow().field("port").type)
        records = records.set_column(records.schema.get_field_index("port"), "port", nothing)
    parts = [records] if connections is None else [records, _shared(records, connections)]
    rows = _grouped(pa.concat_tables(parts, promote_options="default"))
    order = pc.sort_indices(rows, [(name, "ascending") for name in _ORDER])  # nulls at the end
    return rows.take(order).select(MATRIX.names).cast(MATRIX.arrow())


def _records(transactions: pa.Table) -> pa.Table:
    """One row per transaction: its key, what it adds to each count, and its connection."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute

    column: Callable[[str], Any] = transactions.column
    client = pc.coalesce(column("workload"), column("pod"), column("client_address"), NO_CLIENT)
    outcome, link = _outcome(transactions), column("link")
    ones = {name: pc.cast(pc.equal(outcome, name), pa.int64()) for name in OUTCOMES}
    return pa.table(
        {
            **{name: client if name == "client" else column(name) for name in _KEY},
            **ones,
            "transactions": pa.repeat(pa.scalar(1, pa.int64()), len(transactions)),
            "bytes_up": column("bytes_up"),
            "bytes_up_known": pc.cast(pc.is_valid(column("bytes_up")), pa.int64()),
            "bytes_down": column("bytes_down"),
            "end": column("end"),
            "ambiguous": pc.cast(pc.equal(link, "ambiguous"), pa.int64()),
            "unlinked": pc.cast(pc.equal(link, "none"), pa.int64()),
            "connection_id": column("connection_id"),
        }
    )


def _outcome(transactions: pa.Table) -> pa.ChunkedArray[Any]:
    """Which of ``OUTCOMES`` each transaction is.

    407 comes first: the answer to it is usually a 200 in the next record. A 403 counts as a denial
    only for CONNECT: for other methods it may be the host's own answer.
    """
    import pyarrow.compute

    pc: Any = pyarrow.compute
    status = transactions.column("status")
    refused = pc.match_substring(transactions.column("result"), "DENIED")
    connect = pc.equal(pc.utf8_upper(transactions.column("method")), "CONNECT")
    outcome: pa.ChunkedArray[Any] = pc.if_else(pc.is_valid(connect), "requests", "unclear")
    for condition, name in (
        (connect, "unclear"),
        (pc.and_(connect, pc.is_valid(status)), "failed"),
        (pc.and_(connect, pc.equal(pc.divide(status, 100), 2)), "tunnels"),
        (pc.or_kleene(refused, pc.and_(connect, pc.equal(status, 403))), "denied"),
        (pc.equal(status, 407), "auth"),
    ):  # each one overrules those before it
        outcome = pc.if_else(pc.fill_null(condition, False), name, outcome)
    return outcome


def _shared(records: pa.Table, connections: pa.Table) -> pa.Table:
    """Bytes up of connections that counted what their records did not, all in one row of the matrix."""
    import pyarrow.compute

    pc: Any = pyarrow.compute

    linked = records.filter(pc.is_valid(records["connection_id"]))
    together = linked.group_by(["connection_id", *_KEY], use_threads=False).aggregate(
        [("transactions", "sum"), ("bytes_up_known", "sum")]
    )
    places = pc.index_in(together["connection_id"], connections["connection_id"])
    carried = connections.select(["transactions", "bytes_received"]).take(places)
    alone = pc.and_(
        pc.equal(carried["transactions"], together["transactions_sum"]),
        pc.equal(together["bytes_up_known_sum"], 0),
    )
    shared = together.select(list(_KEY))
    shared = shared.append_column("bytes_up", carried["bytes_received"])
    shared = shared.append_column("bytes_up_known", carried["transactions"])
    return shared.filter(pc.and_(alone, pc.is_valid(carried["bytes_received"])))


def _grouped(records: pa.Table) -> pa.Table:
    """Sum up per key; a total of which nothing is known is null."""
    import pyarrow.compute

    pc: Any = pyarrow.compute

    sums = ("transactions", *OUTCOMES, "bytes_up", "bytes_up_known", "bytes_down", "ambiguous", "unlinked")
    null_if_none = pc.ScalarAggregateOptions(min_count=1)
    rows = records.group_by(list(_KEY), use_threads=False).aggregate(
        [*((name, "sum", null_if_none) for name in sums), ("end", "min"), ("end", "max")]
    )
    names = {f"{name}_sum": name for name in sums} | {"end_min": "first", "end_max": "last"}
    return rows.rename_columns([names.get(name, name) for name in rows.column_names])
