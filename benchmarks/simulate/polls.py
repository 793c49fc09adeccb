"""Logs of regular polls and little else, each cut to what it covers: worlds without a sure clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import MISSING, ConnectionColumns, Floats, Ints, TransactionColumns
from simulate.world import EPOCH_US, Logs, by_end

_MS = 1_000


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
    """Both logs of the polls, with the truth."""
    draw = np.random.default_rng(polls.seed)
    last = max(polls.envoy[1], polls.squid[1])
    times, groups, sizes = [], [], []
    for group in range(polls.groups):
        steps = polls.period + draw.uniform(-polls.jitter, polls.jitter, int(last / polls.period))
        regular = draw.uniform(0, polls.period) + np.cumsum(steps)
        times += [regular, draw.uniform(0, last, polls.others)]
        sizes += [np.full(len(regular), 5_000), draw.integers(2_000, 60_000, polls.others)]
        groups += [np.full(len(regular) + polls.others, group)]
    return _logs(polls, np.concatenate(times), np.concatenate(groups), np.concatenate(sizes), draw)


def _logs(polls: Polls, time: Floats, group: Ints, size: Ints, draw: np.random.Generator) -> Logs:
    start, lasting = (time * 1_000).astype(np.int64), draw.integers(80, 120, len(time))
    delay, port = draw.integers(1, 4, len(time)), 32_768 + np.arange(len(time))
    in_envoy, in_squid = ((time >= low) & (time < high) for low, high in (polls.envoy, polls.squid))
    at = np.where(in_envoy, np.cumsum(in_envoy) - 1, -1)
    columns = (group, start, start + lasting, port, size)
    ours = [column[in_squid] for column in (*columns, delay)]
    theirs = [column[in_envoy] for column in columns]
    return by_end(Logs(_transactions(polls, *ours), _connections(*theirs), at[in_squid]))


def _transactions(
    polls: Polls, group: Ints, start: Ints, end: Ints, port: Ints, size: Ints, delay: Ints
) -> TransactionColumns:
    zero, nothing = EPOCH_US + polls.offset_us, np.full(len(group), MISSING)
    return TransactionColumns(
        group=group,
        instance=np.zeros_like(group),
        start=zero + (start + delay) * _MS,
        end=zero + end * _MS,
        resolution=np.full(len(group), _MS),
        port=port if polls.port else nothing,
        bytes_down=size,
        bytes_up=np.full(len(group), 460) if polls.port else nothing,
        status=np.full(len(group), 200),
        connect=np.ones(len(group), dtype=bool),
        host=nothing,
    )


def _connections(group: Ints, start: Ints, end: Ints, port: Ints, size: Ints) -> ConnectionColumns:
    nothing = np.zeros_like(group)
    return ConnectionColumns(
        group=group,
        start=EPOCH_US + start * _MS,
        end=EPOCH_US + end * _MS,
        port=port,
        bytes_sent=size,
        bytes_received=np.full(len(group), 460),
        host=np.full(len(group), MISSING),
        clock=nothing,
        route=nothing,
    )
