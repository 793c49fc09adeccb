"""JSON access-log lines (Envoy's json_format): keys -> columns, exact and strict.

A duplicate key could have been forged in a hand-written format: its column is null and the record
doubtful. Values are typed as the operator is, whether written as numbers or (old Envoys) as strings.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from egresslog.formats.program import Field, LogFormat
from egresslog.parse.values import BadValue, Value, read_values


class JsonProblem(ValueError):
    """The line is no JSON object, or a value has the wrong type; ``pos`` is the byte in the line."""

    def __init__(self, message: str, pos: int = 0) -> None:
        super().__init__(message)
        self.pos = pos


def read_json(format: LogFormat, line: bytes) -> tuple[dict[str, Value], bool]:
    """The values by column, and whether a duplicate key makes the record doubtful.

    Raises JsonProblem when the line is not one JSON object or a value has the wrong type.
    """
    pairs = json_pairs(line)
    given: dict[str, Any] = {}
    twice: set[str] = set()
    for key, value in pairs:
        twice.update({key} if key in given and given[key] != value else ())
        given[key] = value
    if not _has_enough(format, given):
        raise JsonProblem("expected the keys of the format")
    values: dict[str, Value] = {}
    for field in format.fields:
        read = _read(field, None if field.key in twice else given.get(str(field.key)))
        values.update(zip(field.columns, read, strict=True))
    return values, not twice.isdisjoint(str(field.key) for field in format.fields)


def has_keys(format: LogFormat, line: bytes) -> bool:
    """True where the line is a JSON object with enough of the format's keys."""
    if not line.startswith(b"{"):
        return False
    try:
        keys = {key for key, _ in json_pairs(line)}
    except JsonProblem:
        return False
    return _has_enough(format, keys)


def has_begun(format: LogFormat, line: bytes) -> bool:
    """True where the text begins like an object and shows enough of the format's keys, whole or not."""
    keys = [str(field.key) for field in format.fields if f'"{field.key}"'.encode() in line]
    return line.startswith(b"{") and _has_enough(format, keys)


def _has_enough(format: LogFormat, keys: Collection[str]) -> bool:
    """A quarter of the keys: Envoy's omit_empty_values leaves most of a TCP line's out."""
    return 4 * sum(field.key in keys for field in format.fields) >= len(format.fields)


def json_pairs(line: bytes) -> list[tuple[str, Any]]:
    """The keys and values of a JSON object in written order, duplicates kept.

    Raises JsonProblem with the byte where the text stops being one JSON object.
    """
    if not line.lstrip().startswith(b"{"):
        raise JsonProblem("expected a JSON object")
    try:
        text = line.decode("utf-8")
        pairs = json.loads(text, object_pairs_hook=list, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise JsonProblem("not UTF-8", error.start) from error
    except json.JSONDecodeError as error:
        raise JsonProblem(f"not JSON: {error.msg}", len(text[: error.pos].encode())) from error
    except RecursionError as error:
        raise JsonProblem("JSON nested too deeply") from error
    except ValueError as error:
        raise JsonProblem(f"not JSON: {error}") from error
    return [(str(key), value) for key, value in pairs]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value")


def _read(field: Field, value: Any) -> tuple[Value, ...]:
    if value is None:
        return (None,) * len(field.columns)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise JsonProblem(f"{field.key}: expected {field.code.type.name}, found {type(value).__name__}")
    raw = str(value).encode("utf-8", "surrogatepass")
    if not _is_value(field, raw):
        raise JsonProblem(f"{field.key}: expected {field.code.type.name}")
    try:
        return read_values(field, raw)
    except BadValue as error:
        raise JsonProblem(f"{field.key}: {error}") from error


def _is_value(field: Field, raw: bytes) -> bool:
    """JSON strings are delimited, so text may hold anything; other types keep their shape."""
    if field.code.type.name in ("text", "token", "authority", "endpoint", "http_token"):
        return True
    return field.exact.fullmatch(raw) is not None
