"""Reading either side, or both, from paths, Logs and DataFrames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from egresslog.api.log import Log
from egresslog.errors import NothingReadable
from egresslog.files.sources import Given, named
from egresslog.formats import compile_format
from egresslog.formats.codes import Dialect
from egresslog.formats.program import LogFormat
from egresslog.parse.logs import Logs, Progress, from_frame, merge_logs, read_logs
from egresslog.report.advice import TELEMETRY_HINT

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Inputs:
    """What to read; each part is as ``correlate`` takes it."""

    paths: Sequence[Path] = ()
    squid: Any = ()
    envoy: Any = ()
    pods: Sequence[Path] = ()
    squid_format: str | None = None
    envoy_format: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The part of a run's parameters that is about its inputs."""
        pairs = [named(text) for side in (self.squid, self.envoy) for text in _texts(side)]
        return {
            "squid_format": self.squid_format,
            "envoy_format": self.envoy_format,
            "names": {path: name for name, path in pairs if name},
            "pods": [os.fspath(path) for path in self.pods],
        }


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


def read_both(inputs: Inputs, progress: Progress | None = None) -> Logs:
    """Everything given, read; what cannot be is named in the reports. Raises UsageError and FormatError."""
    squid, envoy = _formats("squid", inputs.squid_format), _formats("envoy", inputs.envoy_format)
    given = [Given(os.fspath(path), formats=squid + envoy) for path in inputs.paths]
    given += _given("squid", inputs.squid, squid) + _given("envoy", inputs.envoy, envoy)
    # A pipe cannot be read twice: a pod list that comes through one has no report.
    given += [Given(os.fspath(path)) for path in inputs.pods if os.path.isfile(path)]
    tables = [*_as_logs("squid", inputs.squid), *_as_logs("envoy", inputs.envoy)]
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
    logs = read_logs(_given(dialect, tuple(paths), _formats(dialect, format)))
    log = Log(dialect, logs)
    if not len(log):
        raise nothing_readable(logs)
    return log


def _given(dialect: Dialect, paths: Any, formats: tuple[LogFormat, ...]) -> list[Given]:
    return [Given(path, dialect, name, formats) for name, path in map(named, _texts(paths))]


def _formats(dialect: Dialect, text: str | None) -> tuple[LogFormat, ...]:
    return (compile_format(text, dialect),) if text else ()


def _texts(value: Any) -> list[str]:
    """What was given as paths rather than tables."""
    return [os.fspath(path) for path in several(value) if isinstance(path, str | os.PathLike)]


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
