"""Unwrapper: physical lines of one file -> entries, however deep they are wrapped, pieces joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from egresslog.files.lines import MAX_LINE, Line
from egresslog.unwrap.entry import Entry
from egresslog.unwrap.objects import inside_json
from egresslog.unwrap.origin import NOWHERE, Origin
from egresslog.unwrap.text import Inside, inside_text

MAX_DEPTH = 6

IsKnown = Callable[[bytes], bool]


@dataclass(frozen=True)
class _Peeled:
    """What stands innermost, and what was around it."""

    payload: bytes
    origin: Origin = NOWHERE
    wrappers: tuple[str, ...] = ()
    closed: bool = False
    piece: str = ""
    stream: str = ""
    at: int | None = None

    def of(self, entry: Entry) -> Entry:
        """The entry that this is, where ``entry`` stands."""
        ended = entry.ended or self.closed
        return replace(entry, raw=self.payload, ended=ended, origin=self.origin, wrappers=self.wrappers)


def _never(raw: bytes) -> bool:
    return False


class Unwrapper:
    """Takes entries out of lines; ``is_known``: a text line that is read as it is, whatever it looks like.

    ``is_own``: a line that a text format of the user's reads: it can hold whatever a client sent, what looks
    like a wrapper too. ``is_access``: a JSON line that is an access line by its keys.
    ``count``: log lines met, whole or in pieces.
    """

    def __init__(self, is_known: IsKnown, is_own: IsKnown = _never, is_access: IsKnown = _never) -> None:
        self.is_known, self.is_own, self.is_access = is_known, is_own, is_access
        self.count = 0
        self._begun: dict[tuple[Origin, str], list[Entry]] = {}

    def entries(self, line: Line) -> Iterator[Entry]:
        """The entries that end on this line."""
        whole = Entry.of(line)
        found = [] if line.cut else self.peel(line.raw)
        self.count += max(1, len(found))
        if not found:
            yield whole
        for peeled in found:
            yield from self._joined(peeled.of(whole), peeled)

    def from_document(
        self, insides: Iterable[Inside], place: Callable[[int | None], Entry]
    ) -> Iterator[Entry]:
        """The entries of what a JSON document holds; ``place``: position in it -> an empty entry there."""
        for peeled in self._all([replace(inside, sure=True) for inside in insides], 1, set()):
            self.count += 1
            yield from self._joined(peeled.of(place(peeled.at)), peeled)

    def rest(self) -> list[Entry]:
        """Entries whose last piece never came."""
        left = sorted((_joined(pieces) for pieces in self._begun.values()), key=lambda entry: entry.number)
        self._begun = {}
        return [replace(entry, ended=False) for entry in left]

    def peel(self, raw: bytes, depth: int = 0, tried: set[bytes] | None = None) -> list[_Peeled]:
        """What stands innermost in a line; [] where nothing is wrapped around it.

        ``tried``: what other ways of taking wrappers off have come to already.
        """
        tried = set() if tried is None else tried
        if depth == MAX_DEPTH or raw in tried:
            return []
        tried.add(raw)
        if self.is_own(raw):
            return []
        if raw.lstrip()[:1] in (b"{", b"["):
            found = self._in_json(raw, depth, tried)
            if found:
                return found
        if self.is_known(raw):
            return []
        ways = (self._all([inside], depth + 1, tried) for inside in inside_text(raw))
        return next(filter(None, ways), [])

    def _in_json(self, raw: bytes, depth: int, tried: set[bytes]) -> list[_Peeled]:
        insides = inside_json(raw)
        if not all(inside.sure for inside in insides) and self.is_access(raw):
            return []
        return self._all(insides, depth + 1, tried)

    def _all(self, insides: Sequence[Inside], depth: int, tried: set[bytes]) -> list[_Peeled]:
        """Each of what a wrapper holds, peeled further; nothing where it is not sure and none of it known."""
        deeper = [self.peel(inside.payload, depth, tried) for inside in insides]
        if not any(
            inside.sure or inner or self.is_known(inside.payload)
            for inside, inner in zip(insides, deeper, strict=True)
        ):
            return []
        return [
            _within(inside, one)
            for inside, inner in zip(insides, deeper, strict=True)
            for one in inner or [_Peeled(inside.payload)]
        ]

    def _joined(self, entry: Entry, peeled: _Peeled) -> Iterator[Entry]:
        """The entry, or the longer one that it ends; nothing where more of it is to come.

        What is a whole line by itself is no piece, though its line end was stripped on the way.
        """
        key = (peeled.origin, peeled.stream)
        if peeled.piece == "P" and (key in self._begun or not self.is_known(entry.raw)):
            self._begun.setdefault(key, []).append(entry)
            return
        begun = self._begun.pop(key, [])
        whole = _joined([*begun, entry])
        if begun and self.is_known(entry.raw) and not self.is_known(whole.raw):  # of which the end is lost
            yield replace(_joined(begun), ended=False)
            whole = entry
        yield whole


def _joined(pieces: list[Entry]) -> Entry:
    """One line out of its pieces, standing where the first one does."""
    if len(pieces) == 1:
        return pieces[0]
    raw = b"".join(piece.raw for piece in pieces)
    return replace(pieces[0], raw=raw[:MAX_LINE], pieces=len(pieces), cut=len(raw) > MAX_LINE)


def _within(inside: Inside, inner: _Peeled) -> _Peeled:
    """What was found inside, with what this wrapper adds."""
    return _Peeled(
        inner.payload,
        inside.origin.around(inner.origin),
        (inside.wrapper, *inner.wrappers),
        inner.closed or inside.closed,
        inner.piece or inside.piece,
        inner.stream or inside.stream,
        inside.at,
    )
