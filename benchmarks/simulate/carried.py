"""What connections carry, kind by kind: their ends, bytes and lines. Times are us after their starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from egresslog.linking.model import Floats, Ints
from simulate.draw import DENIED_PAGES, FAILED_PAGES, HEAD_BYTES, MS, Draw

_REQUEST = 145  # bytes of a CONNECT head alone
_FOLLOWED = 24  # a last TLS record that Squid does not count
_ASK, _GET, _TUNNEL = range(3)


@dataclass(frozen=True)
class Lines:
    """Squid's lines, one element each; ``at`` is the row of the connection."""

    at: Ints
    start: Ints
    end: Ints
    down: Ints
    up: Ints
    status: Ints
    connect: Ints


@dataclass(frozen=True)
class Carried:
    """Connections, one element each, and their lines."""

    end: Ints
    sent: Ints
    received: Ints
    lines: Lines


def tunnel(draw: Draw, n: int) -> Carried:
    start = draw.delay(n)
    lines = _one(start, start + draw.lasting(n), draw.size(n), draw.request(n), 200)
    return _closed(lines, draw.closing(n), more=np.where(draw.happens(n, 0.0003), _FOLLOWED, 0))


def poll(draw: Draw, n: int) -> Carried:
    start = draw.delay(n)
    lasting = draw.random.uniform(80 * MS, 120 * MS, n)
    return _closed(_one(start, start + lasting, draw.size(n), draw.request(n), 200), draw.app_closing(n))


def denied(draw: Draw, n: int) -> Carried:
    """403 and 407; and 400, where Squid counts only the rest of the request that it could not read."""
    start, bad = draw.delay(n), draw.happens(n, 0.02)
    status = np.where(bad, 400, draw.choice(n, (403, 403, 407)))
    up = np.where(bad, 6, _REQUEST)
    lines = _one(start, start + draw.exponential(n, 0.5 * MS), draw.choice(n, DENIED_PAGES), up, status)
    carried = _closed(lines, draw.mixed(n, 0.7 * MS, 0.05, 18 * MS))
    return Carried(carried.end, carried.sent, carried.received + np.where(bad, 40, 0), lines)


def failed(draw: Draw, n: int) -> Carried:
    """The client got a page, Squid counts nothing."""
    start = draw.delay(n)
    waited = draw.mixed(n, 50 * MS, 0.05, 4_000 * MS)
    lines = _one(start, start + waited, np.zeros(n), np.full(n, _REQUEST), draw.choice(n, (500, 503, 503)))
    return _closed(lines, draw.app_closing(n), more=draw.choice(n, FAILED_PAGES))


def empty(draw: Draw, n: int) -> Carried:
    """Connected and closed without a word: Squid's line begins when the client has gone."""
    start, nothing = draw.random.uniform(20 * MS, 544 * MS, n), np.zeros(n)
    return _closed(_one(start, start, nothing, nothing, 0, connect=0), draw.app_closing(n))


def aborted(draw: Draw, n: int) -> Carried:
    """The client left during a download: mostly Squid had written more than Envoy read."""
    start = draw.delay(n)
    down = draw.random.lognormal(13, 1, n).astype(np.int64)
    lines = _one(start, start + draw.lasting(n), down, draw.request(n), 200)
    unread = np.where(draw.happens(n, 0.38), draw.random.lognormal(10, 2, n), 0).astype(np.int64)
    sent = np.maximum(HEAD_BYTES, down - unread)
    return _closed(lines, -draw.mixed(n, 1.0 * MS, 0.05, 12 * MS), more=sent - down)


def reset(draw: Draw, n: int) -> Carried:
    """The client reset before Squid had connected: Squid's line ends seconds later."""
    start, waiting = draw.delay(n), draw.exponential(n, 500 * MS)
    later = draw.random.uniform(3_048 * MS, 3_372 * MS, n)
    lines = _one(start, start + waiting + later, np.zeros(n), np.full(n, _REQUEST), 503)
    return _closed(lines, -later)


def auth(draw: Draw, n: int) -> Carried:
    """Asked for a password once or twice, or refused, and then let through; or asked three times."""
    counts = 2 + draw.happens(n, 0.15).astype(np.int64)
    lines, number = _numbered(counts)
    last = (number == counts[lines] - 1) & ~((counts == 3) & draw.happens(n, 0.3))[lines]
    return _several(draw, counts, np.where(last, _TUNNEL, _ASK))


def keep_alive(draw: Draw, n: int) -> Carried:
    counts = draw.random.integers(2, 7, n)
    return _several(draw, counts, np.full(int(counts.sum()), _GET))


def mixed(draw: Draw, n: int) -> Carried:
    """HTTP and then CONNECT on one connection."""
    counts = draw.random.integers(2, 4, n)
    lines, number = _numbered(counts)
    return _several(draw, counts, np.where(number == counts[lines] - 1, _TUNNEL, _GET))


CARRY: dict[str, Callable[[Draw, int], Carried]] = {
    "tunnel": tunnel, "auth": auth, "keep_alive": keep_alive, "mixed": mixed, "denied": denied,
    "failed": failed, "empty": empty, "aborted": aborted, "reset": reset, "retry": tunnel, "poll": poll,
}  # fmt: skip


def _one(
    start: Floats, end: Floats, down: Ints | Floats, up: Ints | Floats, status: Ints | int, connect: int = 1
) -> Lines:
    n = len(start)
    columns = [values.astype(np.int64) for values in (start, end, down, up)]
    filled = [np.broadcast_to(np.asarray(value, np.int64), n) for value in (status, connect)]
    return Lines(np.arange(n), *columns, *filled)


def _closed(lines: Lines, closing: Floats, more: Ints | int = 0) -> Carried:
    end = np.maximum(lines.end + closing, 0).astype(np.int64)
    return Carried(end, lines.down + more, lines.up, lines)


def _numbered(counts: Ints) -> tuple[Ints, Ints]:
    """For each line its connection and its number there, from 0."""
    at = np.repeat(np.arange(len(counts)), counts)
    return at, np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)


def _several(draw: Draw, counts: Ints, what: Ints) -> Carried:
    at, number = _numbered(counts)
    first, total = np.flatnonzero(number == 0), len(at)
    pause = np.where(number == 0, draw.delay(total), draw.mixed(total, 60 * MS, 0.03, 2_000 * MS))
    lasting = _lasting(draw, what)
    run = np.cumsum(pause + lasting)
    end = run - (run - pause - lasting)[first][at]
    down = np.where(what == _ASK, draw.choice(total, DENIED_PAGES), draw.size(total))
    up = np.where(what == _ASK, _REQUEST, draw.request(total))
    status = np.where(what == _ASK, draw.choice(total, (407, 407, 407, 403)), 200)
    begun, ended = (end - lasting).astype(np.int64), end.astype(np.int64)
    lines = Lines(at, begun, ended, down, up, status, (what != _GET).astype(np.int64))
    last = lines.end[first + counts - 1] + draw.closing(len(counts))
    sent, received = (np.bincount(at, values, len(counts)).astype(np.int64) for values in (down, up))
    return Carried(np.maximum(last, 0).astype(np.int64), sent, received, lines)


def _lasting(draw: Draw, what: Ints) -> Floats:
    n = len(what)
    brief = draw.exponential(n, 1.0) * np.where(what == _ASK, 0.5 * MS, 5.0 * MS)
    return np.where(what == _TUNNEL, draw.lasting(n), brief)
