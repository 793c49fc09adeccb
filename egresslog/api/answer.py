"""Both sides in, the correlation out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from egresslog.api.reading import Inputs, Path, nothing_readable, read_both, several
from egresslog.api.result import Correlation
from egresslog.correlation.proxies import Endpoint, parse_endpoint
from egresslog.correlation.stage import Correlated, correlate_logs
from egresslog.errors import UsageError
from egresslog.identity.pods import read_pods
from egresslog.linking.model import Settings
from egresslog.parse.logs import Logs, Progress
from egresslog.report.completeness import MAX_REJECTED, completeness
from egresslog.report.manifest import manifest_of

MAX_OFFSET = 900.0  # seconds
LONGEST = 31_622_400.0  # seconds: no clock is off by more than a year


@dataclass(frozen=True)
class Terms:
    """How to join what was read; raises UsageError where that makes no sense.

    ``proxy``: its ADDR:PORT as Envoy sees it. ``max_offset``: largest clock offset looked for, in
    seconds. ``max_rejected``: share of a file's lines that may be rejected.
    """

    proxy: Sequence[str] = ()
    max_offset: float = MAX_OFFSET
    max_rejected: float = MAX_REJECTED
    endpoints: list[Endpoint] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoints", [parse_endpoint(text) for text in self.proxy])
        limits = (("max offset", self.max_offset, LONGEST), ("max rejected", self.max_rejected, 1.0))
        for what, value, most in limits:
            if not 0 <= value <= most:  # nan is neither
                raise UsageError(f"{what} {value:g}: not between 0 and {most:,.0f}")

    @property
    def settings(self) -> Settings:
        return Settings(max_offset_us=round(self.max_offset * 1_000_000))

    @property
    def parameters(self) -> dict[str, Any]:
        """The part of a run's parameters that is about joining."""
        limits = {"max_offset_s": self.max_offset, "max_rejected": self.max_rejected}
        return {"proxy": list(self.proxy), **limits}


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
    it. ``squid_format``, ``envoy_format``: a preset, a format string, or @FILE: one that holds a format
    string, a squid.conf or the mesh's configuration. ``max_offset``: largest clock offset looked for,
    in seconds. ``max_rejected``: share of a file's lines above which the evidence counts as incomplete.

    Raises UsageError, FormatError, and NothingReadable when there is no record at all.
    """
    terms = Terms(several(proxy), max_offset, max_rejected)
    inputs = Inputs(paths, squid, envoy, several(pods), squid_format, envoy_format)
    return correlate_read(read_both(inputs, progress), inputs, terms)


def correlate_read(logs: Logs, inputs: Inputs, terms: Terms, *, controlled: bool = True) -> Correlation:
    """Correlate what was read of the inputs; ``controlled``: with the controls.

    Raises UsageError and NothingReadable.
    """
    if not len(logs.squid) and not len(logs.envoy):
        raise nothing_readable(logs)
    result, problems = correlated(logs, inputs.pods, terms, controlled=controlled)
    whole = completeness(logs.files, [*logs.problems, *problems], result.balance, terms.max_rejected)
    tables = {
        "transactions": result.transactions,
        "connections": result.connections,
        "candidates": result.candidates,
        "rejects": logs.rejects,
        "raw": logs.raw,
    }
    parameters = inputs.parameters | terms.parameters
    return Correlation(tables, manifest_of(logs.files, result, whole, parameters))


def correlated(
    logs: Logs, pods: Iterable[Path], terms: Terms, *, controlled: bool = False
) -> tuple[Correlated, list[str]]:
    """The correlation stage on what was read, and sentences on what was given and led nowhere.

    Raises UsageError for a pod list that was named; one found among the inputs is passed over.
    """
    named = [os.fspath(path) for path in pods]
    listed, problems = read_pods(named), []
    for path in dict.fromkeys(logs.pod_files):
        try:
            listed += read_pods([path] if path not in named else [])
        except UsageError as error:
            problems.append(error.message)
    result = correlate_logs(logs, listed, terms.settings, terms.endpoints, controlled=controlled)
    unseen = (f"--proxy {address}:{port}" for address, port in result.proxies.unseen)
    return result, [*problems, *(f"{given}: no Envoy record went there" for given in unseen)]
