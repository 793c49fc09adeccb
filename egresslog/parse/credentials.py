"""Credentials in raw lines: where they are, and the line without them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache

from egresslog.formats.program import Field, LogFormat
from egresslog.parse.readings import Readings, Span

MASK = b"***"

# Logs escape what stands in a header: a blank may read %20 or +, a line end %0D or \r, a quote \" or %22.
_BLANK = r"(?:\s|%20|\+)"
_HEADERS = "(?:proxy-)?authorization|cookie2?|x-[a-z-]*(?:key|token|auth|secret)"
# Parts of a name, and whole names: authority=, bypass= and response_code= are evidence and stay.
_NAME = r"[\w.%\[\]-]*"
_SECRET = (
    f"(?:{_NAME}(?:token|passw|pwd|secret|key|credential|signature|session){_NAME}"
    f"|{_NAME}auth|pass|sig|c?nonce|response)"
)
# The shapes of credentials, for texts of which no format tells where they are.
PATTERNS = (
    # Authorization: Basic dXNlcjpwYXNz, as text, as JSON or within Squid's log of all headers.
    (rf'(?i)((?:{_HEADERS})(?:%22|\\?")?{_BLANK}*[:=]{_BLANK}*(?:%22|\\?")?)'
     r"[^\s\"\\\]*%]+.*?(%0[ad]|%22|\\+[nr\"]|[\r\n\"\]]|$)", r"\1***\2"),
    # Credentials after their scheme, wherever they stand.
    (rf"(?i)\b((?:basic|bearer|negotiate|ntlm){_BLANK}+)[a-z0-9_~./+=-]{{4,}}", r"\1***"),
    # scheme://user:password@host
    (r"(?i)([a-z][a-z0-9+.-]*(?:://|%3a%2f%2f))[^\s/?#\"'<>]*@", r"\1***@"),
    # ?access_token=..., also where & is written as an escape.
    (rf"(?i)((?:[?&;,\s]|\\u0026|%3f|%26|%20){_SECRET}(?:=|%3d)(?:%22|\\?\")?)"
     r"[^&;,\s\"'#\\]+", r"\1***"),
    # A JSON web token says who it is by itself.
    (r"\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*", "***"),
)  # fmt: skip


def secret_fields(format: LogFormat) -> tuple[int, ...]:
    """The positions of the fields that can hold credentials."""
    return tuple(position for position, field in enumerate(format.fields) if field.code.secret)


def secret_spans(
    format: LogFormat, positions: Sequence[int], line: bytes, found: Readings
) -> tuple[Span, ...]:
    """Where the credentials of a searched line are in any reading; nothing is no credential."""
    spans = []
    for position in positions:
        own = {reading[position] for reading in found.readings} if found.complete else set()
        span = own.pop() if len(own) == 1 else found.certain[position]
        if span is None:
            spans.append(found.widest[position])
        elif line[slice(*span)] not in format.fields[position].code.null:
            spans.append(span)
    return tuple(spans)


@cache
def _secret_values(format: LogFormat) -> re.Pattern[bytes] | None:
    """The text that stands under a key of a JSON format which can hold credentials."""
    alone = [item.key for item in format.items if isinstance(item, Field) and item.code.secret]
    inside = [part.key for part in format.mixed if any(field.code.secret for field in part.format.fields)]
    keys = sorted({re.escape(json.dumps(str(key[-1]))).encode() for key in (*alone, *inside) if key})
    return re.compile(rb"(?:" + b"|".join(keys) + rb')\s*:\s*("(?:[^"\\]|\\.)*")') if keys else None


def secret_spans_of_json(format: LogFormat, line: bytes) -> tuple[Span, ...]:
    """Where the credentials of a JSON line are, quotes left out."""
    pattern = _secret_values(format)
    found = [] if pattern is None else [match.span(1) for match in pattern.finditer(line)]
    return tuple((start + 1, end - 1) for start, end in found if line[start:end] != b'"-"')


def masked_text(text: str) -> str:
    """A short text without what has the shape of a credential."""
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


def masked(line: bytes, spans: Iterable[Span]) -> bytes:
    """The line with each of the spans, or of their unions where they overlap, as three stars."""
    shown, end = b"", 0
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if start >= end:
            shown += line[end:start] + MASK
        end = max(end, stop)
    return shown + line[end:]
