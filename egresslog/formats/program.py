"""LogFormat: a compiled format string, a small field program that parsers run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal as OneOf

from egresslog.formats.codes import ByteSet, Code, Dialect, ValueType
from egresslog.formats.encodings import byte_class, bytes_of, changes, pattern_of

ANY_BYTE: ByteSet = frozenset(range(256))
NOTHING = (b"-", b"")  # printed for a missing value, whatever the width

Path = tuple[str | int, ...]  # of a value in a JSON document: keys, and positions in lists


@dataclass(frozen=True)
class Literal:
    """Text that stands in every line as it is."""

    text: bytes

    @classmethod
    def of(cls, text: str) -> Literal:
        """Text as the proxy writes it: UTF-8, or the user's own bytes where they are not UTF-8."""
        return cls(text.encode("utf-8", "surrogateescape"))


@dataclass(frozen=True)
class Pad:
    """The spaces that fill a field up to its minimum width, before or ``after`` it (Format.cc).

    A shorter value is filled to exactly that width, a longer one not at all, nor is the "-" for nothing.
    Without a width, any number of spaces.
    """

    width: int = 0
    after: bool = False

    def fits(self, spaces: int, value: bytes) -> bool:
        """True where Squid fills the value with so many spaces."""
        is_nothing = spaces == 0 and value in NOTHING
        return not self.width or is_nothing or spaces == max(0, self.width - len(value))


@dataclass(frozen=True)
class Field:
    """One directive of a format string and what its value becomes.

    ``limit``: the proxy cuts values at this many bytes (0: it does not); ``key``: where the value stands
    in a JSON line; ``shape``: the type that the directive's argument makes of the entry's; ``precision``:
    digits asked for after the point of a time.
    """

    code: Code
    columns: tuple[str, ...]
    directive: str
    encoding: str = ""
    key: Path = ()
    span: tuple[int, int] | None = field(default=None, compare=False)  # of the directive, in its text
    limit: int = 0
    shape: ValueType | None = None
    precision: int | None = None

    @property
    def type(self) -> ValueType:
        """The type of the values."""
        return self.shape or self.code.type

    @cached_property
    def allowed(self) -> ByteSet:
        """Every byte the field can hold, in a value or in a null token."""
        own = self.type.bytes
        return (bytes_of(self.encoding, own) if self.is_encoded else own).union(*self.code.null)

    @cached_property
    def pattern(self) -> str:
        """The exact shape of a value or a null token, as a regular expression over Latin-1."""
        own, byte = self.type.pattern, self.type.byte
        if self.is_encoded:
            byte = byte_class(self.allowed)
            own = pattern_of(self.encoding, self.type.bytes) if self.type.is_free else f"{byte}+"
        tokens = [re.escape(token.decode("latin-1")) for token in self.code.null]
        cut = [f"{byte}{{{self.limit}}}"] if self.limit else []
        empty = [""] if self.may_be_empty else []
        return f"(?:{'|'.join([own, *tokens, *cut, *empty])})"

    @cached_property
    def exact(self) -> re.Pattern[bytes]:
        """``pattern``, compiled for ``fullmatch``."""
        return re.compile(self.pattern.encode("latin-1"), re.DOTALL)

    @cached_property
    def is_encoded(self) -> bool:
        """True where the encoding can change the value."""
        return changes(self.encoding, self.type.bytes)

    @cached_property
    def zero_is_nothing(self) -> bool:
        """True where a zero, in any width, says that there is no value: of numbers, never of text."""
        return b"0" in self.code.null and not self.type.is_free

    @property
    def may_be_empty(self) -> bool:
        return self.type.may_be_empty or b"" in self.code.null

    @cached_property
    def is_suffix_code(self) -> bool:
        """True where nothing the field can hold ends in something shorter that it can hold."""
        apart = len(self.code.null) < 2 and all(t and t[-1] not in self.type.bytes for t in self.code.null)
        return self.type.suffix and apart and not self.limit

    @cached_property
    def is_free(self) -> bool:
        """True where every run of allowed bytes is a value (nothing finer to check)."""
        return self.type.is_free and not self.is_encoded and self.allowed == self.type.bytes


Item = Literal | Pad | Field


def merge_literals(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items with neighbouring literals as one."""
    merged: list[Item] = []
    for item in items:
        if isinstance(item, Literal) and merged and isinstance(merged[-1], Literal):
            merged[-1] = Literal(merged[-1].text + item.text)
        else:
            merged.append(item)
    return tuple(merged)


@dataclass(frozen=True, eq=False)
class LogFormat:
    """A compiled format: ``items`` in line order, or, for the layouts json and pairs, one Field per key.

    ``mixed``: the values of a JSON line that mix text and directives; ``names_client``: the record
    itself names the pod that connected, whoever wrote it.
    """

    name: str
    dialect: Dialect
    text: str
    items: tuple[Item, ...] = field(repr=False)
    layout: OneOf["text", "json", "pairs"] = "text"
    mixed: tuple[Mixed, ...] = field(default=(), repr=False)
    names_client: bool = False

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field, those inside JSON strings last."""
        own = tuple(item for item in self.items if isinstance(item, Field))
        return own + tuple(field for part in self.mixed for field in part.format.fields)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns that a line of this format gives."""
        return frozenset(column for item in self.fields for column in item.columns)


@dataclass(frozen=True, eq=False)
class Mixed:
    """A string of a JSON line that has a text format of its own."""

    key: Path
    format: LogFormat
