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


# Formats with objects, lists, constants and text around commands; a line; its values; in doubt.
MIXED = '{"t": "%DURATION%ms of %REQ(X)%"}'
SHAPES: list[tuple[str, str, dict[str, object], bool]] = [
    ('{"a": {"b": {"d": "%DURATION%"}}, "v": 1}', '{"v": 1, "a": {"b": {"d": 5}}}', {"duration": 5}, False),
    ('{"a.b": "%DURATION%"}', '{"a.b": 5, "a": {"b": 6}}', {"duration": 5}, False),
    ('{"l": [1, "%DURATION%", {"x": "%PROTOCOL%"}]}', '{"l": [1, 5, {"x": "HTTP/2"}]}',
     {"duration": 5, "protocol": "HTTP/2"}, False),
    (MIXED, '{"t": "5ms of a b"}', {"duration": 5, "request_header_x": "a b"}, False),
    (MIXED, '{"t": "-ms of -"}', {"duration": None, "request_header_x": None}, False),
    (MIXED, '{"t": null}', {"duration": None, "request_header_x": None}, False),
    ('{"t": "%REQ(X)% %REQ(Y)% %DURATION%"}', '{"t": "a b c 5"}',
     {"request_header_x": None, "request_header_y": None, "duration": 5}, True),
    ('{"a": {"d": "%DURATION%"}}', '{"a": {"d": 1, "d": 2}}', {"duration": None}, True),
    ('{"a": {"d": "%DURATION%"}}', '{"a": {"d": 1}, "a": {"d": 2}}', {"duration": None}, True),
    ('{"m": "%DYNAMIC_METADATA(x)%"}', '{"m": {"k": [1.50, true, null, "é"]}}',
     {"dynamic_metadata_x": '{"k":[1.50,true,null,"é"]}'}, False),
    ('{"m": "%DYNAMIC_METADATA(x)%"}', '{"m": 1e400}', {"dynamic_metadata_x": "1e400"}, False),
    ('{"m": "%DYNAMIC_METADATA(x)%"}', '{"m": false}', {"dynamic_metadata_x": "false"}, False),
    ('{"m": "%COMMON_DURATION(A:B:ms)%"}', '{"m": -15}', {"common_duration_a_b_ms": -15}, False),
    ('{"p": "%DOWNSTREAM_REMOTE_PORT%"}', '{"p": "47190"}', {"downstream_remote_port": 47190}, False),
]  # fmt: skip


@pytest.mark.parametrize(("labels", "line", "values", "doubtful"), SHAPES)
def test_formats_of_any_shape(labels: str, line: str, values: dict[str, object], doubtful: bool) -> None:
    assert LineParser(compile_format(labels, "envoy")).parse(line.encode()) == Parsed(values, doubtful)


def test_keys_that_omit_empty_values_drops() -> None:
    labels = '{"d": "%DURATION%", "t": "in %RESPONSE_CODE%."}'
    parser = LineParser(compile_format(labels, "envoy", omit_empty=True))
    assert parser.parse(b'{"d": 5}') == Parsed({"duration": 5, "response_code": None})
    assert parser.parse(b'{"t": "in ."}') == Parsed({"duration": None, "response_code": None})


MIXED_REJECTED = [
    (b'{"t": 5}', "t: expected text, found int"),
    (b'{"t": "x"}', "t: expected %DURATION% (integer)"),
    (b'{"t": ["5ms"]}', "t: expected text, found list"),
]


@pytest.mark.parametrize(("line", "reason"), MIXED_REJECTED)
def test_mixed_text_that_is_none_is_rejected(line: bytes, reason: str) -> None:
    assert LineParser(compile_format('{"t": "%DURATION%ms"}', "envoy")).parse(line) == Unparsed(reason, 0)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1.0", "true", "[1]", "{}"])
def test_what_is_no_whole_number_is_no_duration(value: str) -> None:
    found = PARSER.parse(b'{"d": %s, "h": "x"}' % value.encode())
    assert isinstance(found, Unparsed) and found.reason


@pytest.mark.parametrize("depth", [64, 65, 900, 200_000])
def test_depth_is_limited(depth: int) -> None:
    line = b'{"d": 5, "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    found = PARSER.parse(line)
    deep = Unparsed("JSON nested too deeply", 0)
    assert found == (deep if depth > 64 else Parsed(NOTHING | {"duration": 5}))
