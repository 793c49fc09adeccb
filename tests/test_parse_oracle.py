"""The parser against all readings by plain recursion: none, one or many, and what may be published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_formats import formats, squid_pool, text_pool
from oracle import published, readings
from proxies import render
from test_parse_round_trip import cached_printed

from egresslog.formats import LogFormat, Pad, compile_format
from egresslog.parse.detect import parser_of
from egresslog.parse.line_parser import LineParser, Parsed
from egresslog.parse.plain import filling, is_conclusive, is_filled, plain_pattern
from egresslog.parse.readings import MAX_READINGS, Stuck, read_all

SMALL = formats("squid", 3) | formats("envoy", 3)
PADDED = st.sampled_from([f for f in squid_pool(3, 300) if any(isinstance(i, Pad) for i in f.items)])
LONGEST = 40  # bytes; the recursion is exponential
SHORT = 20  # bytes of the many


def check(log_format: LogFormat, line: bytes) -> None:
    found, may = parser_of(log_format).parse(line), published(log_format, line)
    if may is None:
        assert not isinstance(found, Parsed), (log_format.text, line, found)
        return
    values, doubtful = may
    assert isinstance(found, Parsed), (log_format.text, line, found)
    if len(readings(log_format, line)) <= MAX_READINGS:
        assert (found.values, found.doubtful) == (values, doubtful), (log_format.text, line)
    assert all(v is None or v == values[c] for c, v in found.values.items()), (log_format.text, line)


@st.composite
def lines(draw: st.DrawFn, log_format: LogFormat, longest: int = LONGEST) -> bytes:
    """A rendered line, sometimes with a piece cut out or put in."""
    line = render(log_format, draw(cached_printed(log_format)))
    if draw(st.booleans()):
        at, to = sorted(draw(st.tuples(st.integers(0, len(line)), st.integers(0, len(line)))))
        line = (
            line[:at] + draw(st.sampled_from([b"", b" ", b'"', b"-", b"1", b'" "'])) + line[min(to, at + 3) :]
        )
    return line[:longest]


@given(st.data(), SMALL)
def test_agrees_with_all_readings(data: st.DataObject, log_format: LogFormat) -> None:
    check(log_format, data.draw(lines(log_format)))


@pytest.mark.slow
@settings(max_examples=100_000)
@given(st.data(), st.integers(0, 599))
def test_many_agree_with_all_readings(data: st.DataObject, at: int) -> None:
    log_format = text_pool(600, 3)[at]
    check(log_format, data.draw(lines(log_format))[:SHORT])


@pytest.mark.slow
@settings(max_examples=100_000)
@given(st.data())
def test_agrees_with_all_readings_of_very_many_squid_lines(data: st.DataObject) -> None:
    log_format = data.draw(st.sampled_from(squid_pool(2, 3_000)))
    check(log_format, data.draw(lines(log_format, 24)))


@given(st.data(), SMALL.filter(is_conclusive))
def test_a_plain_match_is_the_only_reading(data: st.DataObject, log_format: LogFormat) -> None:
    line = data.draw(lines(log_format))
    if match := plain_pattern(log_format).match(line):
        exact = all(f.exact.fullmatch(raw) for f, raw in zip(log_format.fields, match.groups(), strict=True))
        assert readings(log_format, line) == ([match.groups()] if exact else [])


@given(st.data(), PADDED.filter(lambda f: is_conclusive(f, filled=True)))
def test_a_plain_match_filled_as_squid_does_is_the_only_reading(
    data: st.DataObject, log_format: LogFormat
) -> None:
    line = data.draw(lines(log_format))
    match = plain_pattern(log_format).match(line)
    if match and is_filled(line, match.groups(), *filling(log_format)):
        exact = all(f.exact.fullmatch(raw) for f, raw in zip(log_format.fields, match.groups(), strict=True))
        assert not exact or readings(log_format, line) == [match.groups()]


PADDED_TEXTS = ["%-8rm %ru", "%-8un|%ru", "%ru %8>A", "%6tr %-5>A %un", "%-3rm%ru", "%un %-4>A|%9tr %-9mt"]


@given(st.data(), st.sampled_from(PADDED_TEXTS))
def test_padded_fields_agree_with_all_readings(data: st.DataObject, text: str) -> None:
    log_format = compile_format(text, "squid")
    check(log_format, data.draw(lines(log_format, 32)))


def test_padding_beside_free_text_needs_no_search() -> None:
    log_format = compile_format("%-8rm %ru", "squid")
    assert not is_conclusive(log_format) and is_conclusive(log_format, filled=True)
    plain = [b"GET      http://h/", b"CONNECTX h:443"]
    searched = [b"GET http://h/", b"-        http://h/", b"GET          http://h/", b"- http://h/"]
    assert [LineParser(log_format).is_plain(line) for line in plain + searched] == [True] * 2 + [False] * 4


@given(st.data(), SMALL)
def test_what_is_certain_is_the_same_in_every_reading(data: st.DataObject, log_format: LogFormat) -> None:
    line = data.draw(lines(log_format))
    found, all_readings = read_all(log_format, line), readings(log_format, line)
    assert isinstance(found, Stuck) == (not all_readings)
    if not isinstance(found, Stuck):
        for index, span in enumerate(found.certain):
            assert span is None or {reading[index] for reading in all_readings} == {line[slice(*span)]}


# Format, line, values (None: open), doubtful; a reject as the reason and the byte.
CASES: list[tuple[str, bytes, object]] = [
    ("%ru %un", b"a b", ({"url": "a", "user": "b"}, False)),
    ("%ru %un", b"a b c", ({"url": None, "user": None}, True)),
    ("%rm %ru %un %mt", b"CONNECT h:443 user name x", ({"url": "h:443", "user": "user name"}, False)),
    ("%rm %ru %un %mt", b"GET http://h/ user name x", ({"url": None, "user": None}, True)),
    ("%[ui %[un [%tl]", b"- john smith [23/Nov/2026:04:22:36 +0000]", ({"user": "john smith"}, False)),
    ("%-8rm %ru", b"GET      http://packages.example.org/x", (
        {"method": "GET", "url": "http://packages.example.org/x"}, False)),
    ("%un %9rm %ru", b"a b       GET http://h/", ({"user": "a b", "method": "GET"}, False)),
    ("%un %9rm %ru", b"a b - -", ({"user": "a b", "method": None, "url": None}, False)),  # not filled
    ("%8un|%ru", b"   a b|x", ({"user": None, "url": "x"}, True)),  # neither as wide nor wider: squeezed
    ("%8un|%ru", b"     a b|x", ({"user": None, "url": "x"}, True)),  # spaces can be the user's own
    ("%-8rm %ru", b"- http://h/", ({"method": None, "url": "http://h/"}, False)),
    ("%-8rm %ru", b"-        http://h/", ({"method": None, "url": None}, True)),  # or a method called "-"
    ("%-3rm %ru", b"CONNECT h:443", ({"method": "CONNECT", "url": "h:443"}, False)),
    ("%-8rm %ru", b"GET http://h/", ({"method": "GET", "url": "http://h/"}, False)),  # blanks squeezed
    ("%-8rm %ru", b"GET   http://h/", ({"method": "GET", "url": None}, True)),
    ("%6tr %ru", b"13 http://h/", ({"elapsed": 13}, False)),
    ("%la:%lp", b"zzz:1", ("expected %la (address)", 0)),
    ("%ts %>a", b"12 10.0.0.1 ", ("expected the end of the line", 11)),
    ("%ts %>a", b"x", ("expected %ts (epoch)", 0)),
    ("%ts %>a", b"1-2", ("expected ' '", 1)),
    ("%<st", b"9223372036854775808", ("number out of range: 9223372036854775808", 0)),
]


@pytest.mark.parametrize(
    ("text", "line", "wanted"), CASES, ids=[f"{t} {n}" for n, (t, _, _) in enumerate(CASES)]
)
def test_by_example(text: str, line: bytes, wanted: tuple[object, object]) -> None:
    found = LineParser(compile_format(text, "squid")).parse(line)
    if isinstance(found, Parsed):
        values, doubtful = wanted
        assert isinstance(values, dict) and values.items() <= found.values.items()
        assert found.doubtful == doubtful
    else:
        assert (found.reason, found.column) == wanted
