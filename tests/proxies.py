"""How the proxies write lines: values by type, and their rendering, written apart from the parser.

Encodings follow src/format/Format.cc and src/tools.cc of Squid, not the decoders under test.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from egresslog.formats import Field, Literal, LogFormat
from egresslog.formats.codes import Dialect
from egresslog.parse.values import Value, decode_text


@dataclass(frozen=True)
class Printed:
    """What the proxy has to print for a field (None: nothing) and the values that say the same."""

    raw: bytes | None
    values: tuple[Value, ...]


def render(log_format: LogFormat, printed: Sequence[Printed]) -> bytes:
    """A line of a text format."""
    values, line = iter(printed), b""
    for item in log_format.items:
        if isinstance(item, Field):
            line += _filled(log_format.dialect, item, next(values))
        elif isinstance(item, Literal):
            line += item.text
    return line


def _filled(dialect: Dialect, field: Field, one: Printed) -> bytes:
    """Squid fills what is there up to the minimum width, and never the "-" that stands for nothing."""
    text = _field(dialect, field, one)
    if dialect == "envoy" or not one.raw:
        return text
    left, _, width, _ = _modifiers(field)
    return text.ljust(width) if left else text.rjust(width)


def _modifiers(field: Field) -> tuple[bool, bool, int, int | None]:
    """Left, zero-filled, minimum width and precision of a Squid directive, as written."""
    found = re.match(r"%[\"'\[#/]?(-?)(0?)([0-9]*)(?:\.([0-9]*))?", field.directive)
    assert found is not None
    return bool(found[1]), bool(found[2]), int(found[3] or 0), int(found[4]) if found[4] else None


def render_json(log_format: LogFormat, printed: Sequence[Printed], ascii_only: bool) -> bytes:
    """A line of Envoy's json_format: numbers bare, nothing as null."""
    line = {str(f.key): _json_value(f, p) for f, p in zip(log_format.fields, printed, strict=True)}
    return json.dumps(line, ensure_ascii=ascii_only).encode()


def expected(log_format: LogFormat, printed: Sequence[Printed]) -> dict[str, Value]:
    """The values by column, after the losses of the encoding, of tokens for nothing and of limits."""
    found: dict[str, Value] = {}
    for field, one in zip(log_format.fields, printed, strict=True):
        found.update(zip(field.columns, _expected(log_format.dialect, field, one), strict=True))
    return found


def _expected(dialect: Dialect, field: Field, one: Printed) -> tuple[Value, ...]:
    nothing: tuple[Value, ...] = (None,) * len(field.columns)
    raw = _field(dialect, field, one)
    zero = dialect == "squid" and b"0" in field.code.null and not raw.strip(b"0")
    if raw in field.code.null or zero or 0 < field.limit <= len(raw):
        return nothing
    return (decode_text(raw),) if field.encoding == "%" else one.values


NUMBERS = ("integer", "signed", "epoch", "subsecond", "decimal", "duration")


def _field(dialect: Dialect, field: Field, one: Printed) -> bytes:
    if one.raw is None or (one.raw == b"" and dialect == "squid" and field.columns[0] not in BLOBS):
        return field.code.null[0]
    text = one.raw if dialect == "envoy" else ENCODERS[field.encoding](_zeros(field, one.raw))
    return text[: field.limit] if field.limit else text


BLOBS = ("request_headers", "reply_headers")  # a built-in format prints [] where there are none


def _zeros(field: Field, raw: bytes) -> bytes:
    """Zeros before the digits of a number, to the width less the point and the fraction asked for."""
    _, zero, width, precision = _modifiers(field)
    if not zero or field.code.type.name not in NUMBERS:
        return raw
    whole, point, fraction = raw.partition(b".")
    precision = 3 if precision is None else precision
    return whole.zfill(max(0, width - precision - 1) if point else width) + point + fraction


def _json_value(field: Field, one: Printed) -> int | str | None:
    if one.raw is None:
        return None
    return int(one.raw) if field.code.type.name == "integer" else one.raw.decode()


def _backslash(raw: bytes) -> bytes:
    named = {b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t"}
    return re.sub(rb'[\n\r\t"\\]', lambda m: named.get(m[0], b"\\" + m[0]), raw)


def _mime_blob(raw: bytes) -> bytes:
    named = {b"\n": rb"\n", b"\r": rb"\r", b"\\": rb"\\"}
    return re.sub(rb"[\x00-\x1f\x7f-\xff%\[\]\\]", lambda m: named.get(m[0], b"%%%02x" % m[0][0]), raw)


def _rfc1738(raw: bytes) -> bytes:
    return re.sub(rb'[\x00-\x20\x7f-\xff<>"#{}|\\^~\[\]`\'%]', lambda m: b"%%%02X" % m[0][0], raw)


def _rfc1738_unescaped(raw: bytes) -> bytes:
    return re.sub(rb'[\x00-\x20\x7f-\xff<>"#{}|\\^~\[\]`\']', lambda m: b"%%%02X" % m[0][0], raw)


def _shell(raw: bytes) -> bytes:
    named = {b"\n": rb"\n", b"\r": rb"\r"}
    inside = re.sub(rb'[\n\r"\\]', lambda m: named.get(m[0], b"\\" + m[0]), raw)
    return b'"' + inside + b'"' if b" " in raw else inside


ENCODERS = {
    "": bytes, "'": bytes, '"': _backslash, "[": _mime_blob, "#": _rfc1738, "/": _shell,
    "%": _rfc1738_unescaped,
}  # fmt: skip

HOSTILE = [
    b'"', b" ", b'" "', b"-", b'" "-" "x" 1 2 3 "', b"\\", b'\\"', b"%22", b"\t", b"\xff", b"\xc3\xa9", b"]",
    b"[",
    b"a", b"GET", b"CONNECT", b" - ", b"0", b"1.1.1.1:80", b"\x1b[2K", b"\\xff", b"|", b",",
]  # fmt: skip


def hostile_bytes(forbidden: bytes = b"\n\r\x00") -> st.SearchStrategy[bytes]:
    """Short byte strings, mostly made of what separates fields, without what no proxy lets through."""
    piece = st.sampled_from(HOSTILE) | st.binary(max_size=3)
    return st.lists(piece, max_size=5).map(lambda pieces: b"".join(pieces).translate(None, forbidden))


def _text(raw: bytes) -> Printed:
    return Printed(raw, (decode_text(raw),))


def _instant(second: int, millisecond: int) -> Printed:
    moment = datetime.fromtimestamp(second, UTC)
    raw = f"{moment:%Y-%m-%dT%H:%M:%S}.{millisecond:03}Z"
    return Printed(raw.encode(), (second * 1_000_000 + millisecond * 1_000,))


def _clf(second: int, minutes: int) -> Printed:
    moment = datetime.fromtimestamp(second, timezone(timedelta(minutes=minutes)))
    return Printed(f"{moment:%d/%b/%Y:%H:%M:%S %z}".encode(), (second * 1_000_000,))


def _endpoint(address: IPv4Address | IPv6Address, port: int) -> Printed:
    host = f"[{address}]" if address.version == 6 else str(address)
    return Printed(f"{host}:{port}".encode(), (_plain(address), port or None))


def _plain(address: IPv4Address | IPv6Address) -> str:
    return str(getattr(address, "ipv4_mapped", None) or address)


_SECOND = st.integers(0, 4_000_000_000)
_ADDRESS = st.ip_addresses()
_WORD = st.from_regex(rb"\A[0-9A-Za-z_,]{1,12}\Z")

TYPED: Mapping[str, st.SearchStrategy[Printed]] = {
    "integer": st.integers(0, 2**63 - 1).map(lambda n: Printed(b"%d" % n, (n,))),
    "epoch": _SECOND.map(lambda n: Printed(b"%d" % n, (n,))),
    "address": _ADDRESS.map(lambda a: Printed(str(a).encode(), (_plain(a),))),
    "endpoint": st.builds(_endpoint, _ADDRESS, st.integers(0, 65_535)),
    "word": _WORD.map(_text),
    "http_token": st.sampled_from([b"GET", b"CONNECT", b"A|B", b"M-SEARCH"]).map(_text),
    "protocol": st.sampled_from([b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2"]).map(_text),
    "version": st.sampled_from([b"0.0", b"1.0", b"1.1"]).map(_text),
    "token": hostile_bytes(b"\n\r\x00 ").filter(bool).map(_text),
    "authority": st.from_regex(rb"\A[\x21\x23-\x7e]{1,10}\Z").map(_text),
    "text": hostile_bytes().map(_text),
    "rfc3339": st.builds(_instant, _SECOND, st.integers(0, 999)),
    "clf_time": st.builds(_clf, _SECOND, st.integers(-14 * 60, 14 * 60)),
    "signed": st.integers(-(2**63) + 1, 2**63 - 1).map(lambda n: Printed(b"%d" % n, (n,))),
    "hex": st.integers(0, 2**32 - 1).map(lambda n: Printed(b"0x%x" % n, (n,))),
    "base64": st.binary(min_size=1, max_size=9).map(lambda raw: _text(b64encode(raw))),
    "result": st.sampled_from([b"TCP_TUNNEL", b"NONE_NONE", b"TCP_MISS_ABORTED", b"ICAP"]).map(_text),
    "phrase": hostile_bytes().map(_text),
    "utc_time": _SECOND.map(lambda second: _strftime("%d/%b/%Y:%H:%M:%S", second, 0)),
}

# Times whose digits depend on the precision, as Format.cc prints a timeval (seconds, microseconds).
_TIMEVAL = st.tuples(st.integers(1, 4_000_000_000), st.integers(0, 999_999))


def _divisor(precision: int | None) -> int:
    return max(1, 1_000_000 // 10**precision) if precision else 1_000


def _subsecond(precision: int | None, second: int, micro: int) -> Printed:
    shown = micro // _divisor(precision)
    return Printed(b"%d" % shown, (shown * _divisor(precision),))


def _decimal(precision: int | None, second: int, micro: int) -> Printed:
    shown, digits = micro // _divisor(precision), 3 if precision is None else precision
    return Printed(
        b"%d.%0*d" % (second, digits, shown), (second * 1_000_000 + shown * _divisor(precision),)
    )


def _duration(precision: int | None, second: int, micro: int) -> Printed:
    whole = (second * 1_000_000 + micro) // 1_000 * (-1 if second % 10 == 0 else 1)
    if precision is None or second % 2:  # before version 4 a precision changes nothing
        return Printed(b"%d" % whole, (whole,))
    fraction = micro % 1_000 * (1_000 // _divisor(precision))
    return Printed(b"%d.%0*d" % (whole, precision, fraction), (whole,))


PRECISE = {"subsecond": _subsecond, "decimal": _decimal, "duration": _duration}


def _strftime(spec: str, second: int, minutes: int) -> Printed:
    moment = datetime.fromtimestamp(second, timezone(timedelta(minutes=minutes)))
    return Printed(moment.strftime(spec.replace("%s", str(second))).encode(), (second * 1_000_000,))


def _clock(field: Field) -> st.SearchStrategy[Printed]:
    spec = re.search(r"\{([^}]*)\}", field.directive)
    assert spec is not None
    zones = st.integers(-14 * 60, 14 * 60) if field.code.code == "tl" else st.just(0)
    return st.builds(_strftime, st.just(spec[1]), st.integers(0, 3_000_000_000), zones)


def printed_for(field: Field) -> st.SearchStrategy[Printed]:
    """A value of the field's type, or nothing where the proxy has a token for that."""
    typed = _typed(field)
    nothing = st.just(Printed(None, (None,) * len(field.columns)))
    return typed | nothing if field.code.null else typed


def _typed(field: Field) -> st.SearchStrategy[Printed]:
    name = field.code.type.name
    if name == "clock":
        return _clock(field)
    if name in PRECISE:
        return _TIMEVAL.map(lambda timeval: PRECISE[name](_modifiers(field)[3], *timeval))
    return TYPED[name]
