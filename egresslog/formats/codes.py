"""The catalogue: every format code and value type, read from the data files beside this module."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

Dialect = Literal["squid", "envoy"]
Catalogue = Literal["squid", "envoy", "ztunnel"]
ByteSet = frozenset[int]


@dataclass(frozen=True)
class ValueType:
    """What a value looks like: the bytes it can hold and its exact pattern.

    ``byte`` matches one of its bytes; ``is_free``: every run of these bytes is a value; ``suffix``: no
    value ends in a shorter one. Of moments, ``layout`` is the expression with a group for each part of
    the time (empty: the text does not tell an instant), ``step`` the time between two of them in us.
    """

    name: str
    byte: str
    pattern: str
    is_free: bool
    may_be_empty: bool
    suffix: bool = False
    layout: str = ""
    step: int = 1_000

    @cached_property
    def bytes(self) -> ByteSet:
        match = re.compile(self.byte.encode("latin-1")).match
        return frozenset(value for value in range(256) if match(bytes([value])))


@dataclass(frozen=True)
class Code:
    """One catalogue entry: a Squid format code or an Envoy command operator.

    ``by``: who chooses the text, "client" or "server" (empty: the proxy does); ``breaks``: printed raw
    it can hold a line end; ``secret``: it can hold credentials. ``optional``: the argument may be left
    out; ``example``: one to try the sample with; ``local``: a time in the proxy's own zone; ``also``:
    other names; ``rank``, ``fallback``: see columns.py.
    """

    code: str
    type: ValueType
    columns: tuple[str, ...]
    source: str
    sample: str
    null: tuple[bytes, ...] = ()
    unit: str = ""
    arg: str | None = None
    encode: bool = False
    by: str = ""
    breaks: bool = False
    secret: bool = False
    optional: bool = False
    example: str = ""
    local: bool = False
    also: tuple[str, ...] = ()
    fallback: bool = False
    rank: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The code and its other names."""
        return (self.code, *self.also)

    def columns_for(self, arg: str | None) -> tuple[str, ...]:
        """The columns, with the directive's argument filled in where the entry asks for it."""
        slug = "".join(c if c.isalnum() else "_" for c in (arg or "")).lower()
        return tuple(column.replace("{arg}", slug).rstrip("_") for column in self.columns)


@dataclass(frozen=True)
class Constraint:
    """Readings in which ``when`` equals ``equals`` hold only if ``column`` matches ``pattern``."""

    when: str
    equals: str
    column: str
    pattern: str
    source: str


def load_toml(name: str) -> dict[str, Any]:
    """One of the format catalogue's data files, parsed."""
    return load_data("egresslog.formats", name)


def load_data(package: str, name: str) -> dict[str, Any]:
    """A data file of a package's catalogue, parsed."""
    return tomllib.loads(files(package).joinpath("catalogue", name).read_text("utf-8"))


@cache
def value_types() -> dict[str, ValueType]:
    """Every value type by name."""
    return {name: _value_type(name, **entry) for name, entry in load_toml("types.toml").items()}


def _value_type(name: str, bytes: str, empty: bool = False, **others: Any) -> ValueType:
    byte = f"[{bytes}]"
    exact = others.pop("pattern", "") or unnamed(others.get("layout", ""))
    return ValueType(name, byte, exact or byte + ("*" if empty else "+"), not exact, empty, **others)


def unnamed(layout: str) -> str:
    """A layout without the names of its groups: it can stand inside other patterns."""
    return re.sub(r"\?P<\w+>", "?:", layout)


@cache
def codes(catalogue: Catalogue) -> tuple[Code, ...]:
    """One catalogue's entries, in lookup order."""
    return tuple(_code(entry) for entry in load_toml(f"{catalogue}.toml")["code"])


def _code(entry: dict[str, Any]) -> Code:
    null = tuple(token.encode() for token in entry.get("null", ()))
    if unknown := entry.keys() - {field.name for field in fields(Code)}:
        raise ValueError(f"catalogue entry {entry.get('code')}: unknown keys {sorted(unknown)}")
    lists = {"columns": tuple(entry["columns"]), "null": null, "also": tuple(entry.get("also", ()))}
    return Code(**{**entry, **lists, "type": value_types()[entry["type"]]})


@cache
def constraints(dialect: Dialect) -> tuple[Constraint, ...]:
    """What readings of this dialect's lines must satisfy across fields."""
    return tuple(Constraint(**entry) for entry in load_toml(f"{dialect}.toml").get("constraint", ()))


def find_code(dialect: Dialect, name: str, arg: str | None) -> Code | None:
    """The entry for a code and its argument: the exact argument first, then any (or none, if optional)."""
    entries = [entry for entry in codes(dialect) if name in entry.names]
    wanted = None if arg is None else arg.casefold()
    exact = (e for e in entries if (None if e.arg is None else e.arg.casefold()) == wanted)
    anything = (e for e in entries if e.arg == "*" and (arg is not None or e.optional))
    return next(exact, None) or next(anything, None)


@cache
def code_names(dialect: Dialect) -> tuple[str, ...]:
    """Every name of a code, once, in lookup order."""
    return tuple(dict.fromkeys(name for entry in codes(dialect) for name in entry.names))
