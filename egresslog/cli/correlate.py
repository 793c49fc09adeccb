"""``egresslog correlate``: the main job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from egresslog.cli import options
from egresslog.cli.bundles import Filters, Joining, Reading
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.cli.options import Form, RowsOf
from egresslog.errors import Exit, UsageError
from egresslog.report.select import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from egresslog.api import Correlation
    from egresslog.api.reading import Path
    from egresslog.parse.logs import Logs
    from egresslog.report.target import Target


def correlate_command(
    reading: Reading,
    joining: Joining,
    filters: Filters,
    paths: options.Paths = None,
    output: options.Output = None,
    force: options.Force = False,
    form: options.Format = None,
    rows: options.Rows = None,
) -> None:
    """Tell which mesh client tunnelled to which external host.

    Reads Squid and Envoy access logs and pod lists, joins them, and prints the matrix of clients and
    hosts, what could not be linked and why, and the balance of both sides. Filters change what is
    shown, never a link.
    """
    if not (paths or reading.squid or reading.envoy):
        raise UsageError("nothing to read", hint="egresslog correlate FOLDER, or --squid PATH --envoy PATH")
    target, chosen = _target(output, form, force), filters.selection
    inputs, terms = reading.inputs(paths, joining), joining.terms(reading.max_rejected)
    with progress("reading") as show:
        logs = library().read_both(inputs, show)
    _spare_inputs(target, logs, inputs.pods)
    found = library().correlate_read(logs, inputs, terms)
    _advise(found)
    if target is None:
        _print(found, form, rows, chosen)
    else:
        _write(found, target, force, rows, chosen)
    raise typer.Exit(Exit.INCOMPLETE if found.manifest["flags"]["incomplete"] else Exit.OK)


def _target(output: str | None, form: Form | None, force: bool) -> Target | None:
    from egresslog.report.target import run_target

    return None if output is None else run_target(output, form, force)


def _spare_inputs(target: Target | None, logs: Logs, pods: Iterable[Path]) -> None:
    from egresslog.report.target import refuse_input

    if target is not None:
        refuse_input(target.path, [*(report.path for report in logs.files), *logs.pod_files, *map(str, pods)])


def _advise(found: Correlation) -> None:
    """Warnings on stderr: what is incomplete, and how to turn on logs that are off."""
    from egresslog.report.advice import NO_ACCESS_LINES, TELEMETRY_HINT

    warn([*found.manifest["problems"], *found.manifest["warnings"]])
    if NO_ACCESS_LINES in found.manifest["problems"]:
        say(TELEMETRY_HINT)


def _print(found: Correlation, form: Form | None, rows: RowsOf | None, chosen: Selection) -> None:
    from egresslog.report.output import print_correlation

    print_correlation(found.tables, found.manifest, sys.stdout, form or Form.TABLE, rows, chosen)


def _write(found: Correlation, target: Target, force: bool, rows: RowsOf | None, chosen: Selection) -> None:
    """The run or the file; what was found, in a sentence, goes to stderr."""
    from egresslog.report.output import headline, write_correlation
    from egresslog.report.target import RUN

    if target.form == RUN:
        found.save(target.path, force=force)
        if not chosen.is_everything:
            say("filters choose what is shown; the run holds everything")
    else:
        write_correlation(found.tables, found.manifest, target.path, target.form, rows, chosen)
    say(headline(found.tables, found.manifest))
    say(f"{'run ' if target.form == RUN else ''}written to {target.path}")
