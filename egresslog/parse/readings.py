"""All readings of a line, in time linear in its length.

Reachable positions are bits of one integer, so a step over a field is a handful of operations on
whole machine words (Cameron et al., "Bitwise data parallelism in regular expression matching",
PACT 2014: MatchStar). Forward and backward passes over byte sets give every position that any
reading can pass; it is a superset of the exact readings, so a boundary with one position is
certain. What is left open is enumerated exactly, within a stated bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from egresslog.formats.codes import ByteSet
from egresslog.formats.program import Field, Item, Literal, LogFormat, Pad

_SPACE: ByteSet = frozenset(b" ")

MAX_STEPS = 4_000  # places tried by the exact enumeration of one line
MAX_READINGS = 64  # readings kept of one line

Span = tuple[int, int]
Reading = tuple[Span, ...]


@dataclass(frozen=True)
class Readings:
    """What is known of a line's readings: one span per field.

    ``complete``: ``readings`` are all there are. Otherwise there may be more, and only the spans in
    ``certain`` (None where open) are the same in every reading; no reading goes beyond ``widest``.
    """

    readings: tuple[Reading, ...]
    certain: tuple[Span | None, ...]
    complete: bool
    widest: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Stuck:
    """No reading: the furthest byte reached and the item that could not follow.

    ``fields``, ``tail``: how many fields fit from the left, and from the right.
    """

    column: int
    item: Item | None
    fields: int = 0
    tail: int = 0


def read_all(format: LogFormat, line: bytes) -> Readings | Stuck:
    """Every reading of ``line``, or where reading got stuck."""
    masks = _masks(format.items, line)
    ends = _reach(format.items, masks)
    mirrored = tuple(_mirrored(item) for item in reversed(format.items))
    starts = _reach(mirrored, _masks(mirrored, line[::-1]))
    if not ends[-1] >> len(line) & 1:
        return replace(_stuck(format.items, ends), tail=_stuck(mirrored, starts).fields)
    alive = [a & _reversed_bits(b, len(line)) for a, b in zip(ends, reversed(starts), strict=True)]
    certain = _certain(format.items, alive)
    walk = _Walk(format.items, line, masks, alive, filled=True)
    readings = walk.readings()
    if walk.complete and not readings:  # who squeezes blanks also squeezes those that fill
        walk = _Walk(format.items, line, masks, alive, filled=False)
        readings = walk.readings()
    if walk.complete and not readings:
        column, item = walk.furthest
        return Stuck(column, item, len(_fields_before(format.items, item)))
    return Readings(readings, certain, walk.complete, _widest(format.items, alive))


def _masks(items: Sequence[Item], line: bytes) -> list[int]:
    """Per item, bit p: the literal begins at p; the field or padding can hold the byte at p."""
    holding = cache(lambda allowed: _holding(allowed, line))
    return [
        _occurrences(item.text, holding) if isinstance(item, Literal)
        else holding(item.allowed if isinstance(item, Field) else _SPACE)
        for item in items
    ]  # fmt: skip


def _reach(items: Sequence[Item], masks: Sequence[int]) -> list[int]:
    """Bit p of element i: position p can be reached before item i (the last element: after all)."""
    positions = [1]
    for item, mask in zip(items, masks, strict=True):
        positions.append(_advance(positions[-1], item, mask))
    return positions


def _advance(at: int, item: Item, mask: int) -> int:
    if isinstance(item, Literal):
        return (at & mask) << len(item.text)
    if isinstance(item, Pad) or item.may_be_empty:
        return _run(at, mask)
    return _run((at & mask) << 1, mask)


def _run(at: int, inside: int) -> int:
    """Every position reached from ``at`` over zero or more bytes of ``inside`` (MatchStar)."""
    return (((at & inside) + inside) ^ inside) | at


def _occurrences(text: bytes, holding: Callable[[ByteSet], int]) -> int:
    found = -1
    for offset, byte in enumerate(text):
        found &= holding(frozenset((byte,))) >> offset
    return found


def _holding(allowed: ByteSet, line: bytes) -> int:
    """Bit p: the byte at p is one of ``allowed``."""
    return int(line.translate(_table(allowed))[::-1] or b"0", 2)


@cache
def _table(allowed: ByteSet) -> bytes:
    return bytes(ord("1") if byte in allowed else ord("0") for byte in range(256))


def _mirrored(item: Item) -> Item:
    return Literal(item.text[::-1]) if isinstance(item, Literal) else item


def _reversed_bits(bits: int, length: int) -> int:
    return int(format(bits, f"0{length + 1}b")[::-1], 2)


def _bits(mask: int) -> Iterator[int]:
    """The positions set in a mask, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _certain(items: Sequence[Item], alive: Sequence[int]) -> tuple[Span | None, ...]:
    single = [mask.bit_length() - 1 if mask & (mask - 1) == 0 else None for mask in alive]
    spans: list[Span | None] = []
    for index, item in enumerate(items):
        if isinstance(item, Field):
            start, end = single[index], single[index + 1]
            spans.append(None if start is None or end is None else (start, end))
    return tuple(spans)


def _widest(items: Sequence[Item], alive: Sequence[int]) -> tuple[Span, ...]:
    """From the earliest place where a field can begin to the latest where it can end."""
    return tuple(
        ((alive[index] & -alive[index]).bit_length() - 1, alive[index + 1].bit_length() - 1)
        for index, item in enumerate(items)
        if isinstance(item, Field)
    )


def _stuck(items: Sequence[Item], ends: Sequence[int]) -> Stuck:
    """The last item that some reading arrived at, and the furthest place it was tried from."""
    last = max(index for index, mask in enumerate(ends) if mask)
    item = items[last] if last < len(items) else None
    return Stuck(ends[last].bit_length() - 1, item, len(_fields_before(items, item)))


def _fields_before(items: Sequence[Item], item: Item | None) -> list[Field]:
    """The fields that were read before reading got stuck at an item (None: at the end)."""
    index = len(items) if item is None else next(i for i, other in enumerate(items) if other is item)
    return [other for other in items[:index] if isinstance(other, Field)]


class _Walk:
    """Depth-first enumeration of exact readings over the positions still alive.

    ``filled``: fields have as many spaces around them as the proxy fills them with; otherwise any number.
    """

    def __init__(
        self, items: Sequence[Item], line: bytes, masks: Sequence[int], alive: Sequence[int], *, filled: bool
    ) -> None:
        self.items, self.line, self.masks, self.alive = items, line, masks, alive
        self.pads = [_pad_at(items, index) if filled else None for index in range(len(items))]
        self.steps = 0
        self.complete = True
        self.furthest: tuple[int, Item | None] = (0, None)
        self.tails: dict[tuple[int, int, int], tuple[Reading, ...]] = {}

    def readings(self) -> tuple[Reading, ...]:
        return self._tail(0, 0, 0)

    def _tail(self, index: int, start: int, before: int) -> tuple[Reading, ...]:
        """Every reading of the items from ``index`` on, begun at ``start``; the item before at ``before``."""
        if index == len(self.items):
            return ((),)
        key = (index, start, before if self.pads[index] else start)
        if key not in self.tails:
            self.tails[key] = self._tails(*key)
        return self.tails[key]

    def _tails(self, index: int, start: int, before: int) -> tuple[Reading, ...]:
        item = self.items[index]
        found: list[Reading] = []
        for end in self._ends(index, start, before):
            own: Reading = ((start, end),) if isinstance(item, Field) else ()
            found.extend(own + tail for tail in self._tail(index + 1, end, start))
            if len(found) > MAX_READINGS:
                self.complete = False
                break
        return tuple(found[:MAX_READINGS])

    def _ends(self, index: int, start: int, before: int) -> list[int]:
        item, ends = self.items[index], []
        reach = _advance(1 << start, item, self.masks[index]) & self.alive[index + 1]
        for end in _bits(reach):
            self.steps += 1
            if self.steps > MAX_STEPS:
                self.complete = False
                return []
            if self._is_filled(index, before, start, end) and _holds(item, self.line, start, end):
                ends.append(end)
        if not ends and start >= self.furthest[0]:
            self.furthest = (start, item)
        return ends

    def _is_filled(self, index: int, before: int, start: int, end: int) -> bool:
        pad = self.pads[index]
        if pad is None:
            return True
        if pad.after:
            return pad.fits(end - start, self.line[before:start])
        return pad.fits(start - before, self.line[start:end])


def _pad_at(items: Sequence[Item], index: int) -> Pad | None:
    """The padding that is known to fit, or not, once the item there has an end."""
    item, before = items[index], items[index - 1] if index else None
    if isinstance(item, Pad):
        return item if item.after else None
    return before if isinstance(before, Pad) and not before.after else None


def _holds(item: Item, line: bytes, start: int, end: int) -> bool:
    return not isinstance(item, Field) or item.is_free or item.exact.fullmatch(line, start, end) is not None
