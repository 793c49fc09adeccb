"""Times written by a strftime argument -> microseconds UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache

from egresslog.formats.clocks import MONTHS


class BadValue(ValueError):
    """The bytes have the field's shape but no representable value (a number out of range)."""


@lru_cache(4_096)
def read_clock(shape: str, raw: bytes) -> int:
    """The instant of a text that has this shape (formats.clocks), UTC where it names no zone.

    Raises BadValue for a date or time that no calendar has.
    """
    match = _compiled(shape).fullmatch(raw)
    if match is None:
        raise BadValue(f"no such time: {raw.decode('latin-1')}")
    found = {name: text.decode("latin-1") for name, text in match.groupdict().items()}
    try:
        return int(found["epoch"]) * 1_000_000 if "epoch" in found else _instant(found)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"no such time: {raw.decode('latin-1')}") from error


@cache
def _compiled(shape: str) -> re.Pattern[bytes]:
    return re.compile(shape.encode("latin-1"), re.DOTALL)


def _instant(found: dict[str, str]) -> int:
    # A leap second is the first of the next minute: POSIX has no other number for it.
    second = int(found["second"])
    time = timedelta(hours=_hour(found), minutes=int(found["minute"]), seconds=second)
    if int(found["minute"]) > 59 or second > 60:
        raise ValueError("no such time of day")
    moment = _date(found).replace(tzinfo=_zone(found.get("zone"))) + time
    return int(moment.timestamp()) * 1_000_000


def _date(found: dict[str, str]) -> datetime:
    year = int(found["year"]) if "year" in found else _century(int(found["short"]))
    if "ordinal" in found:
        return datetime.strptime(f"{year:04} {found['ordinal']}", "%Y %j")
    month = int(found["month"]) if "month" in found else MONTHS.index(found["name"][:3]) + 1
    return datetime(year, month, int(found["day"]))


def _century(short: int) -> int:
    """The year of two digits (POSIX strptime %y)."""
    return 1900 + short if short >= 69 else 2000 + short


def _hour(found: dict[str, str]) -> int:
    hour = int(found["hour"]) if "hour" in found else int(found["twelve"]) % 12 + 12 * (found["half"] == "PM")
    if hour > 23 or int(found.get("twelve", "1")) not in range(1, 13):
        raise ValueError("no such hour")
    return hour


def _zone(text: str | None) -> timezone:
    if text is None:
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return timezone(-offset if text[0] == "-" else offset)
