"""The manifest: what a run was made from, and whether it adds up. JSON types only."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from egresslog.correlation.balance import Balance, Equation
from egresslog.correlation.population import Population
from egresslog.correlation.proxies import Proxies
from egresslog.correlation.stage import Correlated
from egresslog.parse.content import FileReport
from egresslog.report.clocks import clock_entries, clock_warnings
from egresslog.report.completeness import Completeness
from egresslog.report.controls import controls_entry
from egresslog.report.moments import iso

LIBRARIES = ("numba", "numpy", "pyarrow")
PATHS = ("names", "pods")  # parameters that hold paths: what they say is in the files' names and digests


def manifest_of(
    files: Sequence[FileReport],
    result: Correlated,
    whole: Completeness,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Inputs, parameters, clocks, proxies, controls (null if none were made), balance and completeness."""
    clocks = clock_entries(result.clocks)
    return {
        "egresslog": version("egresslog"),
        "run_id": run_id(files, parameters),
        "parameters": dict(parameters),
        "files": [file_entry(report) for report in files],
        "proxies": proxy_entries(result.proxies),
        "clocks": clocks,
        "population": population_entry(result.population),
        "pruned": result.pruned,
        "crowded": result.crowded,
        "controls": controls_entry(result.controls) if result.controls else None,
        "balance": balance_entries(result.balance),
        "flags": whole.flags,
        "problems": whole.problems,
        "warnings": clock_warnings(clocks),
    }


def written(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with what only the run's own machine and moment know."""
    libraries = {name: version(name) for name in LIBRARIES}
    made = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    return {**manifest, "made": made | {"libraries": libraries}}


def file_entry(report: FileReport) -> dict[str, Any]:
    """One input file: how it was read and what became of its lines."""
    entry = asdict(report)
    return {
        **entry,
        "format": ", ".join(report.formats) or None,
        "formats": list(report.formats),
        "found": [
            {"format": format, "records": number, "first_line": line}
            for format, (number, line) in report.found.items()
        ],
        "skipped": sum(report.skipped.values()),
        "skipped_by_kind": dict(report.skipped),
        "first": iso(report.first),
        "last": iso(report.last),
        "gaps": [{"from": iso(start), "to": iso(end)} for start, end in report.gaps],
    }


def proxy_entries(proxies: Proxies) -> dict[str, Any]:
    """The proxy's endpoints, how they were found, and each with its own source."""
    found = sorted((_endpoint(*endpoint), by) for endpoint, by in proxies.found.items())
    return {
        "source": proxies.source,
        "endpoints": [endpoint for endpoint, _ in found],
        "found": [{"endpoint": endpoint, "by": by} for endpoint, by in found],
    }


def population_entry(population: Population) -> dict[str, Any]:
    """The population in full, its lists as objects."""
    return asdict(population)


def balance_entries(balance: Balance) -> list[dict[str, Any]]:
    """The balance's equations, each with whether it holds."""
    return [_equation(equation) for equation in balance.equations]


def run_id(files: Sequence[FileReport], parameters: Mapping[str, Any]) -> str:
    """What the run depends on, digested: the inputs' content and names and the parameters, not paths."""
    content = sorted((report.sha256 or "", report.name or "") for report in files)
    said = {name: value for name, value in parameters.items() if name not in PATHS}
    text = json.dumps([content, said], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _equation(equation: Equation) -> dict[str, Any]:
    return {
        "side": equation.side,
        "what": equation.what,
        "total": equation.total,
        "parts": dict(equation.parts),
        "holds": equation.holds,
    }


def _endpoint(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port is None else f"{host}:{port}"
