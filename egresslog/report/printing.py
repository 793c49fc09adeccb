"""The one way to a text stream: whole, in an encoding that may lack signs, and with errors named."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TextIO

from egresslog.report.atomic import output_errors, stream_name
from egresslog.report.layout import WIDTH
from egresslog.report.neutralise import for_terminal


class Drawn(Protocol):
    """What draws itself, such as a table; its texts are harmless."""

    def text(self, colour: bool = False, rule: str = "─") -> str:
        """Every line with its end."""


@dataclass(frozen=True)
class Screen:
    """A stream that people read, how wide it is, whether it shows colour, and what it draws rules with."""

    stream: TextIO
    width: int
    colour: bool
    rule: str


def screen(stream: TextIO, width: int | None = None) -> Screen:
    """The stream's width: as given, else COLUMNS, else the terminal's, else 100.

    Colour is for terminals, and not where NO_COLOR is set.
    """
    terminal = stream.isatty()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") in ("", "dumb", "unknown")
    rule = "─" if _encoded("─", stream) == "─" else "-"
    return Screen(stream, width or _columns(stream, terminal), terminal and not plain, rule)


def show(blocks: Iterable[Drawn | str], to: Screen) -> None:
    """Print tables, each followed by an empty line, and sentences, a line each and neutralised.

    Raises OutputError.
    """
    write_text("".join(f"{text_of(block, to.colour, to.rule)}\n" for block in blocks), to.stream)


def text_of(block: Drawn | str, colour: bool = False, rule: str = "─") -> str:
    """A table as it draws itself, a sentence neutralised."""
    return for_terminal(block) if isinstance(block, str) else block.text(colour, rule)


def write_text(text: str, stream: TextIO) -> None:
    """Write to a stream at once; what its encoding lacks becomes an escape. Raises OutputError."""
    with output_errors(stream_name(stream)):
        stream.write(_encoded(text, stream))
        stream.flush()


def _encoded(text: str, stream: TextIO) -> str:
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _columns(stream: TextIO, terminal: bool) -> int:
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given):
        return int(given)
    try:
        return (os.get_terminal_size(stream.fileno()).columns if terminal else 0) or WIDTH
    except OSError:  # StringIO among others has no file
        return WIDTH
