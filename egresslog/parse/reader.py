"""One file -> records, rejects and a report that accounts for every line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from egresslog.files.lines import MAX_LINE, Line, RawFile, lines
from egresslog.files.sources import Source, stands_beside_logs
from egresslog.formats.codes import Dialect
from egresslog.formats.program import LogFormat
from egresslog.parse.detect import detect, other_line, parser_of, presets, reads_cut_lines_of
from egresslog.parse.gaps import Gap, gaps
from egresslog.parse.line_parser import Parsed, Unparsed
from egresslog.parse.records import Record, record
from egresslog.parse.values import decode_text

LOOKAHEAD = 5_000  # lines held back while access lines of a (further) format are looked for
EXCERPT = 200

Kind = str  # squid, envoy, mixed, pods, other, empty, unknown, unreadable

UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte-order marks


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
    """What became of a file's lines: lines = parsed + rejected + skipped + continued."""

    path: str
    kind: Kind
    name: str | None = None  # Squid instance or mesh cluster, as given
    formats: tuple[str, ...] = ()
    size: int = 0
    sha256: str | None = None
    lines: int = 0
    parsed: int = 0
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


def read_file(source: Source) -> FileContent:
    """Read one file in one pass; damage is named in the report and what came before it is kept."""
    if stands_beside_logs(source):
        return FileContent(source, FileReport(source.path, "other", source.name))
    try:
        raw = RawFile(source.path)
    except OSError as error:
        return _unreadable(source, error)
    try:
        return _Reading(source, raw).content()
    finally:
        raw.close()


def _unreadable(source: Source, error: OSError) -> FileContent:
    problem = error.strerror or str(error)
    return FileContent(source, FileReport(source.path, "unreadable", source.name, problem=problem.lower()))


class _Reading:
    """The state of one pass over one file."""

    def __init__(self, source: Source, raw: RawFile) -> None:
        self.source, self.raw = source, raw
        self.problem: str | None = None
        self.count = self.parsed = 0
        self.skipped: Counter[str] = Counter()
        self.formats: list[LogFormat] = []
        self.records: dict[Dialect, list[Record]] = {}
        self.rejects: list[Reject] = []
        self.left: list[Line] = []

    def content(self) -> FileContent:
        stream = self._lines()
        head = list(islice(stream, LOOKAHEAD))
        if kind := _document(head):
            for _ in stream:  # read to the end: the digest covers the whole file
                pass
            return FileContent(self.source, self._report(kind))
        self._detect([line for line in head if other_line(line.raw) is None])
        for line in chain(head, stream):
            self._read_line(line)
        self._read_left()
        self._sort()
        if not self.parsed and head and head[0].raw.startswith(UTF_16):
            self.problem = "UTF-16 text: convert it to UTF-8"
        return FileContent(self.source, self._report(self._kind()), self.records, self.rejects)

    def _lines(self) -> Iterator[Line]:
        """Every line up to the end or to the first damage."""
        try:
            for line in lines(self.raw.blocks()):
                self.count = line.number
                yield line
        except OSError as error:
            self.problem = f"damaged after line {self.count}: {error}"

    def _candidates(self) -> Iterator[Sequence[LogFormat]]:
        """The formats given; then the presets, unless the dialect was given with a format."""
        if self.source.formats:
            yield self.source.formats
        if not (self.source.formats and self.source.dialect):
            yield presets(self.source.dialect)

    def _detect(self, sample: Sequence[Line]) -> bool:
        """True where a (further) format reads lines of the sample."""
        for candidates in self._candidates():
            format = detect(sample, [new for new in candidates if not self._is_known(new)])
            if format is not None:
                self.formats.append(format)
                return True
        return False

    def _read_line(self, line: Line) -> None:
        if self._keep(line, self.formats):
            return
        if kind := other_line(line.raw):
            self.skipped[kind] += 1
        elif line.cut:
            self._reject(line)
        else:
            self.left.append(line)
            if len(self.left) >= LOOKAHEAD:
                self._read_left()

    def _keep(self, line: Line, formats: Iterable[LogFormat]) -> bool:
        """Keep the record that the first format able to read the line gives; False where none is."""
        for format in () if line.cut else formats:
            parsed = parser_of(format).parse(line.raw)
            if isinstance(parsed, Parsed):
                self.parsed += 1
                row = record(format, line, parsed) | {"file": self.source.path}
                self.records.setdefault(format.dialect, []).append(row)
                return True
        return False

    def _problem(self, line: Line) -> Unparsed:
        """Why no format reads the line, in the words of the first one."""
        if line.cut:
            return Unparsed(f"longer than {MAX_LINE} bytes", 0)
        expected = next(iter((*self.formats, *self.source.formats)), None)
        found = None if expected is None else parser_of(expected).parse(line.raw)
        return found if isinstance(found, Unparsed) else Unparsed("in no known format", 0)

    def _reject(self, line: Line) -> None:
        problem = self._problem(line)
        excerpt = decode_text(line.raw[:EXCERPT])
        place = (self.source.path, line.number, line.offset, problem.column)
        self.rejects.append(Reject(*place, problem.reason, excerpt))

    def _read_left(self) -> None:
        """Lines that the formats so far do not read may be in a further one; else they are rejected."""
        while self.left and self._detect(self.left):
            self.left = [line for line in self.left if not self._keep(line, self.formats[-1:])]
        for line in self.left:
            self._reject(line)
        self.left = []

    def _sort(self) -> None:
        """Records and rejects in file order."""
        for rows in self.records.values():
            rows.sort(key=lambda row: row["line"])
        self.rejects.sort(key=lambda reject: reject.line)

    def _is_known(self, format: LogFormat) -> bool:
        return any(format == known or reads_cut_lines_of(format, known) for known in self.formats)

    def _kind(self) -> Kind:
        if len(self.records) > 1:
            return "mixed"
        if self.records:
            return next(iter(self.records))
        if self.rejects:
            return "unknown"
        agent = any(kind.startswith(("istio", "envoy")) for kind in self.skipped)
        return "envoy" if agent else "empty"

    def _report(self, kind: Kind) -> FileReport:
        rows = [row for rows in self.records.values() for row in rows]
        ends = [row["end"] for row in rows if row["end"] is not None]
        is_log = kind not in ("pods", "other")
        return FileReport(
            path=self.source.path,
            kind=kind,
            name=self.source.name,
            formats=tuple(format.name for format in self.formats),
            size=self.raw.size,
            sha256=self.raw.sha256,
            lines=self.count if is_log else 0,
            parsed=self.parsed,
            rejected=len(self.rejects),
            skipped=dict(self.skipped),
            doubtful=sum("doubtful" in row["flags"] for row in rows),
            first=min(ends, default=None),
            last=max(ends, default=None),
            gaps=gaps(ends),
            problem=self.problem,
        )


def _document(head: Sequence[Line]) -> Kind | None:
    """A whole-file Kubernetes document, told by its head; None for logs."""
    text = b"\n".join(line.raw for line in head[:400])[:65_536]
    if not text.lstrip().startswith(b"{") or b'"apiVersion"' not in text:
        return None
    return "pods" if b'"podIP"' in text or b'"Pod"' in text else "other"
