"""Which Envoys serve their own pod, although its address towards them is another: dual-stack pods.

An application connects by one address family, its sidecar goes on by the other. A gateway may do the
same, so differing families alone decide nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from egresslog.arrow import values_of
from egresslog.identity.owners import Log
from egresslog.identity.pods import Pod
from egresslog.parse.values import is_address

if TYPE_CHECKING:
    import pyarrow as pa

_LOOPBACK = ("127.", "::1")


@dataclass(frozen=True)
class OwnClients:
    """``certain``: by loopback or by the pod list; ``likely``: by what its log shows; by Envoy row."""

    certain: list[bool] = field(default_factory=list)
    likely: list[bool] = field(default_factory=list)


class _Row(NamedTuple):
    log: Hashable
    local: str | None
    remote: str | None
    as_asked: bool  # it went to the port that its client had asked for, as a sidecar does


def own_clients(envoy: pa.Table, owners: Sequence[Pod | None]) -> OwnClients:
    """Of each row whether its client is its own pod; ``owners``: the pod of each row."""
    rows = list(_rows(envoy))
    both = list(zip(rows, owners, strict=True))
    shown = _Shown.of(rows)
    return OwnClients(
        [_is_certain(row, owner) for row, owner in both],
        [not (owner and owner.addresses) and shown.is_likely(row) for row, owner in both],
    )


def _rows(envoy: pa.Table) -> Iterator[_Row]:
    ends = ("upstream_local_address", "downstream_remote_address", "downstream_local_port", "upstream_port")
    logs = zip(*(values_of(envoy, name) for name in Log._fields), strict=True)
    columns = zip(*(values_of(envoy, name) for name in ends), strict=True)
    for log, (local, remote, asked, got) in zip(logs, columns, strict=True):
        yield _Row(log, local, remote, asked is not None and asked == got)


def _is_certain(row: _Row, owner: Pod | None) -> bool:
    if row.remote is None:
        return False
    return row.remote.startswith(_LOOPBACK) or (owner is not None and row.remote in owner.addresses)


def _is_ipv6(address: str) -> bool:
    return ":" in address


@dataclass(frozen=True)
class _Shown:
    """What all rows show: each log's own addresses, its clients by family, and all Envoys' addresses."""

    own: dict[Hashable, set[str | None]]
    clients: dict[tuple[Hashable, bool], set[str]]
    everyone: set[str | None]

    @classmethod
    def of(cls, rows: Sequence[_Row]) -> _Shown:
        own: defaultdict[Hashable, set[str | None]] = defaultdict(set)
        clients: defaultdict[tuple[Hashable, bool], set[str]] = defaultdict(set)
        for row in rows:
            own[row.log].add(row.local)
            if row.remote is not None:
                clients[row.log, _is_ipv6(row.remote)].add(row.remote)
        return cls(own, clients, {row.local for row in rows})

    def is_likely(self, row: _Row) -> bool:
        """The other family's address is one of the log's own; or its only client, and no other Envoy's."""
        if row.local is None or row.remote is None or _is_ipv6(row.local) == _is_ipv6(row.remote):
            return False
        if not is_address(row.remote):
            return False  # a listener within this Envoy, that handed the connection on
        if row.remote in self.everyone:
            return row.remote in self.own[row.log]
        return row.as_asked and len(self.clients[row.log, _is_ipv6(row.remote)]) == 1
