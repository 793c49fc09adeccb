"""Typed values of a line -> one row of the records tables (schema.SQUID_RECORDS, ENVOY_RECORDS)."""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from typing import Any

from egresslog.formats.codes import Dialect
from egresslog.formats.program import Field, LogFormat
from egresslog.parse.credentials import masked
from egresslog.parse.json_objects import JsonProblem, canonical, json_object
from egresslog.parse.line_parser import Parsed, Values
from egresslog.parse.values import decode_text, normal_address, unit_of
from egresslog.schema import ENVOY_RECORDS, SQUID_RECORDS, Table
from egresslog.unwrap.entry import Entry
from egresslog.unwrap.origin import Origin

Record = dict[str, Any]

RECORDS: dict[Dialect, Table] = {"squid": SQUID_RECORDS, "envoy": ENVOY_RECORDS}

_MILLISECOND = 1_000
_SECOND = 1_000_000


def record(format: LogFormat, line: Entry, parsed: Parsed) -> Record:
    """One record with every column of its table; what the format does not give is null."""
    values = _complete(format, line, parsed.values)
    derive = _squid if format.dialect == "squid" else _ztunnel if format.names_client else _envoy
    row: Record = dict.fromkeys(RECORDS[format.dialect].names)
    row.update((name, value) for name, value in values.items() if name in row)
    row.update(derive(format, values))
    row.update(_origin(format, line.origin, row))
    return row | {
        "record_id": content_id(_canonical(line.raw) if format.layout == "json" else line.raw),
        "line": line.number,
        "format": format.name,
        "flags": _flags(line, parsed),
        "raw": decode_text(masked(line.raw, parsed.secrets)),
    }


def _flags(line: Entry, parsed: Parsed) -> list[str]:
    named = {
        "doubtful": parsed.doubtful,
        "truncated": line.torn or not line.ended,
        "recovered": line.recovered,
    }
    return [name for name, is_so in named.items() if is_so]


def _origin(format: LogFormat, origin: Origin, row: Record) -> Record:
    """What the wrapper tells: of an Envoy record its pod, of a Squid record the instance's name."""
    if format.dialect == "squid":
        return {"proxy": origin.pod or origin.host}
    told = {name: getattr(origin, name) for name in ("cluster", "namespace", "pod", "container", "node")}
    if format.names_client:  # ztunnel writes for every pod of its node: the record itself names the client
        told |= {"namespace": row["namespace"], "pod": row["pod"]}
    return told


def _canonical(raw: bytes) -> bytes:
    """A JSON record whatever shipper has written it anew: keys sorted, no blanks."""
    try:
        found = json_object(raw)
    except JsonProblem:
        return raw
    return raw if found.twice else canonical(found).encode("utf-8", "surrogatepass")


def content_id(raw: bytes) -> str:
    """80 bits of the raw record's digest, in hexadecimal."""
    return blake2b(raw, digest_size=10).hexdigest()


def _complete(format: LogFormat, line: Entry, values: Values) -> Values:
    """Without a line end, the last field may have been cut: its value is not known."""
    if line.ended or format.layout == "json" or not isinstance(last := format.items[-1], Field):
        return values
    return values | dict.fromkeys(last.columns)


def _squid(format: LogFormat, values: Values) -> Record:
    end, resolution = _squid_end(format, values)
    elapsed = values.get("elapsed")
    if isinstance(elapsed, int) and elapsed < 0:
        elapsed = None  # the clock was set back meanwhile
    start = values.get("start_seconds")
    if start is None and end is not None and isinstance(elapsed, int):
        start = _moment(end - elapsed * _MILLISECOND)
    host, port, url = _target(values.get("method"), values.get("url"))
    if host is None and isinstance(values.get("request_host"), str):
        host, port = _requested(values)
    return {
        "start": start, "end": end, "resolution": resolution, "elapsed": elapsed,
        "host": host, "port": port, "url": url,
    }  # fmt: skip


def _squid_end(format: LogFormat, values: Values) -> tuple[int | None, int]:
    """The end and its resolution, which is the format's, known or not: %ts, %tl or %tg, and %tu behind it."""
    second, fraction = values.get("end_clf"), values.get("end_fraction", 0)
    if "end_seconds" in values:
        seconds = values["end_seconds"]
        second = seconds * _SECOND if isinstance(seconds, int) else None
    known = isinstance(second, int) and isinstance(fraction, int)
    return int(second or 0) + int(fraction or 0) if known else None, _resolution(format)


@cache
def _resolution(format: LogFormat) -> int:
    """What the last digit of %tu stands for; a second without it."""
    digits = [field.precision for field in format.fields if "end_fraction" in field.columns]
    return unit_of(digits[0]) if digits else _SECOND


def _moment(microseconds: int) -> int | None:
    """A time that calendars know (years 1 to 9999), else null."""
    return microseconds if -62_135_596_800 * _SECOND <= microseconds < 253_402_300_800 * _SECOND else None


def _envoy(format: LogFormat, values: Values) -> Record:
    start, duration = values.get("start"), values.get("duration")
    known = isinstance(start, int) and isinstance(duration, int)
    cluster = values.get("upstream_cluster")
    return {
        "end": _moment(int(start or 0) + int(duration or 0) * _MILLISECOND) if known else None,
        "resolution": _start_step(format),
        # Istio 1.23+ ends alternative statistics names in a semicolon.
        "upstream_cluster": cluster.rstrip(";") if isinstance(cluster, str) else None,
    }


def _start_step(format: LogFormat) -> int:
    """The resolution of the start: a format of the user's for START_TIME can write whole seconds."""
    return next((field.type.step for field in format.fields if "start" in field.columns), _MILLISECOND)


def _ztunnel(format: LogFormat, values: Values) -> Record:
    """A connection that a pod opened: ztunnel dials with the pod's own address and a port it does not log."""
    written, duration = values["written"], values["duration"] or 0
    has_failed = values["error"] is not None and not values["bytes_sent"] and not values["bytes_received"]
    inside = "hbone" if values["hbone_address"] is not None else "destination"
    return {
        "start": None if written is None else _moment(int(written) - int(duration) * _MILLISECOND),
        "end": written,
        "resolution": _MILLISECOND,
        "upstream_address": values[f"{inside}_address"],
        "upstream_port": values[f"{inside}_port"],
        "upstream_local_address": None if has_failed else values["source_address"],
        "downstream_local_address": values["destination_address"],
        "downstream_local_port": values["destination_port"],
        "downstream_remote_address": values["source_address"],
        "downstream_remote_port": values["source_port"],
        "response_flags": "UF" if has_failed else None,
    }


def _target(method: object, url: object) -> tuple[str | None, int | None, str | None]:
    """(host, port, url) of a request target; the url is null for CONNECT, host and port for errors."""
    if not isinstance(url, str):
        return None, None, None
    if url.startswith("error:"):
        return None, None, url
    if method == "CONNECT":
        host, port = split_authority(url)
        return host, port, None
    scheme, found, rest = url.partition("://")
    if not found:
        return None, None, url
    authority = rest.split("/", 1)[0].split("?", 1)[0].rpartition("@")[2]
    host, port = split_authority(authority)
    return host, port or {"http": 80, "https": 443, "ftp": 21}.get(scheme.lower()), url


def _requested(values: Values) -> tuple[str | None, int | None]:
    """Host and port of %>rd and %>rP; the brackets of IPv6 are %-encoded."""
    host, port = str(values["request_host"]), values.get("request_port")
    name = split_authority(host.replace("%5B", "[").replace("%5D", "]"))[0]
    return name, port if isinstance(port, int) and port <= 65_535 else None


def split_authority(text: str) -> tuple[str | None, int | None]:
    """[user@]host:port -> (host in lower case, no trailing dot, port); a port out of range is null."""
    text = text.rpartition("@")[2]
    host, port = text, ""
    if re.match(r"\[[0-9A-Fa-f:.%]+\]", text):
        host, _, tail = text[1:].partition("]")
        port = tail.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1
    name = normal_address(host.lower().removesuffix("."))
    return name or None, number if 0 <= number <= 65_535 else None
