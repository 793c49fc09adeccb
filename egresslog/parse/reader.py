"""One file -> records, rejects and a report that accounts for every line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from egresslog.files.lines import MAX_LINE, RawFile, lines
from egresslog.files.sources import Source, stands_beside_logs
from egresslog.formats.codes import Dialect
from egresslog.formats.program import LogFormat
from egresslog.parse.content import FileContent, FileReport, Kind, Reject
from egresslog.parse.credentials import masked_text
from egresslog.parse.cut_lines import CUT_AT, parse_cut, parts
from egresslog.parse.detect import (
    can_be_read,
    detect,
    first_plain,
    other_line,
    parser_of,
    presets,
    reads_cut_lines_of,
)
from egresslog.parse.foreign import is_foreign, is_mixed
from egresslog.parse.gaps import gaps
from egresslog.parse.json_objects import json_problem
from egresslog.parse.line_parser import Parsed, Unparsed
from egresslog.parse.records import Record, record
from egresslog.parse.values import decode_text
from egresslog.parse.whole import kubernetes, may_be_whole, read_whole, up_to
from egresslog.unwrap.document import MAX_DOCUMENT, Document
from egresslog.unwrap.entry import Entry
from egresslog.unwrap.origin import NOWHERE, origin_of_path
from egresslog.unwrap.table import Table
from egresslog.unwrap.unwrapper import Unwrapper

LOOKAHEAD = 5_000  # lines held back while access lines of a (further) format are looked for
EXCERPT = 200
_TOO_LONG = Unparsed(f"longer than {MAX_LINE} bytes", 0)


def read_file(source: Source) -> FileContent:
    """Read one file in one pass; damage is named in the report and what came before it is kept."""
    if stands_beside_logs(source):
        return FileContent(source, FileReport(source.path, "other", source.name))
    try:
        raw = RawFile(source.path, source.part)
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
        self.count = self.parsed = self.recovered = self.continued = 0
        self.skipped: Counter[str] = Counter()
        self.found: dict[str, tuple[int, int]] = {}
        self.formats: list[LogFormat] = []
        self.seen: list[LogFormat] = []  # of lines plainly in one, the last one's first
        self.records: dict[Dialect, list[Record]] = {}
        self.rejects: list[Reject] = []
        self.left: list[Entry] = []
        self.origin = origin_of_path(source.trail)
        own = [format for format in source.formats if format.layout == "text"]
        self.unwrapper = Unwrapper(self._is_known, lambda raw: can_be_read(raw, own), self._is_access)

    def content(self) -> FileContent:
        blocks = self._blocks()
        first = next(blocks, b"")
        if self.source.part is None and (kind := kubernetes(first)):
            for _ in blocks:  # read to the end: the digest covers the whole file
                pass
            return FileContent(self.source, self._report(kind))
        entries = self._entries(first, blocks)
        head = list(islice(entries, LOOKAHEAD))
        self._detect([entry for entry in head if other_line(entry.raw) is None])
        for entry in chain(head, entries):
            self._read_entry(entry)
        self._read_left()
        self._sort()
        return FileContent(self.source, self._report(self._kind()), self.records, self.rejects)

    def _blocks(self) -> Iterator[bytes]:
        """The file's content up to the end or to the first damage."""
        try:
            for block in self.raw.blocks():
                yield block
                self.count += block.count(b"\n")
        except OSError as error:
            self.problem = f"damaged after line {self.count}: {error}"

    def _entries(self, first: bytes, blocks: Iterator[bytes]) -> Iterator[Entry]:
        """Every log line, out of its wrapping."""
        if self.source.part is None and may_be_whole(first):
            first = up_to(chain((first,), blocks), MAX_DOCUMENT)
            document = read_whole(first)
            if document is not None:
                yield from self._document(document)
                return
        for line in lines(chain((first,), blocks), self.source.part):
            yield from self.unwrapper.entries(line)
        yield from self.unwrapper.rest()

    def _document(self, document: Document | Table) -> Iterator[Entry]:
        self.problem = document.problem or self.problem
        yield from self.unwrapper.from_document(document.insides(), document.places())
        yield from self.unwrapper.rest()

    def _is_known(self, raw: bytes) -> bool:
        """True for a line to be read as it is: an access line of some format, or known to be none."""
        format = first_plain(raw, chain(self.seen, *self._candidates()))
        if format is None:
            return other_line(raw) is not None or can_be_read(raw, self.seen)
        if self.seen[:1] != [format]:
            self.seen = [format, *(other for other in self.seen if other != format)]
        return True

    def _is_access(self, raw: bytes) -> bool:
        """True for an object that has the keys of an access log."""
        candidates = (format for some in self._candidates() for format in some if format.layout == "json")
        return first_plain(raw, candidates) is not None

    def _candidates(self) -> Iterator[Sequence[LogFormat]]:
        """The formats given; then the presets, unless the dialect was given with a format."""
        if self.source.formats:
            yield self.source.formats
        if not (self.source.formats and self.source.dialect):
            yield presets(self.source.dialect)

    def _detect(self, sample: Sequence[Entry]) -> bool:
        """True where a (further) format reads lines of the sample."""
        for candidates in self._candidates():
            format = detect(sample, [new for new in candidates if not self._is_used(new)])
            if format is not None:
                self.formats.append(format)
                return True
        return False

    def _read_entry(self, entry: Entry) -> None:
        self.continued += entry.pieces - 1
        if self.origin is not NOWHERE:
            entry = replace(entry, origin=self.origin.around(entry.origin))
        may_be_glued = len(entry.raw) > CUT_AT and not entry.cut
        for part in parts(entry, self.formats) if may_be_glued else (entry,):
            self._read_part(part)

    def _read_part(self, entry: Entry) -> None:
        if self._keep(entry, self.formats):
            return
        if kind := other_line(entry.raw):
            self.skipped[kind] += 1
        elif entry.cut:
            self._reject(entry, _TOO_LONG)
        else:
            self.left.append(entry)
            if len(self.left) >= LOOKAHEAD:
                self._read_left()

    def _keep(self, entry: Entry, formats: Sequence[LogFormat]) -> bool:
        """Keep the record that the first format able to read the line gives; False where none is."""
        for format in () if entry.cut else formats:
            parsed = parse_cut(format, entry.raw) if entry.torn else parser_of(format).parse(entry.raw)
            if isinstance(parsed, Parsed):
                self._keep_record(format, entry, parsed)
                return True
        if entry.torn or len(entry.raw) != CUT_AT:
            return False
        return self._keep(replace(entry, torn=True), [f for f in formats if f.dialect == "squid"])

    def _keep_record(self, format: LogFormat, entry: Entry, parsed: Parsed) -> None:
        if is_foreign(format.dialect, entry.origin):
            self.skipped["foreign container"] += 1
            return
        self.parsed += not entry.recovered
        self.recovered += entry.recovered
        what = " in ".join((format.name, *reversed(entry.wrappers)))
        number, first = self.found.get(what, (0, entry.number))
        self.found[what] = number + 1, first
        row = record(format, entry, parsed) | {"file": self.source.path}
        self.records.setdefault(format.dialect, []).append(row)

    def _problem(self, entry: Entry) -> Unparsed:
        """Why no format reads the line, in the words of the one that got furthest, or of JSON."""
        if entry.raw.startswith(b"{") and (broken := json_problem(entry.raw)) is not None:
            return Unparsed(*broken)
        formats = list(dict.fromkeys((*self.formats, *self.source.formats)))
        tried = (parser_of(format).parse(entry.raw) for format in formats)
        problems = [problem for problem in tried if isinstance(problem, Unparsed)]
        unknown = Unparsed("in no known format", 0, begun=False)
        return max(problems, key=lambda problem: (problem.begun, problem.column), default=unknown)

    def _reject(self, entry: Entry, problem: Unparsed) -> None:
        excerpt = masked_text(decode_text(entry.raw[:EXCERPT]))
        place = (self.source.path, entry.number, entry.offset, problem.column)
        self.rejects.append(Reject(*place, problem.reason, excerpt))

    def _read_left(self) -> None:
        """Lines that the formats so far do not read may be in a further one; else they are no records."""
        while self.left and self._detect(self.left):
            self.left = [entry for entry in self.left if not self._keep(entry, self.formats[-1:])]
        for entry in self.left:
            self._pass_over(entry)
        self.left = []

    def _pass_over(self, entry: Entry) -> None:
        """Reject a line, unless it stands among access lines by nature and does not begin like one."""
        problem, dialects = self._problem(entry), {format.dialect for format in self.formats}
        is_other = is_foreign("envoy", entry.origin) or (dialects and is_mixed(entry.origin, dialects))
        if is_other and not problem.begun:
            self.skipped["not an access line"] += 1
        else:
            self._reject(entry, problem)

    def _sort(self) -> None:
        """Records and rejects in file order."""
        for rows in self.records.values():
            rows.sort(key=lambda row: row["line"])
        self.rejects.sort(key=lambda reject: reject.line)

    def _is_used(self, format: LogFormat) -> bool:
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
            found=self.found,
            size=self.raw.size,
            sha256=self.raw.sha256,
            compression=self.raw.compression,
            encoding=self.raw.encoding,
            lines=self.unwrapper.count if is_log else 0,
            parsed=self.parsed,
            recovered=self.recovered,
            rejected=len(self.rejects),
            skipped=dict(self.skipped),
            continued=self.continued,
            doubtful=sum("doubtful" in row["flags"] for row in rows),
            first=min(ends, default=None),
            last=max(ends, default=None),
            gaps=gaps(ends),
            problem=self.problem,
        )
