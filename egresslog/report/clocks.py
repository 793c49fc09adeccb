"""The clocks for readers: per Squid instance, and per Envoy host whose clock differs. JSON types only.

An instance's entry is its clock against the hosts that agree with most; ``hosts`` lists every host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from egresslog.correlation.stage import Clock
from egresslog.report.human import UNKNOWN, number, seconds, time
from egresslog.report.moments import iso

_DRIFT_PPM = 2.0  # hosts that drift apart by less agree


def clock_entries(clocks: Sequence[Clock]) -> list[dict[str, Any]]:
    """An entry per Squid instance: offset_us (Squid minus Envoy, null where unknown), error_us (of the
    estimate), spread_us (of true pairs), drift_ppm, zone_us (the whole quarters of an hour in offset_us),
    links (pairs used), method, segments; and its hosts with the same, and whether each deviates."""
    ordered = sorted(clocks, key=lambda clock: (clock.proxy, clock.host or ""))
    return [_instance(list(mine)) for _, mine in groupby(ordered, key=lambda clock: clock.proxy)]


def _instance(clocks: list[Clock]) -> dict[str, Any]:
    main = _main(clocks)
    agreeing = [clock for clock in clocks if _agrees(clock, main)]
    hosts = [_facts(clock) | {"host": clock.host, "deviates": clock not in agreeing} for clock in clocks]
    links = {"links": sum(clock.pairs for clock in agreeing)}
    return {"proxy": main.proxy, **_facts(main), **links, "hosts": [host for host in hosts if host["host"]]}


def _main(clocks: list[Clock]) -> Clock:
    """The clock with which most pairs agree."""

    def following(one: Clock) -> tuple[int, int]:
        return sum(other.pairs for other in clocks if _agrees(other, one)), one.pairs

    tried = sorted(clocks, key=lambda clock: -clock.pairs)[:8]
    return max(tried, key=following)


def _agrees(clock: Clock, main: Clock) -> bool:
    near = abs(clock.offset - main.offset) <= max(clock.error, main.error)
    alike = len(clock.segments) == len(main.segments) and (clock.method == "refused") == (
        main.method == "refused"
    )
    return near and alike and abs(clock.drift - main.drift) <= _DRIFT_PPM


def _facts(clock: Clock) -> dict[str, Any]:
    known = clock.method != "none"
    return {
        "offset_us": clock.offset if known else None,
        "error_us": clock.error if known else None,
        "spread_us": clock.spread if known else None,
        "drift_ppm": clock.drift if known else None,
        "zone_us": clock.zone,
        "links": clock.pairs,
        "method": clock.method,
        "segments": [
            {"from": iso(begin), "offset_us": offset, "drift_ppm": drift}
            for begin, offset, drift in clock.segments
        ],
    }


def clock_warnings(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What must be said aloud: clocks in another time zone, refused, or not to be told."""
    return [sentence for name, entry in _named(entries) for sentence in _aloud(name, entry)]


def _named(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each instance, and each of its hosts that deviates."""
    for entry in entries:
        yield f"the clock of {entry['proxy']}", entry
        for host in entry.get("hosts", ()):
            if host["deviates"]:
                yield f"the clock of {entry['proxy']} against {host['host']}", host


def _aloud(name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["method"] == "refused":
        yield f"{name} cannot be told: several offsets fit equally well"
    elif entry["zone_us"]:
        rest = seconds(entry["offset_us"] - entry["zone_us"])
        yield f"{name} is in another time zone: {_zone(entry)} and {rest}, taken out"


def clock_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """A sentence on the instance's clock, and one per host whose clock differs."""
    yield f"Clock of {entry['proxy']}: {_said(entry)}"
    for host in entry.get("hosts", ()):
        if host["deviates"]:
            yield f"Clock of {entry['proxy']} against {host['host']}: {_said(host)}"


def _said(entry: Mapping[str, Any]) -> str:
    if entry["method"] == "none":
        return "unknown, nothing to estimate an offset from (--max-offset?); assumed 0"
    if entry["method"] == "refused":
        return f"several offsets fit equally well, {seconds(entry['offset_us'])} among them; none is used"
    spread = seconds(entry["spread_us"]).lstrip("+")
    if entry["method"] == "consensus":
        return f"{_offset(entry)} assumed as for the others, {number(entry['links'])} pairs of its own"
    found = f"from {number(entry['links'])} pairs by {entry['method']}"
    return f"{_offset(entry)} against Envoy, spread {spread}, {found}{_course(entry)}"


def _offset(entry: Mapping[str, Any]) -> str:
    if not entry["zone_us"]:
        return seconds(entry["offset_us"])
    return f"zone shift {_zone(entry)} and {seconds(entry['offset_us'] - entry['zone_us'])}"


def _zone(entry: Mapping[str, Any]) -> str:
    minutes = abs(entry["zone_us"]) // 60_000_000
    return f"{'-' if entry['zone_us'] < 0 else '+'}{minutes // 60}:{minutes % 60:02d}:00"


def _course(entry: Mapping[str, Any]) -> str:
    """Drift and steps, where there are any."""
    drift = f", drift {entry['drift_ppm']:+.1f} ppm" if entry["drift_ppm"] else ""
    steps = [f"{seconds(one['offset_us'])} from {time(one['from'])}" for one in entry["segments"][1:]]
    shown = ", ".join(steps[:3]) + (f" and {len(steps) - 3} more" if len(steps) > 3 else "")
    return drift + (f", set: {shown}" if steps else "")


def clock_rows(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """For a table: the instance, or beneath it a host that deviates, and the cells by their heads."""
    for entry in entries:
        yield entry["proxy"], _cells(entry)
        for host in entry.get("hosts", ()):
            if host["deviates"]:
                yield f"  {host['host']}", _cells(host)


def _cells(entry: Mapping[str, Any]) -> dict[str, str]:
    if entry["method"] == "none":
        return {"Offset": "unknown", "Links": number(entry["links"]), "By": "nothing, assumed 0"}
    return {
        "Zone": _zone(entry) if entry["zone_us"] else "",
        "Offset": seconds(entry["offset_us"] - entry["zone_us"]),
        "Error": seconds(entry["error_us"]).lstrip("+"),
        "Spread": seconds(entry["spread_us"]).lstrip("+"),
        "Drift": f"{entry['drift_ppm']:+.1f} ppm" if entry["drift_ppm"] else "",
        "Steps": number(len(entry["segments"]) - 1) if len(entry["segments"]) > 1 else "",
        "Links": number(entry["links"]),
        "By": entry["method"] or UNKNOWN,
    }
