"""Sentences and raw lines on a terminal, made harmless."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from egresslog.report.neutralise import cut, for_terminal

_RAW = 1_000  # signs of a raw line that are shown


@dataclass(frozen=True)
class Prose:
    """Sentences under a head each, wrapped; made harmless here."""

    said: Sequence[tuple[str, str]]
    width: int

    def text(self, colour: bool = False, rule: str = "─") -> str:
        """Every line with its end."""
        room = max((len(head) for head, _ in self.said), default=0) + 2
        lines: list[str] = []
        for head, sentence in self.said:
            first = f"{head:<{room}}"
            wrapped = textwrap.wrap(
                for_terminal(sentence), max(self.width, room + 20), initial_indent=first,
                subsequent_indent=" " * room, break_on_hyphens=False, break_long_words=False,
            )  # fmt: skip
            lines += wrapped or [first.rstrip()]
        return "\n".join([*lines, ""])


@dataclass(frozen=True)
class RawLine:
    """Where a record stands and what it says, as logged but harmless."""

    whose: str
    place: str
    raw: str | None

    @property
    def said(self) -> str:
        """The line, not yet made harmless."""
        return self.raw or "(no line: asked about by client and time)"

    def text(self, colour: bool = False, rule: str = "─") -> str:
        """The place, and below it the line."""
        return f"{self.whose:<8}{for_terminal(self.place)}\n  {cut(for_terminal(self.said), _RAW)}"
