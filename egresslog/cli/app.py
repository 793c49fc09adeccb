"""The command line: ``egresslog COMMAND``. Data to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from egresslog.cli.correlate import correlate_command
from egresslog.cli.formats import formats_command
from egresslog.cli.inspect import inspect_command
from egresslog.cli.messages import fail
from egresslog.cli.parse import parse_command
from egresslog.cli.who import who_command
from egresslog.errors import EgresslogError, Exit

EPILOG = """Examples:

  egresslog correlate logs/                      who tunnelled to which host, from collected logs

  egresslog correlate --squid access.log --envoy sidecars/ --pods pods.json -o run/

  egresslog who --client 10.60.1.11 --at 2026-11-23T04:22:36Z logs/

  egresslog inspect logs/                        what was found in every file, and why

  egresslog parse access.log.gz --format csv     normalised records with file and line

Exit codes: 0 ok, 2 usage or nothing readable, 3 incomplete evidence, 4 output not written, 130 Ctrl-C."""

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
app.command("correlate")(correlate_command)
app.command("who")(who_command)
app.command("inspect")(inspect_command)
app.command("parse")(parse_command)
app.command("formats")(formats_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"egresslog {version('egresslog')}")
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
    try:
        app()
    except EgresslogError as error:
        fail(error)
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        _close_quietly()


def _close_quietly() -> None:
    """The reader of our output went away (``| head``): stop without a word, as other filters do."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    sys.exit(Exit.OK)
