"""Filters on what is shown, after correlation: they never change a link."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egresslog.arrow import values_of

if TYPE_CHECKING:
    import pyarrow as pa

Test = Callable[[Any], bool]


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


def select(tables: Mapping[str, pa.Table], chosen: Selection) -> dict[str, pa.Table]:
    """The tables with the transactions chosen, and the connections chosen or that carried one of these.

    ``host`` matches the whole name; a pattern that begins with a dot matches a domain and all below it.
    """
    if chosen.is_everything:
        return dict(tables)
    transactions, connections = tables["transactions"], tables["connections"]
    shown = _only(transactions, _fits(transactions, chosen, "port"))
    carriers = set(values_of(shown, "connection_id"))
    ids = values_of(connections, "connection_id")
    fits = zip(_fits(connections, chosen, "upstream_port"), ids, strict=True)
    kept = [fit or name in carriers for fit, name in fits]
    return {**tables, "transactions": shown, "connections": _only(connections, kept)}


def _only(table: pa.Table, kept: list[bool]) -> pa.Table:
    import pyarrow as pa

    return table.filter(pa.array(kept, pa.bool_()))


def _fits(table: pa.Table, chosen: Selection, port: str) -> list[bool]:
    """For each row whether it meets every filter; what is unknown meets none."""
    fits = [True] * len(table)
    for column, test in _tests(chosen, port).items():
        values = values_of(table, column)
        fits = [fit and value is not None and test(value) for fit, value in zip(fits, values, strict=True)]
    return fits


def _tests(chosen: Selection, port: str) -> dict[str, Test]:
    """The filters that are set, by the column they look at."""
    since, until = chosen.since, chosen.until
    tests: dict[str, tuple[bool, Test]] = {
        "end": (
            since is not None or until is not None,
            lambda end: (since is None or end >= since) and (until is None or end < until),
        ),
        "namespace": (chosen.namespace is not None, _pattern(chosen.namespace)),
        "workload": (chosen.workload is not None, _pattern(chosen.workload)),
        "host": (chosen.host is not None, _host(chosen.host)),
        port: (chosen.port is not None, lambda value: bool(value == chosen.port)),
    }
    return {column: test for column, (wanted, test) in tests.items() if wanted}


def _pattern(wanted: str | None) -> Test:
    return lambda name: fnmatch.fnmatchcase(name, wanted or "")


def _host(wanted: str | None) -> Test:
    """A pattern for host names, which have no case; ``.example.org`` takes that name and all below it."""
    pattern = (wanted or "").lower()
    if pattern.startswith("."):
        return lambda host: host.endswith(pattern) or host == pattern[1:]
    return _pattern(pattern)
