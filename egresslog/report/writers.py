"""Tables -> CSV, JSON, JSON lines, Markdown or Parquet, the same bytes for the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from egresslog.errors import UsageError
from egresslog.report.atomic import atomic_file, output_errors, stream_name
from egresslog.report.neutralise import for_csv, for_markdown, for_terminal
from egresslog.report.rows import Row, plain_parts, rows, to_json

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".md": "markdown", ".parquet": "parquet"}

_ROW_GROUP = 65536


def format_of(path: str | Path) -> str:
    """The format a file name asks for by its suffix; raises UsageError for an unknown one."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{for_terminal(str(path))}: no output format has the suffix {for_terminal(suffix)!r}",
            hint=f"use one of {' '.join(SUFFIXES)}, or say --format; the name of a run folder ends in /",
        )
    return SUFFIXES[suffix]


def write_table(table: pa.Table, sink: str | Path | BinaryIO, format: str | None = None) -> None:
    """Write a table to a path (atomically, mode 0600) or to an open binary stream.

    ``format`` is csv, json (one array), jsonl, markdown or parquet; by default what the suffix of
    the path says. Strings are neutralised in CSV and Markdown. Raises UsageError or OutputError.
    """
    if format is None:
        format = format_of(sink if isinstance(sink, (str, Path)) else stream_name(sink))
    if format == "parquet":
        return _write(sink, lambda stream: _parquet(table, stream))
    if format not in _TEXTS:
        raise UsageError(f"unknown format {format!r}", hint=f"use one of {' '.join(SUFFIXES.values())}")
    _write(sink, lambda stream: _encode(_TEXTS[format](table), stream))


def write_document(document: Mapping[str, object], sink: str | Path | BinaryIO) -> None:
    """Write one JSON object; a value that is a table is written as the array of its rows.

    Raises OutputError when it cannot be written.
    """
    _write(sink, lambda stream: _encode(_document(document), stream))


def _write(sink: str | Path | BinaryIO, fill: Callable[[BinaryIO], None]) -> None:
    if isinstance(sink, (str, Path)):
        with atomic_file(Path(sink)) as stream:
            fill(stream)
        return
    with output_errors(stream_name(sink)):
        fill(sink)
        sink.flush()


def _encode(texts: Iterable[str], stream: BinaryIO) -> None:
    for text in texts:
        stream.write(text.encode())


def _parquet(table: pa.Table, stream: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, stream, compression="zstd", row_group_size=_ROW_GROUP)


def _csv(table: pa.Table) -> Iterator[str]:
    """A header and one line per record: no cell holds a line break, null is an empty cell."""
    yield _csv_lines([table.column_names])
    for part in plain_parts(table):
        yield _csv_lines(zip(*(_csv_cells(column) for column in part.columns), strict=True))


def _csv_lines(lines: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _csv_cells(column: pa.ChunkedArray[Any]) -> list[object]:
    """Cells of one column; a value that comes again, as most do, is neutralised once."""
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    if pa.types.is_list(column.type):
        return [None if value is None else to_json(value) if value else "[]" for value in values]
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return values
    cells = {value: for_csv(value) if isinstance(value, str) else value for value in set(values)}
    return [cells[value] for value in values]


def _jsonl(table: pa.Table) -> Iterator[str]:
    return (to_json(row) + "\n" for row in rows(table))


def _json(table: pa.Table) -> Iterator[str]:
    yield from _array(rows(table))
    yield "\n"


def _array(items: Iterable[Row]) -> Iterator[str]:
    separator = "[\n"
    for item in items:
        yield separator + to_json(item)
        separator = ",\n"
    yield "[]" if separator == "[\n" else "\n]"


def _document(document: Mapping[str, object]) -> Iterator[str]:
    import pyarrow as pa

    separator = "{\n"
    for name, value in document.items():
        yield f"{separator}{to_json(name)}: "
        yield from _array(rows(value)) if isinstance(value, pa.Table) else [to_json(value)]
        separator = ",\n"
    yield "{}\n" if separator == "{\n" else "\n}\n"


def _markdown(table: pa.Table) -> Iterator[str]:
    """A table with numbers to the right; null is an empty cell."""
    import pyarrow as pa

    numeric = [pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in table.schema.types]
    yield _markdown_line(for_markdown(name) for name in table.column_names)
    yield _markdown_line("---:" if right else "---" for right in numeric)
    for row in rows(table):
        yield _markdown_line(_markdown_cell(value) for value in row.values())


def _markdown_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _markdown_cell(value: object) -> str:
    if value is None:
        return ""
    return for_markdown(to_json(value) if isinstance(value, list) else str(value))


_TEXTS: Mapping[str, Callable[[pa.Table], Iterator[str]]] = {
    "csv": _csv, "json": _json, "jsonl": _jsonl, "markdown": _markdown,
}  # fmt: skip
