"""Both sides on one clock, and what is looked up in them: built once, asked for any part of the lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import Index, shared_keys
from egresslog.linking.model import (
    MISSING_TIME,
    ConnectionColumns,
    Floats,
    Ints,
    Settings,
    TransactionColumns,
)
from egresslog.linking.sizes import Sizes

_PART = 16_384  # lines whose candidates are looked at together


@dataclass(frozen=True)
class Meeting:
    """Transactions (moved to Envoy's clock) and connections; groups and keys are numbered alike."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    settings: Settings

    @cached_property
    def _groups(self) -> tuple[Ints, Ints]:
        return shared_keys((self.transactions.group,), (self.connections.group,))

    @property
    def group(self) -> Ints:
        """The address group of each line."""
        return self._groups[0]

    @property
    def other_group(self) -> Ints:
        """The address group of each connection."""
        return self._groups[1]

    @cached_property
    def met(self) -> NDArray[np.bool_]:
        """Lines that can meet anything."""
        return np.asarray(self.transactions.group >= 0)

    @cached_property
    def timed(self) -> NDArray[np.bool_]:
        """Lines whose start is known."""
        return np.asarray(self.transactions.start != MISSING_TIME)

    @cached_property
    def first(self) -> Ints:
        """The earliest time (us) known of each line."""
        return np.where(self.timed, self.transactions.start, self.transactions.end)

    @cached_property
    def coarse(self) -> Ints:
        """What a printed time may lie before the true one (us), where it is more than a millisecond."""
        resolution = self.transactions.resolution
        return np.where(resolution > 1_000, resolution, 0)

    @cached_property
    def size_keys(self) -> tuple[Ints, Ints]:
        """Group and bytes down of each line, of each connection, as one number."""
        left = self.group, self.transactions.bytes_down
        return shared_keys(left, (self.other_group, self.connections.bytes_sent))

    @cached_property
    def starts(self) -> Index:
        """Connections by group and start."""
        return Index.build(self.other_group, self.connections.start)

    @cached_property
    def ends(self) -> Index:
        """Connections by group and end."""
        return Index.build(self.other_group, self.connections.end)

    @cached_property
    def same_size(self) -> Index:
        """Connections by group, bytes and start."""
        return Index.build(self.size_keys[1], self.connections.start)

    @cached_property
    def sent(self) -> Sizes:
        """How common a number of bytes to the client is."""
        return Sizes(self.other_group, self.connections.bytes_sent)

    @cached_property
    def counted(self) -> Sizes:
        """How common it is that a line counts a number of bytes to the client."""
        return Sizes(self.group, self.transactions.bytes_down)

    @cached_property
    def received(self) -> Sizes:
        """How common a number of bytes from the client is."""
        return Sizes(self.other_group, self.connections.bytes_received)

    @cached_property
    def ports(self) -> Sizes:
        """How common a port is."""
        return Sizes(self.other_group, self.connections.port)

    @cached_property
    def hosts(self) -> Sizes:
        """How common a host is."""
        return Sizes(self.other_group, self.connections.host)

    @cached_property
    def start_rate(self) -> Floats:
        """Connections of the group beginning per us around each line."""
        return self.starts.rate(self.group, self.first)

    @cached_property
    def end_rate(self) -> Floats:
        """Connections of the group ending per us around each line."""
        return self.ends.rate(self.group, self.transactions.end)

    @cached_property
    def in_order(self) -> Ints:
        """The lines by group and time, so that neighbours meet the same connections."""
        return np.lexsort((self.first, self.group))

    def parts(self) -> Iterator[Ints]:
        """All lines, some at a time."""
        for begin in range(0, len(self.in_order), _PART):
            yield self.in_order[begin : begin + _PART]

    def sample(self, runs: int, length: int) -> Ints:
        """Some lines that stand for all: ``runs`` stretches of ``length`` lines; all, where they are few."""
        if len(self.in_order) <= runs * length:
            return self.in_order
        begins = np.linspace(0, len(self.in_order) - length, runs).astype(np.int64)
        return np.unique(self.in_order[(begins[:, None] + np.arange(length)).ravel()])
