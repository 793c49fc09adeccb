"""What goes to stderr: errors, warnings, progress. Log text and file names are neutralised on the way."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from egresslog.errors import EgresslogError
from egresslog.report.neutralise import for_terminal

if TYPE_CHECKING:
    from egresslog.parse.logs import Progress


def say(text: str) -> None:
    """One or more lines to stderr, each neutralised."""
    for line in text.split("\n"):
        print(for_terminal(line), file=sys.stderr)


def warn(sentences: Iterable[str]) -> None:
    """A warning per sentence."""
    for sentence in sentences:
        say(f"warning: {sentence}")


def fail(error: EgresslogError) -> NoReturn:
    """Print an error and leave with its exit code."""
    say(f"error: {error}")
    sys.exit(error.exit_code)


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """A progress bar over files, on a terminal only; elsewhere nothing is printed."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what)

        def show(path: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=for_terminal(path[-40:]))

        yield show
