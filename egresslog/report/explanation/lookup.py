"""What a person means by an id or FILE:LINE: one transaction or one connection of a correlation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egresslog.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

Tables = Mapping[str, "pa.Table"]

SIDES = {"transactions": ("transaction", "squid"), "connections": ("connection", "envoy")}
_LISTED = 5


@dataclass(frozen=True)
class Found:
    """``subject`` is transaction or connection, ``id`` its own."""

    subject: str
    id: str
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def find(tables: Tables, text: str) -> Found:
    """The record that ``text`` names: an id, its beginning, or FILE:LINE, where FILE may lack folders.

    Raises UsageError when it names none, or several.
    """
    place = split_place(text)
    found = _by_id(tables, text) or (_by_place(tables, *place) if place else [])
    if len(found) > 1:
        raise UsageError(f"{text} names {len(found):,} records", hint=_choice(found, bool(place)))
    if not found:
        raise _nothing(tables, text, place)
    return found[0]


def split_place(text: str) -> tuple[str, int] | None:
    """FILE:LINE in its parts; None where it is none."""
    file, _, line = text.rpartition(":")
    is_number = line.isascii() and line.isdigit() and len(line) < 16
    return (file, int(line)) if file and is_number else None


def is_at(path: str, file: str) -> bool:
    """True where a file may be meant by another path, which may lack its first folders."""
    return path == file or path.endswith("/" + file.removeprefix("./"))


def _by_id(tables: Tables, text: str) -> list[Found]:
    """The record of this id; if there is none, those whose ids begin so."""
    import pyarrow.compute

    pc: Any = pyarrow.compute
    for matches in (pc.equal, pc.starts_with):
        found: list[Found] = []
        for name, (subject, _) in SIDES.items():
            table = tables[name]
            some = table.filter(matches(table[f"{subject}_id"], text))
            found += _found(some, name)
        if found or not text:
            return found
    return []


def _by_place(tables: Tables, file: str, line: int) -> list[Found]:
    import pyarrow.compute

    pc: Any = pyarrow.compute
    found: list[Found] = []
    for name, (_, side) in SIDES.items():
        table = tables[name]
        some = _found(table.filter(pc.equal(table[f"{side}_line"], line)), name)
        found += [one for one in some if is_at(one.file, file)]
    same = [one for one in found if one.file == file]
    return same or found


def _found(some: pa.Table, name: str) -> list[Found]:
    subject, side = SIDES[name]
    columns = (some[c].to_pylist() for c in (f"{subject}_id", f"{side}_file", f"{side}_line"))
    return [Found(subject, *values) for values in zip(*columns, strict=True)]


def _choice(found: list[Found], by_place: bool) -> str:
    """The records to choose from, as one would type them."""
    names = [one.place if by_place else f"{one.id} ({one.place})" for one in found[:_LISTED]]
    if len(set(names)) < len(names):  # several records of one line
        names = [one.id for one in found[:_LISTED]]
    more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
    return f"say which: {', '.join(names)}{more}"


def _nothing(tables: Tables, text: str, place: tuple[str, int] | None) -> UsageError:
    """Why there is no such record: a rejected line, a line that is none, or an unknown file."""
    if place is None:
        hint = "ids are those of --rows transactions or connections; or FILE:LINE, such as access.log:12"
        return UsageError(f"no transaction or connection {text!r} in this correlation", hint=hint)
    file, line = place
    if reason := _rejected(tables, file, line):
        return UsageError(f"{text}: the line was rejected: {reason}")
    known = sorted(path for path in _files(tables) if is_at(path, file))
    if known:
        hint = "it may be blank, a copy of another, or beyond the end; egresslog inspect counts them"
        return UsageError(f"{text}: no record stands there", hint=hint)
    some = ", ".join(sorted(_files(tables))[:_LISTED]) or "none"
    return UsageError(f"{text}: no file of that name in this correlation", hint=f"files with records: {some}")


def _rejected(tables: Tables, file: str, line: int) -> str | None:
    rejects = tables.get("rejects")
    if rejects is None:
        return None
    listed = zip(*(rejects[name].to_pylist() for name in ("file", "line", "reason")), strict=True)
    return next((reason for path, number, reason in listed if number == line and is_at(path, file)), None)


def _files(tables: Tables) -> set[str]:
    columns = (tables[name][f"{side}_file"] for name, (_, side) in SIDES.items())
    return {str(path) for column in columns for path in column.unique().to_pylist()}
