"""Reading either side, or both, from paths, Logs and DataFrames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from egresslog.api.log import Log
from egresslog.errors import NothingReadable
from egresslog.files.sources import Given, Source, expand, named
from egresslog.formats.codes import Dialect
from egresslog.formats.given import Stated, formats_to_try, given_formats, stated_formats
from egresslog.formats.program import LogFormat
from egresslog.parse.logs import Logs, Narrowed, Progress, from_frame, merge_logs, read_logs
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

    @cached_property
    def stated(self) -> dict[Dialect, tuple[Stated, ...]]:
        """The formats given, of each side; files are read once. Raises UsageError and FormatError."""
        given: dict[Dialect, str | None] = {"squid": self.squid_format, "envoy": self.envoy_format}
        return {side: stated_formats(text, side) if text else () for side, text in given.items()}

    @cached_property
    def formats(self) -> dict[Dialect, tuple[LogFormat, ...]]:
        """The formats to try, of each side. Raises as ``stated``."""
        return {side: formats_to_try(stated) for side, stated in self.stated.items()}

    @property
    def parameters(self) -> dict[str, Any]:
        """The part of a run's parameters that is about its inputs."""
        pairs = [named(text) for side in (self.squid, self.envoy) for text in _texts(side)]
        return {
            "squid_format": _shown(self.squid_format, self.stated["squid"]),
            "envoy_format": _shown(self.envoy_format, self.stated["envoy"]),
            "names": {path: name for name, path in pairs if name},
            "pods": [os.fspath(path) for path in self.pods],
        }


def read_squid(*paths: Path, format: str | None = None) -> Log:
    """Read Squid access logs: files, folders, globs or ``-``; the format is found by content.

    ``format`` is a preset, a logformat string, or @FILE: one that holds a logformat string or a
    squid.conf. Raises FormatError when it does not compile, UsageError when the file holds none, and
    NothingReadable when no input could be read.
    """
    return _read("squid", paths, format)


def read_envoy(*paths: Path, format: str | None = None) -> Log:
    """Read Envoy (Istio) access logs: files, folders, globs or ``-``; the format is found by content.

    ``format`` is a preset, a format string, or @FILE: one that holds a format string or the mesh's
    configuration. Raises FormatError when it does not compile, UsageError when the file holds none, and
    NothingReadable when no input could be read.
    """
    return _read("envoy", paths, format)


def read_both(inputs: Inputs, progress: Progress | None = None, narrowed: Narrowed | None = None) -> Logs:
    """Everything given, read; what cannot be is named in the reports. Raises UsageError and FormatError.

    ``narrowed`` may say to read less of each file.
    """
    tables = [*_as_logs("squid", inputs.squid), *_as_logs("envoy", inputs.envoy)]
    return merge_logs([read_logs(_all_given(inputs), progress, narrowed), *tables])


def sources_of(inputs: Inputs) -> list[Source]:
    """The files that reading these inputs would read. Raises UsageError and FormatError."""
    return expand(_all_given(inputs))[0]


def _all_given(inputs: Inputs) -> list[Given]:
    squid, envoy = inputs.formats["squid"], inputs.formats["envoy"]
    given = [Given(os.fspath(path), formats=squid + envoy) for path in inputs.paths]
    given += _given("squid", inputs.squid, squid) + _given("envoy", inputs.envoy, envoy)
    # A pipe cannot be read twice: a pod list that comes through one has no report.
    return given + [Given(os.fspath(path)) for path in inputs.pods if os.path.isfile(path)]


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
    formats = given_formats(format, dialect) if format else ()
    logs = read_logs(_given(dialect, tuple(paths), formats))
    log = Log(dialect, logs)
    if not len(log):
        raise nothing_readable(logs)
    return log


def _given(dialect: Dialect, paths: Any, formats: tuple[LogFormat, ...]) -> list[Given]:
    return [Given(path, dialect, name, formats) for name, path in map(named, _texts(paths))]


def _shown(text: str | None, stated: Sequence[Stated]) -> str | list[str] | None:
    """The text of the option, or, of a file, what was found in it: a run depends on that, not on a path."""
    return [one.format.text for one in stated] if text and text.startswith("@") else text


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
