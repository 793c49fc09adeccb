"""JSON lines: strict, typed, and in doubt where a key stands twice."""

from __future__ import annotations

import pytest

from egresslog.formats import compile_format
from egresslog.parse.line_parser import LineParser, Parsed, Unparsed

LABELS = '{"d": "%DURATION%", "h": "%REQ(:AUTHORITY)%", "c": "%RESPONSE_CODE%", "u": "%UPSTREAM_HOST%"}'
PARSER = LineParser(compile_format(LABELS, "envoy"))
NOTHING = {
    "duration": None,
    "authority": None,
    "response_code": None,
    "upstream_address": None,
    "upstream_port": None,
}

READ = [
    (b'{"d": 5, "c": 0, "x": [1, {"d": 9}]}', {"duration": 5}, False),
    (b'{"d": "5", "h": "-"}', {"duration": 5}, False),
    (b' {"h": "a b \\" c"}', {"authority": 'a b " c'}, False),
    (b'{"h": "\\u00ff\\ud800"}', {"authority": "ÿ\\xed\\xa0\\x80"}, False),
    (b'{"u": "[::ffff:10.0.0.1]:443"}', {"upstream_address": "10.0.0.1", "upstream_port": 443}, False),
    (b'{"h": "secret", "d": 1, "h": "innocent"}', {"duration": 1}, True),
    (b'{"h": "same", "h": "same"}', {"authority": "same"}, False),
    (b'{"x": 1, "x": 2, "d": 3}', {"duration": 3}, False),
]


@pytest.mark.parametrize(("line", "values", "doubtful"), READ)
def test_values(line: bytes, values: dict[str, object], doubtful: bool) -> None:
    assert PARSER.parse(line) == Parsed(NOTHING | values, doubtful)


# A line -> why it is rejected, and at which byte.
REJECTED = [
    (b"", "expected a JSON object", 0),
    (b"[1]", "expected a JSON object", 0),
    (b"{}", "expected the keys of the format", 0),
    (b'{"level": "info", "msg": "Readiness succeeded"}', "expected the keys of the format", 0),
    (b'{"h": "\xff"}', "not UTF-8", 7),
    (b'{"h": "\xc3\xa9", 1}', "not JSON: Expecting property name enclosed in double quotes", 12),
    (b'{"d": 1} {"d": 2}', "not JSON: Extra data", 9),
    (b'{"d": NaN}', "not JSON: NaN is no value", 0),
    (b'{"d": 1.5}', "d: expected integer, found float", 0),
    (b'{"d": true}', "d: expected integer, found bool", 0),
    (b'{"d": -1}', "d: expected integer", 0),
    (b'{"d": "\xd9\xa1"}', "d: expected integer", 0),
    (b'{"d": 9223372036854775808}', "d: number out of range: 9223372036854775808", 0),
    (b'{"h": ["a"]}', "h: expected authority, found list", 0),
    ('{"d": 1}'.encode("utf-16-le"), "not JSON: Expecting property name enclosed in double quotes", 1),
]


@pytest.mark.parametrize(("line", "reason", "column"), REJECTED)
def test_rejects(line: bytes, reason: str, column: int) -> None:
    assert PARSER.parse(line) == Unparsed(reason, column, begun=b'"d":' in line or b'"h":' in line)


@pytest.mark.parametrize("line", [b'{"d": ' + b"[" * 200_000, b'{"d": ' + b"9" * 10_000 + b"}"])
def test_what_no_json_reader_can_hold_is_rejected(line: bytes) -> None:
    assert isinstance(PARSER.parse(line), Unparsed)
