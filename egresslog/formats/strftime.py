"""strftime formats, as both proxies take them -> the exact shape of the text, and its parts of the time.

Squid's %tl and %tg print strftime(3) in the C locale (C17 7.27.3.5). Envoy adds %s (seconds since the
epoch), %f (nine digits) and %1f to %9f to what absl::FormatTime knows (substitution_formatter.rst,
START_TIME; absl/time/time.h, FormatTime). Names are in English in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from egresslog.formats.codes import Dialect, ValueType, unnamed
from egresslog.formats.program import Field

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


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
_SHORT_MONTHS = "|".join(month[:3] for month in MONTHS)
_SIGNED = r"0-9:+\-"

_PIECES = {
    "Y": Piece("year", "[0-9]{4}"), "C": Piece("", _TWO), "u": Piece("", "[1-7]"), "w": Piece("", "[0-6]"),
    "m": Piece("month", _TWO), "b": Piece("name", _SHORT_MONTHS, _LETTERS),
    "h": Piece("name", _SHORT_MONTHS, _LETTERS), "B": Piece("name", "|".join(MONTHS), _LETTERS),
    "d": Piece("day", _TWO), "e": Piece("day", _PADDED, "0-9 "), "j": Piece("yearday", "[0-9]{3}"),
    "a": Piece("", _DAYS, _LETTERS), "A": Piece("", _LONG_DAYS, _LETTERS),
    "H": Piece("hour", _TWO), "k": Piece("hour", _PADDED, "0-9 "), "I": Piece("twelve", _TWO),
    "l": Piece("twelve", _PADDED, "0-9 "), "p": Piece("half", "AM|PM", _LETTERS), "M": Piece("minute", _TWO),
    "S": Piece("second", _TWO), "s": Piece("epoch", "[0-9]{1,11}"),
    "z": Piece("offset", r"[+\-][0-9]{4}", _SIGNED),
    "Z": Piece("", r"[A-Za-z]{3,}|[+\-][0-9]{2,4}", _LETTERS + _SIGNED), "t": Piece("", "\t", "\t"),
    "%": Piece("", "%", "%"),
}  # fmt: skip
_FRACTIONS = {f"{digits}f": Piece("fraction", f"[0-9]{{{digits}}}") for digits in range(1, 10)}
# What one of them alone knows. A year of two digits is that of a line just written, not of a certificate.
_OWN: dict[Dialect, dict[str, Piece]] = {
    "squid": {"y": Piece("short", _TWO), "n": Piece("", "\n", "\n")},
    "envoy": {
        "y": Piece("", _TWO), "E4Y": _PIECES["Y"], "E0S": _PIECES["S"], "ET": Piece("", "T", "T"),
        "Ez": Piece("offset", r"[+\-][0-9]{2}:[0-9]{2}", _SIGNED), "f": _FRACTIONS["9f"], **_FRACTIONS,
    },
}  # fmt: skip
_LONG = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y", "X": "%H:%M:%S", "x": "%m/%d/%y",
    **{f"E{digits}S": f"%S.%{digits}f" for digits in range(1, 10)},
}  # fmt: skip
_TOKEN = re.compile(r"%(E4Y|E[0-9]S|ET|Ez|[1-9]f|.)|([^%]+|%)", re.DOTALL)


def as_moment(field: Field, text: str | None, dialect: Dialect) -> Field:
    """A field whose argument is a strftime format: an instant, or text in columns of its own.

    Without an argument, Envoys differ in what they write for the local zone.
    """
    shape = moment_type(text, dialect, field.code.local) if text else None
    if shape is None or not shape.layout:
        field = replace(field, columns=tuple(f"{column}_text" for column in field.columns))
    return replace(field, shape=shape)


@cache
def moment_type(text: str, dialect: Dialect, local: bool) -> ValueType | None:
    """The type of the times that a format writes; None where it holds something unknown.

    Its ``layout`` is empty where the text does not tell the instant: no full date, no second, or, if
    ``local``, neither an offset nor %s.
    """
    found = list(_pieces(text, _PIECES | _OWN[dialect]))
    pieces = [piece for piece in found if piece is not None]
    if len(pieces) < len(found):
        return None
    layout, byte = _layout(pieces), f"[{''.join(piece.bytes for piece in pieces)}]"
    told = layout if _is_told({piece.part for piece in pieces}, local) else ""
    return ValueType("moment", byte, unnamed(layout), False, False, layout=told, step=_step(pieces))


def _pieces(text: str, known: dict[str, Piece]) -> Iterator[Piece | None]:
    """The pieces of a format; None for what is not known."""
    for found in _TOKEN.finditer(text):
        name, literal = found.groups()
        if name in _LONG:
            yield from _pieces(_LONG[name], known)
        elif name or literal == "%":
            yield known.get(name)
        else:
            escaped = re.escape(literal.encode("utf-8", "surrogateescape").decode("latin-1"))
            yield Piece("", escaped, escaped)


def _is_told(parts: set[str], local: bool) -> bool:
    if "epoch" in parts:
        return True
    year = bool({"year", "short"} & parts)
    day = "yearday" in parts or ("day" in parts and bool({"month", "name"} & parts))
    hour = "hour" in parts or {"twelve", "half"} <= parts
    return year and day and hour and {"minute", "second"} <= parts and (not local or "offset" in parts)


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
