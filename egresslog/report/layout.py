"""How tables look on a terminal: one name column, short cells beside it, nothing wrapped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from egresslog.report.neutralise import cut, for_terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

WIDTH = 100
_NAME_ROOM = 26  # below this, optional columns make way for the names
_LEAST_ROOM = 12
_GAP = 1  # what the box draws between two columns


@dataclass(frozen=True)
class Line:
    """One line of a table: a name, the cells to its right (or none), and a rich style."""

    name: str
    cells: Sequence[str] = ()
    style: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column of cells; with a ``rank`` it makes way for the names, 1 first."""

    head: str
    rank: int = 0


def console(file: TextIO | None = None, width: int | None = None) -> Console:
    """A console without markup; colour only on a terminal and without NO_COLOR.

    Width: as given, else the terminal's, else COLUMNS, else 100.
    """
    from rich.console import Console

    made = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    if width is None and not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


def show(tables: Iterable[RichTable], to: Console) -> None:
    """Print tables, each followed by an empty line; what the encoding lacks becomes an escape."""
    with to.capture() as printed:
        for table in tables:
            to.print(table)
            to.print()
    to.file.write(printed.get().encode(to.encoding, "backslashreplace").decode(to.encoding))
    to.file.flush()


def layout(
    title: str,
    name: str,
    columns: Sequence[Column],
    lines: Sequence[Line],
    width: int = WIDTH,
    notes: Sequence[str] = (),
) -> RichTable:
    """A rich table of ``lines`` with ``notes`` below it.

    Log text is escaped here, once; names are cut in the middle to what ``width`` leaves them, and
    columns with a rank are left out where that would be too little.
    """
    safe = [Line(for_terminal(line.name), [*map(for_terminal, line.cells)], line.style) for line in lines]
    kept = _kept(columns, safe, width)
    room = max(_LEAST_ROOM, _room(columns, kept, safe, width))
    table = _empty(title, [name, *(columns[index].head for index in kept)], notes)
    for line in safe:
        cells = [line.cells[index] for index in kept] if line.cells else []
        table.add_row(*(_text(text, line.style) for text in (cut(line.name, room), *cells)))
    return table


def _empty(title: str, heads: Sequence[str], notes: Sequence[str]) -> RichTable:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, title_justify="left")
    table.caption_justify = "left"
    table.title = _text(for_terminal(title), "bold")
    table.caption = _text("\n".join(map(for_terminal, notes))) if notes else None
    for index, head in enumerate(map(for_terminal, heads)):
        table.add_column(_text(head), justify="right" if index else "left", no_wrap=True, overflow="ellipsis")
    return table


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style)


def _kept(columns: Sequence[Column], lines: Sequence[Line], width: int) -> list[int]:
    """Places of the columns that stay: those with a rank go, 1 first, until names have room."""
    kept = list(range(len(columns)))
    wanted = min(_NAME_ROOM, max((len(line.name) for line in lines), default=0))
    for index in sorted((i for i in kept if columns[i].rank), key=lambda i: columns[i].rank):
        if _room(columns, kept, lines, width) >= wanted:
            break
        kept.remove(index)
    return kept


def _room(columns: Sequence[Column], kept: Sequence[int], lines: Sequence[Line], width: int) -> int:
    """What ``width`` leaves for names beside the kept columns."""
    filled = [line.cells for line in lines if line.cells]
    widths = (max(len(columns[i].head), *(len(cells[i]) for cells in filled), 0) for i in kept)
    return width - sum(cell + _GAP for cell in widths)
