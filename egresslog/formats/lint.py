"""What a format lets others do to the log: break its records, forge its fields, spoil its JSON.

Told from the catalogue (who chooses a text, whether it can hold a line end or credentials), from the
encoding of each directive, and from what stands behind it; no directive is named here.

    breaks_record      the text can hold a raw line end, so one line becomes several records
    forges_fields      the text can hold what follows it, so it can end its field and begin others
    adjacent           nothing between two fields tells where one ends
    hand_written_json  JSON written as text, with text in it that is not escaped as JSON
    irreversible       different texts are written the same
    secret             credentials are written
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal as OneOf

from egresslog.errors import FormatError
from egresslog.formats.codes import ByteSet, find_code
from egresslog.formats.encodings import CHANGED
from egresslog.formats.envoy import compile_envoy
from egresslog.formats.presets import NAMED
from egresslog.formats.program import Field, Item, Literal, LogFormat, Pad, Path
from egresslog.formats.squid import compile_squid

Kind = OneOf["breaks_record", "forges_fields", "adjacent", "hand_written_json", "irreversible", "secret"]
Severity = OneOf["danger", "note"]

ENVOY_JSON = "a JSON format (json_format; in Istio labels, or accessLogEncoding: JSON)"
_OWN = " in a logformat of your own (what is built into Squid escapes nothing)"
_NOTES = ("irreversible", "secret")
_LINE_ENDS: ByteSet = frozenset(b"\r\n")
_NOT_IN_JSON: ByteSet = frozenset(range(0x20)) | frozenset(b'"\\')  # inside a string, unescaped (RFC 8259)
_PERCENTED = ("#", "[", "%")  # encodings that write %xx
_OBJECT = re.compile(r'\s*\{\s*"')
_WHO = {"client": "a client", "server": "a server", "": "whoever fills it"}


@dataclass(frozen=True)
class Danger:
    """Something that a format lets others do.

    ``what``: they can do, a sentence; ``instead``: how to write it. ``span``: of the directive in
    ``text``, which is the format string or, in a JSON format, the value that stands at ``key``.
    """

    directive: str
    kind: Kind
    severity: Severity
    what: str
    instead: str
    text: str
    span: tuple[int, int] | None = None
    key: Path = ()


@dataclass(frozen=True)
class _Place:
    """A directive, and what bears on its text.

    ``behind``: the literal right behind it; ``next``: the field right behind it, where there is no
    literal; ``is_last``: no field follows at all; ``is_escaped``: JSON escapes the text; ``is_json``: JSON
    is written by hand; ``own``: the field as it is in a logformat of one's own, of a format built into Squid.
    """

    format: LogFormat
    field: Field
    behind: bytes = b""
    next: Field | None = None
    is_last: bool = False
    is_escaped: bool = False
    is_json: bool = False
    own: Field | None = None


def lint(format: LogFormat, *, is_text: bool | None = None) -> list[Danger]:
    """What the format lets others do, in the order of its directives.

    ``is_text``: whether an Envoy format that is a JSON object is the text of a text format; None where
    that is not known.
    """
    if format.layout == "text":
        return _of_items(format, format.items)
    if format.layout == "json" and is_text:
        return _of_items(format, _as_text(format))
    return [*_perhaps_text(format, is_text), *_of_json(format)]


def dangers(format: LogFormat, *, is_text: bool | None = None) -> list[Danger]:
    """The findings that make records wrong; without the notes."""
    return [found for found in lint(format, is_text=is_text) if found.severity == "danger"]


def _of_items(format: LogFormat, items: Sequence[Item], *, is_escaped: bool = False) -> list[Danger]:
    places = _places(format, items, is_escaped)
    return [danger for place in places for danger in _of_place(place)]


def _of_json(format: LogFormat) -> Iterator[Danger]:
    """A JSON format escapes its values; what mixes text and directives is a text format inside one."""
    for field in format.fields:
        if field.key and field.code.secret:
            alone = replace(_secret(_Place(format, field)), text=field.directive, key=field.key)
            yield replace(alone, span=(0, len(field.directive)))
    for part in format.mixed:
        for danger in _of_items(part.format, part.format.items, is_escaped=True):
            yield replace(danger, key=part.key)


def _perhaps_text(format: LogFormat, is_text: bool | None) -> Iterator[Danger]:
    """A JSON object given as a string may be either; one note says what it is as text."""
    if is_text is None and format.layout == "json" and format.name not in NAMED:
        spoiled = (d for d in _of_items(format, _as_text(format)) if d.kind == "hand_written_json")
        for danger in list(spoiled)[:1]:
            yield replace(danger, severity="note", what=f"in a text format {danger.what}")


def _as_text(format: LogFormat) -> tuple[Item, ...]:
    """The JSON object's own text as a format string; nothing where it is none."""
    try:
        return compile_envoy(format.text)
    except FormatError:
        return ()


def _places(format: LogFormat, items: Sequence[Item], is_escaped: bool) -> Iterator[_Place]:
    solid = [item for item in items if not isinstance(item, Pad)]  # padding may be no space at all
    own = iter(_own_fields(format))
    is_json = not is_escaped and _OBJECT.match(format.text) is not None
    last = max((at for at, item in enumerate(solid) if isinstance(item, Field)), default=-1)
    for at, item in enumerate(solid):
        if isinstance(item, Field):
            behind = solid[at + 1] if at + 1 < len(solid) else None
            yield _Place(
                format, item,
                behind=behind.text if isinstance(behind, Literal) else b"",
                next=behind if isinstance(behind, Field) else None,
                is_last=at == last, is_escaped=is_escaped, is_json=is_json, own=next(own, None),
            )  # fmt: skip


def _own_fields(format: LogFormat) -> list[Field]:
    """The fields as they are when the text of Squid's built-in format is a logformat of one's own."""
    preset = NAMED.get(format.name)
    if preset is None or not preset.raw:
        return []
    return [item for item in compile_squid(preset.text) if isinstance(item, Field)]


def _of_place(place: _Place) -> Iterator[Danger]:
    encoding = place.field.encoding
    who = _WHO[place.field.code.by]
    if _breaks(place, encoding):
        what = f"{who} can write a line end in it, and then records of their own"
        yield _danger(place, "breaks_record", what)
    if _spoils(place, encoding):
        yield _danger(place, "hand_written_json", f"{who} can {_spoiling(place)}")
    elif _forges(place, encoding):
        end = f"write {_shown(place.behind)} in it, which ends it,"
        yield _danger(place, "forges_fields", f"{who} can {end} and then fields of their own")
    if place.next is not None and place.next.allowed & place.field.allowed:
        yield _adjacent(place, place.next)
    if encoding == "%" and place.field.type.bytes >= frozenset(b'% "'):
        what = "texts that differ are written the same: %22 and a quote, %20 and a space"
        yield _danger(place, "irreversible", what)
    if place.field.code.secret:
        yield _secret(place)


def _adjacent(place: _Place, behind: Field) -> Danger:
    chosen = [f.code.by for f in (place.field, behind) if f.code.by and f.type.is_free]
    mover = f", and {_WHO[chosen[0]]} can move the border" if chosen else ""
    what = f"nothing between it and {behind.directive} tells where one ends and the other begins{mover}"
    spaced = replace(place, behind=b" ", next=None)
    one = place.field.directive if _is_safe(spaced, place.field.encoding) else _instead(spaced)
    joint = f"{one} {behind.directive}" if one != ENVOY_JSON else one
    return replace(_danger(place, "adjacent", what), instead=joint)


def _secret(place: _Place) -> Danger:
    """One that dumps all headers has a sibling that names one."""
    field, dialect = place.field, place.format.dialect
    single = field.code.arg is None and find_code(dialect, field.code.code, "any")
    name = f"single headers, %{{Name}}{field.code.code}" if single and dialect == "squid" else ""
    found = _danger(place, "secret", "it writes credentials for whoever may read the log")
    return replace(found, instead=name or "nothing: leave it out")


def _danger(place: _Place, kind: Kind, what: str) -> Danger:
    field = place.field
    severity: Severity = "note" if kind in _NOTES else "danger"
    return Danger(field.directive, kind, severity, what, _instead(place), place.format.text, field.span)


def _reach(field: Field, encoding: str) -> ByteSet:
    """The bytes that whoever chooses the text can make the proxy write, not as part of an escape."""
    if not field.type.is_free:
        return frozenset()
    own = field.type.bytes if field.code.breaks else field.type.bytes - _LINE_ENDS
    plain = own - CHANGED.get(encoding, frozenset())
    if encoding == "/":
        return plain - frozenset(b" ")  # a text with a space stands in quotes
    return plain | frozenset(b"%") if encoding in _PERCENTED else plain


def _breaks(place: _Place, encoding: str) -> bool:
    can_end = place.field.code.breaks and ord("\n") in _reach(place.field, encoding)
    return can_end and not place.is_escaped


def _forges(place: _Place, encoding: str) -> bool:
    return (
        bool(place.field.code.by and place.behind)
        and not place.is_last
        and frozenset(place.behind) <= _reach(place.field, encoding)
    )


def _spoils(place: _Place, encoding: str) -> bool:
    by_others = place.is_json and bool(place.field.code.by)
    return by_others and not _NOT_IN_JSON.isdisjoint(_reach(place.field, encoding))


def _spoiling(place: _Place) -> str:
    if ord('"') in _reach(place.field, place.field.encoding):
        return "write a quote in it, which ends the string, and then keys and values of their own"
    return "write a control character in it, which makes the line invalid JSON"


def _is_safe(place: _Place, encoding: str) -> bool:
    return not any(check(place, encoding) for check in (_breaks, _spoils, _forges))


def _instead(place: _Place) -> str:
    """The first spelling, of those that are easy to read, with which nothing can be done."""
    if place.is_escaped:
        return f"{place.field.directive} as a value of its own"
    if place.format.dialect == "envoy":
        return ENVOY_JSON
    return f"{_spelling(place)}{_OWN}" if place.own else _spelling(place)


def _spelling(place: _Place) -> str:
    bare = re.sub(r"^%[\"'\[#/]?", "%", place.field.directive)
    hashed = f"%#{bare[1:]}"
    is_quoted = '"' in (place.field.encoding, place.own.encoding if place.own else "")
    if place.own and place.own.encoding == '"' and _is_safe(place, '"'):
        return f'"{bare}"'
    if _is_safe(place, "#"):
        return hashed
    return f"{hashed} and a space behind it" if is_quoted or place.is_json else f'"{bare}"'


def _shown(literal: bytes) -> str:
    text = literal.decode("utf-8", "backslashreplace")
    return {" ": "a space", "\t": "a tab", '"': "a quote"}.get(text, repr(text))
