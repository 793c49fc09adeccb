"""Bytes of a field -> typed values, by the field's type; never another value, null where unset."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from ipaddress import ip_address

from egresslog.formats.program import Field
from egresslog.parse.moments import read_moment

Value = str | int | None
MAX_INT = 2**63 - 1


class BadValue(ValueError):
    """The bytes have the field's shape but no representable value (a number out of range)."""


_ESCAPE_LOOKALIKE = re.compile(r"(\\+)(?=x[0-9a-f]{2}|[\udc80-\udcff])")


def read_values(field: Field, raw: bytes) -> tuple[Value, ...]:
    """One value per column of the field; all null for a null token.

    Raises BadValue when the value cannot be represented (int64, calendar date).
    """
    if _is_nothing(field, raw) or 0 < field.limit <= len(raw):  # a value that long may have been cut
        return (None,) * len(field.columns)
    if field.is_encoded:
        raw = _decoded(field, raw)
    if field.type.layout:
        return _moment(field, raw)
    if field.precision is not None:
        return PRECISE[field.type.name](raw, field.precision)
    return READERS[field.type.name](raw)


def _is_nothing(field: Field, raw: bytes) -> bool:
    """A token for nothing; where that is zero, zero in any width."""
    return raw in field.code.null or (field.zero_is_nothing and not raw.strip(b"0"))


def _decoded(field: Field, raw: bytes) -> bytes:
    decoded = DECODERS[field.encoding](raw)
    if not field.type.is_free and not _exact(field.type.pattern).fullmatch(decoded):
        raise BadValue(f"expected {field.directive} ({field.type.name})")
    return decoded


@cache
def _exact(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode("latin-1"), re.DOTALL)


def decode_text(raw: bytes) -> str:
    """UTF-8 text; bytes that are none become \\xHH, and no two inputs give the same text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
        text = _ESCAPE_LOOKALIKE.sub(lambda found: found[1] * 2, text)
        return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)
    return _ESCAPE_LOOKALIKE.sub(lambda found: found[1] * 2, text) if "\\x" in text else text


def _moment(field: Field, raw: bytes) -> tuple[Value, ...]:
    try:
        return (read_moment(field.type.layout, raw),)
    except (ValueError, OverflowError) as error:
        raise BadValue(f"no such time: {raw.decode('latin-1')}") from error


def _text(raw: bytes) -> tuple[Value, ...]:
    return (decode_text(raw),)


def _integer(raw: bytes) -> tuple[Value, ...]:
    value = int(raw)
    if abs(value) > MAX_INT:
        raise BadValue(f"number out of range: {raw.decode()}")
    return (value,)


def _hex(raw: bytes) -> tuple[Value, ...]:
    return (int(raw, 16),)


def unit_of(precision: int | None) -> int:
    """Microseconds that the last digit of a time with this precision stands for (Token.cc, divisor)."""
    return 10 ** max(0, 6 - precision) if precision else 1_000


def _subsecond(raw: bytes, precision: int | None = None) -> tuple[Value, ...]:
    """The part of a second, in microseconds."""
    return (int(raw) * unit_of(precision),)


def _decimal(raw: bytes, precision: int | None = None) -> tuple[Value, ...]:
    """Seconds with a fraction, in microseconds; no time is that of the epoch itself.

    Squid prints the fraction as a number of ``unit_of``, filled with zeros to the precision.
    """
    whole, _, fraction = raw.partition(b".")
    microseconds = int(whole) * 1_000_000 + int(fraction or b"0") * unit_of(precision)
    return (microseconds or None,)


def _duration(raw: bytes, precision: int | None = None) -> tuple[Value, ...]:
    """Whole milliseconds."""
    return _integer(raw.partition(b".")[0])


def _address(raw: bytes) -> tuple[Value, ...]:
    return (normal_address(raw.decode("latin-1")),)


@lru_cache(65_536)
def normal_address(text: str) -> str:
    """An address in canonical form; IPv4-mapped IPv6 as IPv4; other text as it is."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return text
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def is_address(text: str) -> bool:
    """True for an IPv4 or IPv6 address."""
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


@lru_cache(65_536)
def is_public(text: str | None) -> bool:
    """True for an IP address of the internet."""
    try:
        return ip_address(text or "").is_global
    except ValueError:
        return False


def _endpoint(raw: bytes) -> tuple[Value, ...]:
    """address:port -> (address, port); socket paths (or @names) and internal addresses have no port.

    Envoy before about 1.15 writes tcp:// before the address.
    """
    text = decode_text(raw).removeprefix("tcp://")
    host, colon, port = text.rpartition(":")
    number = int(port) if colon and port.isascii() and port.isdigit() and len(port) <= 5 else -1
    if 0 <= number <= 65_535 and "/" not in host and not host.startswith("@"):
        return normal_address(host), number or None
    return normal_address(text), None


def _host(raw: bytes) -> tuple[Value, ...]:
    """An address without a port; a masked one (10.1.0.0/16) is no address."""
    text = decode_text(raw)
    return (None if is_address(text.partition("/")[0]) and "/" in text else normal_address(text),)


# Times of a layout have a reader of their own.
READERS: dict[str, Callable[[bytes], tuple[Value, ...]]] = {
    "integer": _integer,
    "epoch": _integer,
    "subsecond": _subsecond,
    "decimal": _decimal,
    "address": _address,
    "endpoint": _endpoint,
    "word": _text,
    "http_token": _text,
    "protocol": _text,
    "version": _text,
    "token": _text,
    "authority": _text,
    "text": _text,
    "access_scope": _text,
    "access_message": _text,
    "milliseconds": lambda raw: (int(raw.removesuffix(b"ms")),),
    "spiffe": lambda raw: (decode_text(raw).partition("/sa/")[2] or None,),
    "signed": _integer,
    "host": _host,
    "network": _text,
    "opaque": _text,
    "moment": _text,
    "duration": _duration,
    "hex": _hex,
    "base64": _text,
    "result": _text,
    "phrase": _text,
}

PRECISE: dict[str, Callable[[bytes, int | None], tuple[Value, ...]]] = {
    "subsecond": _subsecond,
    "decimal": _decimal,
    "duration": _duration,
}

_BACKSLASHED = re.compile(rb"\\(.)", re.DOTALL)
_PERCENTED = re.compile(rb"%([0-9a-fA-F]{2})")
_CONTROL = {b"r": b"\r", b"n": b"\n", b"t": b"\t"}


def _unbackslash(raw: bytes) -> bytes:
    return _BACKSLASHED.sub(lambda found: _CONTROL.get(found[1], found[1]), raw)


def _unpercent(raw: bytes) -> bytes:
    return _PERCENTED.sub(lambda found: bytes([int(found[1], 16)]), raw)


def _unquote(raw: bytes) -> bytes:
    return _unbackslash(raw[1:-1] if raw.startswith(b'"') else raw)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    '"': _unbackslash,
    "[": lambda raw: _unpercent(_unbackslash(raw)),
    "#": _unpercent,
    "/": _unquote,
    "%": bytes,  # leaves "%" alone, so nothing tells an encoded byte from the same text sent
    "'": bytes,
}
