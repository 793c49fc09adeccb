"""Times in any layout -> microseconds since the epoch (formats/strftime.py says which parts there are)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from egresslog.formats.strftime import MONTHS

_MONTHS = [month[:3] for month in MONTHS]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Parts = dict[str, str]


def read_moment(layout: str, raw: bytes) -> int:
    """The instant that a text of this layout tells, in us.

    Raises ValueError where calendars have no such time, and OverflowError before the year 1.
    """
    if "fraction" not in _compiled(layout).groupindex:
        return _second(layout, raw)
    start, end = _match(layout, raw).span("fraction")
    digits, rest = raw[start:end], raw[:start] + b"0" * (end - start) + raw[end:]
    return _second(layout, rest) + int(digits[:6].ljust(6, b"0"))


@lru_cache(256)
def _compiled(layout: str) -> re.Pattern[bytes]:
    return re.compile(layout.encode("latin-1"), re.DOTALL)


def _match(layout: str, raw: bytes) -> re.Match[bytes]:
    found = _compiled(layout).fullmatch(raw)
    if found is None:
        raise ValueError("not of this layout")
    return found


@lru_cache(4_096)
def _second(layout: str, raw: bytes) -> int:
    """The whole second, in us: lines that follow one another are often of the same."""
    parts = {part: text.decode() for part, text in _match(layout, raw).groupdict(b"").items()}
    if "epoch" in parts:
        return int(parts["epoch"]) * 1_000_000
    moment = datetime.combine(_date(parts), datetime.min.time(), UTC) + _clock(parts) - _offset(parts)
    return (moment - _EPOCH) // _MICROSECOND


def _date(parts: Parts) -> date:
    year = int(parts["year"]) if "year" in parts else _full_year(int(parts["short"]))
    if "day" not in parts or not {"month", "name"} & parts.keys():
        found = date(year, 1, 1) + timedelta(days=int(parts["yearday"]) - 1)
        if found.year != year:
            raise ValueError("no such day of the year")
        return found
    month = int(parts["month"]) if "month" in parts else _MONTHS.index(parts["name"][:3]) + 1
    return date(year, month, int(parts["day"]))


def _full_year(short: int) -> int:
    """The year of two digits (POSIX strptime, %y)."""
    return 1900 + short if short >= 69 else 2000 + short


def _clock(parts: Parts) -> timedelta:
    hour, minute, second = _hour(parts), int(parts["minute"]), int(parts["second"])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("no such time of day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _hour(parts: Parts) -> int:
    if "hour" in parts:
        return int(parts["hour"])
    hour = int(parts["twelve"])
    if not 1 <= hour <= 12:
        raise ValueError("no such hour")
    return hour % 12 + 12 * (parts["half"] == "PM")


def _offset(parts: Parts) -> timedelta:
    text = parts.get("offset", "+0000").replace(":", "")
    hours, minutes = int(text[1:3]), int(text[3:])
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset
