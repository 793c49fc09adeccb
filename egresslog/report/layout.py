"""How tables look on a terminal: one name column, short cells beside it, nothing wrapped.

Drawn here rather than by rich, which takes longer for a table than the correlation it shows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from egresslog.report.neutralise import cut, for_terminal

WIDTH = 100
_NAME_ROOM = 26  # below this, optional columns make way for the names
_LEAST_ROOM = 12
_GAP = 1  # blanks between two columns
_STYLES = {"bold": "1", "cyan": "36", "red": "31"}  # as terminals number them


@dataclass(frozen=True)
class Line:
    """One line of a table: a name, the cells to its right (or none), and a style (bold, bold cyan, ...)."""

    name: str
    cells: Sequence[str] = ()
    style: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column of cells; with a ``rank`` it makes way for the names, 1 first."""

    head: str
    rank: int = 0


@dataclass(frozen=True)
class Sheet:
    """A table laid out: its texts are harmless and fit their columns."""

    title: str
    head: Line
    lines: Sequence[Line]

    def text(self, colour: bool = False, rule: str = "─") -> str:
        """Every line with its end: title, head, a rule, the rows; names to the left, cells to the right."""
        widths = _widths([self.head, *self.lines])
        across = rule * (sum(widths) + _GAP * (len(widths) - 1))
        drawn = [styled(self.title, "bold", colour), _drawn(self.head, widths, colour), across]
        return "\n".join([*drawn, *(_drawn(line, widths, colour) for line in self.lines), ""])


def layout(
    title: str, name: str, columns: Sequence[Column], lines: Sequence[Line], width: int = WIDTH
) -> Sheet:
    """A table of ``lines`` under the heads ``name`` and ``columns``, at most ``width`` wide where it can be.

    Log text is escaped here, once; names are cut in the middle to what ``width`` leaves them, columns
    with a rank are left out where that would be too little, and then the widest cells are cut.
    """
    safe = [Line(for_terminal(line.name), [*map(for_terminal, line.cells)], line.style) for line in lines]
    head = Line(for_terminal(name), [for_terminal(column.head) for column in columns])
    kept = _kept(columns, [head, *safe], width)
    listed = [_only(line, kept) for line in (head, *safe)]
    limits = _limits(_widths(listed), width)
    fitted = [_cut(line, limits) for line in listed]
    return Sheet(for_terminal(title), fitted[0], fitted[1:])


def columns_of(text: str) -> int:
    """How many columns of a terminal the text takes: two for a wide sign, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _kept(columns: Sequence[Column], lines: Sequence[Line], width: int) -> list[int]:
    """Places of the columns that stay: those with a rank go, 1 first, until names have room."""
    names, *cells = _widths(lines)
    kept = list(range(len(cells)))
    wanted = min(_NAME_ROOM, names)
    for index in sorted((i for i in kept if columns[i].rank), key=lambda i: columns[i].rank):
        if width - sum(cells[i] + _GAP for i in kept) >= wanted:
            break
        kept.remove(index)
    return kept


def _only(line: Line, kept: Sequence[int]) -> Line:
    return Line(line.name, [line.cells[i] for i in kept] if line.cells else (), line.style)


def _limits(widths: Sequence[int], width: int) -> list[int]:
    """Widths that fit: names give way first, then whatever is widest, none below the least room."""
    names, *cells = widths
    room = width - sum(cells) - _GAP * len(cells)
    limits = [min(names, max(_LEAST_ROOM, room)), *cells]
    while sum(limits) + _GAP * len(cells) > width and max(limits) > _LEAST_ROOM:
        limits[limits.index(max(limits))] -= 1
    return limits


def _cut(line: Line, limits: Sequence[int]) -> Line:
    name, *cells = map(fitting, [line.name, *line.cells], limits)
    return Line(name, cells, line.style)


def fitting(text: str, room: int) -> str:
    """The text, cut in its middle to what ``room`` columns show of it."""
    if columns_of(text) <= room:
        return text
    cuts = (cut(text, signs) for signs in range(room, -1, -1))  # some signs take two columns
    return next(shorter for shorter in cuts if columns_of(shorter) <= room)


def _widths(lines: Iterable[Line]) -> list[int]:
    """The width of each column, that of the names first."""
    listed = list(lines)
    cells = zip(*(line.cells for line in listed if line.cells), strict=True)
    return [max(map(columns_of, column)) for column in chain([[line.name for line in listed]], cells)]


def _drawn(line: Line, widths: Sequence[int], colour: bool) -> str:
    name = line.name + " " * (widths[0] - columns_of(line.name))
    text = (" " * _GAP).join([name, *_right(line.cells, widths[1:])])
    return styled(text.rstrip(), line.style, colour)


def _right(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for cell, width in zip(cells, widths, strict=False):  # a line may have no cells at all
        yield " " * (width - columns_of(cell)) + cell


def styled(text: str, style: str, colour: bool) -> str:
    """The text in a style (bold, bold cyan, ...) where there is colour."""
    if not colour or not style:
        return text
    return f"\x1b[{';'.join(_STYLES[word] for word in style.split())}m{text}\x1b[0m"
