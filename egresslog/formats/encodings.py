"""Squid's encodings of printed values: which bytes they change, into what, and the shape of the result.

Clauses: squid.conf logformat, "modifiers"; Format.cc (log_quoted_string), Quoting.cc (QuoteMimeBlob),
rfc1738.c, tools.cc (strwordquote). "%" is the default encoding of what the catalogue marks ``encode``.
"""

from __future__ import annotations

from functools import cache

ByteSet = frozenset[int]

_CONTROL: ByteSet = frozenset(range(0x20))
_EIGHT_BIT: ByteSet = frozenset(range(0x7F, 0x100))
_UNSAFE: ByteSet = _CONTROL | _EIGHT_BIT | frozenset(b' <>"#{}|\\^~[]`\'')

CHANGED: dict[str, ByteSet] = {
    '"': frozenset(b'"\\\r\n\t'),
    "[": _CONTROL | _EIGHT_BIT | frozenset(b"%[]\\"),
    "#": _UNSAFE | frozenset(b"%"),
    "%": _UNSAFE,
    "/": frozenset(b'"\\\r\n'),
}
_NAMED = {ord("\r"): b"\\r", ord("\n"): b"\\n", ord("\t"): b"\\t"}
_BACKSLASHED = {'"': frozenset(b'"\\\r\n\t'), "[": frozenset(b"\\\r\n"), "/": frozenset(b'"\\\r\n')}


def written(encoding: str, byte: int) -> bytes:
    """What Squid prints for a byte of an encoded value."""
    if byte not in CHANGED.get(encoding, frozenset()):
        return bytes([byte])
    if byte in _BACKSLASHED.get(encoding, frozenset()):
        return _NAMED.get(byte, b"\\" + bytes([byte]))
    return f"%{byte:02x}".encode() if encoding == "[" else f"%{byte:02X}".encode()


@cache
def bytes_of(encoding: str, own: ByteSet) -> ByteSet:
    """Every byte that an encoded value of these bytes can hold."""
    held = frozenset(b"".join(written(encoding, byte) for byte in own))
    return held | frozenset(b'"') if encoding == "/" and ord(" ") in own else held


def changes(encoding: str, own: ByteSet) -> bool:
    """True where the encoding can change a value of these bytes."""
    wrapped = encoding == "/" and ord(" ") in own
    return wrapped or not CHANGED.get(encoding, frozenset()).isdisjoint(own)


@cache
def pattern_of(encoding: str, own: ByteSet) -> str:
    """The exact shape of an encoded value of these bytes, never empty."""
    plain = own - CHANGED[encoding]
    changed = sorted({written(encoding, byte) for byte in own & CHANGED[encoding]})
    if encoding == "/":
        spaceless = one_of(plain - frozenset(b" "), changed)
        return f'(?:"{one_of(plain, changed)}+"|{spaceless}+)' if ord(" ") in own else f"{spaceless}+"
    return f"{one_of(plain, changed)}+"


def one_of(plain: ByteSet, changed: list[bytes]) -> str:
    """A pattern of one plain byte or one escape sequence."""
    sequences = [_sequence(lead, changed) for lead in "\\%"]
    return f"(?:{'|'.join([byte_class(plain), *filter(None, sequences)])})"


def _sequence(lead: str, changed: list[bytes]) -> str:
    tails = [text[1:].decode("latin-1") for text in changed if text[:1] == lead.encode()]
    if lead == "\\":
        return rf"\\{byte_class(frozenset(''.join(tails).encode('latin-1')))}" if tails else ""
    firsts: dict[str, str] = {}
    for tail in tails:
        firsts[tail[0]] = firsts.get(tail[0], "") + tail[1]
    rows: dict[str, str] = {}
    for first, seconds in firsts.items():
        rows[seconds] = rows.get(seconds, "") + first
    pairs = [f"[{first}][{second}]" for second, first in rows.items()]
    return f"%(?:{'|'.join(pairs)})" if pairs else ""


@cache
def byte_class(members: ByteSet) -> str:
    """A regular-expression class over Latin-1."""
    ranges: list[list[int]] = []
    for byte in sorted(members):
        if ranges and ranges[-1][1] == byte - 1:
            ranges[-1][1] = byte
        else:
            ranges.append([byte, byte])
    return "[" + "".join(rf"\x{first:02x}-\x{last:02x}" for first, last in ranges) + "]"
