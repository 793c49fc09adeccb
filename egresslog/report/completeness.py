"""Is the evidence whole? What was read, against what was given: one flag per way to be incomplete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import floor

from egresslog.correlation.balance import Balance
from egresslog.parse.content import FileReport
from egresslog.report.advice import missing_sides

MAX_REJECTED = 0.001  # share of a file's lines


@dataclass(frozen=True)
class Completeness:
    """Sentences about what is missing, by kind; all empty means that the evidence is whole."""

    missing: tuple[str, ...] = ()  # given, but not there
    unreadable: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    unknown_format: tuple[str, ...] = ()
    over_rejected: tuple[str, ...] = ()
    unbalanced: tuple[str, ...] = ()
    one_sided: tuple[str, ...] = ()  # nothing from Squid, or nothing from Envoy, to correlate

    @property
    def flags(self) -> dict[str, bool]:
        """One flag per kind, and ``incomplete`` for any."""
        each = {kind: bool(found) for kind, found in asdict(self).items()}
        return {"incomplete": any(each.values()), **each}

    @property
    def problems(self) -> list[str]:
        return [sentence for found in asdict(self).values() for sentence in found]


def completeness(
    files: Sequence[FileReport],
    missing: Sequence[str] = (),
    balance: Balance | None = None,
    max_rejected: float = MAX_REJECTED,
) -> Completeness:
    """What is incomplete in these files and in the ``balance`` of their correlation, if there is one.

    ``max_rejected`` is a share of a file's lines.
    """
    return Completeness(
        missing=tuple(missing),
        unreadable=tuple(f"{f.path}: {f.problem}" for f in files if f.kind == "unreadable"),
        damaged=tuple(f"{f.path}: {f.problem}" for f in files if f.kind != "unreadable" and f.problem),
        unknown_format=tuple(_unknown(f) for f in files if f.kind == "unknown"),
        over_rejected=tuple(_rejected(f) for f in files if _is_over(f, max_rejected)),
        unbalanced=tuple(
            f"the balance of {e.side} {e.what} is off: {e.total:,} against {sum(e.parts.values()):,}"
            for e in (balance.broken if balance else ())
        ),
        one_sided=missing_sides(files) if balance else (),
    )


def _is_over(file: FileReport, max_rejected: float) -> bool:
    return file.kind != "unknown" and file.rejected > floor(max_rejected * file.lines)


def _unknown(file: FileReport) -> str:
    given = "give it with --squid-format or --envoy-format"
    return f"{file.path}: in no known format ({file.lines:,} lines); {given}"


def _rejected(file: FileReport) -> str:
    return f"{file.path}: {file.rejected:,} of {file.lines:,} lines rejected (--max-rejected)"
