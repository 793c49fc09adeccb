"""Numbers and times as people read them."""

from __future__ import annotations

from collections.abc import Iterable

UNKNOWN = "?"
_PREFIXES = "kMGTPE"


def size(count: int | None) -> str:
    """Bytes with a decimal prefix (1 kB = 1000 B) and three digits; ``?`` when unknown."""
    if count is None:
        return UNKNOWN
    if abs(count) < 1000:
        return f"{count} B"
    value, power = count / 1000, 0
    while abs(value) >= 999.5 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    return f"{value:.{digits}f} {_PREFIXES[power]}B"


def number(count: int | None) -> str:
    """An integer with thousands separators; ``?`` when unknown."""
    return UNKNOWN if count is None else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, ``1 client`` or ``2,000 clients``."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def known(part: int, whole: int) -> str:
    """``3/12``: of how many of its records a total is known."""
    return f"{part}/{whole}"


def seconds(microseconds: float | None) -> str:
    """A signed duration in ms below one second, in s above; ``?`` when unknown."""
    if microseconds is None:
        return UNKNOWN
    if abs(microseconds) < 1e6:
        return f"{microseconds / 1e3:+.1f} ms"
    return f"{microseconds / 1e6:+,.3f} s"


def time(moment: str | None, *, with_date: bool = True) -> str:
    """A moment given in ISO 8601, to the second, with or without its date; ``?`` when unknown."""
    if moment is None:
        return UNKNOWN
    date, _, clock = moment.partition("T")
    return f"{date} {clock[:8]}" if with_date else clock[:8]


def single_date(moments: Iterable[str | None]) -> str | None:
    """The date that all known moments (ISO 8601, UTC) share, or None."""
    dates = {moment.partition("T")[0] for moment in moments if moment is not None}
    return dates.pop() if len(dates) == 1 else None
