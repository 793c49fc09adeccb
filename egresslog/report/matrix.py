"""transactions -> matrix: one row per mesh client and external host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any  # Any also for pyarrow.compute, whose stubs refuse plain scalars

from egresslog.errors import UsageError
from egresslog.schema import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("tunnels", "requests", "denied", "auth", "failed", "unclear")
NO_CLIENT = "(unknown)"

KEY = ("cluster", "namespace", "workload", "client", "host", "port")
# What each table of totals is by: one row per host and port, or per host.
TOTALS = {"matrix": KEY, "hosts": KEY[:-1]}
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


def matrix(transactions: pa.Table, connections: pa.Table | None = None, by: Sequence[str] = KEY) -> pa.Table:
    """Count tunnels, refusals and bytes per client, host and port (columns: ``MATRIX``).

    Every transaction counts in exactly one outcome, and bytes of refusals count too. With
    ``connections``, the bytes up of a connection that carried several records of one row, and no
    others, are added once, for all these records. Rows are sorted by cluster, namespace, client, host,
    port.

    ``by``: the columns of ``KEY`` to total by, the others are left out. Totals by fewer may know more
    bytes up: records of one connection that named one host on two ports are in one row without
    ``port``. Raises UsageError for other columns.
    """
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    key = _key(by)
    records = _records(transactions)
    parts = [records] if connections is None else [records, _shared(records, connections, key)]
    rows = _grouped(pa.concat_tables(parts, promote_options="default"), key)
    order = pc.sort_indices(rows, [(name, "ascending") for name in _ORDER if name in key])  # nulls at the end
    columns = [name for name in MATRIX.names if name in key or name not in KEY]
    schema = pa.schema([MATRIX.arrow().field(name) for name in columns])
    return rows.take(order).select(columns).cast(schema)


def _key(by: Sequence[str]) -> list[str]:
    """The columns named, in their own order."""
    if isinstance(by, str) or not by or set(by) - set(KEY):
        raise UsageError(f"no totals by {by!r}", hint=f"by some of {', '.join(KEY)}")
    return [name for name in KEY if name in by]


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
            **{name: client if name == "client" else column(name) for name in KEY},
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


def _shared(records: pa.Table, connections: pa.Table, key: list[str]) -> pa.Table:
    """Bytes up of connections that counted what their records did not, all in one row of the totals."""
    import pyarrow.compute

    pc: Any = pyarrow.compute

    linked = records.filter(pc.is_in(records["connection_id"], _shared_ids(connections)))
    together = linked.group_by(["connection_id", *key], use_threads=False).aggregate(
        [("transactions", "sum"), ("bytes_up_known", "sum")]
    )
    places = pc.index_in(together["connection_id"], connections["connection_id"])
    carried = connections.select(["transactions", "bytes_received"]).take(places)
    alone = pc.and_(
        pc.equal(carried["transactions"], together["transactions_sum"]),
        pc.equal(together["bytes_up_known_sum"], 0),
    )
    shared = together.select(key)
    shared = shared.append_column("bytes_up", carried["bytes_received"])
    shared = shared.append_column("bytes_up_known", carried["transactions"])
    return shared.filter(pc.and_(alone, pc.is_valid(carried["bytes_received"])))


def _shared_ids(connections: pa.Table) -> pa.ChunkedArray[Any]:
    """The connections whose records, as far as can be told, are all that they carried."""
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    flags = pc.binary_join(connections["flags"], "\n")
    found = pc.match_substring_regex(flags, r"(?m)^shared$")
    return connections.filter(found)["connection_id"].cast(pa.string())


def _grouped(records: pa.Table, key: list[str]) -> pa.Table:
    """Sum up per key; a total of which nothing is known is null."""
    import pyarrow.compute

    pc: Any = pyarrow.compute

    sums = ("transactions", *OUTCOMES, "bytes_up", "bytes_up_known", "bytes_down", "ambiguous", "unlinked")
    null_if_none = pc.ScalarAggregateOptions(min_count=1)
    rows = records.group_by(key, use_threads=False).aggregate(
        [*((name, "sum", null_if_none) for name in sums), ("end", "min"), ("end", "max")]
    )
    names = {f"{name}_sum": name for name in sums} | {"end_min": "first", "end_max": "last"}
    return rows.rename_columns([names.get(name, name) for name in rows.column_names])
