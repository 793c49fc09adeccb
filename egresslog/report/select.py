"""Filters on what is shown, after correlation: they never change a link."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.report.rows import Row, rows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Selection:
    """What to show: times in us (``since`` inclusive, ``until`` exclusive), names as shell patterns."""

    since: int | None = None
    until: int | None = None
    namespace: str | None = None
    workload: str | None = None
    host: str | None = None
    port: int | None = None

    @property
    def is_everything(self) -> bool:
        return self == Selection()


def select(transactions: pa.Table, chosen: Selection) -> pa.Table:
    """The transactions that end in the time chosen and match every name chosen.

    ``host`` matches the whole name; a pattern that begins with a dot matches a domain and all below it.
    """
    if chosen.is_everything:
        return transactions
    import pyarrow as pa

    listed = zip(rows(transactions), values_of(transactions, "end"), strict=True)
    return transactions.filter(pa.array([_fits(row, end, chosen) for row, end in listed], pa.bool_()))


def _fits(row: Row, end: int | None, chosen: Selection) -> bool:
    in_time = _in_time(end, chosen)
    names: list[tuple[str | None, str | None, Callable[[str, str], bool]]] = [
        (chosen.namespace, row["namespace"], fnmatch.fnmatchcase),
        (chosen.workload, row["workload"], fnmatch.fnmatchcase),
        (chosen.host, row["host"], _is_host),
    ]
    named = all(
        wanted is None or (given is not None and test(given, wanted)) for wanted, given, test in names
    )
    return in_time and named and chosen.port in (None, row["port"])


def _in_time(end: int | None, chosen: Selection) -> bool:
    if chosen.since is None and chosen.until is None:
        return True
    if end is None:
        return False
    return (chosen.since is None or end >= chosen.since) and (chosen.until is None or end < chosen.until)


def _is_host(host: str, wanted: str) -> bool:
    wanted = wanted.lower()
    if wanted.startswith("."):
        return host.endswith(wanted) or host == wanted[1:]
    return fnmatch.fnmatchcase(host, wanted)
