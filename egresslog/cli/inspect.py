"""``egresslog inspect``: what was found in every file; then the clocks and the coverage per pod."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from egresslog.cli import options
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.errors import Exit, UsageError
from egresslog.report.completeness import MAX_REJECTED

if TYPE_CHECKING:
    from egresslog.parse.logs import Logs

SHOWN_REJECTS = 10


class InspectForm(StrEnum):
    """How the inspection is printed."""

    TABLE = "table"
    JSON = "json"


def inspect_command(
    paths: options.Paths = None,
    squid: options.Squid = None,
    envoy: options.Envoy = None,
    pods: options.Pods = None,
    squid_format: options.SquidFormat = None,
    envoy_format: options.EnvoyFormat = None,
    form: Annotated[InspectForm, typer.Option("--format", help="How to print.")] = InspectForm.TABLE,
    max_rejected: options.MaxRejected = MAX_REJECTED,
) -> None:
    """Say what every file holds: kind, format, lines parsed, rejected, skipped, first and last record.

    Then the coverage per pod and per Squid instance, and their clocks.
    """
    if not (paths or squid or envoy or pods):
        raise UsageError("nothing to read", hint="egresslog inspect FOLDER")
    api = library()
    from egresslog.report.completeness import completeness
    from egresslog.report.inspection import inspection

    formats = options.format_text(squid_format), options.format_text(envoy_format)
    with progress("reading") as show:
        logs = api.read_both(
            [*(paths or ()), *(pods or ())], squid or (), envoy or (), *formats, progress=show
        )
    if not any(report.lines for report in logs.files):
        raise api.nothing_readable(logs)
    whole = completeness(logs.files, logs.problems, max_rejected=max_rejected)
    found = api.correlated(logs, logs.pod_files)
    document = {"flags": whole.flags, **inspection(logs, found)}
    if form is InspectForm.JSON:
        _print_json(document)
    else:
        _print_tables(logs, document)
    warn(whole.problems)
    raise typer.Exit(Exit.INCOMPLETE if whole.flags["incomplete"] else Exit.OK)


def _print_json(document: dict[str, Any]) -> None:
    from egresslog.report.writers import write_document

    write_document(document, sys.stdout.buffer)


def _print_tables(logs: Logs, document: dict[str, Any]) -> None:
    from egresslog.report.layout import console, show
    from egresslog.report.terminal import clocks_table, coverage_table, files_table, formats_table

    to = console(sys.stdout)
    tables = [files_table(document["files"], to.width), formats_table(document["files"], to.width)]
    if document["coverage"]:
        tables.append(coverage_table(document["coverage"], to.width))
    if document["clocks"]:
        tables.append(clocks_table(document["clocks"], to.width))
    show(tables, to)
    for reject in logs.rejects.slice(0, SHOWN_REJECTS).to_pylist():
        place = f"{reject['file']}:{reject['line']} (byte {reject['offset'] + reject['column']})"
        say(f"rejected {place}: {reject['reason']}: {reject['excerpt'][:80]}")
    if len(logs.rejects) > SHOWN_REJECTS:
        say(f"and {len(logs.rejects) - SHOWN_REJECTS:,} more rejected lines: egresslog inspect --format json")
