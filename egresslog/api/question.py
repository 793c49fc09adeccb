"""One Squid line, or a client and a moment, as a question to logs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from egresslog.arrow import values_of
from egresslog.errors import UsageError
from egresslog.formats.program import LogFormat
from egresslog.parse.detect import detect, parser_of, presets
from egresslog.parse.line_parser import Unparsed
from egresslog.parse.logs import Logs, from_records
from egresslog.parse.records import Record, content_id, record
from egresslog.parse.values import is_address, normal_address
from egresslog.schema import SQUID_RECORDS
from egresslog.unwrap.entry import Entry

ASKED = "the line asked about"
# What makes two lines the same record, whatever else their formats give.
SAME_LINE = ("end", "client_address", "method", "host", "port", "url", "result", "status", "bytes_down")
NEAR = 1_000_000  # us: how far from the moment asked about a record may begin or end


@dataclass(frozen=True)
class Question:
    """Either a Squid ``line``, or a ``client`` address ``at`` a moment (us), perhaps to a ``host``."""

    line: str | None = None
    client: str | None = None
    at: int | None = None
    host: str | None = None
    formats: tuple[LogFormat, ...] = ()  # the line may be in; if empty, every preset


def ask(logs: Logs, question: Question) -> tuple[list[str], list[Logs]]:
    """The ids of the transactions asked about, and the record to add where the logs hold none.

    Raises UsageError when the line is in no known Squid format, or the question is not complete.
    """
    if question.line is not None:
        return _ask_line(logs, question.line.strip(), question.formats)
    if question.client is None or question.at is None:
        raise UsageError("who asks about a Squid line, or about --client ADDR --at TIME")
    if not is_address(question.client):
        raise UsageError(f"--client {question.client}: not an address", hint="such as --client 10.60.1.11")
    found = _matching(logs, question, question.at)
    return (found, []) if found else _added(_moment(question, question.at))


def moment_asked(question: Question) -> int | None:
    """When it was (us): the end of the line, or the moment given; None where the line does not say.

    Raises UsageError as ``ask``.
    """
    if question.line is None:
        return question.at
    end: int | None = _row_of(question.line.strip(), question.formats)["end"]
    return end


def _ask_line(logs: Logs, text: str, given: tuple[LogFormat, ...]) -> tuple[list[str], list[Logs]]:
    row = _row_of(text, given)
    found = _standing(logs, row)
    return (found, []) if found else _added(row)


def _row_of(text: str, given: tuple[LogFormat, ...]) -> Record:
    """The record that a pasted line makes. Raises UsageError when it makes none."""
    raw = text.encode("utf-8", "surrogateescape")
    line = Entry(1, 0, raw)
    format = detect([line], given or presets("squid"))
    if format is None:
        what = "not in the format given" if given else "in no known Squid format"
        raise UsageError(f"the line is {what}", hint="egresslog formats lists the presets")
    parsed = parser_of(format).parse(raw)
    if isinstance(parsed, Unparsed):
        raise UsageError(f"the line cannot be read: {parsed.reason} at byte {parsed.column}")
    return record(format, line, parsed) | {"record_id": "t" + content_id(raw)}


def _standing(logs: Logs, row: Record) -> list[str]:
    """The record of the logs that says the same: a pasted line may differ in spaces or in format."""
    ids = values_of(logs.squid, "record_id")
    if row["record_id"] in ids:
        return [row["record_id"]]
    columns = [values_of(logs.squid, name) for name in SAME_LINE]
    wanted = tuple(row[name] for name in SAME_LINE)
    same = (name for name, *values in zip(ids, *columns, strict=True) if tuple(values) == wanted)
    return list(islice(same, 1))


def _added(row: Record) -> tuple[list[str], list[Logs]]:
    return [row["record_id"]], [from_records("squid", [row | {"file": ASKED, "proxy": "squid"}])]


def _matching(logs: Logs, question: Question, at: int) -> list[str]:
    """Records of the client that were under way at the moment."""
    names = ("record_id", "client_address", "host", "start", "end")
    columns = (values_of(logs.squid, name) for name in names)
    client = normal_address(str(question.client))
    return [
        name
        for name, address, host, start, end in zip(*columns, strict=True)
        if address == client
        and question.host in (None, host)
        and end is not None
        and (end if start is None else start) - NEAR <= at <= end + NEAR
    ]


def _moment(question: Question, at: int) -> Record:
    """A record that says no more than the question."""
    text = f"{question.client} {at} {question.host}".encode()
    row: Record = dict.fromkeys(SQUID_RECORDS.names)
    known = {"end": at, "resolution": NEAR, "client_address": normal_address(str(question.client))}
    asked: Record = {"host": question.host, "line": 1, "format": "question", "flags": [], "raw": ""}
    return row | known | asked | {"record_id": "t" + content_id(text)}
