"""All inputs -> two tables of records (Squid, Envoy), rejects and a report per file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from egresslog.arrow import table_of, values_of
from egresslog.errors import UsageError
from egresslog.files.sources import STDIN, Given, Source, expand
from egresslog.formats.codes import Dialect
from egresslog.parse.content import FileContent, FileReport, Reject
from egresslog.parse.duplicates import drop_duplicates
from egresslog.parse.reader import read_file
from egresslog.parse.records import RECORDS, Record
from egresslog.schema import REJECTS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Narrowed = Callable[[list[Source]], list[Source]]  # the same files, perhaps parts of them
Progress = Callable[[str, int, int], None]  # path, files done, files in all


@dataclass(frozen=True)
class Logs:
    """What was read: ``squid`` and ``envoy`` follow schema.SQUID_RECORDS and ENVOY_RECORDS."""

    squid: pa.Table
    envoy: pa.Table
    rejects: pa.Table
    files: tuple[FileReport, ...]
    problems: tuple[str, ...] = ()
    trails: Mapping[str, str] = field(default_factory=dict)  # by file: see Source.trail

    @property
    def raw(self) -> pa.Table:
        """The raw line of every record: record_id, file, line, raw."""
        import pyarrow as pa

        columns = ["record_id", "file", "line", "raw"]
        return pa.concat_tables([self.squid.select(columns), self.envoy.select(columns)])

    @property
    def pod_files(self) -> list[str]:
        """Kubernetes pod lists found among the inputs."""
        return [report.path for report in self.files if report.kind == "pods"]


def read_logs(
    given: Iterable[Given], progress: Progress | None = None, narrowed: Narrowed | None = None
) -> Logs:
    """Read everything given; damaged and unknown files are named in the reports, never raised.

    ``narrowed`` may say to read less of each file.

    Raises UsageError when ``-`` is given twice.
    """
    sources, problems = expand(given)
    sources = narrowed(sources) if narrowed else sources
    contents = [_read(source, number, len(sources), progress) for number, source in enumerate(sources)]
    kept, dropped = drop_duplicates(contents)
    _name_instances(kept, contents)
    rejects = [reject for content in contents for reject in content.rejects]
    reports = (replace(c.report, duplicate=dropped[i]) for i, c in enumerate(contents))
    return Logs(
        squid=table_of(RECORDS["squid"], kept["squid"]),
        envoy=table_of(RECORDS["envoy"], kept["envoy"]),
        rejects=_reject_table(rejects),
        files=tuple(reports),
        problems=tuple(problems),
        trails={source.path: source.trail for source in sources},
    )


def merge_logs(several: Sequence[Logs]) -> Logs:
    """Logs read apart, as one; a record that stands again (the same id) is dropped, and counted."""
    import pyarrow as pa

    if len(several) == 1:
        return several[0]
    seen: set[str] = set()
    several = [_unseen(logs, seen) for logs in several]
    return Logs(
        squid=pa.concat_tables([logs.squid for logs in several]),
        envoy=pa.concat_tables([logs.envoy for logs in several]),
        rejects=pa.concat_tables([logs.rejects for logs in several]),
        files=tuple(report for logs in several for report in logs.files),
        problems=tuple(problem for logs in several for problem in logs.problems),
        trails={file: trail for logs in several for file, trail in logs.trails.items()},
    )


def _unseen(logs: Logs, seen: set[str]) -> Logs:
    """The logs without records whose ids were seen; these are added, and counted in their files' reports."""
    dropped: Counter[str] = Counter()
    squid, envoy = (_first_ones(table, seen, dropped) for table in (logs.squid, logs.envoy))
    files = (replace(report, duplicate=report.duplicate + dropped[report.path]) for report in logs.files)
    return replace(logs, squid=squid, envoy=envoy, files=tuple(files))


def _first_ones(table: pa.Table, seen: set[str], dropped: Counter[str]) -> pa.Table:
    import pyarrow as pa

    fresh = []
    for name, file in zip(values_of(table, "record_id"), values_of(table, "file"), strict=True):
        fresh.append(name not in seen)
        seen.add(name)
        dropped[file] += not fresh[-1]
    return table if all(fresh) else table.filter(pa.array(fresh, pa.bool_()))


def from_frame(dialect: Dialect, frame: pd.DataFrame) -> Logs:
    """Records given as a DataFrame with (some of) the columns of their table; each file is reported.

    Raises UsageError when columns that may not be null are missing.
    """
    import pyarrow as pa

    table = RECORDS[dialect]
    needed = [c.name for c in table if not c.nullable and c.name not in frame.columns]
    if needed:
        raise UsageError(f"the {dialect} DataFrame lacks {', '.join(needed)}", hint="see schema.py")
    full = frame.reindex(columns=table.names)
    records = pa.Table.from_pandas(full, schema=table.arrow(), preserve_index=False)
    counts = frame["file"].value_counts(sort=False)
    reports = tuple(FileReport(str(f), dialect, lines=int(n), parsed=int(n)) for f, n in counts.items())
    return _one_side(dialect, records, reports)


def from_records(dialect: Dialect, rows: Sequence[Record]) -> Logs:
    """Records made elsewhere than in a file, complete with ``file`` and ``record_id``."""
    reports = (FileReport(str(rows[0]["file"]), dialect, lines=len(rows), parsed=len(rows)),)
    return _one_side(dialect, table_of(RECORDS[dialect], rows), reports)


def _one_side(dialect: Dialect, records: pa.Table, reports: tuple[FileReport, ...]) -> Logs:
    both = {d: records if d == dialect else table_of(RECORDS[d], []) for d in RECORDS}
    return Logs(both["squid"], both["envoy"], _reject_table([]), reports)


def _read(source: Source, number: int, total: int, progress: Progress | None) -> FileContent:
    if progress is not None:
        progress(source.path, number, total)
    return read_file(source)


def _name_instances(kept: dict[Dialect, list[Record]], contents: Sequence[FileContent]) -> None:
    """Name each record's Squid instance or mesh cluster: as given, by its wrapper, or (Squid) its folder."""
    given = {content.report.path: content.source.name for content in contents}
    squid_files = sorted({row["file"] for row in kept["squid"]})
    folders = _short_names({os.path.dirname(path) for path in squid_files if path != STDIN})
    for row in kept["squid"]:
        by_folder = folders.get(os.path.dirname(row["file"]), "squid")
        row["proxy"] = given[row["file"]] or row["proxy"] or by_folder
    for row in kept["envoy"]:
        row["cluster"] = given[row["file"]] or row["cluster"]


def _short_names(folders: set[str]) -> dict[str, str]:
    """Each folder by its last parts, as many as tell them apart."""
    parts = {folder: [p for p in os.path.abspath(folder).split(os.sep) if p] for folder in folders}
    length = 1
    while True:
        names = {folder: "/".join(pieces[-length:]) or "squid" for folder, pieces in parts.items()}
        if len(set(names.values())) == len(names) or length > max(map(len, parts.values())):
            return names
        length += 1


def _reject_table(rejects: Sequence[Reject]) -> pa.Table:
    return table_of(REJECTS, [asdict(reject) for reject in rejects])
