"""The controls for readers: what was tried, what came of it, or why it could not be. JSON types only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from egresslog.correlation.controls import Controls, TimeShift
from egresslog.report.human import counted, number

COLUMNS = ("control", "lines", "links", "right", "wrong", "linked_share", "right_share", "note")

Entry = Mapping[str, Any]


def controls_entry(controls: Controls) -> dict[str, Any]:
    """``time_shift``: covered_us, lines, links and shifts (by_us, lines, links); ``without_ports``: lines,
    links, right; ``expected``: lines, links, wrong; ``reason`` where a control was not possible."""
    return {
        "time_shift": _shift_entry(controls.time_shift),
        "without_ports": asdict(controls.without_ports),
        "expected": asdict(controls.expected),
    }


def _shift_entry(control: TimeShift) -> dict[str, Any]:
    shifts = [{"by_us": one.by, "lines": one.lines, "links": one.links} for one in control.shifts]
    return {
        "covered_us": control.covered,
        "lines": control.lines,
        "links": control.links,
        "shifts": shifts,
        "reason": control.reason,
    }


def control_lines(entry: Entry | None) -> Iterator[str]:
    """A sentence on each control; none where none was made."""
    if entry:
        yield f"Control by time shift: {_said(entry['time_shift'], _shift_said)}"
        yield f"Control without ports: {_said(entry['without_ports'], _ports_said)}"
        expected = entry["expected"]
        yield f"Expected wrong links: {few(expected['wrong'])} of {number(expected['links'])}"


def control_rows(entry: Entry | None) -> list[dict[str, Any]]:
    """A row per control with COLUMNS; counts are null where it was not possible, shares of 0 also."""
    if not entry:
        return []
    shift, ports, expected = (entry[name] for name in ("time_shift", "without_ports", "expected"))
    return [
        _row("time_shift", shift, 0, shift["reason"] or f"{_shifts(shift)}: every link is wrong"),
        _row("without_ports", ports, ports["right"], ports["reason"] or "made by port, and again without"),
        _row("expected", expected, expected["links"] - expected["wrong"], "by the confidence of every link"),
    ]


def _row(name: str, control: Entry, right: float, note: str) -> dict[str, Any]:
    lines, links = (None if control.get("reason") else control[key] for key in ("lines", "links"))
    made = None if links is None else right
    return {
        "control": name,
        "lines": lines,
        "links": links,
        "right": made,
        "wrong": None if links is None or made is None else links - made,
        "linked_share": links / lines if lines and links is not None else None,
        "right_share": made / links if links and made is not None else None,
        "note": note,
    }


def _said(control: Entry, tell: Callable[[Entry], str]) -> str:
    return f"not possible: {control['reason']}" if control["reason"] else tell(control)


def _shift_said(control: Entry) -> str:
    moved = f"{number(control['links'])} of {counted(control['lines'], 'moved line')} linked"
    return f"{moved} ({_shifts(control)})"


def _shifts(control: Entry) -> str:
    """How often and how far the lines were moved."""
    moved = [f"{one['by_us'] / 1e6:,.0f}" for one in control["shifts"]]
    return f"{len(moved)} shifts, by {', '.join(moved)} s"


def _ports_said(control: Entry) -> str:
    found = f"{number(control['links'])} of {counted(control['lines'], 'link')} made again"
    return f"{found}, {number(control['right'])} of them right"


def few(count: float) -> str:
    """An expected number: two digits that count, and never nothing where there is something."""
    if count == 0:
        return "0"
    if count < 0.01:
        return "less than 0.01"
    return f"{count:.2f}" if count < 1 else f"{count:,.1f}"
