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
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import strategies as st

from egresslog.formats import Field, Literal, LogFormat
from egresslog.formats.codes import Dialect
from egresslog.formats.program import Path
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


def render_json(
    log_format: LogFormat, printed: Sequence[Printed], ascii_only: bool, omit_empty: bool = False
) -> bytes:
    """A line of Envoy's json_format: numbers bare, nothing as null or, with omit_empty, left out."""
    line: dict[str | int, Any] = {"constant": [1, {"x": None}], "other": "-"}
    values = iter(printed)
    for field in log_format.items:
        if isinstance(field, Field):
            value = _json_value(field, next(values))
            if value is not None or not omit_empty:
                _place(line, field.key, value)
    for part in log_format.mixed:
        text = render(part.format, [next(values) for _ in part.format.fields])
        _place(line, part.key, text.decode())
    return json.dumps(_with_lists(line), ensure_ascii=ascii_only).encode()


def _place(line: dict[str | int, Any], path: Path, value: Any) -> None:
    for step in path[:-1]:
        line = line.setdefault(step, {})
    line[path[-1]] = value


def _with_lists(value: Any) -> Any:
    """What _place has built, positions as lists; a position nobody filled holds a constant."""
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(one) for key, one in value.items()}
    if not inner or not all(isinstance(key, int) for key in inner):
        return inner
    return [inner.get(at, "constant") for at in range(max(inner) + 1)]


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
        return b"" if b"" in field.code.null else field.code.null[0]
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
    return int(one.raw) if field.type.name in ("integer", "signed") else one.raw.decode()


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


def _paths(raw: bytes) -> Printed:
    return Printed(raw, (decode_text(raw), None))


_MOMENT = re.compile(r"%(E[1-9]S|[1-9]f|Ez|ET|[a-zA-Z%])")
_STRFTIME = {"T": "%H:%M:%S", "F": "%Y-%m-%d", "ET": "T", "h": "%b", "R": "%H:%M"}


def moment(directive: str, second: int, nanosecond: int, minutes: int) -> Printed:
    """What a directive with a strftime argument writes, and the instant if the text tells it."""
    text = (re.search(r"[({](.*)[)}]", directive) or ["", ""])[1]
    local = "_LOCAL" in directive or directive.replace(f"{{{text}}}", "").endswith("tl")
    at = datetime.fromtimestamp(second, timezone(timedelta(minutes=minutes if local else 0)))
    shown = text or "%Y-%m-%dT%H:%M:%S.%3f%z"
    written = _MOMENT.sub(lambda m: _specifier(m[1], at, f"{nanosecond:09}"), shown).encode()
    if "{" in directive:  # only Squid's lines were written in the years that two digits tell
        text = text.replace("%D", "%m/%d/%y").replace("%y", "%Y")
    digits = max((int(n) for n in re.findall(r"%E?([1-9])[fS]", text)), default=9 if "%f" in text else 0)
    told = re.search("%s", text) or (not local and _is_full(text)) or (_is_full(text) and "z" in text)
    fraction = nanosecond // 10 ** (9 - digits) * 10 ** (9 - digits) // 1_000
    return Printed(written, (second * 1_000_000 + fraction if told else decode_text(written),))


def _is_full(text: str) -> bool:
    """A date and a time of day to the second, in the few formats that the tests use."""
    date = re.search("%F|%Y.*%[mbB].*%[de]|%m.*%d.*%Y|%[bB].*%[de].*%Y|%[de].*%[bB].*%Y|%j.*%Y|%c", text)
    return bool(date and re.search("%T|%E[1-9T]|%S|%c", text) and re.search("%T|%ET|%H|%I.*%p|%c", text))


def _specifier(name: str, at: datetime, nanoseconds: str) -> str:
    if name == "f" or name[1:] == "f":
        return nanoseconds[: int(name[:-1] or 9)]
    if name.startswith("E") and name.endswith("S"):
        return f"{at:%S}.{nanoseconds[: int(name[1])]}"
    if name == "Ez":
        return f"{at:%z}"[:3] + ":" + f"{at:%z}"[3:5]
    if name == "s":
        return str(int(at.timestamp()))
    if name == "Z":
        return "UTC"
    return at.strftime(_STRFTIME.get(name, f"%{name}"))


_SECOND = st.integers(0, 4_000_000_000)
_WRITTEN = st.integers(0, 3_000_000_000)  # the years 1970 to 2065
_ADDRESS = st.ip_addresses()
_WORD = st.from_regex(rb"\A[0-9A-Za-z_,]{1,12}\Z")

TYPED: Mapping[str, st.SearchStrategy[Printed]] = {
    "integer": st.integers(0, 2**63 - 1).map(lambda n: Printed(b"%d" % n, (n,))),
    "epoch": _SECOND.map(lambda n: Printed(b"%d" % n, (n,))),
    "address": _ADDRESS.map(lambda a: Printed(str(a).encode(), (_plain(a),))),
    "endpoint": st.builds(_endpoint, _ADDRESS, st.integers(0, 65_535))
    | st.sampled_from([b"/run/envoy.sock", b"@agent:80", b"envoy://tunnel/10.1.1.1:80"]).map(_paths),
    "word": _WORD.map(_text),
    "http_token": st.sampled_from([b"GET", b"CONNECT", b"A|B", b"M-SEARCH"]).map(_text),
    "protocol": st.sampled_from([b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2"]).map(_text),
    "version": st.sampled_from([b"0.0", b"1.0", b"1.1"]).map(_text),
    "token": hostile_bytes(b"\n\r\x00 ").filter(bool).map(_text),
    "authority": st.from_regex(rb"\A[\x21\x23-\x7e]{1,10}\Z").map(_text),
    "text": hostile_bytes().map(_text),
    "rfc3339": st.builds(_instant, _SECOND, st.integers(0, 999)),
    "signed": st.integers(1 - 2**63, 2**63 - 1).map(lambda n: Printed(b"%d" % n, (n,))),
    "host": _ADDRESS.map(lambda a: Printed(str(a).encode(), (_plain(a),)))
    | st.sampled_from([b"/run/envoy.sock", b"@agent", b"envoy://sni_listener/"]).map(_text),
    "network": st.sampled_from([b"10.1.0.0/16", b"2001:db8:1234:5678::/64"]).map(_text),
    "opaque": hostile_bytes().map(_text) | st.just(_text(b'{"a": "b c"}')),
    "clf_time": st.builds(_clf, _SECOND, st.integers(-14 * 60, 14 * 60)),
    "hex": st.integers(0, 2**32 - 1).map(lambda n: Printed(b"0x%x" % n, (n,))),
    "base64": st.binary(min_size=1, max_size=9).map(lambda raw: _text(b64encode(raw))),
    "result": st.sampled_from([b"TCP_TUNNEL", b"NONE_NONE", b"TCP_MISS_ABORTED", b"ICAP"]).map(_text),
    "phrase": hostile_bytes().map(_text),
    "utc_time": _SECOND.map(lambda second: moment("%{%d/%b/%Y:%H:%M:%S}tg", second, 0, 0)),
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
    return Printed(b"%d.%0*d" % (second, digits, shown), (second * 1_000_000 + shown * _divisor(precision),))


def _duration(precision: int | None, second: int, micro: int) -> Printed:
    whole = (second * 1_000_000 + micro) // 1_000 * (-1 if second % 10 == 0 else 1)
    if precision is None or second % 2:  # before version 4 a precision changes nothing
        return Printed(b"%d" % whole, (whole,))
    fraction = micro % 1_000 * (1_000 // _divisor(precision))
    return Printed(b"%d.%0*d" % (whole, precision, fraction), (whole,))


PRECISE = {"subsecond": _subsecond, "decimal": _decimal, "duration": _duration}


@cache
def printed_for(field: Field) -> st.SearchStrategy[Printed]:
    """A value of the field's type, or nothing where the proxy has a token for that."""
    typed = _typed(field)
    nothing = st.just(Printed(None, (None,) * len(field.columns)))
    return typed | nothing if field.code.null else typed


def _typed(field: Field) -> st.SearchStrategy[Printed]:
    name = field.type.name
    if field.code.type.name == "moment":
        return st.builds(
            moment, st.just(field.directive), _WRITTEN, st.integers(0, 999_999_999), st.integers(-840, 840)
        )
    if name in PRECISE:
        return _TIMEVAL.map(lambda timeval: PRECISE[name](_modifiers(field)[3], *timeval))
    return TYPED[name]
