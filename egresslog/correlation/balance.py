"""The balance: every line and every byte of both sides, once, under one heading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.parse.content import FileReport

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Equation:
    """``total`` of ``what`` on one side is the sum of ``parts``."""

    side: str  # files, squid, envoy
    what: str  # lines, records, bytes
    total: int
    parts: Mapping[str, int]

    @property
    def holds(self) -> bool:
        return self.total == sum(self.parts.values())


@dataclass(frozen=True)
class Balance:
    """All equations; the run is complete only if each one holds."""

    equations: tuple[Equation, ...]

    @property
    def holds(self) -> bool:
        return all(equation.holds for equation in self.equations)

    @property
    def broken(self) -> list[Equation]:
        return [equation for equation in self.equations if not equation.holds]


def balance(
    files: Sequence[FileReport],
    records: tuple[pa.Table, pa.Table],
    transactions: pa.Table,
    connections: pa.Table,
) -> Balance:
    """What went in against what came out: ``records`` are the tables of Squid and Envoy.

    The lines of the files, their records, both sides' fates and bytes, and the links seen from both.
    """
    squid, envoy = records
    return Balance(
        (
            _lines(files),
            _records(files, len(squid) + len(envoy)),
            _fates("squid", squid, transactions, "link", "reason"),
            _fates("envoy", envoy, connections, "fate", None),
            _bytes("squid", squid, transactions, "link", "bytes_down"),
            _bytes("envoy", envoy, connections, "fate", "bytes_sent"),
            _links(transactions, connections),
        )
    )


def _lines(files: Iterable[FileReport]) -> Equation:
    parts: Counter[str] = Counter()
    total = 0
    for report in files:
        total += report.lines
        parts.update(parsed=report.parsed, rejected=report.rejected, continued=report.continued)
        parts.update({f"skipped: {kind}": count for kind, count in report.skipped.items()})
    return Equation("files", "lines", total, _sorted(parts))


def _records(files: Iterable[FileReport], unique: int) -> Equation:
    files = list(files)
    duplicate = sum(report.duplicate for report in files)
    read = sum(report.parsed + report.recovered for report in files)
    return Equation("files", "records", read, {"unique": unique, "duplicate": duplicate})


def _fates(side: str, records: pa.Table, table: pa.Table, heading: str, reason: str | None) -> Equation:
    fates = values_of(table, heading)
    reasons = values_of(table, reason) if reason else [None] * len(fates)
    parts = Counter(
        fate if why is None else f"{fate}: {why}" for fate, why in zip(fates, reasons, strict=True)
    )
    return Equation(side, "records", len(records), _sorted(parts))


def _bytes(side: str, records: pa.Table, table: pa.Table, heading: str, column: str) -> Equation:
    sizes = [size or 0 for size in values_of(table, column)]
    parts: Counter[str] = Counter()
    for fate, size in zip(values_of(table, heading), sizes, strict=True):
        parts[fate] += size
    return Equation(side, "bytes", sum(size or 0 for size in values_of(records, column)), _sorted(parts))


def _links(transactions: pa.Table, connections: pa.Table) -> Equation:
    """Linked transactions, as their connections count them."""
    linked = sum(name is not None for name in values_of(transactions, "connection_id"))
    carried = zip(values_of(connections, "fate"), values_of(connections, "transactions"), strict=True)
    return Equation("both", "links", linked, {"carried": sum(n for fate, n in carried if fate == "linked")})


def _sorted(parts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(parts.items()) if count}
