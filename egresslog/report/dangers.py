"""What formats let others do, for people: sentences, findings with a caret under the directive, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TextIO

from egresslog.formats.given import Stated
from egresslog.formats.lint import Danger, dangers, lint
from egresslog.report.neutralise import for_terminal
from egresslog.report.printing import write_text

AROUND = 32  # characters of the format shown before and behind a directive


def findings(stated: Sequence[Stated]) -> list[tuple[Stated, Danger]]:
    """Every finding of every format, in order."""
    return [(one, found) for one in stated for found in lint(one.format, is_text=one.is_text)]


def sentences(option: str, stated: Stated) -> list[str]:
    """A sentence per danger of a format that an option gave, with what to write instead."""
    place = f"{option} {stated.where}" if stated.where else option
    found = dangers(stated.format, is_text=stated.is_text)
    return [f"{place}: {one.directive}: {one.what}; write {one.instead}" for one in found]


def print_findings(found: Sequence[tuple[Stated, Danger]], stream: TextIO, *, as_json: bool) -> None:
    """The findings as blocks with carets and a line that counts them, or as a JSON array."""
    if as_json:
        lines = [json.dumps([{"in": one.where, **asdict(danger)} for one, danger in found], indent=1)]
    else:
        blocks = [line for one, danger in found for line in _block(one, danger)]
        lines = [*blocks, _count([danger for _, danger in found])]
    write_text("".join(f"{line}\n" for line in lines), stream)


def _block(stated: Stated, danger: Danger) -> Iterator[str]:
    place = "".join(f" in {part}" for part in (".".join(map(str, danger.key)), stated.where) if part)
    yield for_terminal(f"{danger.severity}: {danger.kind.replace('_', ' ')}: {danger.directive}{place}")
    if danger.span is not None:
        yield from _marked(danger.text, *danger.span)
    yield for_terminal(f"    {danger.what}")
    yield for_terminal(f"    write {danger.instead}")
    yield ""


def _marked(text: str, start: int, end: int) -> Iterator[str]:
    """The directive and what stands around it, on one line, and carets under it."""
    text = text.replace("\n", " ").replace("\t", " ")
    before = "..." + text[start - AROUND + 3 : start] if start > AROUND else text[:start]
    behind = text[end : end + AROUND] + "..." if len(text) > end + AROUND + 3 else text[end:]
    before, marked = for_terminal(before), for_terminal(text[start:end])
    yield f"    {before}{marked}{for_terminal(behind)}"
    yield f"    {' ' * len(before)}{'^' * len(marked)}"


def _count(found: Sequence[Danger]) -> str:
    number = sum(danger.severity == "danger" for danger in found)
    notes = len(found) - number
    return f"{number} danger{'s' * (number != 1)}, {notes} note{'s' * (notes != 1)}"
