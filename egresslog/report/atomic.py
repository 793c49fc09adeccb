"""Files and folders that are complete or absent, never half written."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from egresslog.errors import OutputError
from egresslog.report.neutralise import for_terminal

_PREFIX = ".egresslog-"


@contextmanager
def output_errors(name: str) -> Iterator[None]:
    """Turn an OSError into an OutputError that names the output; a closed pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{for_terminal(name)}: cannot be written: {reason}") from error


def stream_name(stream: object) -> str:
    """What to call an open stream in a message."""
    name = str(getattr(stream, "name", "the output"))
    known = {"<stdout>": "standard output", "1": "standard output", "<stderr>": "standard error"}
    return known.get(name, name)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of mode 0600 that appears under its name only when it is whole and on disk.

    Raises OutputError; nothing is left behind then, nor after Ctrl-C. A symbolic link, device or
    pipe under that name is refused rather than replaced.
    """
    with output_errors(str(path)):
        refuse_special(path)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
            _sync_folder(path.parent)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary sibling of mode 0700 that becomes ``folder`` when the block ends well.

    What stood there before is replaced as a whole. Raises OutputError; then it still stands.
    """
    with output_errors(str(folder)):
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_PREFIX))
        try:
            fresh = work / "new"
            fresh.mkdir(mode=0o700)
            yield fresh
            _swap(fresh, folder, work / "old")
            _sync_folder(folder.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def refuse_special(path: Path) -> None:
    """Raise OutputError where something that is no regular file has that name."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OutputError(
                f"{for_terminal(str(path))}: not a regular file", hint="choose another name, or use stdout"
            )


def _swap(fresh: Path, folder: Path, old: Path) -> None:
    """Put ``fresh`` in the place of ``folder``; what was there moves to ``old``, or back on error."""
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(fresh, folder)
    except BaseException:
        if old.exists():
            os.rename(old, folder)
        raise


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; some file systems cannot, which loses nothing."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
