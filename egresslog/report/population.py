"""The population on a terminal: who is there, who is missing, and the proxy's endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from egresslog.report.human import number
from egresslog.report.layout import WIDTH, Column, Line, Sheet, layout

SHOWN = 10  # of each kind; JSON has all

# Key in the manifest, heading, whether names are listed.
_KINDS = (
    ("with_logs", "Pods with a sidecar and its log", False),
    ("without_logs", "Pods with a sidecar, no log given", True),
    ("without_sidecar", "Pods without a sidecar", True),
    ("unlisted", "Logs of pods in no pod list", True),
    ("translated", "Client addresses that stand for others", True),
    ("unknown", "Client addresses nobody knows", True),
)


def population_table(population: Mapping[str, Any], width: int = WIDTH) -> Sheet:
    """How many there are of each kind, and those of most Squid lines by name (see Population)."""
    lines = [line for kind in _KINDS for line in _kind(population[kind[0]], *kind[1:])]
    unnamed = population["unnamed_logs"]
    if unnamed:
        records = sum(unnamed.values())
        lines.append(Line("Logs of pods not known", [number(len(unnamed)), "", number(records)], "bold cyan"))
        lines += _top([(file, None, count) for file, count in unnamed.items()])
    columns = [Column("Count"), Column("Squid lines"), Column("Envoy records", 1)]
    return layout("Population", "Kind, name", columns, lines, width)


def _kind(members: Sequence[Mapping[str, Any]], heading: str, named: bool) -> Iterator[Line]:
    if not members:
        return
    entries = [(_name(member), member["lines"], member.get("records")) for member in members]
    lines = sum(member["lines"] for member in members)
    records = sum(member.get("records") or 0 for member in members)
    yield Line(
        heading, [number(len(entries)), number(lines), number(records) if records else ""], "bold cyan"
    )
    if named:
        yield from _top(entries)


def _top(entries: Sequence[tuple[str, int | None, int | None]]) -> Iterator[Line]:
    for name, *counts in entries[:SHOWN]:
        yield Line(f"  {name}", ["", *("" if count is None else number(count) for count in counts)])
    if len(entries) > SHOWN:
        yield Line(f"  and {number(len(entries) - SHOWN)} more")


def _name(member: Mapping[str, Any]) -> str:
    if "client_address" in member:
        return str(member["client_address"])
    return "/".join(filter(None, (member["cluster"], member["namespace"], member["pod"])))


def proxies_table(proxies: Mapping[str, Any], width: int = WIDTH) -> Sheet:
    """The proxy's endpoints as Envoy sees them, and how each was found."""
    lines = [Line(entry["endpoint"], [entry["by"]]) for entry in proxies["found"]]
    return layout("Proxy", "Endpoint", [Column("Found by")], lines, width)
