"""A world's traffic: every connection and line as it happened, and then both logs as they tell it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.model import MISSING, MISSING_TIME, ConnectionColumns, Ints, TransactionColumns
from simulate.arrivals import Arrivals, arrive, ports, seconds
from simulate.carried import CARRY, Carried, Lines
from simulate.draw import MS, Draw
from simulate.world import EPOCH_US, KINDS, Logs, World, by_end

_SECOND = 1_000_000
_BETWEEN_US = 1_300_000  # clocks of one Squid and the next


@dataclass(frozen=True)
class Traffic:
    """What happened, on a common clock in us from the first moment; lines have absolute times."""

    arrivals: Arrivals
    end: Ints
    sent: Ints
    received: Ints
    port: Ints
    lines: Lines


def simulate(world: World) -> Logs:
    """Both logs of the world, in order of their ends, with the truth."""
    draw = Draw(world)
    traffic = carry(arrive(world, draw), draw)
    outside = draw.happens(len(traffic.end), world.outside)
    in_squid, in_envoy = _logged(world, traffic, draw)
    in_envoy &= ~outside
    address = np.where(outside, traffic.arrivals.group + world.groups, traffic.arrivals.group)
    if world.one_address:
        address = np.zeros_like(address)
    return by_end(_printed(world, traffic, address, in_squid, in_envoy, draw))


def carry(arrivals: Arrivals, draw: Draw) -> Traffic:
    """Everything the connections carry."""
    end, sent, received = (np.zeros(len(arrivals), np.int64) for _ in range(3))
    parts = []
    for number in np.unique(arrivals.kind):
        rows = np.flatnonzero(arrivals.kind == number)
        carried = _prescribed(CARRY[KINDS[number]](draw, len(rows)), arrivals, rows)
        end[rows] = arrivals.start[rows] + carried.end
        sent[rows], received[rows] = carried.sent, carried.received
        parts.append(_placed(carried.lines, arrivals, rows))
    names = [field.name for field in dataclasses.fields(Lines)]
    lines = Lines(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return Traffic(arrivals, end, sent, received, ports(arrivals.group), lines)


def _prescribed(carried: Carried, arrivals: Arrivals, rows: Ints) -> Carried:
    """Single lines with the bytes that their arrivals prescribe."""
    down, up = arrivals.down[rows], arrivals.up[rows]
    if not (down != MISSING).all() or len(carried.lines.at) != len(rows):
        return carried
    return Carried(carried.end, down, up, dataclasses.replace(carried.lines, down=down, up=up))


def _placed(lines: Lines, arrivals: Arrivals, rows: Ints) -> Lines:
    at = rows[lines.at]
    start = arrivals.start[at]
    return dataclasses.replace(lines, at=at, start=start + lines.start, end=start + lines.end)


def _logged(world: World, traffic: Traffic, draw: Draw) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which lines and which connections were written."""
    in_squid = ~draw.happens(len(traffic.lines.at), world.lost_lines)
    in_envoy = ~draw.happens(len(traffic.end), world.lost_connections)
    last = seconds(world) * _SECOND
    start, group, lines = traffic.arrivals.start, traffic.arrivals.group, traffic.lines
    for time in draw.random.uniform(0.2 * last, 0.8 * last, world.envoy_kills):
        killed = group == draw.random.integers(world.groups)
        in_envoy &= ~(killed & (start < time) & (traffic.end > time - _SECOND))
    for time in draw.random.uniform(0.2 * last, 0.8 * last, world.squid_kills):
        in_squid &= ~((lines.start < time) & (lines.end > time))
    if world.cut:
        in_squid, in_envoy = in_squid & (lines.end < last), in_envoy & (traffic.end < last)
    return in_squid, in_envoy


def _printed(
    world: World,
    traffic: Traffic,
    address: Ints,
    in_squid: NDArray[np.bool_],
    in_envoy: NDArray[np.bool_],
    draw: Draw,
) -> Logs:
    row = np.where(in_envoy, np.cumsum(in_envoy) - 1, -1)
    at = traffic.lines.at[in_squid]
    transactions = _transactions(world, traffic, address, in_squid, draw)
    connections = _connections(traffic, address, in_envoy)
    return Logs(transactions, connections, row[at], traffic.arrivals.kind[at])


def _connections(traffic: Traffic, address: Ints, kept: NDArray[np.bool_]) -> ConnectionColumns:
    """Envoy prints its start and its duration in whole milliseconds, cut off."""
    start, lasting = traffic.arrivals.start[kept], (traffic.end - traffic.arrivals.start)[kept]
    printed = EPOCH_US + _whole(start)
    nothing = np.zeros_like(start)
    return ConnectionColumns(
        group=address[kept],
        start=printed,
        end=printed + _whole(lasting),
        port=traffic.port[kept],
        bytes_sent=traffic.sent[kept],
        bytes_received=traffic.received[kept],
        host=np.full(len(start), MISSING),
        clock=nothing,
        route=nothing,
    )


def _transactions(
    world: World, traffic: Traffic, address: Ints, kept: NDArray[np.bool_], draw: Draw
) -> TransactionColumns:
    """Squid prints its end and what has elapsed, by its own clock."""
    taken = {one.name: getattr(traffic.lines, one.name)[kept] for one in dataclasses.fields(Lines)}
    lines = Lines(**taken)
    instance = draw.random.integers(0, world.instances, len(traffic.end))[lines.at]
    start, end = (_by_clock(world, time, instance) for time in (lines.start, lines.end))
    printed, nothing = EPOCH_US + _whole(end), np.full(len(end), MISSING)
    if world.coarse:
        start, printed = np.full(len(end), MISSING_TIME), printed // _SECOND * _SECOND
    else:
        start = printed - _whole(end - start)
    return TransactionColumns(
        group=address[lines.at],
        instance=instance,
        start=start,
        end=printed,
        resolution=np.full(len(end), _SECOND if world.coarse else 1_000),
        port=_ports(world, traffic, draw)[lines.at] if world.port else nothing,
        bytes_down=lines.down,
        bytes_up=lines.up if world.port else nothing,
        status=lines.status,
        connect=lines.connect.astype(bool),
        host=nothing,
    )


def _by_clock(world: World, time: Ints, instance: Ints) -> Ints:
    """A common time (us) as the Squid's clock shows it."""
    drift = (time * (world.drift_ppm * 1e-6)).astype(np.int64)
    step = np.where(time > seconds(world) * _SECOND / 2, world.step_us, 0)
    return np.asarray(time + world.offset_us + instance * _BETWEEN_US + drift + step)


def _ports(world: World, traffic: Traffic, draw: Draw) -> Ints:
    """Client ports as Squid sees them: behind source NAT another one, but for a share."""
    if not world.one_address:
        return traffic.port
    kept = draw.happens(len(traffic.port), world.kept_ports)
    return np.where(kept, traffic.port, draw.random.integers(1_024, 65_536, len(traffic.port)))


def _whole(time: Ints) -> Ints:
    return np.asarray(time // int(MS) * int(MS))
