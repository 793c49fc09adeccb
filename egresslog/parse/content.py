"""What became of a file: its report, its records by dialect, and its rejects."""

from __future__ import annotations

from dataclasses import dataclass, field

from egresslog.files.sources import Source
from egresslog.formats.codes import Dialect
from egresslog.parse.gaps import Gap
from egresslog.parse.records import Record

Kind = str  # squid, envoy, mixed, pods, other, empty, unknown, unreadable


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that has no reading; ``offset`` is the byte of the decompressed file, ``column`` of the line."""

    file: str
    line: int
    offset: int
    column: int
    reason: str
    excerpt: str


@dataclass(frozen=True)
class FileReport:
    """What became of a file's lines: lines = parsed + rejected + skipped + continued.

    ``lines``: physical lines; where one holds several log lines (an API's answer, a batch), these.
    ``recovered``: records found behind a line that Squid cut, counted with no line of their own.
    ``found``: why the file counts as what it is: "format in wrapper" -> (records, first line).
    """

    path: str
    kind: Kind
    name: str | None = None  # Squid instance or mesh cluster, as given
    formats: tuple[str, ...] = ()
    found: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 0
    sha256: str | None = None
    compression: str | None = None
    encoding: str | None = None  # None: UTF-8
    lines: int = 0
    parsed: int = 0
    recovered: int = 0
    rejected: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    continued: int = 0
    duplicate: int = 0
    doubtful: int = 0
    first: int | None = None  # us: earliest record end
    last: int | None = None
    gaps: tuple[Gap, ...] = ()  # us: stretches without a record
    problem: str | None = None


@dataclass(frozen=True)
class FileContent:
    """A file's report, its records by dialect in file order, and its rejects."""

    source: Source
    report: FileReport
    records: dict[Dialect, list[Record]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
