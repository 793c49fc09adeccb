"""Which formats a file's lines are in, by content: plain matches first, all readings only if none match.

Deterministic: most lines win; among equals the earlier preset (the one that says more).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from egresslog.formats.codes import Dialect, load_toml
from egresslog.formats.presets import PRESETS
from egresslog.formats.program import Literal, LogFormat, Pad
from egresslog.parse.json_lines import share_known
from egresslog.parse.json_objects import JsonProblem, json_object
from egresslog.parse.line_parser import LineParser, Unparsed
from egresslog.unwrap.entry import Entry

SAMPLE = 50  # lines tried against every format at a time


def detect(sample: Sequence[Entry], candidates: Sequence[LogFormat]) -> LogFormat | None:
    """The format that reads most of the first lines that any reads; None when none reads any."""
    lines = [line.raw for line in sample if not line.cut]
    tries: list[tuple[Callable[[LineParser, Sequence[bytes]], float], list[bytes]]]
    tries = [(_plain_matches, lines[at : at + SAMPLE]) for at in range(0, len(lines), SAMPLE)]
    for count, some in [*tries, (_readable, lines[:SAMPLE])]:
        scores = [count(parser_of(format), some) for format in candidates]
        if any(scores):
            return candidates[scores.index(max(scores))]
    return None


def presets(dialect: Dialect | None) -> list[LogFormat]:
    """Every preset's format, of one dialect or of both."""
    return [p.format for p in PRESETS.values() if dialect in (None, p.dialect)]


def first_plain(raw: bytes, formats: Iterable[LogFormat]) -> LogFormat | None:
    """The first of the formats that plainly reads the line."""
    return next((format for format in formats if parser_of(format).is_plain(raw)), None)


def can_be_read(raw: bytes, formats: Iterable[LogFormat]) -> bool:
    """True where one of the formats reads the line, plainly or not."""
    return any(not isinstance(parser_of(format).parse(raw), Unparsed) for format in formats)


@cache
def parser_of(format: LogFormat) -> LineParser:
    """The parser of a format, built once."""
    return LineParser(format)


def _plain_matches(parser: LineParser, lines: Sequence[bytes]) -> float:
    """How many lines it reads; of an object, how much of it."""
    return sum(share_known(parser.format, line) for line in lines if parser.is_plain(line))


def _readable(parser: LineParser, lines: Sequence[bytes]) -> int:
    return sum(not isinstance(parser.parse(line), Unparsed) for line in lines)


def reads_cut_lines_of(short: LogFormat, long: LogFormat) -> bool:
    """True where ``short`` has the shape of the beginning of ``long``: it would read lines that were cut."""
    ours, theirs = _shape(short), _shape(long)
    return short.dialect == long.dialect and len(ours) < len(theirs) and theirs[: len(ours)] == ours


@cache
def _shape(format: LogFormat) -> list[bytes | None]:
    """The literals of a text format, and None for each field between them."""
    found = (item for item in format.items if not isinstance(item, Pad))
    return [item.text if isinstance(item, Literal) else None for item in found]


def other_line(raw: bytes) -> str | None:
    """The kind of a line that is known not to be an access line: blank, comment, agent log, ..."""
    if not raw.strip():
        return "blank"
    if raw.startswith(b"{"):
        return _other_object(raw)
    match = _other_lines().fullmatch(raw)
    return None if match is None else _kinds()[int(match.lastgroup[1:]) if match.lastgroup else 0]


def _other_object(raw: bytes) -> str | None:
    try:
        values = json_object(raw).values
    except JsonProblem:
        return None
    keys = values.keys()
    for entry in _entries("keys"):
        has = keys >= set(entry["keys"]) and keys.isdisjoint(entry.get("without", ()))
        if has and all(values.get(key) == value for key, value in entry.get("equal", {}).items()):
            return str(entry["kind"])
    return None


@cache
def _entries(by: str) -> list[dict[str, Any]]:
    return [entry for entry in load_toml("other_lines.toml")["line"] if by in entry]


@cache
def _kinds() -> list[str]:
    return [entry["kind"] for entry in _entries("pattern")]


@cache
def _other_lines() -> re.Pattern[bytes]:
    parts = (f"(?P<k{index}>{entry['pattern']})" for index, entry in enumerate(_entries("pattern")))
    return re.compile("|".join(parts).encode("latin-1"), re.DOTALL)
