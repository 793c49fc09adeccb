"""Where -o writes: known, and refused where it must be, before anything is read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from egresslog.errors import OutputError, UsageError
from egresslog.report.atomic import refuse_special
from egresslog.report.neutralise import for_terminal
from egresslog.report.run import refuse_existing
from egresslog.report.writers import format_of

RUN = "run"


@dataclass(frozen=True)
class Target:
    """A file in a form, or a run folder (form ``run``)."""

    path: str
    form: str


def run_target(path: str, form: str | None, force: bool) -> Target:
    """A run folder (no suffix, ends in a slash, or is a folder), else a file.

    Raises UsageError and OutputError.
    """
    if form is not None or not _is_run_folder(path):
        return file_target(path, form)
    refuse_existing(Path(path), force)
    _refuse_parent(path)
    return Target(path, RUN)


def file_target(path: str, form: str | None) -> Target:
    """A file, in ``form`` or as its suffix says. Raises UsageError and OutputError."""
    if form == "table":
        raise UsageError("a table is for reading on a terminal", hint="with -o, choose another --format")
    if path.endswith("/") or Path(path).is_dir():
        raise UsageError(f"{for_terminal(path)}: a folder, where a file is needed", hint="give a file name")
    target = Target(path, form or format_of(path))
    refuse_special(Path(path))
    _refuse_parent(path)
    return target


def refuse_input(path: str, read: Iterable[str]) -> None:
    """Raise OutputError where the output would take the place of a file that was read."""
    if os.path.exists(path) and any(os.path.exists(one) and os.path.samefile(path, one) for one in read):
        raise OutputError(f"{for_terminal(path)}: is one of the inputs", hint="choose another name")


def _is_run_folder(path: str) -> bool:
    return path.endswith("/") or Path(path).is_dir() or not Path(path).suffix


def _refuse_parent(path: str) -> None:
    parent = Path(path).parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        why = "permission denied" if parent.is_dir() else "its folder does not exist"
        raise OutputError(f"{for_terminal(path)}: cannot be written: {why}")
