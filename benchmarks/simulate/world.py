"""What is simulated, and what comes out: the columns of both logs and the truth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from egresslog.linking.model import ConnectionColumns, Ints, TransactionColumns, taken

EPOCH_US = 1_795_000_000_000_000
KINDS = (
    "tunnel", "auth", "keep_alive", "mixed", "denied", "failed", "empty", "aborted", "reset", "retry", "poll",
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What is simulated; shares are probabilities per connection or per line."""

    connections: int = 2_000
    rate: float = 130.0  # connections per second, all pods together
    groups: int = 6  # pods, each with an address of its own
    repeated: float = 0.7  # sizes drawn from a few
    origin_first: float = 0.3  # the origin closes first and Envoy's connection lives on
    kinds: tuple[tuple[str, float], ...] = (
        ("tunnel", 0.878), ("auth", 0.03), ("keep_alive", 0.025), ("mixed", 0.005), ("denied", 0.02),
        ("failed", 0.02), ("empty", 0.01), ("aborted", 0.01), ("reset", 0.002),
    )  # fmt: skip
    retries: float = 0.0  # share of connections made twice, a moment apart, with the same bytes
    polls: float = 0.0  # share of connections that ask for the same bytes at fixed intervals
    outside: float = 0.0  # share of connections of clients without sidecar
    lost_lines: float = 0.003  # Squid's lines lost at random
    lost_connections: float = 0.003  # Envoy's
    envoy_kills: int = 0  # a pod's Envoy is killed: open and unflushed connections are not logged
    squid_kills: int = 0  # Squid is killed: what is open is not logged
    cut: bool = False  # both logs stop when the last connection begins; open ones are in neither
    offset_us: int = 0  # Squid minus Envoy
    drift_ppm: float = 0.0  # Squid's clock gains this much
    step_us: int = 0  # and is set forward by this in the middle
    instances: int = 1  # Squids, the second 1.3 s ahead of the first, and so on
    port: bool = False  # Squid logs the client port and %>st
    coarse: bool = False  # whole seconds and no elapsed, as in the combined format
    one_address: bool = False  # source NAT or gateway: everything in one group, ports rewritten
    kept_ports: float = 0.0  # share of ports that survive it
    seed: int = 0

    def on_true_clocks(self) -> World:
        """The same traffic with Squid's clock equal to Envoy's."""
        return dataclasses.replace(self, offset_us=0, drift_ppm=0.0, step_us=0, instances=1)


@dataclass(frozen=True)
class Logs:
    """Both sides and, for each transaction, the row of the connection that carried it or -1."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    truth: Ints
    kind: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # index into KINDS; empty: not told


def reordered(logs: Logs, lines: Ints, others: Ints) -> Logs:
    """The same logs with their rows in the order of the old row numbers given for both sides."""
    back = np.append(np.argsort(others), -1)
    kind = logs.kind[lines] if len(logs.kind) else logs.kind
    sides = taken(logs.transactions, lines), taken(logs.connections, others)
    return Logs(*sides, back[logs.truth[lines]], kind)


def shuffled(logs: Logs, seed: int) -> tuple[Logs, Ints, Ints]:
    """The same logs in another order of rows, with the old row of each new one on both sides."""
    draw = np.random.default_rng(seed)
    lines, others = draw.permutation(len(logs.transactions)), draw.permutation(len(logs.connections))
    return reordered(logs, lines, others), lines, others


def by_end(logs: Logs) -> Logs:
    """Rows in the order in which they are written."""
    lines = np.argsort(logs.transactions.end, kind="stable")
    return reordered(logs, lines, np.argsort(logs.connections.end, kind="stable"))
