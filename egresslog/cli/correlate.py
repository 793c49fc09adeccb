"""``egresslog correlate``: the main job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from egresslog.cli import options
from egresslog.cli.library import library
from egresslog.cli.messages import progress, say, warn
from egresslog.cli.options import Form, RowsOf
from egresslog.errors import Exit, UsageError
from egresslog.report.completeness import MAX_REJECTED
from egresslog.report.select import Selection

if TYPE_CHECKING:
    from egresslog.api import Correlation


def correlate_command(
    paths: options.Paths = None,
    squid: options.Squid = None,
    envoy: options.Envoy = None,
    pods: options.Pods = None,
    proxy: options.Proxy = None,
    squid_format: options.SquidFormat = None,
    envoy_format: options.EnvoyFormat = None,
    output: options.Output = None,
    force: options.Force = False,
    form: options.Format = None,
    rows: options.Rows = None,
    since: options.Since = None,
    until: options.Until = None,
    namespace: options.Namespace = None,
    workload: options.Workload = None,
    host: options.Host = None,
    port: options.Port = None,
    max_offset: options.MaxOffset = 900.0,
    max_rejected: options.MaxRejected = MAX_REJECTED,
) -> None:
    """Tell which mesh client tunnelled to which external host.

    Reads Squid and Envoy access logs and pod lists, joins them, and prints the matrix of clients and
    hosts, what could not be linked and why, and the balance of both sides. Filters change what is
    shown, never a link.
    """
    if not (paths or squid or envoy):
        raise UsageError("nothing to read", hint="egresslog correlate FOLDER, or --squid PATH --envoy PATH")
    api = library()

    chosen = options.selection(since, until, namespace, workload, host, port)
    with progress("reading") as show:
        found = api.correlate(
            *(paths or ()),
            squid=squid or (), envoy=envoy or (), pods=pods or (), proxy=proxy or (),
            squid_format=options.format_text(squid_format), envoy_format=options.format_text(envoy_format),
            max_offset=max_offset, max_rejected=max_rejected, progress=show,
        )  # fmt: skip
    _advise(found)
    _write(found, output, force, form, rows, chosen)
    raise typer.Exit(Exit.INCOMPLETE if found.manifest["flags"]["incomplete"] else Exit.OK)


def _advise(found: Correlation) -> None:
    """Warnings on stderr: what is incomplete, and how to turn on logs that are off."""
    from egresslog.report.advice import NO_ACCESS_LINES, TELEMETRY_HINT

    warn(found.manifest["problems"])
    if NO_ACCESS_LINES in found.manifest["problems"]:
        say(TELEMETRY_HINT)


def _write(
    found: Correlation,
    output: str | None,
    force: bool,
    form: Form | None,
    rows: RowsOf | None,
    chosen: Selection,
) -> None:
    from egresslog.report.output import is_run_folder, print_correlation, write_correlation

    if output is None:
        print_correlation(found.tables, found.manifest, sys.stdout, form or Form.TABLE, rows, chosen)
    elif form is None and is_run_folder(output):
        found.save(output, force=force)
        say(f"run written to {output}")
    else:
        write_correlation(found.tables, found.manifest, output, rows, chosen, form)
