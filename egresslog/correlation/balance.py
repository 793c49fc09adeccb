"""The balance: every line and every byte of both sides, once, under one heading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.parse.reader import FileReport

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


def balance(files: Sequence[FileReport], transactions: pa.Table, connections: pa.Table) -> Balance:
    """The equations of the files' lines, of the records, and of both sides' fates and bytes."""
    return Balance(
        (
            _lines(files),
            _records(files, len(transactions) + len(connections)),
            _fates("squid", transactions, "link", "reason"),
            _fates("envoy", connections, "fate", None),
            _bytes("squid", transactions, "link", "bytes_down"),
            _bytes("envoy", connections, "fate", "bytes_sent"),
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
    return Equation(
        "files", "records", sum(report.parsed for report in files), {"unique": unique, "duplicate": duplicate}
    )


def _fates(side: str, table: pa.Table, heading: str, reason: str | None) -> Equation:
    fates = values_of(table, heading)
    reasons = values_of(table, reason) if reason else [None] * len(fates)
    parts = Counter(
        fate if why is None else f"{fate}: {why}" for fate, why in zip(fates, reasons, strict=True)
    )
    return Equation(side, "records", len(table), _sorted(parts))


def _bytes(side: str, table: pa.Table, heading: str, column: str) -> Equation:
    sizes = [size or 0 for size in values_of(table, column)]
    parts: Counter[str] = Counter()
    for fate, size in zip(values_of(table, heading), sizes, strict=True):
        parts[fate] += size
    return Equation(side, "bytes", sum(sizes), _sorted(parts))


def _sorted(parts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(parts.items()) if count}
