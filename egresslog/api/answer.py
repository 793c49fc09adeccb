"""Both sides in, answers out: correlate for all of it, who for one Squid line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from egresslog.api.question import Question, ask
from egresslog.api.reading import Path, nothing_readable, read_both, several
from egresslog.api.result import Correlation
from egresslog.correlation.proxies import parse_endpoint
from egresslog.correlation.stage import Correlated, correlate_logs
from egresslog.identity.pods import read_pods
from egresslog.linking.model import Settings
from egresslog.parse.logs import Logs, Progress, merge_logs
from egresslog.report.completeness import MAX_REJECTED, completeness
from egresslog.report.manifest import manifest_of

MAX_OFFSET = 900.0  # seconds


def correlate(
    *paths: Path,
    squid: Any = (),
    envoy: Any = (),
    pods: Path | Iterable[Path] = (),
    proxy: str | Iterable[str] = (),
    squid_format: str | None = None,
    envoy_format: str | None = None,
    max_offset: float = MAX_OFFSET,
    max_rejected: float = MAX_REJECTED,
    progress: Progress | None = None,
) -> Correlation:
    """Tell which mesh client tunnelled to which external host.

    ``paths``: files and folders of both sides, told apart by content. ``squid``, ``envoy``: paths
    (``NAME=PATH`` names a Squid instance or a mesh cluster), a ``Log``, or a DataFrame with the
    columns of schema.SQUID_RECORDS or ENVOY_RECORDS. ``proxy``: the proxy's ADDR:PORT as Envoy sees
    it. ``max_offset``: largest clock offset looked for, in seconds. ``max_rejected``: share of a
    file's lines above which the evidence counts as incomplete.

    Raises UsageError, FormatError, and NothingReadable when there is no record at all.
    """
    logs = read_both(paths, squid, envoy, squid_format, envoy_format, progress)
    parameters = {
        "squid_format": squid_format,
        "envoy_format": envoy_format,
        "proxy": several(proxy),
        "max_offset_s": max_offset,
        "max_rejected": max_rejected,
    }
    return correlate_read(logs, several(pods), parameters)


def correlate_read(logs: Logs, pods: Iterable[Path], parameters: Mapping[str, Any]) -> Correlation:
    """Correlate what was read; ``parameters`` are those of ``correlate``."""
    if not len(logs.squid) and not len(logs.envoy):
        raise nothing_readable(logs)
    result = correlated(logs, [*logs.pod_files, *pods], parameters["proxy"], parameters["max_offset_s"])
    whole = completeness(logs.files, logs.problems, result.balance, parameters["max_rejected"])
    tables = {
        "transactions": result.transactions,
        "connections": result.connections,
        "candidates": result.candidates,
        "rejects": logs.rejects,
        "raw": logs.raw,
    }
    return Correlation(tables, manifest_of(logs.files, result, whole, parameters))


def correlated(
    logs: Logs, pods: Iterable[Path], proxy: Iterable[str] = (), max_offset: float = MAX_OFFSET
) -> Correlated:
    """The correlation stage on what was read; ``max_offset`` in seconds."""
    listed = read_pods(dict.fromkeys(os.fspath(path) for path in pods))
    settings = Settings(max_offset_us=round(max_offset * 1_000_000))
    return correlate_logs(logs, listed, settings, [parse_endpoint(text) for text in proxy])


def who(logs: Logs, question: Question, pods: Iterable[Path] = ()) -> tuple[Correlation, list[str]]:
    """Correlate the logs, the question's Squid line among them; the transactions it asks about, by id.

    Raises UsageError when the line is in no known Squid format.
    """
    parameters = {"proxy": [], "max_offset_s": MAX_OFFSET, "max_rejected": MAX_REJECTED}
    asked, extra = ask(logs, question)
    found = correlate_read(merge_logs([logs, *extra]), pods, parameters)
    return found, asked
