"""What others would write: joins by nearest time, and greedy matching of equal bytes.

All take logs at column level, know the client address only, and answer for every line they can.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pandas as pd
from simulate import Logs

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import MISSING_TIME, Ints

_WINDOW_US = 1_000_000  # of starts, in greedy matching
_MOST = 64  # connections of equal bytes looked at for one line


def nearest_start(logs: Logs) -> Ints:
    """pandas.merge_asof on the starts, nearest."""
    return _nearest(logs, "start")


def nearest_end(logs: Logs) -> Ints:
    """pandas.merge_asof on the ends, nearest."""
    return _nearest(logs, "end")


def duckdb_asof(logs: Logs) -> Ints:
    """DuckDB's ASOF JOIN: the latest connection that began before the line."""
    import duckdb

    tables = duckdb.connect()
    for name, frame in zip(("lines", "others"), _frame(logs, "start"), strict=True):
        tables.register(name, frame)
    found = tables.sql(
        "select lines.line, others.connection from lines asof join others"
        " on lines.address = others.address and lines.time >= others.time"
    )
    columns = found.fetchnumpy()
    return _answer(logs, np.asarray(columns["line"]), np.asarray(columns["connection"]))


def greedy_bytes(logs: Logs) -> Ints:
    """Pairs of equal bytes of one address within a second, taken in order of their distance."""
    ours, theirs = logs.transactions, logs.connections
    time = np.where(ours.start == MISSING_TIME, ours.end, ours.start)
    other = theirs.end if (ours.start == MISSING_TIME).any() else theirs.start
    key, other_key = shared_keys((ours.group, ours.bytes_down), (theirs.group, theirs.bytes_sent))
    ranges = window_join(key, time - _WINDOW_US, time + _WINDOW_US, other_key, other)
    left, right = ranges.nearest_last(_MOST).pairs()
    order = np.argsort(np.abs(time[left] - other[right]), kind="stable")
    return _taken(left[order], right[order], len(ours), len(theirs))


def methods(logs: Logs) -> dict[str, Callable[[Logs], Ints]]:
    """The baselines that these logs and this machine allow."""
    found: dict[str, Callable[[Logs], Ints]] = {"nearest end": nearest_end, "greedy bytes": greedy_bytes}
    if (logs.transactions.start != MISSING_TIME).all():
        found["nearest start"] = nearest_start
        if importlib.util.find_spec("duckdb"):
            found["DuckDB ASOF"] = duckdb_asof
    return found


def _frame(logs: Logs, time: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    ours, theirs = logs.transactions, logs.connections
    lines = pd.DataFrame({"address": ours.group, "time": getattr(ours, time), "line": np.arange(len(ours))})
    others = pd.DataFrame(
        {"address": theirs.group, "time": getattr(theirs, time), "connection": np.arange(len(theirs))}
    )
    return lines.sort_values("time"), others.sort_values("time")


def _nearest(logs: Logs, time: str) -> Ints:
    lines, others = _frame(logs, time)
    joined = pd.merge_asof(lines, others, on="time", by="address", direction="nearest")
    known = joined.dropna(subset="connection")
    return _answer(logs, known["line"].to_numpy(), known["connection"].to_numpy())


def _answer(logs: Logs, line: Ints, connection: Ints) -> Ints:
    found = np.full(len(logs.transactions), -1, dtype=np.int64)
    found[line] = connection
    return found


def _taken(left: Ints, right: Ints, lines: int, others: int) -> Ints:
    """Each line and each connection once, first come first served."""
    found, free = np.full(lines, -1, dtype=np.int64), np.ones(others, dtype=bool)
    for line, connection in zip(left.tolist(), right.tolist(), strict=True):
        if found[line] < 0 and free[connection]:
            found[line], free[connection] = connection, False
    return found
