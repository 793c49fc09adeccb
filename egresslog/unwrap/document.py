"""JSON or YAML over several lines: an answer of an API, an array, objects printed prettily in a row.

Positions are kept, so that every entry knows the physical line on which its text stands. A document
that ends too early is closed behind the last value that is whole.
"""

from __future__ import annotations

import json
import json.decoder
import json.scanner
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from typing import Any

from egresslog.errors import UsageError
from egresslog.files.lines import BOM
from egresslog.formats.documents import documents
from egresslog.unwrap.entry import Entry
from egresslog.unwrap.objects import inside_value, is_deep, itself, unique
from egresslog.unwrap.text import Inside

MAX_YAML = 1 << 23  # bytes: each MiB takes seconds
MAX_DOCUMENT = 1 << 26  # bytes read as one document, in twenty times the memory; else line by line

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|["{}\[\]]', re.DOTALL)
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_CLOSES = {"{": "}", "[": "]"}


class Placed(str):
    """A text of a document that knows where it stands (in characters)."""

    position: int


@dataclass(frozen=True)
class Document:
    """The JSON values of a file; ``problem``: why the end of it is missing."""

    text: str
    values: list[Any]
    problem: str | None = None
    starts: tuple[int, ...] = ()  # of the values, where their texts do not know their place

    def insides(self) -> Iterator[Inside]:
        """Every log line of the document; a value that wraps nothing is one itself."""
        for value, start in zip_longest(self.values, self.starts):
            for element in value if isinstance(value, list) else [value]:
                for inside in inside_value(element) or [itself(element)]:
                    yield inside if start is None else replace(inside, at=start)

    def places(self) -> Callable[[int | None], Entry]:
        """Position of a text -> an empty entry with its physical line and the offset of that in bytes."""
        starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        offsets = [0]
        for start, end in pairwise(starts):
            offsets.append(offsets[-1] + len(self.text[start:end].encode("utf-8", "surrogateescape")))

        def place(position: int | None) -> Entry:
            line = bisect_right(starts, position or 0) - 1
            return Entry(line + 1, offsets[line], b"")

        return place


def may_be_document(beginning: bytes) -> bool:
    """True where a file begins with a JSON value that goes on beyond its first line."""
    first = beginning.removeprefix(BOM).lstrip().partition(b"\n")[0].rstrip()
    if first[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(first.decode("utf-8", "surrogateescape"))
    except json.JSONDecodeError as error:
        return _is_cut(error) or (error.msg == "Extra data" and _is_wrapper(error))
    except (ValueError, RecursionError):
        return False
    return False


def _is_wrapper(error: json.JSONDecodeError) -> bool:
    """True where a shipper's object stands before the place; access lines are never glued together."""
    if error.doc[error.pos : error.pos + 1] not in ("{", "["):
        return False
    value = json.loads(error.doc[: error.pos])
    return not is_deep(value) and any(inside.sure for inside in inside_value(value))


def _is_cut(error: json.JSONDecodeError) -> bool:
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")


def read_document(data: bytes) -> Document | None:
    """The JSON values that ``data`` is made of; None where it holds anything else."""
    text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    values: list[Any] = []
    position = _after_blanks(text, 0)
    try:
        while position < len(text):
            value, position = _DECODER.raw_decode(text, position)
            values.append(value)
            position = _after_blanks(text, position)
    except json.JSONDecodeError as error:
        mended = _mended(text[position:]) if _is_cut(error) else None
        if mended is None:
            return None
        offset = " " * position  # so that positions stay those of the whole text
        values.append(_DECODER.raw_decode(offset + mended, position)[0])
        return Document(text, values, f"the JSON document ends too early, at line {text.count(chr(10)) + 1}")
    except (ValueError, RecursionError):  # a number too long, brackets too deep
        return None
    return None if any(is_deep(value) for value in values) else Document(text, values)


def may_be_yaml(beginning: bytes) -> bool:
    """True where a file looks like YAML documents that hold log entries, as gcloud prints them."""
    text = beginning.removeprefix(BOM)
    return text.startswith((b"---\n", b"---\r\n", b"insertId:")) and b"\nlogName:" in text


def read_yaml(data: bytes) -> Document | None:
    """The YAML documents that ``data`` is made of; None where it holds anything else."""
    text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    try:
        values = documents(text, as_text=True) if len(data) <= MAX_YAML else []
    except UsageError:
        return None
    places = [match.end() for match in re.finditer(r"^---\r?\n", text, re.MULTILINE)]
    starts = places if text.startswith("---") else [0, *places]
    values = [] if any(is_deep(value) for value in values) else values
    return Document(text, values, starts=tuple(starts)) if len(starts) == len(values) else None


def _after_blanks(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _mended(text: str) -> str | None:
    """The text up to the last value that was closed, with what is still open closed behind it."""
    stack: list[str] = []
    best: tuple[int, str] | None = None
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == '"':  # a text without an end
            break
        if token in _CLOSES:
            stack.append(_CLOSES[token])
        elif stack and token == stack[-1]:
            stack.pop()
            best = match.end(), "".join(reversed(stack))
    return None if best is None else text[: best[0]] + best[1]


def _placed(text: str, end: int, strict: bool = False) -> tuple[Placed, int]:
    value, stop = json.decoder.scanstring(text, end, strict)  # type: ignore[attr-defined]
    placed = Placed(value)
    placed.position = end
    return placed, stop


def _decoder() -> json.JSONDecoder:
    """A decoder whose texts know their place; only the scanner written in Python lets them."""
    decoder: Any = json.JSONDecoder(strict=False, object_pairs_hook=unique)
    decoder.parse_string = _placed
    decoder.scan_once = json.scanner.py_make_scanner(decoder)  # type: ignore[attr-defined]
    return decoder  # type: ignore[no-any-return]


_DECODER = _decoder()
