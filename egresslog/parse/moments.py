"""Times in a format of the user's -> microseconds since the epoch (formats/strftime.py says which parts)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Parts = dict[str, str]


def read_moment(layout: str, raw: bytes) -> int:
    """The instant that a text of this layout tells, in us.

    Raises ValueError where calendars have no such time, and OverflowError before the year 1.
    """
    found = _compiled(layout).fullmatch(raw.decode("latin-1"))
    if found is None:
        raise ValueError("not of this layout")
    parts = found.groupdict()
    fraction = int(parts.get("fraction", "")[:6].ljust(6, "0"))
    if "epoch" in parts:
        return int(parts["epoch"]) * 1_000_000 + fraction
    moment = datetime.combine(_date(parts), datetime.min.time(), UTC) + _clock(parts) - _offset(parts)
    return (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000 + fraction


@lru_cache(256)
def _compiled(layout: str) -> re.Pattern[str]:
    return re.compile(layout, re.DOTALL)


def _date(parts: Parts) -> date:
    year = int(parts["year"])
    if "day" not in parts or not {"month", "name"} & parts.keys():
        found = date(year, 1, 1) + timedelta(days=int(parts["yearday"]) - 1)
        if found.year != year:
            raise ValueError("no such day of the year")
        return found
    month = int(parts["month"]) if "month" in parts else _MONTHS.index(parts["name"][:3]) + 1
    return date(year, month, int(parts["day"]))


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
