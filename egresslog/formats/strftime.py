"""The formats of %START_TIME(...)% and its kin: strftime -> the exact shape of the text, and its parts.

Envoy adds %s (seconds since the epoch), %f (nine digits) and %1f to %9f to what absl::FormatTime knows
(substitution_formatter.rst, START_TIME; absl/time/time.h, FormatTime). Names are in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from egresslog.formats.codes import ValueType


class Piece(NamedTuple):
    """A piece of the text: the part of the time it says (empty: none needed), its shape, its bytes."""

    part: str
    shape: str
    bytes: str = "0-9"


_TWO = "[0-9]{2}"
_PADDED = "[ 0-9][0-9]"
_LETTERS = "A-Za-z"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_LONG_DAYS = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_LONG_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_SIGNED = r"0-9:+\-"

_PIECES = {
    "Y": Piece("year", "[0-9]{4}"), "E4Y": Piece("year", "[0-9]{4}"),
    "y": Piece("", _TWO), "C": Piece("", _TWO), "u": Piece("", "[1-7]"), "w": Piece("", "[0-6]"),
    "m": Piece("month", _TWO), "b": Piece("name", _MONTHS, _LETTERS), "h": Piece("name", _MONTHS, _LETTERS),
    "B": Piece("name", _LONG_MONTHS, _LETTERS), "d": Piece("day", _TWO), "e": Piece("day", _PADDED, "0-9 "),
    "j": Piece("yearday", "[0-9]{3}"), "a": Piece("", _DAYS, _LETTERS), "A": Piece("", _LONG_DAYS, _LETTERS),
    "H": Piece("hour", _TWO), "k": Piece("hour", _PADDED, "0-9 "), "I": Piece("twelve", _TWO),
    "l": Piece("twelve", _PADDED, "0-9 "), "p": Piece("half", "AM|PM", _LETTERS), "M": Piece("minute", _TWO),
    "S": Piece("second", _TWO), "s": Piece("epoch", "[0-9]{1,11}"), "f": Piece("fraction", "[0-9]{9}"),
    "z": Piece("offset", r"[+\-][0-9]{4}", _SIGNED),
    "Ez": Piece("offset", r"[+\-][0-9]{2}:[0-9]{2}", _SIGNED),
    "Z": Piece("", r"[A-Z]{3,5}|[+\-][0-9]{2,4}", _LETTERS + _SIGNED), "t": Piece("", "\t", "\t"),
    "%": Piece("", "%", "%"),
}  # fmt: skip
_LONG = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y", "X": "%H:%M:%S", "x": "%m/%d/%y", "ET": "T",
}  # fmt: skip
_TOKEN = re.compile(r"%(E4Y|E[0-9]S|ET|Ez|[1-9]f|.)|([^%]+|%)", re.DOTALL)


@cache
def moment_type(text: str, local: bool) -> ValueType | None:
    """The type of the times that a format writes; None where it holds something unknown.

    Its ``layout`` is empty where the text does not tell the instant: no full date, no second, or, if
    ``local``, neither an offset nor %s.
    """
    found = list(_pieces(text))
    pieces = [piece for piece in found if piece is not None]
    if not found or len(pieces) < len(found):
        return None
    pattern = "".join(f"(?:{piece.shape})" for piece in pieces)
    byte = f"[{''.join(piece.bytes for piece in pieces)}]"
    layout = _layout(pieces) if _is_told({piece.part for piece in pieces}, local) else ""
    return ValueType("moment", byte, pattern, False, False, layout=layout, step=_step(pieces))


def _pieces(text: str) -> Iterator[Piece | None]:
    """The pieces of a format; None for what is not known."""
    for found in _TOKEN.finditer(text):
        name, literal = found.groups()
        if name is None:
            yield _literal(literal) if literal != "%" else None
        elif name in _LONG:
            yield from _pieces(_LONG[name])
        elif re.fullmatch("[1-9]f", name):
            yield _fraction(int(name[0]))
        elif re.fullmatch("E[0-9]S", name):
            yield from [_PIECES["S"], _literal("."), _fraction(int(name[1]))][: 3 if name[1] != "0" else 1]
        else:
            yield _PIECES.get(name)


def _literal(text: str) -> Piece:
    escaped = re.escape(text.encode("utf-8", "surrogateescape").decode("latin-1"))
    return Piece("", escaped, escaped)


def _fraction(digits: int) -> Piece:
    return Piece("fraction", f"[0-9]{{{digits}}}")


def _is_told(parts: set[str], local: bool) -> bool:
    if "epoch" in parts:
        return True
    day = "yearday" in parts or ("day" in parts and bool({"month", "name"} & parts))
    hour = "hour" in parts or {"twelve", "half"} <= parts
    return day and hour and {"year", "minute", "second"} <= parts and (not local or "offset" in parts)


def _layout(pieces: Sequence[Piece]) -> str:
    """The pattern with a group for the first piece of each part, and for the longest fraction."""
    longest = max((piece.shape for piece in pieces if piece.part == "fraction"), default="")
    named: set[str] = set()
    text = ""
    for piece in pieces:
        new = piece.part not in named | {""} and (piece.part != "fraction" or piece.shape == longest)
        named |= {piece.part} if new else set()
        text += f"(?P<{piece.part}>{piece.shape})" if new else f"(?:{piece.shape})"
    return text


def _step(pieces: Sequence[Piece]) -> int:
    """The resolution of the time in us: a second, or what its fraction tells."""
    digits = [int(piece.shape[-2]) for piece in pieces if piece.part == "fraction"]
    return int(10 ** max(0, 6 - max(digits, default=0)))
