"""Bytes of a line -> one JSON object, with nothing lost: duplicate keys, long numbers, depth."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from egresslog.formats.program import Path

Place = tuple[Any, bool, bool]  # a value, whether it is there, whether its key stands twice

MAX_DEPTH = 64  # objects and lists in one another


class JsonProblem(ValueError):
    """The line is no JSON object, or a value has the wrong type; ``pos`` is the byte in the line."""

    def __init__(self, message: str, pos: int = 0) -> None:
        super().__init__(message)
        self.pos = pos


class JsonObject:
    """An object of a line: its values by key, and the keys that stand in it with several values."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.values: dict[str, Any] = {}
        self.twice: set[str] = set()
        for key, value in pairs:
            if key in self.values and self.values[key] != value:
                self.twice.add(key)
            self.values[key] = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JsonObject) or self.twice or other.twice:
            return False
        return self.values == other.values

    __hash__ = None  # type: ignore[assignment]


class Fraction(str):
    """A number with a fraction or an exponent, as written: no float is what the line says."""

    __slots__ = ()


@lru_cache(4)  # the steps that ask for a line's object follow each other
def json_object(line: bytes) -> JsonObject:
    """The line's object, not to be changed.

    Raises JsonProblem with the byte where the text stops being one JSON object.
    """
    if not line.lstrip().startswith(b"{"):
        raise JsonProblem("expected a JSON object")
    try:
        text = line.decode("utf-8")
        found = _load(text)
    except UnicodeDecodeError as error:
        raise JsonProblem("not UTF-8", error.start) from error
    except json.JSONDecodeError as error:
        raise JsonProblem(f"not JSON: {error.msg}", len(text[: error.pos].encode())) from error
    except RecursionError as error:
        raise JsonProblem("JSON nested too deeply") from error
    except ValueError as error:
        what = "a number is too long" if "digits" in str(error) else str(error)
        raise JsonProblem(f"not JSON: {what}") from error
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _is_deeper(found, MAX_DEPTH):
        raise JsonProblem("JSON nested too deeply")
    return found


def json_problem(line: bytes) -> tuple[str, int] | None:
    """Why a line is no JSON object to rely on, and at which byte; None where it is one."""
    try:
        found = json_object(line)
    except JsonProblem as problem:
        return str(problem), problem.pos
    twice = sorted(found.twice)
    return (f"key {twice[0]!r} stands twice", max(0, line.find(twice[0].encode()))) if twice else None


def _load(text: str) -> JsonObject:
    found = json.loads(
        text, object_pairs_hook=JsonObject, parse_constant=_no_constant, parse_float=Fraction
    )  # fmt: skip
    assert isinstance(found, JsonObject)  # it begins with a brace
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value")


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, JsonObject):
        value = list(value.values.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deeper(inner, levels - 1) for inner in value)


def at_path(value: Any, path: Path) -> Place:
    """The value at a path (or None), whether it is there, and whether a key on it stands twice."""
    twice = False
    for step in path:
        if isinstance(value, JsonObject) and step in value.values:
            twice = twice or step in value.twice
            value = value.values[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None, False, twice
    return value, True, twice


def canonical(found: JsonObject) -> str:
    """An object's text whatever wrote it: keys in order, no blanks, fractions as texts."""
    return json.dumps(
        found.values, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=lambda o: o.values
    )  # fmt: skip


def as_json(value: Any) -> str:
    """A value as JSON text, numbers as they were written; of keys that stand twice, the last."""
    if isinstance(value, JsonObject):
        inside = (f"{as_json(key)}:{as_json(inner)}" for key, inner in value.values.items())
        return f"{{{','.join(inside)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(as_json, value))}]"
    return str(value) if isinstance(value, Fraction) else json.dumps(value, ensure_ascii=False)


def kind_of(value: Any) -> str:
    """The type of a value, for people."""
    names = {JsonObject: "object", Fraction: "float"}
    return names.get(type(value), type(value).__name__)
