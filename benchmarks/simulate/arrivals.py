"""Which connections begin when, in which pod, and of what kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import MISSING, Ints
from simulate.draw import Draw
from simulate.world import KINDS, World

_SECOND = 1_000_000.0
_PORTS = (32_768, 28_231)  # the first of the range, and how many
_STRIDE = 7_919
_PERIODS = (10.0, 30.0, 30.0, 60.0)  # seconds, of the services that are polled
_JITTER = 2_000.0  # us


@dataclass(frozen=True)
class Arrivals:
    """Connections, one element each; times are us. ``down`` and ``up`` are -1 where not prescribed."""

    start: Ints
    group: Ints
    kind: Ints  # index into KINDS
    down: Ints
    up: Ints

    def __len__(self) -> int:
        return len(self.start)


def arrive(world: World, draw: Draw) -> Arrivals:
    """All connections in order of their starts, about ``world.connections`` of them."""
    retries, polls = (int(share * world.connections) for share in (world.retries, world.polls))
    usual = _usual(world, draw, world.connections - 2 * retries - polls)
    parts = [usual, *_retried(world, draw, retries), _polled(world, draw, polls)]
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("start", "group", "kind", "down", "up")
    ]
    order = np.argsort(columns[0], kind="stable")
    return Arrivals(*(column[order] for column in columns))


def seconds(world: World) -> float:
    """How long connections go on beginning."""
    return world.connections / world.rate


def ports(group: Ints) -> Ints:
    """Each pod goes round its port range; ``group`` is in order of the starts."""
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group)
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(_PORTS[0] + (rank * _STRIDE + group * 104_729) % _PORTS[1])


def _usual(world: World, draw: Draw, n: int) -> Arrivals:
    names, chances = zip(*world.kinds, strict=True)
    kind = np.array([KINDS.index(name) for name in names])[draw.random.choice(len(names), n, p=chances)]
    return _arrivals(world, draw, _begin(world, draw, n), kind)


def _retried(world: World, draw: Draw, n: int) -> tuple[Arrivals, Arrivals]:
    """Connections and, a moment later, their twins."""
    kind = np.full(n, KINDS.index("retry"))
    one = _arrivals(world, draw, _begin(world, draw, n), kind, draw.size(n), draw.request(n))
    later = one.start + draw.exponential(n, 30_000.0).astype(np.int64)
    return one, Arrivals(later, one.group, kind, one.down, one.up)


def _polled(world: World, draw: Draw, n: int) -> Arrivals:
    """Each service is polled by so many pods that they make ``n`` connections together."""
    lasting, times, who, size = seconds(world), [], [], []
    for service, period in enumerate(_PERIODS):
        pollers = round(n / len(_PERIODS) * period / lasting)
        ticks = period * np.arange(math.ceil(lasting / period))
        time = draw.random.uniform(0, period, (pollers, 1)) + ticks
        inside = time < lasting
        times.append(time[inside] * _SECOND)
        who.append(np.broadcast_to(draw.random.integers(0, world.groups, (pollers, 1)), time.shape)[inside])
        size.append(np.full(len(times[-1]), service))
    served = np.concatenate(size)
    start = np.concatenate(times) + draw.random.uniform(0, _JITTER, len(served))
    kind = np.full(len(served), KINDS.index("poll"))
    down, up = 3_000 + 1_717 * served, 460 + 13 * served
    return Arrivals(start.astype(np.int64), np.concatenate(who), kind, down, up)


def _begin(world: World, draw: Draw, n: int) -> Ints:
    """Times of a Poisson process: independent, uniform."""
    return np.sort(draw.random.uniform(0, seconds(world) * _SECOND, n)).astype(np.int64)


def _arrivals(
    world: World, draw: Draw, start: Ints, kind: Ints, down: Ints | None = None, up: Ints | None = None
) -> Arrivals:
    n, nothing = len(start), np.full(len(start), MISSING)
    group = draw.random.integers(0, world.groups, n)
    return Arrivals(start, group, kind, nothing if down is None else down, nothing if up is None else up)
