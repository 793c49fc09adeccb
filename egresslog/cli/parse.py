"""``egresslog parse``: normalised records, with file and line."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from egresslog.cli import options
from egresslog.cli.bundles import Reading
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.errors import Exit, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from egresslog.parse.logs import Logs
    from egresslog.report.target import Target


class RecordForm(StrEnum):
    """How records are printed."""

    JSONL = "jsonl"
    CSV = "csv"
    JSON = "json"


def parse_command(
    reading: Reading,
    paths: options.Paths = None,
    output: options.Output = None,
    form: Annotated[RecordForm | None, typer.Option("--format", help="How to print; default: jsonl.")] = None,
) -> None:
    """Print normalised records of Squid and Envoy access logs, with file and line.

    One side at a time has columns of its own: csv and parquet need inputs of one side only.
    """
    if not (paths or reading.squid or reading.envoy):
        raise UsageError("nothing to read", hint="egresslog parse access.log")
    api = library()
    from egresslog.report.completeness import completeness
    from egresslog.report.target import file_target, refuse_input

    target = file_target(output, form) if output else None
    with progress("reading") as show:
        logs = api.read_both(reading.inputs(paths), show)
    if not any(report.lines for report in logs.files):
        raise api.nothing_readable(logs)
    if target is not None:
        refuse_input(target.path, (report.path for report in logs.files))
    _write(logs, target, form)
    whole = completeness(logs.files, logs.problems, max_rejected=reading.max_rejected)
    for reject in logs.rejects.to_pylist():
        say(f"{reject['file']}:{reject['line']}: rejected at byte {reject['column']}: {reject['reason']}")
    warn(whole.problems)
    raise typer.Exit(Exit.INCOMPLETE if whole.flags["incomplete"] else Exit.OK)


def _write(logs: Logs, target: Target | None, form: RecordForm | None) -> None:
    from egresslog.report.writers import write_table

    tables = [table for table in (logs.squid, logs.envoy) if len(table)]
    chosen = target.form if target else form or RecordForm.JSONL
    if len(tables) > 1 and chosen != RecordForm.JSONL:
        raise UsageError(
            f"{chosen} holds one side's columns, and the inputs hold both sides",
            hint="use --format jsonl, or give the sides apart: --squid PATH, then --envoy PATH",
        )
    if target is not None:
        write_table(_whole(tables, logs), target.path, chosen)
        return
    for table in tables:
        write_table(table, sys.stdout.buffer, chosen)


def _whole(tables: list[pa.Table], logs: Logs) -> pa.Table:
    """One table for one file; two sides (JSON lines only) share what columns they have."""
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="default") if tables else logs.squid
