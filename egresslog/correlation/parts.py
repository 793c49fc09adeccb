"""Several Envoy records of one connection: the last one is the connection, the others are parts of it.

Envoy writes more than one where it flushes on start, on connect or periodically (TcpProxy
access_log_options), and where a gateway hands a connection to a listener of its own
(``envoy://LISTENER/``): there the record that left the gateway counts.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any

_INTERNAL = "envoy://"
_SLACK = 1_000  # us: START_TIME is printed in ms
_CONNECTION = (
    "cluster", "namespace", "pod", "folder", "start", "downstream_remote_address", "downstream_remote_port",
    "downstream_local_address", "downstream_local_port",
)  # fmt: skip

Row = Mapping[str, Any]


def find_parts(envoy: Sequence[Row]) -> dict[int, int]:
    """Rows that are a part of a connection -> the row that is the connection."""
    parts = _flushed(envoy)
    inner = _handed_on([index for index in range(len(envoy)) if index not in parts], envoy)
    return parts | inner


def _flushed(envoy: Sequence[Row]) -> dict[int, int]:
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, row in enumerate(envoy):
        if (key := _key(row)) is not None:
            groups[key].append(index)
    several = (group for group in groups.values() if len(group) > 1)
    return {part: whole for group in several for part, whole in _parts_of(group, envoy)}


def _key(row: Row) -> Hashable | None:
    """What all records of one connection (of one request, where it is HTTP) share; None: not known.

    Ids are claims of the client, so they never join records that differ in anything else.
    """
    if row["start"] is None or row["downstream_remote_port"] is None:
        return None
    is_request = row["method"] is not None
    if is_request and (row["access_log_type"] is None or row["stream_id"] is None):
        return None  # requests of one connection can begin in one millisecond
    names = ("method", "path", "stream_id") if is_request else ()
    known = {**row, "folder": os.path.dirname(row["file"])}  # a rotated log goes on beside itself
    return tuple(known[name] for name in (*_CONNECTION, *names, "connection_number"))


def _parts_of(group: list[int], envoy: Sequence[Row]) -> list[tuple[int, int]]:
    if not _is_one([envoy[index] for index in group]):
        return []
    whole = max(group, key=lambda index: _lastness(envoy[index], index))
    return [(part, whole) for part in group if part != whole]


def _is_one(rows: Sequence[Row]) -> bool:
    """True where the records can be of one connection: it ends once, and what they count only grows."""
    if sum(_is_end(row) for row in rows) > 1:
        return False
    if any(row["access_log_type"] is None and row["resolution"] > _SLACK for row in rows):
        return False  # ports are used again within a second
    counts = ("duration", "bytes_sent", "bytes_received")
    grown = sorted(tuple(row[name] or 0 for name in counts) for row in rows if not _is_end(row))
    return all(later >= earlier for a, b in pairwise(grown) for earlier, later in zip(a, b, strict=True))


def _is_end(row: Row) -> bool:
    return str(row["access_log_type"] or "").endswith("End")


def _lastness(row: Row, index: int) -> tuple[bool, int, int, int]:
    return _is_end(row), row["end"] or 0, (row["bytes_sent"] or 0) + (row["bytes_received"] or 0), index


def _handed_on(rows: Sequence[int], envoy: Sequence[Row]) -> dict[int, int]:
    """Records of connections into a listener of the same Envoy -> the record of what came out of it."""
    inner: defaultdict[Hashable, list[int]] = defaultdict(list)
    outer: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index in rows:
        row = envoy[index]
        for side, name in ((inner, "downstream_local_address"), (outer, "upstream_address")):
            if row["start"] is not None and str(row[name]).startswith(_INTERNAL):
                side[row["file"], row[name], row["start"] // _SLACK].append(index)
    return {
        into: inner[key][0]
        for key, several in outer.items()
        for into in several
        if len(several) == len(inner[key]) == 1
    }
