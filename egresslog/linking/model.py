"""What correlation works on: NumPy columns of both sides, candidates and their weights.

Times are int64 microseconds. A missing integer is -1; a missing time is ``MISSING_TIME``.
``group`` says which transactions and connections can meet at all: the same client address, or
the same node behind a source NAT. Row numbers (not ids) tie the arrays together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from egresslog.linking.evidence import Parameters

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MISSING = -1
MISSING_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class TransactionColumns:
    """Squid records that could be linked, one element each (all arrays have one length)."""

    group: Ints  # address group; -1 never meets anything
    instance: Ints  # Squid instance: each has a clock of its own
    start: Ints  # us, Squid's clock; MISSING_TIME where the format has no elapsed
    end: Ints  # us, Squid's clock
    resolution: Ints  # us: 1_000 or 1_000_000
    port: Ints  # client port, -1 when not logged
    bytes_down: Ints  # %<st, -1 when unknown
    bytes_up: Ints  # %>st, -1 when unknown
    status: Ints  # HTTP status, -1 when unknown
    connect: NDArray[np.bool_]  # method is CONNECT
    host: Ints  # requested host, numbered the same on both sides; -1 when unknown

    def __len__(self) -> int:
        return len(self.group)


@dataclass(frozen=True)
class ConnectionColumns:
    """Envoy connections to the proxy, one element each."""

    group: Ints
    start: Ints  # us, Envoy's clock
    end: Ints  # us, Envoy's clock
    port: Ints  # UPSTREAM_LOCAL_ADDRESS port, -1 when unknown
    bytes_sent: Ints  # to the client; compare with the sum of bytes_down
    bytes_received: Ints  # from the client; compare with the sum of bytes_up
    host: Ints  # host that the client named to Envoy (authority, SNI), -1 when unknown
    clock: Ints  # whose clock stamped it: the node's, else the pod's, else the log's
    route: Ints  # cluster and protocol by which Envoy reached the proxy: one way of counting bytes

    def __len__(self) -> int:
        return len(self.group)


Columns = TypeVar("Columns", TransactionColumns, ConnectionColumns)


def taken(columns: Columns, rows: Ints) -> Columns:
    """Some rows of either side, in their order."""
    return replace(columns, **{field.name: getattr(columns, field.name)[rows] for field in fields(columns)})


@dataclass(frozen=True)
class Settings:
    """What the caller may choose; everything else is learned from the data."""

    max_offset_us: int = 15 * 60 * 1_000_000  # largest clock offset looked for
    open_window_us: int = 400_000  # a connection's first line starts at most this much later
    lead_us: int = 20_000  # slack for clock error and for times printed in whole milliseconds
    idle_us: int = 60_000_000  # longest silence looked at between a connection's start and a line
    max_candidates: int = 48  # of one kind, of one transaction; the nearest in time are kept
    thorough: bool = True  # search long for the lines that share a connection


@dataclass(frozen=True)
class Segment:
    """A clock's error over a stretch of reference time: ``offset + slope * (t - at)``, in us."""

    begin: int  # us, reference time from which it holds; of the first it does not matter
    at: int  # us, reference time
    offset: int  # us ahead of the reference at ``at``
    slope: float = 0.0  # us per us; 1e-6 is 1 ppm


Track = tuple[Segment, ...]  # by ``begin``, at least one


@dataclass(frozen=True)
class ClockFit:
    """The clocks of one Squid instance and one Envoy host: ``offset`` is Squid minus Envoy in us.

    ``error`` (us) is how far the estimate itself may be off; ``spread`` (us) is how far true pairs
    lie apart, the usual delay of a start. ``offset`` is that of the middle of the logs where the
    clocks drift or were set; ``squid`` and ``envoy`` hold both clocks against the reference, empty
    for a steady one (Squid off by ``offset``, Envoy by 0).

    ``method`` is port or bytes; consensus, where the host has too few lines of its own, or they fit
    several offsets, and it is taken to agree with the others; refused, where several offsets explain
    the lines equally well: ``offset`` is the smallest, and it is not known whether it is right; none,
    where there was nothing to estimate from and 0 is assumed (``pairs`` is 0).
    """

    instance: int
    offset: int
    error: int
    pairs: int
    method: str
    host: int = MISSING  # ConnectionColumns.clock
    spread: int = 0
    drift: float = 0.0  # ppm of Squid against Envoy, in the longest segment
    zone: int = 0  # us: the part of ``offset`` that is a shift of whole quarters of an hour
    squid: Track = ()
    envoy: Track = ()

    @property
    def steps(self) -> int:
        """How often either clock was set or changed its rate."""
        return max(len(self.squid), 1) + max(len(self.envoy), 1) - 2


@dataclass(frozen=True)
class Pairs:
    """Candidate pairs sorted by (transaction, connection): evidence in log2 and its sum."""

    transaction: Ints
    connection: Ints
    weights: dict[str, Floats]  # one array for each kind in schema.EVIDENCE
    weight: Floats
    posterior: Floats

    def __len__(self) -> int:
        return len(self.transaction)

    @property
    def best_first(self) -> Ints:
        """The pairs by transaction, the likeliest first; of equally likely ones that of more evidence."""
        posterior = np.round(self.posterior, 6)
        return np.lexsort((self.connection, -self.weight, -posterior, self.transaction))


@dataclass(frozen=True)
class Model:
    """What was learned of both logs, to link others by it."""

    clocks: tuple[ClockFit, ...]
    parameters: Parameters
    port_shares: Mapping[int, float] | None = None  # by group: see Ports.share; None where not known


@dataclass(frozen=True)
class Links:
    """The result: one element per transaction in all arrays but ``pairs``.

    Probabilities take the clock for granted. Where its fit was refused, or the clock was set back and
    showed a time twice, a line without a surviving port is ambiguous at best, however sure its best
    candidate is at that offset.
    """

    connection: Ints  # row of the connection, -1 unless linked
    link: Ints  # index into schema.LINKS
    confidence: Floats  # posterior of the best candidate; 0 without candidates
    margin: Floats  # log2 odds of the best candidate to the runner-up or to none
    candidates: Ints  # number of candidates in ``pairs``
    none_posterior: Floats  # probability that none of its candidates carried it, 1 without candidates
    pairs: Pairs
    model: Model
    pruned: int  # candidates that were left out: no matching nearly as good as the best has them
    crowded: int  # lines with so many rivals that not all matchings were weighed
    moment: Ints  # us, reference time: start, or end where there is no start; MISSING_TIME without both
    timeless: NDArray[np.bool_]  # lines whose clock could not be told at their moment

    @property
    def clocks(self) -> tuple[ClockFit, ...]:
        """The fits of the clocks, by Squid instance and Envoy host."""
        return self.model.clocks

    def __len__(self) -> int:
        return len(self.connection)
