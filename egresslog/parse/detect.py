"""Which formats a file's lines are in, by content: plain matches first, all readings only if none match.

Deterministic: most lines win; among equals the earlier preset (the one that says more).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from egresslog.files.lines import Line
from egresslog.formats.codes import Dialect, load_toml
from egresslog.formats.presets import PRESETS
from egresslog.formats.program import LogFormat
from egresslog.parse.line_parser import LineParser, Unparsed

SAMPLE = 50  # lines tried against every format at a time


def detect(sample: Sequence[Line], candidates: Sequence[LogFormat]) -> LogFormat | None:
    """The format that reads most of the first lines that any reads; None when none reads any."""
    lines = [line.raw for line in sample if not line.cut]
    tries = [(_plain_matches, lines[at : at + SAMPLE]) for at in range(0, len(lines), SAMPLE)]
    for count, some in [*tries, (_readable, lines[:SAMPLE])]:
        scores = [count(parser_of(format), some) for format in candidates]
        if any(scores):
            return candidates[scores.index(max(scores))]
    return None


def presets(dialect: Dialect | None) -> list[LogFormat]:
    """Every preset's format, of one dialect or of both."""
    return [p.format for p in PRESETS.values() if dialect in (None, p.dialect)]


@cache
def parser_of(format: LogFormat) -> LineParser:
    """The parser of a format, built once."""
    return LineParser(format)


def _plain_matches(parser: LineParser, lines: Sequence[bytes]) -> int:
    return sum(parser.is_plain(line) for line in lines)


def _readable(parser: LineParser, lines: Sequence[bytes]) -> int:
    return sum(not isinstance(parser.parse(line), Unparsed) for line in lines)


def reads_cut_lines_of(short: LogFormat, long: LogFormat) -> bool:
    """True where ``short`` is the beginning of ``long``: it would read lines that were cut."""
    return short.dialect == long.dialect and short != long and long.text.startswith(short.text)


def other_line(raw: bytes) -> str | None:
    """The kind of a line that is known not to be an access line: blank, comment, agent log, ..."""
    if not raw.strip():
        return "blank"
    match = _other_lines().fullmatch(raw)
    return None if match is None else _kinds()[int(match.lastgroup[1:]) if match.lastgroup else 0]


@cache
def _kinds() -> list[str]:
    return [entry["kind"] for entry in load_toml("other_lines.toml")["line"]]


@cache
def _other_lines() -> re.Pattern[bytes]:
    patterns = (entry["pattern"] for entry in load_toml("other_lines.toml")["line"])
    parts = (f"(?P<k{index}>{pattern})" for index, pattern in enumerate(patterns))
    return re.compile("|".join(parts).encode("latin-1"), re.DOTALL)
