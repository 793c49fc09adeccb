"""Plain lines: one anchored regular expression, used only where a match proves there is no other reading.

The expression lets no field hold the byte that follows it (the last: the byte before it), nor a quote
where the format has quotes.
``is_conclusive`` shows, once per format, that a line matching it cannot be read in another way:

* peel: a field whose whole byte set excludes what follows ends at one place only, from the left or
  from the right; so does, from the right, one of which no value ends in a shorter value;
* fill: where the rule of padding is needed (``filled``), padding behind what is peeled ends at one place
  only, too; whether a match obeys that rule is not in the expression but tried afterwards;
* count: where no field of the match holds byte c, the line has exactly as many c as the format has
  in its literals, so every reading has its literal c's at the same places. Split there, and go on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from egresslog.formats.codes import ByteSet
from egresslog.formats.program import ANY_BYTE, NOTHING, Field, Item, Literal, LogFormat, Pad

_QUOTE = ord('"')
_SPACE = frozenset(b" ")


def plain_pattern(format: LogFormat) -> re.Pattern[bytes]:
    """The anchored expression of plain lines; one group per field, in order."""
    quoted = _has_quotes(format.items)
    parts = [_part(format.items, index, quoted) for index in range(len(format.items))]
    return re.compile(b"".join(parts) + rb"\Z", re.DOTALL)


def unchecked_fields(format: LogFormat) -> list[tuple[int, Field]]:
    """Fields of which a match of ``plain_pattern`` proves the extent, not the shape; by position."""
    quoted, position, found = _has_quotes(format.items), -1, []
    for index, item in enumerate(format.items):
        if isinstance(item, Field):
            position += 1
            if not item.is_free and not _tame(format.items, index, quoted) >= item.allowed:
                found.append((position, item))
    return found


def is_conclusive(format: LogFormat, *, filled: bool = False) -> bool:
    """True where a match of ``plain_pattern`` is the only reading of a line; ``filled``: if ``is_filled``."""
    quoted = _has_quotes(format.items)
    tame = {id(item): _tame(format.items, index, quoted) for index, item in enumerate(format.items)}
    return _unique(format.items, tame, filled)


def filling(format: LogFormat) -> tuple[bytes, tuple[int, ...]]:
    """The line as a bytes template of its fields, filled to their widths, and which fields are."""
    template, widths = b"", []
    for index, item in enumerate(format.items):
        if isinstance(item, Literal):
            template += item.text.replace(b"%", b"%%")
        elif isinstance(item, Field):
            widths.append(_width(format.items, index))
            template += b"%%%db" % widths[-1] if widths[-1] else b"%b"
    return template, tuple(position for position, width in enumerate(widths) if width)


def _width(items: Sequence[Item], index: int) -> int:
    """The width to which a field is filled, negative from behind; 0 where it is not."""
    before = items[index - 1] if index else None
    after = items[index + 1] if index + 1 < len(items) else None
    if isinstance(before, Pad) and not before.after:
        return before.width
    return -after.width if isinstance(after, Pad) and after.after else 0


def is_filled(line: bytes, values: Sequence[bytes], template: bytes, filled: Sequence[int]) -> bool:
    """True where the proxy fills these values so, and, none of them missing, in no other way."""
    return template % tuple(values) == line and all(values[position] not in NOTHING for position in filled)


def _part(items: Sequence[Item], index: int, quoted: bool) -> bytes:
    item = items[index]
    if isinstance(item, Literal):
        return re.escape(item.text)
    if isinstance(item, Pad):
        return b" *"
    tame = _tame(items, index, quoted)
    if tame >= item.allowed:
        return f"({item.pattern})".encode("latin-1")
    run = "*" if item.may_be_empty else "+"
    return b"([" + b"".join(re.escape(bytes([b])) for b in sorted(tame)) + b"]" + run.encode() + b")"


def _tame(items: Sequence[Item], index: int, quoted: bool) -> ByteSet:
    """The bytes a field holds in a plain line."""
    item = items[index]
    if not isinstance(item, Field):
        return _SPACE if isinstance(item, Pad) else frozenset()
    follows = items[index + 1] if index + 1 < len(items) else None
    excluded = {_QUOTE} if quoted else set()
    before = items[index - 1] if index else None
    if isinstance(follows, Literal):
        excluded.add(follows.text[0])
    elif _has_spaces(items):  # else text at the end would swallow the fields of a longer format
        excluded |= _SPACE
    elif follows is None and isinstance(before, Literal):
        excluded.add(before.text[-1])
    return item.allowed - excluded


def _has_quotes(items: Sequence[Item]) -> bool:
    return any(isinstance(item, Literal) and _QUOTE in item.text for item in items)


def _has_spaces(items: Sequence[Item]) -> bool:
    return any(isinstance(item, Literal) and b" " in item.text for item in items)


def _unique(items: Sequence[Item], tame: dict[int, ByteSet], filled: bool) -> bool:
    items = _peeled(_peeled(items, False, filled), True, filled)
    fields = [item for item in items if not isinstance(item, Literal)]
    if len(fields) <= 1:
        return True
    separators = sorted({byte for item in items if isinstance(item, Literal) for byte in item.text})
    for byte in separators:
        if all(byte not in tame[id(field)] for field in fields):
            return all(_unique(region, tame, filled) for region in _split(items, byte))
    return False


def _peeled(items: Sequence[Item], last_first: bool, filled: bool) -> Sequence[Item]:
    """The items without those at one end whose extent is the same in every reading."""
    rest = list(reversed(items)) if last_first else list(items)
    last: Item | None = None
    while rest and (_ends_alone(rest, last_first) or (filled and _is_told(rest[0], last, last_first))):
        last = rest.pop(0)
    return list(reversed(rest)) if last_first else rest


def _is_told(item: Item, last: Item | None, last_first: bool) -> bool:
    """True for the padding of the field that was peeled last: the value says how many spaces there are."""
    is_beside = isinstance(item, Pad) and item.width > 0 and item.after != last_first
    return is_beside and isinstance(last, Field)


def _ends_alone(items: Sequence[Item], last_first: bool) -> bool:
    if isinstance(items[0], Literal):
        return True
    own = items[0].allowed if isinstance(items[0], Field) else _SPACE
    if last_first and isinstance(items[0], Field) and items[0].is_suffix_code:
        return True
    return len(items) == 1 or own.isdisjoint(_edge(items[1:], last_first))


def _edge(items: Sequence[Item], last_first: bool) -> ByteSet:
    """The bytes that what stands here can begin with (end with, when read from the right)."""
    if not items:
        return ANY_BYTE
    item = items[0]
    if isinstance(item, Literal):
        return frozenset(item.text[-1:] if last_first else item.text[:1])
    if isinstance(item, Pad):
        return _SPACE | _edge(items[1:], last_first)
    return item.allowed | (_edge(items[1:], last_first) if item.may_be_empty else frozenset())


def _split(items: Sequence[Item], byte: int) -> list[list[Item]]:
    """The regions between the literal occurrences of a byte."""
    regions: list[list[Item]] = [[]]
    for item in items:
        if not isinstance(item, Literal):
            regions[-1].append(item)
            continue
        for number, piece in enumerate(item.text.split(bytes([byte]))):
            if number:
                regions.append([])
            if piece:
                regions[-1].append(Literal(piece))
    return regions
