"""``egresslog inspect``: what was found in every file; then the clocks and the coverage per pod."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from egresslog.cli import options
from egresslog.cli.bundles import Joining, Reading
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.errors import Exit, UsageError

if TYPE_CHECKING:
    from egresslog.parse.logs import Logs

SHOWN_REJECTS = 10


class InspectForm(StrEnum):
    """How the inspection is printed."""

    TABLE = "table"
    JSON = "json"


def inspect_command(
    reading: Reading,
    joining: Joining,
    paths: options.Paths = None,
    form: Annotated[InspectForm, typer.Option("--format", help="How to print.")] = InspectForm.TABLE,
) -> None:
    """Say what every file holds: kind, format, lines parsed, rejected, skipped, first and last record.

    Then the coverage per pod and per Squid instance, their clocks, the proxy's endpoints, and the
    population: pods with and without logs and sidecars, and client addresses nobody knows.
    """
    if not (paths or reading.squid or reading.envoy or joining.pods):
        raise UsageError("nothing to read", hint="egresslog inspect FOLDER")
    api = library()
    from egresslog.report.clocks import clock_warnings
    from egresslog.report.completeness import completeness
    from egresslog.report.inspection import inspection

    inputs, terms = reading.inputs(paths, joining), joining.terms(reading.max_rejected)
    with progress("reading") as show:
        logs = api.read_both(inputs, show)
    if not any(report.lines for report in logs.files):
        raise api.nothing_readable(logs)
    found, problems = api.correlated(logs, inputs.pods, terms)
    whole = completeness(logs.files, [*logs.problems, *problems], max_rejected=terms.max_rejected)
    document = {"flags": whole.flags, **inspection(logs, found)}
    if form is InspectForm.JSON:
        _print_json(document)
    else:
        _print_tables(logs, document)
    warn([*whole.problems, *clock_warnings(document["clocks"])])
    raise typer.Exit(Exit.INCOMPLETE if whole.flags["incomplete"] else Exit.OK)


def _print_json(document: dict[str, Any]) -> None:
    from egresslog.report.writers import write_document

    write_document(document, sys.stdout.buffer)


def _print_tables(logs: Logs, document: dict[str, Any]) -> None:
    from egresslog.report.mask import masked
    from egresslog.report.population import population_table, proxies_table
    from egresslog.report.printing import screen, show
    from egresslog.report.terminal import (
        clocks_table,
        coverage_table,
        files_table,
        formats_table,
        skipped_table,
    )

    to = screen(sys.stdout)
    tables = [files_table(document["files"], to.width), formats_table(document["files"], to.width)]
    if any(file["skipped"] for file in document["files"]):
        tables.append(skipped_table(document["files"], to.width))
    if document["coverage"]:
        tables.append(coverage_table(document["coverage"], to.width))
    if document["clocks"]:
        tables.append(clocks_table(document["clocks"], to.width))
    if document["proxies"]["found"]:
        tables.append(proxies_table(document["proxies"], to.width))
    population = population_table(document["population"], to.width)
    show([*tables, population] if population.lines else tables, to)
    for reject in masked(logs.rejects.slice(0, SHOWN_REJECTS)).to_pylist():
        place = f"{reject['file']}:{reject['line']} (byte {reject['offset'] + reject['column']})"
        say(f"rejected {place}: {reject['reason']}: {reject['excerpt'][:80]}")
    if len(logs.rejects) > SHOWN_REJECTS:
        say(f"and {len(logs.rejects) - SHOWN_REJECTS:,} more rejected lines: egresslog inspect --format json")
