"""A small simulator of Squid behind Envoy sidecars, with the truth: both tables for `correlate`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, TransactionColumns

Columns = TypeVar("Columns", TransactionColumns, ConnectionColumns)
EPOCH_US = 1_795_000_000_000_000
DENIED_PAGE = (3_584, 3_590, 3_601)


@dataclass(frozen=True)
class World:
    """What is simulated; shares are probabilities per connection or per line."""

    connections: int = 2_000
    rate: float = 130.0  # connections per second, all groups together
    groups: int = 6
    repeated: float = 0.7  # sizes drawn from a few
    origin_first: float = 0.3  # the origin closes first and Envoy's connection lives on
    kinds: tuple[tuple[str, float], ...] = (
        ("tunnel", 0.88), ("auth", 0.03), ("keep_alive", 0.03), ("denied", 0.02),
        ("failed", 0.02), ("empty", 0.01), ("aborted", 0.01),
    )  # fmt: skip
    lost_lines: float = 0.003
    lost_connections: float = 0.003
    offset_us: int = 0  # Squid minus Envoy
    port: bool = False  # Squid logs the client port and %>st
    coarse: bool = False  # whole seconds and no elapsed, as in the combined format
    one_address: bool = False  # source NAT: everything in one group, ports rewritten
    seed: int = 0


@dataclass(frozen=True)
class Logs:
    """Both sides and, for each transaction, the row of the connection that carried it or -1."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    truth: NDArray[np.int64]


@dataclass(frozen=True)
class _Line:
    start: int  # ms after the connection's start
    end: int
    down: int
    up: int
    status: int = 200
    connect: bool = True


@dataclass(frozen=True)
class _Carried:
    lines: list[_Line]
    end: int  # ms, the connection's
    sent: int
    received: int


def simulate(world: World) -> Logs:
    """Both logs of the world, in order of their ends, with the truth."""
    draw = np.random.default_rng(world.seed)
    client = _Client(world, draw)
    names, chances = zip(*world.kinds, strict=True)
    picks = draw.choice(len(names), size=world.connections, p=chances)
    starts = np.cumsum(draw.exponential(1_000 / world.rate, world.connections)).astype(np.int64)
    lines: list[tuple[int, ...]] = []
    others: list[tuple[int, ...]] = []
    for pick, start in zip(picks.tolist(), starts.tolist(), strict=True):
        group, port = int(draw.integers(world.groups)), int(draw.integers(32_768, 61_000))
        carried = getattr(client, names[pick])()
        at = len(others)
        if draw.random() < world.lost_connections:
            at = -1
        else:
            others.append((group, start, start + carried.end, port, carried.sent, carried.received))
        for line in carried.lines:
            if draw.random() >= world.lost_lines:
                row = (group, start + line.start, start + line.end, port, line.down, line.up)
                lines.append((*row, line.status, line.connect, at))
    return _columns(world, np.array(lines, dtype=np.int64), np.array(others, dtype=np.int64), draw)


@dataclass(frozen=True)
class Polls:
    """Pods that ask for the same bytes again and again, and a little else; times in seconds."""

    groups: int = 8
    period: float = 30.0
    jitter: float = 0.001
    others: int = 0  # tunnels of sizes of their own, per group
    envoy: tuple[float, float] = (0.0, 3_600.0)  # what each log covers, on a common clock
    squid: tuple[float, float] = (300.0, 3_900.0)
    offset_us: int = 0
    port: bool = False
    seed: int = 0


def poll(polls: Polls) -> Logs:
    """Both logs of the polls, each cut to what it covers, with the truth."""
    draw = np.random.default_rng(polls.seed)
    last = max(polls.envoy[1], polls.squid[1])
    times, groups, sizes = [], [], []
    for group in range(polls.groups):
        steps = polls.period + draw.uniform(-polls.jitter, polls.jitter, int(last / polls.period))
        regular = draw.uniform(0, polls.period) + np.cumsum(steps)
        times += [regular, draw.uniform(0, last, polls.others)]
        sizes += [np.full(len(regular), 5_000), draw.integers(2_000, 60_000, polls.others)]
        groups += [np.full(len(regular) + polls.others, group)]
    return _cut(polls, *(np.concatenate(part) for part in (times, groups, sizes)), draw)


def _cut(
    polls: Polls,
    time: NDArray[np.float64],
    group: NDArray[np.int64],
    size: NDArray[np.int64],
    draw: np.random.Generator,
) -> Logs:
    start, lasting = (time * 1_000).astype(np.int64), draw.integers(80, 120, len(time))
    port = 32_768 + np.arange(len(time))
    request, delay = np.full(len(time), 460), draw.integers(1, 4, len(time))
    others = np.stack([group, start, start + lasting, port, size, request], axis=1)
    in_envoy, in_squid = ((time >= low) & (time < high) for low, high in (polls.envoy, polls.squid))
    at = np.where(in_envoy, np.cumsum(in_envoy) - 1, -1)
    ok = np.full(len(time), 200), np.ones(len(time), dtype=np.int64)
    lines = np.stack([group, start + delay, start + lasting, port, size, request, *ok, at], axis=1)
    world = World(offset_us=polls.offset_us, port=polls.port)
    return _columns(world, lines[in_squid], others[in_envoy], draw)


def shuffled(logs: Logs, seed: int) -> tuple[Logs, NDArray[np.int64], NDArray[np.int64]]:
    """The same logs in another order of rows, with the old row of each new one on both sides."""
    draw = np.random.default_rng(seed)
    lines, others = draw.permutation(len(logs.transactions)), draw.permutation(len(logs.connections))
    back = np.append(np.argsort(others), -1)
    return (
        Logs(rows(logs.transactions, lines), rows(logs.connections, others), back[logs.truth[lines]]),
        lines,
        others,
    )


def rows(columns: Columns, picked: NDArray[np.int64]) -> Columns:
    """The picked rows of either table."""
    taken = {field.name: getattr(columns, field.name)[picked] for field in dataclasses.fields(columns)}
    return dataclasses.replace(columns, **taken)


def _columns(
    world: World, lines: NDArray[np.int64], others: NDArray[np.int64], draw: np.random.Generator
) -> Logs:
    lines, others = lines.T, others.T
    milli = 1_000
    offset = world.offset_us
    start, end = (EPOCH_US + lines[row] * milli + offset for row in (1, 2))
    if world.coarse:
        start, end = np.full(len(end), MISSING_TIME), end // 1_000_000 * 1_000_000
    nothing = np.full(len(end), MISSING)
    port = draw.permutation(lines[3]) if world.one_address else lines[3]
    group = np.zeros_like(lines[0]) if world.one_address else lines[0]
    other_group = np.zeros_like(others[0]) if world.one_address else others[0]
    transactions = TransactionColumns(
        group=group,
        instance=np.zeros_like(group),
        start=start,
        end=end,
        resolution=np.full(len(end), 1_000_000 if world.coarse else 1_000),
        port=port if world.port else nothing,
        bytes_down=lines[4],
        bytes_up=lines[5] if world.port else nothing,
        status=lines[6],
        connect=lines[7].astype(bool),
        host=nothing,
    )
    connections = ConnectionColumns(
        group=other_group,
        start=EPOCH_US + others[1] * milli,
        end=EPOCH_US + others[2] * milli,
        port=others[3],
        bytes_sent=others[4],
        bytes_received=others[5],
        host=np.full(len(others[0]), MISSING),
        clock=np.zeros_like(others[0]),
        route=np.zeros_like(others[0]),
    )
    return _by_end(Logs(transactions, connections, lines[8]))


def _by_end(logs: Logs) -> Logs:
    lines = np.argsort(logs.transactions.end, kind="stable")
    others = np.argsort(logs.connections.end, kind="stable")
    back = np.append(np.argsort(others), -1)
    return Logs(rows(logs.transactions, lines), rows(logs.connections, others), back[logs.truth[lines]])


class _Client:
    """Draws what one connection carries; a method for each kind in ``World.kinds``."""

    def __init__(self, world: World, draw: np.random.Generator) -> None:
        self.world, self.draw = world, draw
        self.common = np.random.default_rng(7).integers(900, 60_000, 8)

    def tunnel(self) -> _Carried:
        start = self._delay()
        return self._alone(_Line(start, start + self._lasting(), self._size(), self._request()))

    def denied(self) -> _Carried:
        start = self._delay()
        return self._alone(_Line(start, start, int(self.draw.choice(DENIED_PAGE)), 145, 403))

    def failed(self) -> _Carried:
        start = self._delay()
        line = _Line(start, start + int(self.draw.exponential(50.0)), 0, 145, 503)
        return self._alone(line, page=int(self.draw.choice([3_359, 3_659, 3_671])))

    def empty(self) -> _Carried:
        start = int(self.draw.uniform(20, 500))
        return _Carried([_Line(start, start, 0, 0, 0, False)], start, 0, 0)

    def aborted(self) -> _Carried:
        start = self._delay()
        line = _Line(start, start + self._lasting(), int(self.draw.lognormal(13, 1)), self._request())
        return _Carried([line], line.end, max(39, line.down - int(self.draw.lognormal(10, 2))), line.up)

    def auth(self) -> _Carried:
        start = self._delay()
        asked = _Line(start, start, int(self.draw.choice(DENIED_PAGE)), 145, 407)
        return self._several([asked], 1, connect=True)

    def keep_alive(self) -> _Carried:
        return self._several([], int(self.draw.integers(2, 7)), connect=False)

    def _several(self, first: list[_Line], count: int, connect: bool) -> _Carried:
        found, now = list(first), first[-1].end if first else self._delay()
        for number in range(count):
            begin = now + (int(self.draw.exponential(60.0)) if found or number else 0)
            now = begin + (self._lasting() if connect else int(self.draw.exponential(5.0)))
            found.append(_Line(begin, now, self._size(), self._request(), 200, connect))
        sums = sum(line.down for line in found), sum(line.up for line in found)
        return _Carried(found, now + self._closing(), *sums)

    def _alone(self, line: _Line, page: int = 0) -> _Carried:
        return _Carried([line], line.end + self._closing(), line.down + page, line.up)

    def _size(self) -> int:
        if self.draw.random() < self.world.repeated:
            return int(self.draw.choice(self.common))
        return int(39 + self.draw.lognormal(8.5, 1.3))

    def _delay(self) -> int:
        return int(self.draw.exponential(50.0 if self.draw.random() < 0.03 else 1.5))

    def _lasting(self) -> int:
        return int(min(120_000.0, self.draw.lognormal(5.5, 1.6)))

    def _closing(self) -> int:
        if self.draw.random() < self.world.origin_first:
            return int(self.draw.lognormal(6.0, 2.0))
        return int(self.draw.exponential(0.7))

    def _request(self) -> int:
        more = int(self.draw.integers(300, 2_000)) if self.draw.random() < 0.9 else 0
        return int(self.draw.integers(140, 160)) + more
