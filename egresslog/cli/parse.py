"""``egresslog parse``: normalised records, with file and line."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from egresslog.cli import options
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.errors import Exit, UsageError
from egresslog.report.completeness import MAX_REJECTED

if TYPE_CHECKING:
    import pyarrow as pa

    from egresslog.parse.logs import Logs


class RecordForm(StrEnum):
    """How records are printed."""

    JSONL = "jsonl"
    CSV = "csv"
    JSON = "json"


def parse_command(
    paths: options.Paths = None,
    squid: options.Squid = None,
    envoy: options.Envoy = None,
    squid_format: options.SquidFormat = None,
    envoy_format: options.EnvoyFormat = None,
    output: options.Output = None,
    form: Annotated[RecordForm | None, typer.Option("--format", help="How to print; default: jsonl.")] = None,
    max_rejected: options.MaxRejected = MAX_REJECTED,
) -> None:
    """Print normalised records of Squid and Envoy access logs, with file and line.

    One side at a time has columns of its own: csv and parquet need inputs of one side only.
    """
    if not (paths or squid or envoy):
        raise UsageError("nothing to read", hint="egresslog parse access.log")
    api = library()
    from egresslog.report.completeness import completeness

    formats = options.format_text(squid_format), options.format_text(envoy_format)
    with progress("reading") as show:
        logs = api.read_both(paths or (), squid or (), envoy or (), *formats, progress=show)
    _write(logs, output, form)
    whole = completeness(logs.files, logs.problems, max_rejected=max_rejected)
    for reject in logs.rejects.to_pylist():
        say(f"{reject['file']}:{reject['line']}: rejected at byte {reject['column']}: {reject['reason']}")
    warn(whole.problems)
    raise typer.Exit(Exit.INCOMPLETE if whole.flags["incomplete"] else Exit.OK)


def _write(logs: Logs, output: str | None, form: RecordForm | None) -> None:
    from egresslog.report.writers import format_of, write_table

    tables = [table for table in (logs.squid, logs.envoy) if len(table)]
    chosen = form or (format_of(output) if output else RecordForm.JSONL)
    if len(tables) > 1 and chosen != RecordForm.JSONL:
        raise UsageError(
            f"{chosen} holds one side's columns, and the inputs hold both sides",
            hint="use --format jsonl, or give the sides apart: --squid PATH, then --envoy PATH",
        )
    if output is not None:
        write_table(_whole(tables, logs), output, chosen)
        return
    for table in tables:
        write_table(table, sys.stdout.buffer, chosen)


def _whole(tables: list[pa.Table], logs: Logs) -> pa.Table:
    """One table for one file; two sides (JSON lines only) share what columns they have."""
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="default") if tables else logs.squid
