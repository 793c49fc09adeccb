"""Record tables -> the NumPy columns that linking works on, and who can meet whom."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from egresslog.arrow import rows_of, values_of
from egresslog.correlation.fates import named_host
from egresslog.correlation.groups import Addresses, Groups, find_groups
from egresslog.correlation.heads import answer_heads
from egresslog.correlation.tables import Row
from egresslog.identity.identify import Identities
from egresslog.identity.pods import Pod
from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, Ints, TransactionColumns
from egresslog.parse.values import is_address

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Columns:
    """Both sides as columns; ``rows`` are the Envoy rows behind the connections."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    groups: Groups
    rows: Ints
    instances: tuple[str, ...]  # names of the Squid instances, by number
    hosts: tuple[str, ...]  # names of the Envoy hosts with clocks of their own, by number
    heads: Ints  # per connection: bytes that Squid counts and its record does not


def columns(
    squid: pa.Table, envoy: pa.Table, rows: Sequence[int], identities: Identities, reach: int
) -> Columns:
    """The columns of every Squid row and of the Envoy rows that went to the proxy.

    ``reach`` (us): how far apart the clocks of both sides may be.
    """
    import pyarrow as pa

    taken = envoy.take(pa.array(rows, pa.int64()))
    records = rows_of(taken.select(_NAMED))
    hosts, others = _numbered(map(_name, values_of(squid, "host")), map(_name, map(named_host, records)))
    clients, instances = values_of(squid, "client_address"), values_of(squid, "proxy")
    names = tuple(sorted(set(instances)))
    numbers = {name: number for number, name in enumerate(names)}
    transactions = TransactionColumns(
        group=np.zeros(len(squid), dtype=np.int64),
        instance=np.array([numbers[name] for name in instances], dtype=np.int64),
        start=_filled(squid, "start", MISSING_TIME),
        end=_filled(squid, "end", MISSING_TIME),
        resolution=_filled(squid, "resolution", MISSING),
        port=_filled(squid, "client_port", MISSING),
        bytes_down=_filled(squid, "bytes_down", MISSING),
        bytes_up=_filled(squid, "bytes_up", MISSING),
        status=_filled(squid, "status", MISSING),
        connect=np.array([method == "CONNECT" for method in values_of(squid, "method")], dtype=bool),
        host=hosts,
    )
    stamped = list(_clocks(records, [identities.owners[row] for row in rows]))
    connections = ConnectionColumns(
        group=np.zeros(len(taken), dtype=np.int64),
        start=_filled(taken, "start", MISSING_TIME),
        end=_filled(taken, "end", MISSING_TIME),
        port=_filled(taken, "upstream_local_port", MISSING),
        bytes_sent=_filled(taken, "bytes_sent", MISSING),
        bytes_received=_filled(taken, "bytes_received", MISSING),
        host=others,
        clock=_numbered(stamped)[0],
        route=_numbered([(row["upstream_cluster"], row["method"]) for row in records])[0],
    )
    heads = answer_heads(transactions.bytes_down, connections.bytes_sent, connections.route)
    # Squid's bytes from the client hold the head of a CONNECT that Envoy wrote: they compare with nothing.
    connections = replace(
        connections,
        bytes_sent=connections.bytes_sent + heads,
        bytes_received=np.where(heads > 0, MISSING, connections.bytes_received),
    )
    addresses = Addresses(clients, instances, values_of(taken, "upstream_local_address"))
    groups = find_groups(addresses, identities.inventory, transactions, connections, reach)
    machines = tuple(map(_host_name, sorted(set(stamped), key=repr)))
    return Columns(
        _linkable(transactions), connections, groups, np.array(rows, dtype=np.int64), names, machines, heads
    )


def _linkable(transactions: TransactionColumns) -> TransactionColumns:
    """Without an end time a record meets nothing."""
    transactions.group[transactions.end == MISSING_TIME] = MISSING
    return transactions


_NAMED = ("file", "cluster", "node", "upstream_cluster", "method", "authority", "requested_server_name")


def _clocks(records: Iterable[Row], owners: Iterable[Pod | None]) -> Iterator[tuple[Hashable, ...]]:
    """Whose clock stamped each record: its node's, else its pod's, else that of its log."""
    for record, owner in zip(records, owners, strict=True):
        node = record["node"] or (owner.node if owner else None)
        host = node or (owner.key if owner else record["file"])
        yield record["cluster"], host


def _name(host: str | None) -> str | None:
    """A host's name; None for an address, which a client may ask Squid for and not tell Envoy."""
    return None if host is None or is_address(host) else host


def _host_name(host: tuple[Hashable, ...]) -> str:
    """The node, the pod with its namespace, or the log; with the cluster where it is named."""
    cluster, name = host
    parts = name[1:] if isinstance(name, tuple) else (name,)
    return "/".join(str(part) for part in (cluster, *parts) if part)


def _numbered(*sides: Iterable[Hashable]) -> tuple[Ints, ...]:
    """Each side's values as numbers, equal ones alike on all sides; -1 for None."""
    listed = [list(side) for side in sides]
    values = sorted({value for side in listed for value in side if value is not None}, key=repr)
    numbers: dict[Hashable, int] = {value: number for number, value in enumerate(values)}
    return tuple(np.array([numbers.get(value, MISSING) for value in side], np.int64) for side in listed)


def _filled(table: pa.Table, column: str, missing: int | np.int64) -> Ints:
    """An integer or time column, ``missing`` where null."""
    return np.array([missing if value is None else value for value in values_of(table, column)], np.int64)
