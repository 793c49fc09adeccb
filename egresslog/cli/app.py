"""The command line: ``egresslog COMMAND``. Data to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from egresslog.cli.bundles import unbundled
from egresslog.cli.correlate import correlate_command
from egresslog.cli.explain import explain_command
from egresslog.cli.formats import formats_command
from egresslog.cli.inspect import inspect_command
from egresslog.cli.messages import fail
from egresslog.cli.parse import parse_command
from egresslog.cli.who import who_command
from egresslog.errors import EgresslogError, Exit, OutputError

EPILOG = """Examples:

  egresslog correlate logs/                      who tunnelled to which host, from collected logs

  egresslog correlate --squid access.log --envoy sidecars/ --pods pods.json -o run/

  egresslog who --client 10.60.1.11 --at 2026-11-23T04:22:36Z logs/

  egresslog explain run/ access.log:12           why this link, or why none: all evidence, as bars

  egresslog inspect logs/                        what was found in every file, and why

  egresslog parse access.log.gz --format csv     normalised records with file and line

Exit codes: 0 ok, 1 findings, 2 usage or nothing readable, 3 incomplete evidence, 4 output not written,
130 Ctrl-C."""

app = typer.Typer(
    name="egresslog",
    help="Tell which mesh client tunnelled to which external host through the proxy: join Squid and Envoy "
    "(Istio) access logs, with evidence.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("correlate")(unbundled(correlate_command))
app.command("who")(unbundled(who_command))
app.command("explain")(unbundled(explain_command))
app.command("inspect")(unbundled(inspect_command))
app.command("parse")(unbundled(parse_command))
app.command("formats")(formats_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from egresslog.report.printing import write_text

        write_text(f"egresslog {version('egresslog')}\n", sys.stdout)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Join Squid and Envoy access logs."""


options.__doc__ = app.info.help


def main() -> None:
    """Run the command line; every error egresslog raises on purpose becomes a message and an exit code."""
    _fill_output()
    try:
        _run()
    except OutputError as error:
        _drop_output()
        fail(error)
    except EgresslogError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        _drop_output()
        sys.exit(Exit.OK)  # the reader went away (``| head``): stop without a word, as other filters do


def _run() -> None:
    try:
        app()
    except OSError as error:  # from what typer prints itself, such as --help
        if error.errno != errno.ENOSPC:
            raise
        raise OutputError(f"standard output: cannot be written: {error.strerror}") from error


def _fill_output() -> None:
    """Where standard output is closed, what writes to it shall fail, and no file opened later become it."""
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115


def _drop_output() -> None:
    """Let go of what standard output still holds, so that Python does not fail on it once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
