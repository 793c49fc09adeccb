"""Records of both sides on reference time, once the clocks are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from egresslog.arrow import values_of
from egresslog.correlation.columns import Columns
from egresslog.linking.align import host_tracks
from egresslog.linking.model import MISSING_TIME, Ints, Links
from egresslog.linking.tracks import read

if TYPE_CHECKING:
    import pyarrow as pa


def on_reference_time(squid: pa.Table, columns: Columns, links: Links) -> pa.Table:
    """Squid's records with ``end`` moved as far as their linked side was."""
    lines = columns.transactions
    shown = np.where(lines.start == MISSING_TIME, lines.end, lines.start)
    moved = np.where(lines.end == MISSING_TIME, MISSING_TIME, lines.end - shown + links.moment)
    return _with_times(squid, {"end": moved})


def envoys_on_reference_time(envoy: pa.Table, columns: Columns, links: Links) -> pa.Table:
    """Envoy's records with ``start`` and ``end`` moved by the clock of the host that wrote their log."""
    tracks = host_tracks(links.clocks)
    if not tracks:
        return envoy
    files = np.array(values_of(envoy, "file"))
    written = dict(zip(files[columns.rows].tolist(), columns.connections.clock.tolist(), strict=True))
    start, end = (_filled(envoy, name) for name in ("start", "end"))
    for file, host in written.items():
        if host in tracks:
            rows = np.flatnonzero((files == file) & (start != MISSING_TIME))
            moved = read(tracks[host], start[rows]).first - start[rows]
            start[rows] += moved
            end[rows] += np.where(end[rows] == MISSING_TIME, 0, moved)
    return _with_times(envoy, {"start": start, "end": end})


def _filled(table: pa.Table, column: str) -> Ints:
    values: Sequence[int | None] = values_of(table, column)
    return np.array([MISSING_TIME if value is None else value for value in values], dtype=np.int64)


def _with_times(table: pa.Table, columns: dict[str, Ints]) -> pa.Table:
    import pyarrow as pa

    for name, times in columns.items():
        field = table.schema.field(name)
        array = pa.array(times, mask=times == MISSING_TIME).cast(field.type)
        table = table.set_column(table.schema.get_field_index(name), field, array)
    return table
