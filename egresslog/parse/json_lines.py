"""Lines of keys and values (Envoy's json_format, ztunnel): keys -> columns, exact and strict.

A duplicate key could have been forged in a hand-written format: its columns are null and the record
doubtful. Values are typed as the operator is, whether written as numbers or (old Envoys) as strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from egresslog.formats.program import Field, LogFormat, Mixed, Path
from egresslog.parse.json_objects import (
    Fraction,
    JsonObject,
    JsonProblem,
    Place,
    as_json,
    at_path,
    json_object,
    kind_of,
)
from egresslog.parse.pair_lines import pair_object
from egresslog.parse.values import BadValue, Value, read_values

ReadMixed = Callable[[Path, bytes], tuple[dict[str, Value], bool]]

# JSON strings are delimited, so text may hold anything; other types keep their shape.
_FREE = ("text", "token", "authority", "endpoint", "host", "network", "http_token", "opaque")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


def read_json(format: LogFormat, line: bytes, read_mixed: ReadMixed) -> tuple[dict[str, Value], bool]:
    """The values by column, and whether a duplicate key or mixed text makes the record doubtful.

    Raises JsonProblem when the line is not one JSON object or a value has the wrong type.
    """
    places = _places(format, _object(format, line))
    if not _are_enough(places):
        raise JsonProblem("expected the keys of the format")
    values: dict[str, Value] = {}
    doubtful = any(twice for _, _, twice in places)
    for item, (value, _, twice) in zip((*format.items, *format.mixed), places, strict=True):
        if isinstance(item, Mixed):
            found, is_open = _mixed(item, None if twice else value, read_mixed)
            values.update(found)
            doubtful = doubtful or is_open
        elif isinstance(item, Field):
            values.update(zip(item.columns, _read(item, None if twice else value), strict=True))
    return values, doubtful


def has_keys(format: LogFormat, line: bytes) -> bool:
    """True where the line is an object with enough of the format's keys."""
    if format.layout == "json" and not line.startswith(b"{"):
        return False
    try:
        return _are_enough(_places(format, _object(format, line)))
    except JsonProblem:
        return False


def share_known(format: LogFormat, line: bytes) -> float:
    """The share of an object's keys that the format knows; 1 for a line of text."""
    if format.layout == "text":
        return 1.0
    keys = _object(format, line).values.keys()
    known = {part.key[0] for part in (*format.items, *format.mixed) if isinstance(part, Field | Mixed)}
    return sum(key in known for key in keys) / max(1, len(keys))


def has_begun(format: LogFormat, line: bytes) -> bool:
    """True where the text begins like an object and shows enough of the format's keys, whole or not."""
    parts = [part for part in (*format.items, *format.mixed) if isinstance(part, Field | Mixed)]
    if format.layout == "pairs":
        return b"src.addr=" in line
    shown = sum(f'"{part.key[-1]}"'.encode() in line for part in parts)
    return line.startswith(b"{") and 4 * shown >= max(1, len(parts))


def _object(format: LogFormat, line: bytes) -> JsonObject:
    return json_object(line) if format.layout == "json" else pair_object(line)


def shown(key: Path) -> str:
    """A path, for people."""
    return ".".join(map(str, key))


def _places(format: LogFormat, given: JsonObject) -> list[Place]:
    """What stands at each of the format's keys, those of mixed text last."""
    return [
        at_path(given, part.key) for part in (*format.items, *format.mixed) if isinstance(part, Field | Mixed)
    ]


def _are_enough(places: Sequence[Place]) -> bool:
    """A quarter of the keys: Envoy's omit_empty_values leaves most of a TCP line's out."""
    return 4 * sum(is_there for _, is_there, _ in places) >= max(1, len(places))


def _mixed(part: Mixed, value: Any, read_mixed: ReadMixed) -> tuple[dict[str, Value], bool]:
    if value is None:
        return dict.fromkeys(column for field in part.format.fields for column in field.columns), False
    if not _is_string(value):
        raise JsonProblem(f"{shown(part.key)}: expected text, found {kind_of(value)}")
    return read_mixed(part.key, value.encode("utf-8", "surrogatepass"))


def _read(field: Field, value: Any) -> tuple[Value, ...]:
    if value is None or _is_misplaced(field, value):
        return (None,) * len(field.columns)
    if field.type.name == "opaque" and not _is_string(value):
        value = as_json(value)
    if isinstance(value, bool) or not (_is_string(value) or isinstance(value, int)):
        raise JsonProblem(f"{shown(field.key)}: expected {field.type.name}, found {kind_of(value)}")
    return _values(field, str(value).encode("utf-8", "surrogatepass"))


def _values(field: Field, raw: bytes) -> tuple[Value, ...]:
    if field.type.name not in _FREE and field.exact.fullmatch(raw) is None:
        raise JsonProblem(f"{shown(field.key)}: expected {field.type.name}")
    try:
        return read_values(field, raw)
    except BadValue as error:
        raise JsonProblem(f"{shown(field.key)}: {error}") from error


def _is_string(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Fraction)


def _is_misplaced(field: Field, value: Any) -> bool:
    """Istio 1.1.0 writes the start time under "method"."""
    is_method = field.type.name == "http_token" and isinstance(value, str)
    return is_method and _TIME.fullmatch(value) is not None
