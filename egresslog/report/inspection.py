"""The inspection: files, Squid instances, clocks, and the coverage of every pod's log. JSON types only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from egresslog.correlation.stage import Correlated
from egresslog.parse.logs import Logs
from egresslog.report.clocks import clock_entries
from egresslog.report.manifest import file_entry, population_entry, proxy_entries
from egresslog.report.rows import rows

if TYPE_CHECKING:
    import pyarrow as pa


def inspection(logs: Logs, result: Correlated) -> dict[str, Any]:
    """What was found: ``files``, ``instances``, ``clocks`` and ``coverage``, as lists of objects.

    Then the ``proxies`` and the ``population``, as in the manifest.
    """
    return {
        "files": [file_entry(report) for report in logs.files],
        "instances": list(_coverage(result.transactions, ("proxy",))),
        "clocks": clock_entries(result.clocks),
        "coverage": list(_coverage(result.connections, ("cluster", "namespace", "pod"))),
        "proxies": proxy_entries(result.proxies),
        "population": population_entry(result.population),
    }


def _coverage(table: pa.Table, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Records, first start and last end of each combination of names."""
    found: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows(table.select([*names, "start", "end"])):
        found[tuple(row[name] or "" for name in names)].append(row)
    for key, members in sorted(found.items()):
        starts = [row["start"] or row["end"] for row in members if row["start"] or row["end"]]
        ends = [row["end"] for row in members if row["end"]]
        named = {name: value or None for name, value in zip(names, key, strict=True)}
        yield named | {
            "records": len(members),
            "first": min(starts, default=None),
            "last": max(ends, default=None),
        }
