"""Entry: one log line as its program wrote it, with where it stands and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from egresslog.files.lines import Line
from egresslog.unwrap.origin import NOWHERE, Origin


@dataclass(frozen=True, slots=True)
class Entry:
    """A line out of its wrapping.

    ``number`` and ``offset``: of the first physical line it stands on; ``wrappers``: outermost first;
    ``pieces``: log lines it was joined from; ``torn``: its program cut it; ``recovered``: it stood
    behind a torn one, on the same line.
    """

    number: int
    offset: int
    raw: bytes
    ended: bool = True  # False where its end is missing
    cut: bool = False  # longer than MAX_LINE: ``raw`` is its beginning
    origin: Origin = NOWHERE
    wrappers: tuple[str, ...] = ()
    pieces: int = 1
    torn: bool = False
    recovered: bool = False

    @classmethod
    def of(cls, line: Line) -> Entry:
        """A line in no wrapping."""
        return cls(line.number, line.offset, line.raw, line.ended, line.cut)
