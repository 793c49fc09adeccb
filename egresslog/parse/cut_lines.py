"""Lines that Squid cut: a record over 8 KiB ends in the middle, and mostly without its line end.

Measured on 5.7: the built-in formats print 8,191 bytes (and a NUL, module stdio) and no newline, so the
next client's record follows on the same line; a logformat of one's own keeps its newline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from egresslog.formats.program import Field, Item, LogFormat, Pad
from egresslog.parse.detect import first_plain
from egresslog.parse.line_parser import LineParser, Parsed, Unparsed
from egresslog.unwrap.entry import Entry

CUT_AT = 8_191  # bytes


def parts(entry: Entry, formats: Sequence[LogFormat]) -> Iterator[Entry]:
    """The records glued into one line: torn ones, and the whole one behind them; mostly just the entry."""
    squid = [format for format in formats if format.dialect == "squid" and format.layout == "text"]
    pieces = list(_pieces(entry.raw, lambda raw: first_plain(raw, squid) is not None))
    between = pieces[1:-1]  # records too, or it is no line of glued ones
    if len(pieces) == 1 or not all(_is_beginning(piece, squid) for piece in between):
        yield entry
        return
    for number, piece in enumerate(pieces, 1):
        torn = number < len(pieces)
        yield replace(entry, raw=piece, torn=torn, recovered=number > 1, pieces=1)


def _is_beginning(piece: bytes, formats: Sequence[LogFormat]) -> bool:
    return any(isinstance(parse_cut(format, piece), Parsed) for format in formats)


def _pieces(raw: bytes, is_record: Callable[[bytes], bool]) -> Iterator[bytes]:
    rest = raw[CUT_AT:].removeprefix(b"\0")
    behind = list(_pieces(rest, is_record)) if rest else []
    if behind and is_record(behind[-1]):
        yield raw[:CUT_AT]
        yield from behind
    else:
        yield raw


def parse_cut(format: LogFormat, line: bytes) -> Parsed | Unparsed:
    """What a cut line says for certain: values equal wherever it may have been cut.

    The field in which it ends, and those after it, are null.
    """
    tried = [(parser, parser.parse(line)) for parser in _beginnings(format)]
    read = [(parser, parsed) for parser, parsed in tried if isinstance(parsed, Parsed)]
    if not read:
        return Unparsed("expected the beginning of a record", 0)
    found = [parsed.values | dict.fromkeys(parser.fields[-1].columns) for parser, parsed in read]
    known = {c: v for c, v in found[0].items() if all(other.get(c) == v for other in found)}
    secrets = tuple(sorted({span for _, parsed in read for span in parsed.secrets}))
    return Parsed(dict.fromkeys(format.columns) | known, secrets=secrets)


@cache
def _beginnings(format: LogFormat) -> list[LineParser]:
    """Parsers of the format up to each of its fields, the last one open-ended."""
    return [
        LineParser(replace(format, items=(*_unfilled(format.items[:end]), _opened(item))))
        for end, item in enumerate(format.items)
        if isinstance(item, Field)
    ]


def _unfilled(items: Sequence[Item]) -> Sequence[Item]:
    """What stands before an opened field: how many spaces fill that is not known."""
    return (*items[:-1], Pad()) if items and isinstance(items[-1], Pad) and not items[-1].after else items


def _opened(field: Field) -> Field:
    """The field, holding any run of its bytes, each of which may have been cut and is no value."""
    shape = replace(field.type, pattern=f"{field.type.byte}*", is_free=True, may_be_empty=True)
    code = replace(field.code, null=(*field.code.null, b""))
    return replace(field, code=code, shape=shape, encoding="", limit=1)
