"""strftime arguments of %tl and %tg -> the exact pattern of what they print, where it gives an instant.

Clause: C17 7.27.3.5 (strftime) in the C locale, in which Squid runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from egresslog.formats.codes import ValueType

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

# Conversions -> the group that holds the value (empty: it says nothing an instant needs) and its shape.
_CONVERSIONS = {
    "d": ("day", "[0-9]{2}"), "e": ("day", "[ 0-9][0-9]"), "m": ("month", "[0-9]{2}"),
    "b": ("name", "|".join(MONTHS)), "h": ("name", "|".join(MONTHS)), "B": ("name", "|".join(_LONG_MONTHS)),
    "Y": ("year", "[0-9]{4}"), "y": ("short", "[0-9]{2}"), "j": ("ordinal", "[0-9]{3}"),
    "H": ("hour", "[0-9]{2}"), "I": ("twelve", "[0-9]{2}"), "p": ("half", "AM|PM"),
    "M": ("minute", "[0-9]{2}"), "S": ("second", "[0-9]{2}"), "z": ("zone", r"[+\-][0-9]{4}"),
    "s": ("epoch", "[0-9]{1,11}"),
    "a": ("", "|".join(day[:3] for day in _DAYS)), "A": ("", "|".join(_DAYS)),
    "u": ("", "[1-7]"), "w": ("", "[0-6]"), "n": ("", r"\n"), "t": ("", r"\t"), "%": ("", "%"),
}  # fmt: skip
_SHORTHAND = {
    "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "F": "%Y-%m-%d", "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S",
}  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """``shape``: the exact pattern with its values as named groups; ``type``: the same as a value type."""

    shape: str
    type: ValueType


@cache
def clock_of(spec: str, *, utc: bool) -> Clock | None:
    """The clock of a strftime argument; None where it does not give an instant to the second."""
    spec = re.sub("%([TRDFrcxX])", lambda found: _SHORTHAND[found[1]], spec)
    parts = re.findall(r"%.?|[^%]+", spec, re.DOTALL)
    if not all(part[0] != "%" or part[1:] in _CONVERSIONS for part in parts):
        return None
    seen: set[str] = set()
    shape = "".join(_part(part, seen) for part in parts)
    return Clock(shape, _type(shape)) if _is_instant(seen, utc) else None


def _part(part: str, seen: set[str]) -> str:
    if part[0] != "%":
        return re.escape(part.encode("utf-8", "surrogateescape").decode("latin-1"))
    group, shape = _CONVERSIONS[part[1:]]
    if not group or group in seen:
        return f"(?:{shape})"
    seen.add(group)
    return f"(?P<{group}>{shape})"


def _is_instant(seen: set[str], utc: bool) -> bool:
    """A zone, or the epoch; a date; a time of day to the second."""
    year = not seen.isdisjoint({"year", "short"})
    date = year and ("ordinal" in seen or ("day" in seen and not seen.isdisjoint({"month", "name"})))
    hour = "hour" in seen or {"twelve", "half"} <= seen
    return "epoch" in seen or (date and hour and {"minute", "second"} <= seen and (utc or "zone" in seen))


def _type(shape: str) -> ValueType:
    """Numbers, names, signs and what stands between them: nothing of which a value can be other text."""
    pattern = re.sub(r"\?P<\w+>", "?:", shape)
    between = re.sub(r"\(\?.*?\)", "", pattern)
    return ValueType("clock", rf"[0-9A-Za-z+\- {between}]", pattern, is_free=False, may_be_empty=False)
