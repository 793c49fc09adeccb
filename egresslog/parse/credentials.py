"""Credentials in raw lines: where they are, and the line without them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from egresslog.formats.program import LogFormat
from egresslog.parse.readings import Readings, Span

MASK = b"***"


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


def masked(line: bytes, spans: Iterable[Span]) -> bytes:
    """The line with each of the spans, or of their unions where they overlap, as three stars."""
    shown, end = b"", 0
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if start >= end:
            shown += line[end:start] + MASK
        end = max(end, stop)
    return shown + line[end:]
