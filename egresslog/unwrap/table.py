"""CSV with a heading, as consoles export query results: one log line a row, in a column of its own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from egresslog.files.lines import BOM
from egresslog.unwrap.entry import Entry
from egresslog.unwrap.objects import inside_value, itself
from egresslog.unwrap.text import Inside

_COLUMNS = {
    "@message", "message", "textPayload", "log", "Line", "line", "_raw", "LogMessage", "event.original",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A CSV file as text; its rows are unwrapped like JSON objects with the heading's names as keys."""

    text: str
    problem: str | None = None

    def insides(self) -> Iterator[Inside]:
        """Every log line of the table, each with the physical line on which its row begins."""
        rows = csv.reader(_physical(self.text), strict=True)
        names, begun = next(rows), rows.line_num
        for row in rows:
            # Of two columns of one name the first counts.
            cells = dict(reversed(list(zip(names, row, strict=False))))
            for inside in (inside_value(cells) or [itself(cells)]) if row else ():
                yield replace(inside, at=begun + 1)
            begun = rows.line_num

    def places(self) -> Callable[[int | None], Entry]:
        """Physical line -> an empty entry there."""
        offsets = [0]
        for line in self.text.split("\n"):
            offsets.append(offsets[-1] + len(line.encode("utf-8", "surrogateescape")) + 1)
        return lambda line: Entry(line or 1, offsets[(line or 1) - 1], b"")


def may_be_table(beginning: bytes) -> bool:
    """True where the first line is a CSV heading that names a column of log lines."""
    first = beginning.removeprefix(BOM).partition(b"\n")[0].strip().decode("utf-8", "replace")
    return "," in first and " " not in first and not _COLUMNS.isdisjoint(first.replace('"', "").split(","))


def read_table(data: bytes) -> Table | None:
    """The table; None where a row cannot be one (a field beyond what the csv module holds)."""
    table = Table(data.removeprefix(BOM).decode("utf-8", "surrogateescape"))
    try:
        for _ in csv.reader(_physical(table.text), strict=True):
            pass
    except csv.Error:
        return None
    return table


def _physical(text: str) -> list[str]:
    """The physical lines, with their ends: what the csv module counts is then what a file has."""
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
