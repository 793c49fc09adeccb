"""Wrappers that are JSON: an object per log line, or one value that holds many.

A value with a key twice is no wrapper: shippers do not write such objects, and what a client forged
must reach the parser as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from egresslog.formats.codes import load_data
from egresslog.unwrap.origin import NOWHERE, Origin, origin_of_path
from egresslog.unwrap.text import Inside

MAX_LEVELS = 64  # of objects and lists in one another
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)

Scopes = Sequence[Any]  # a log line and what holds it, innermost first


@dataclass(frozen=True)
class ObjectWrapper:
    """One entry of catalogue/objects.toml."""

    name: str
    title: str
    versions: str
    needs: tuple[str, ...]
    message: tuple[str, ...]
    source: str
    sample: str
    payload: str
    each: str = ""
    without: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    piece: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    pieces: bool = False
    sure: bool = True

    def may_be_on(self, line: bytes) -> bool:
        """A quick test: every key needed (one that a message stands under, where none is) is in the text."""
        every, one = self._keys
        return all(key in line for key in every) and (not one or any(key in line for key in one))

    @cached_property
    def _keys(self) -> tuple[list[bytes], list[bytes]]:
        """Ends of the keys, which may hold dots: all of the first have to be there, one of the second."""
        paths = [*self.needs, *filter(None, [self.each.rpartition(".")[0].removesuffix("[]")])]
        every = [f'{re.split("[.]", path)[-1].removesuffix("[]")}"'.encode() for path in paths]
        one = [] if every else [f'"{path}"'.encode() for path in self.message]
        return every, one


@cache
def object_wrappers() -> tuple[ObjectWrapper, ...]:
    """Every JSON wrapper, in the order in which they are tried."""
    entries = load_data("egresslog.unwrap", "objects.toml")["wrapper"]
    return tuple(ObjectWrapper(**{k: _frozen(v) for k, v in entry.items()}) for entry in entries)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def inside_json(line: bytes) -> list[Inside]:
    """What the JSON wrapper on this line holds; [] where there is none."""
    fitting = [wrapper for wrapper in object_wrappers() if wrapper.may_be_on(line)]
    if not fitting:
        return []
    try:
        text = line.decode("utf-8", "surrogateescape")
        value = json.loads(text, object_pairs_hook=unique, strict=False)
    except (ValueError, RecursionError):
        return []
    return [] if is_deep(value) else inside_value(value, fitting)


def is_deep(value: Any, levels: int = MAX_LEVELS) -> bool:
    """True where objects and lists stand in one another deeper than any shipper writes them."""
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(is_deep(part, levels - 1) for part in parts)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs; ValueError where a key stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def inside_value(value: Any, wrappers: Sequence[ObjectWrapper] | None = None) -> list[Inside]:
    """What the first wrapper that fits a JSON value holds; a list is its elements; [] without a wrapper.

    ``wrappers``: those that can fit (all, if not given).
    """
    if isinstance(value, list):
        inner = [inside_value(element, wrappers) for element in value]
        bare: list[list[Inside]] = [[itself(e)] if isinstance(e, dict) else [] for e in value]
        if not any(inner):
            return []
        return [one for wrapped, own in zip(inner, bare, strict=True) for one in wrapped or own]
    for wrapper in object_wrappers() if wrappers is None else wrappers:
        lines = _lines(value, wrapper.each.split(".") if wrapper.each else [], [])
        fitting = [scopes for scopes in lines if _fits(wrapper, scopes)]
        if fitting and (found := [inside for scopes in fitting for inside in _inside(wrapper, scopes)]):
            return found
    return []


def itself(value: Any) -> Inside:
    """A value around which nothing is wrapped."""
    return Inside("json document", as_payload(value), NOWHERE, closed=True, at=first_position(value))


def _lines(value: Any, steps: list[str], outer: list[Any]) -> Iterator[Scopes]:
    """Each log line below the steps, with what holds it."""
    if not steps:
        yield [value, *outer]
        return
    found = child(value, steps[0].removesuffix("[]"))
    if steps[0].endswith("[]"):
        for element in found if isinstance(found, list) else ():
            yield from _lines(element, steps[1:], [value, *outer])
    elif found is not None:
        yield from _lines(found, steps[1:], [value, *outer])


def _fits(wrapper: ObjectWrapper, scopes: Scopes) -> bool:
    has = (any(at(scope, path) is not None for scope in scopes) for path in wrapper.needs)
    return isinstance(scopes[0], dict | list) and all(has) and not _any(scopes, wrapper.without)


def _any(scopes: Scopes, paths: Sequence[str]) -> Any:
    """The first value found, the innermost scope first for each path."""
    found = (at(scope, path) for path in paths for scope in scopes)
    return next((value for value in found if value is not None), None)


def _inside(wrapper: ObjectWrapper, scopes: Scopes) -> Iterator[Inside]:
    messages = (plain(at(scopes[0], path)) for path in wrapper.message)
    given = [message for message in messages if message not in (None, {})]
    message = next((one for one in given if one != ""), given[0] if given else None)
    if message is None and not wrapper.sure:
        return
    payload = as_payload(_without_wrapping(wrapper, scopes[0]) if message is None else message)
    origin, piece = _origin(wrapper, scopes, message is None), str(_any(scopes, wrapper.piece) or "")[:1]
    if wrapper.pieces and not payload.endswith(b"\n"):
        piece = "P"
    stream = str(_any(scopes, wrapper.stream) or "")
    position = getattr(message, "position", None) or first_position(scopes[0])
    for one in payload.removesuffix(b"\n").split(b"\n"):
        line = one.removesuffix(b"\r")
        yield Inside(wrapper.name, line, origin, wrapper.sure, True, piece, stream, position)


def _without_wrapping(wrapper: ObjectWrapper, value: Any) -> Any:
    """The access log's own keys of an object into which a shipper has spread them."""
    keys = {path.split(".")[0] for path in (*wrapper.needs, *wrapper.stream, *wrapper.piece)}
    return {k: v for k, v in value.items() if k not in keys} if isinstance(value, dict) else value


def as_payload(message: Any) -> bytes:
    """Text, an array of bytes (journald) or an object, as the bytes of a line."""
    if isinstance(message, str):
        return message.encode("utf-8", "surrogateescape" if _is_escaped(message) else "surrogatepass")
    if isinstance(message, list) and message and all(isinstance(b, int) and 0 <= b < 256 for b in message):
        return bytes(message)
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _is_escaped(text: str) -> bool:
    """True where every lone surrogate stands for a byte that was not UTF-8."""
    return all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in text)


def first_position(value: Any) -> int | None:
    """Where the first text of a value stands in its document."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return next((p for part in parts if (p := first_position(part)) is not None), None)
    return getattr(value, "position", None)


def _origin(wrapper: ObjectWrapper, scopes: Scopes, is_spread: bool) -> Origin:
    """What the wrapper tells; ``is_spread``: the access log's keys stand beside it, which a client fills."""
    told = {field: _told(wrapper, scopes, paths, is_spread) for field, paths in _origin_paths().items()}
    texts = {field: _text(value) for field, value in told.items()}
    path = texts.pop("path")
    return Origin(**texts).within(origin_of_path(path or ""))


def _told(wrapper: ObjectWrapper, scopes: Scopes, paths: Sequence[str], is_spread: bool) -> Any:
    """A key of the log line's own object counts only where it is the wrapper's: nested, or one it has."""
    nested = "kubernetes." if is_spread else ""
    trusted = [path for path in paths if ("." in path and path.startswith(nested)) or path in wrapper.tells]
    own = _any(scopes[:1], trusted)
    return _any(scopes[1:], paths) if own is None else own


@cache
def _origin_paths() -> dict[str, tuple[str, ...]]:
    origin = load_data("egresslog.unwrap", "objects.toml")["origin"]
    return {field: tuple(paths) for field, paths in origin.items()}


def _text(value: Any) -> str | None:
    """A name, without the colours of a terminal and without what is no character."""
    if not isinstance(value, str):
        return None
    return _COLOUR.sub("", value).encode("utf-8", "backslashreplace").decode() or None


def at(value: Any, path: str) -> Any:
    """The value at a path, or None; a key may itself hold dots."""
    direct = plain(child(value, path))
    if direct is not None:
        return direct
    head, dot, rest = path.partition(".")
    while dot:
        inner = child(value, head)
        if inner is not None and (found := at(inner, rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def child(value: Any, key: str) -> Any:
    """One step into an object, a list by position, or a list of {key, value} or {field, value}."""
    value = plain(value)
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdigit():
        return value[int(key)] if int(key) < len(value) else None
    if isinstance(value, list):
        named = (e for e in value if isinstance(e, dict) and key in (e.get("key"), e.get("field")))
        return next((entry.get("value") for entry in named), None)
    return None


def plain(value: Any) -> Any:
    """OTLP's typed values without their type: {"stringValue": x} is x, a list of {key, value} an object."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        kind = str(kind).replace("_v", "V")  # string_value is stringValue
        if kind in ("stringValue", "boolValue", "doubleValue"):
            return inner
        if kind == "intValue":
            return int(inner) if isinstance(inner, str) and _INTEGER.fullmatch(inner) else inner
        if kind in ("kvlistValue", "arrayValue") and isinstance(inner, dict):
            return plain(inner.get("values"))
    if isinstance(value, list) and value and all(_is_pair(entry) for entry in value):
        return {str(entry["key"]): plain(entry["value"]) for entry in value}
    return value


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.keys() == {"key", "value"}
