"""LogFormat: a compiled format string, a small field program that parsers run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal as OneOf

from egresslog.formats.codes import ByteSet, Code, Dialect

ANY_BYTE: ByteSet = frozenset(range(256))

# Squid's explicit and implicit encodings: the exact pattern of an encoded free-text value.
# Clauses: squid.conf logformat, "modifiers"; measured behaviour where the manual differs.
# Squid prints "-" for empty text, so no encoded value is empty.
# "%" is the default encoding of what the catalogue marks ``encode``; "[" and "'" exclude nothing.
_BACKSLASHED = r'(?:(?!["\\])BYTE|\\BYTE)+'
ENCODED = {
    '"': _BACKSLASHED,
    "#": r"[\x21\x23-\x7e]+",
    "%": r"[\x21\x23-\x7e]+",
    "/": rf'(?:"{_BACKSLASHED}"|{_BACKSLASHED.replace("BYTE", "(?! )BYTE")})',
}


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
    """Zero or more spaces that fill a field up to its minimum width."""


@dataclass(frozen=True)
class Field:
    """One directive of a format string and what its value becomes.

    ``limit``: the proxy cuts values at this many bytes (0: it does not).
    """

    code: Code
    columns: tuple[str, ...]
    directive: str
    encoding: str = ""
    key: str | None = None
    limit: int = 0

    @cached_property
    def allowed(self) -> ByteSet:
        """Every byte the field can hold, in a value or in a null token."""
        return self.code.type.bytes.union(*self.code.null)

    @cached_property
    def pattern(self) -> str:
        """The exact shape of a value or a null token, as a regular expression over Latin-1."""
        own = self.code.type.pattern
        if self.is_encoded:
            own = ENCODED.get(self.encoding, own).replace("BYTE", self.code.type.byte)
        tokens = [re.escape(token.decode("latin-1")) for token in self.code.null]
        cut = [f"{self.code.type.byte}{{{self.limit}}}"] if self.limit else []
        return f"(?:{'|'.join([own, *tokens, *cut])})"

    @cached_property
    def exact(self) -> re.Pattern[bytes]:
        """``pattern``, compiled for ``fullmatch``."""
        return re.compile(self.pattern.encode("latin-1"), re.DOTALL)

    @cached_property
    def is_encoded(self) -> bool:
        """True where an encoding can change the value: free text, never numbers or times."""
        return bool(self.encoding) and self.code.type.name in ("text", "token")

    @property
    def may_be_empty(self) -> bool:
        return self.code.type.may_be_empty

    @cached_property
    def is_free(self) -> bool:
        """True where every run of allowed bytes is a value (nothing finer to check)."""
        exact = self.is_encoded and self.encoding in ENCODED
        return self.code.type.is_free and not exact and self.allowed == self.code.type.bytes


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

    ``names_client``: the record itself names the pod that connected, whoever wrote it.
    """

    name: str
    dialect: Dialect
    text: str
    items: tuple[Item, ...] = field(repr=False)
    layout: OneOf["text", "json", "pairs"] = "text"
    names_client: bool = False

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return tuple(item for item in self.items if isinstance(item, Field))

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns that a line of this format gives."""
        return frozenset(column for item in self.fields for column in item.columns)
