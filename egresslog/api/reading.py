"""Reading either side, or both, from paths, Logs and DataFrames."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from egresslog.api.log import Log
from egresslog.errors import NothingReadable
from egresslog.formats import compile_format
from egresslog.formats.codes import Dialect
from egresslog.parse.logs import Logs, Progress, from_frame, merge_logs, read_logs
from egresslog.parse.sources import Given, named
from egresslog.report.advice import TELEMETRY_HINT

Path = str | os.PathLike[str]


def read_squid(*paths: Path, format: str | None = None) -> Log:
    """Read Squid access logs: files, folders, globs or ``-``; the format is found by content.

    ``format`` is a preset or a logformat string. Raises FormatError when it does not compile and
    NothingReadable when no input could be read.
    """
    return _read("squid", paths, format)


def read_envoy(*paths: Path, format: str | None = None) -> Log:
    """Read Envoy (Istio) access logs: files, folders, globs or ``-``; the format is found by content.

    ``format`` is a preset or a format string. Raises FormatError when it does not compile and
    NothingReadable when no input could be read.
    """
    return _read("envoy", paths, format)


def read_both(
    paths: Iterable[Path],
    squid: Any = (),
    envoy: Any = (),
    squid_format: str | None = None,
    envoy_format: str | None = None,
    progress: Progress | None = None,
) -> Logs:
    """Everything given, read: ``paths`` of either side, ``squid`` and ``envoy`` as ``correlate`` takes them.

    Raises UsageError and FormatError; what cannot be read is named in the reports.
    """
    given = [Given(os.fspath(path)) for path in paths]
    given += _given("squid", squid, squid_format) + _given("envoy", envoy, envoy_format)
    tables = [*_as_logs("squid", squid), *_as_logs("envoy", envoy)]
    return merge_logs([read_logs(given, progress), *tables])


def nothing_readable(logs: Logs) -> NothingReadable:
    """One sentence on why there is no record: what was not found, not readable, or no log."""
    reasons = [*logs.problems, *(f"{f.path}: {f.problem or _what(f.kind)}" for f in logs.files)]
    hint = TELEMETRY_HINT if any(f.kind == "envoy" for f in logs.files) else None
    return NothingReadable("no access-log record found: " + "; ".join(reasons or ["no input"]), hint=hint)


def _what(kind: str) -> str:
    return {
        "envoy": "an Envoy container log without access lines: access logging is off",
        "pods": "a pod list, no log",
        "empty": "no lines",
        "other": "no log",
    }.get(kind, "in no known format")


def _read(dialect: Dialect, paths: Iterable[Path], format: str | None) -> Log:
    logs = read_logs(_given(dialect, tuple(paths), format))
    log = Log(dialect, logs)
    if not len(log):
        raise nothing_readable(logs)
    return log


def _given(dialect: Dialect, paths: Any, format: str | None) -> list[Given]:
    compiled = compile_format(format, dialect) if format else None
    texts = [os.fspath(path) for path in several(paths) if isinstance(path, str | os.PathLike)]
    return [Given(path, dialect, name, compiled) for name, path in map(named, texts)]


def several(value: Any) -> list[Any]:
    """One or several: a lone path, Log or DataFrame as a list of one."""
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _as_logs(dialect: Dialect, value: Any) -> Iterable[Logs]:
    """What was given as tables rather than paths."""
    for one in several(value):
        if isinstance(one, Log):
            yield one.logs
        elif not isinstance(one, str | os.PathLike):
            yield from_frame(dialect, one)
