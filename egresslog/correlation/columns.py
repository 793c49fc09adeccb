"""Record tables -> the NumPy columns that linking works on, with an address group for each row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from egresslog.arrow import values_of
from egresslog.identity.inventory import Inventory
from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, Ints, TransactionColumns

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Columns:
    """Both sides as columns; ``rows`` are the Envoy rows behind the connections."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    rows: Ints
    instances: tuple[str, ...]  # names of the Squid instances, by number


def columns(squid: pa.Table, envoy: pa.Table, rows: Sequence[int], inventory: Inventory) -> Columns:
    """The columns of every Squid row and of the Envoy rows that went to the proxy."""
    import pyarrow as pa

    taken = envoy.take(pa.array(rows, pa.int64()))
    clients, locals_ = values_of(squid, "client_address"), values_of(taken, "upstream_local_address")
    squid_groups, envoy_groups = _groups(clients, locals_, inventory)
    names = tuple(sorted(set(values_of(squid, "proxy"))))
    numbers = {name: number for number, name in enumerate(names)}
    transactions = TransactionColumns(
        group=squid_groups,
        instance=np.array([numbers[name] for name in values_of(squid, "proxy")], dtype=np.int64),
        start=_filled(squid, "start", MISSING_TIME),
        end=_filled(squid, "end", MISSING_TIME),
        resolution=_filled(squid, "resolution", MISSING),
        port=_filled(squid, "client_port", MISSING),
        bytes_down=_filled(squid, "bytes_down", MISSING),
        bytes_up=_filled(squid, "bytes_up", MISSING),
        status=_filled(squid, "status", MISSING),
        connect=np.array([method == "CONNECT" for method in values_of(squid, "method")], dtype=bool),
    )
    connections = ConnectionColumns(
        group=envoy_groups,
        start=_filled(taken, "start", MISSING_TIME),
        end=_filled(taken, "end", MISSING_TIME),
        port=_filled(taken, "upstream_local_port", MISSING),
        bytes_sent=_filled(taken, "bytes_sent", MISSING),
        bytes_received=_filled(taken, "bytes_received", MISSING),
    )
    return Columns(_linkable(transactions), connections, np.array(rows, dtype=np.int64), names)


def _groups(
    clients: Sequence[str | None], locals_: Sequence[str | None], inventory: Inventory
) -> tuple[Ints, Ints]:
    """Equal numbers may meet: the same address, or the node that stands for a pod's address.

    Squid sees a node's address where the network translates pod addresses on their way out.
    """
    seen, own = {client for client in clients if client}, {local for local in locals_ if local}
    nodes = {address for address in seen if inventory.is_node(address) and address not in own}
    behind = {address: _node_of(address, nodes, inventory) for address in own - seen}
    keys = sorted({*seen, *own, *filter(None, behind.values())})
    numbers = {key: number for number, key in enumerate(keys)}
    left = [numbers[client] if client else MISSING for client in clients]
    right = [numbers[behind.get(local) or local] if local else MISSING for local in locals_]
    return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)


def _node_of(address: str, nodes: Collection[str], inventory: Inventory) -> str | None:
    """The node address, among those Squid saw, that this pod address goes out by."""
    holders = inventory.holders(address, None)
    found = {node for pod in holders for node in pod.node_addresses if node in nodes}
    return found.pop() if len(found) == 1 else None


def _linkable(transactions: TransactionColumns) -> TransactionColumns:
    """Without an end time a record meets nothing."""
    transactions.group[transactions.end == MISSING_TIME] = MISSING
    return transactions


def _filled(table: pa.Table, column: str, missing: int | np.int64) -> Ints:
    """An integer or time column, ``missing`` where null."""
    return np.array([missing if value is None else value for value in values_of(table, column)], np.int64)
