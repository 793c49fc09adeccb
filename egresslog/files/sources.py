"""What the user gave -> the files to read: files, folders, globs and ``-``, in a stable order."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from egresslog.errors import UsageError
from egresslog.formats.codes import Dialect
from egresslog.formats.program import LogFormat

STDIN = "-"

# Files that stand beside logs and are none; other files without a known format are named.
BESIDE_LOGS = (
    ".md", ".csv", ".yaml", ".yml", ".html", ".png", ".svg", ".pdf", ".py", ".ipynb", ".sh", ".conf",
)  # fmt: skip
COMPRESSED = (".gz", ".zst", ".bz2", ".xz")


@dataclass(frozen=True, slots=True)
class Slice:
    """Whole lines of a plain file, from byte ``start`` to ``stop``; ``lines`` stand before them."""

    start: int
    stop: int
    lines: int = 0


@dataclass(frozen=True)
class Source:
    """One input file: ``path`` as shown, and what the user said of it."""

    path: str
    dialect: Dialect | None = None
    name: str | None = None  # Squid instance or mesh cluster
    formats: tuple[LogFormat, ...] = ()  # of either dialect, tried before the presets
    found: bool = False  # found in a folder or by a glob, not named by the user
    below: str | None = None  # the given folder in which it was found
    part: Slice | None = None  # the lines to read; None: all

    @property
    def trail(self) -> str:
        """What of its path may tell whose log it is: from the given folder's own name on, else all of it.

        The working directory does not change it.
        """
        if self.below is not None:
            return os.path.relpath(self.path, os.path.dirname(os.path.abspath(self.below)))
        return self.path if self.path == STDIN else os.path.abspath(self.path)


@dataclass(frozen=True)
class Given:
    """A path, folder, glob or ``-`` as the user gave it, with what is known of its files."""

    path: str
    dialect: Dialect | None = None
    name: str | None = None
    formats: tuple[LogFormat, ...] = ()


def expand(given: Iterable[Given]) -> tuple[list[Source], list[str]]:
    """The files to read, each once, sorted within what was given; and a sentence per thing not found.

    Raises UsageError when ``-`` is given more than once.
    """
    sources: list[Source] = []
    problems: list[str] = []
    for one in given:
        found = list(_expand(one))
        sources.extend(found)
        if not found:
            problems.append(_nothing(one.path))
    if sum(source.path == STDIN for source in sources) > 1:
        raise UsageError("standard input (-) can be read only once")
    return _once(sources), problems


def named(text: str) -> tuple[str | None, str]:
    """``NAME=PATH`` -> (name, path); a path that exists, or holds a separator before its =, has no name."""
    name, equals, path = text.partition("=")
    has_name = equals and name and os.sep not in name and not os.path.exists(text) and not glob.glob(text)
    return (name, path) if has_name else (None, text)


def stands_beside_logs(source: Source) -> bool:
    """True for a file that was found, not named, and whose name says that it is no log."""
    base, ending = os.path.splitext(source.path.lower())
    return source.found and (base if ending in COMPRESSED else base + ending).endswith(BESIDE_LOGS)


def _expand(given: Given) -> Iterator[Source]:
    source = Source(given.path, given.dialect, given.name, given.formats)
    if given.path == STDIN or os.path.exists(given.path):
        if given.path != STDIN and os.path.isdir(given.path):
            yield from _inside(source, given.path)
        else:
            yield source
        return
    for path in sorted(glob.glob(given.path, recursive=True)):
        if os.path.isdir(path):
            yield from _inside(source, path)
        elif _is_regular(path):
            yield replace(source, path=path, found=True)


def _inside(source: Source, folder: str) -> Iterator[Source]:
    """The files below a folder, each remembering it."""
    return (replace(source, path=path, found=True, below=folder) for path in _walk(folder))


def _walk(folder: str) -> Iterator[str]:
    """Regular files below a folder, sorted; then the folders that cannot be read, for reading to name.

    Hidden ones and run folders are left out; links to folders are not followed.
    """
    closed: list[str] = []
    for base, folders, names in os.walk(folder, onerror=lambda error: closed.append(str(error.filename))):
        if _is_run(folders, names):
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(base, name)
            if not name.startswith(".") and _is_regular(path):
                yield path
    yield from closed


def _is_run(folders: list[str], names: list[str]) -> bool:
    """True for what ``correlate -o FOLDER`` wrote: an answer, no log."""
    return "manifest.json" in names and {"transactions", "connections"} <= set(folders)


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return True  # a dangling link or a file without permission: reading it names the problem


def _once(sources: list[Source]) -> list[Source]:
    """Each file once, also when it is given twice or linked; what names it more closely wins."""
    kept: dict[object, Source] = {}
    for source in sources:
        key = _identity(source.path)
        if key not in kept or (kept[key].dialect is None and source.dialect is not None):
            kept[key] = source
    return list(kept.values())


def _identity(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError:
        return path
    return (status.st_dev, status.st_ino) if path != STDIN else path


def _nothing(path: str) -> str:
    if os.path.isdir(path):
        return f"{path}: the folder holds no file"
    if glob.has_magic(path):
        return f"{path}: no file matches"
    return f"{path}: no such file or folder"
