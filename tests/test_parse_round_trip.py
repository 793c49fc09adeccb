"""Law 1: what the proxy writes is read as the same values, or in doubt, or as null; never as others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_formats import formats, json_pool, squid_pool, text_pool
from proxies import Printed, expected, hostile_bytes, printed_for, render, render_json

from egresslog.formats import NAMED, PRESETS, LogFormat
from egresslog.parse.detect import parser_of
from egresslog.parse.line_parser import Parsed, Unparsed
from egresslog.parse.values import decode_text

MANY = 100_000
TEXT_PRESETS = [preset.format for preset in NAMED.values() if preset.format.layout == "text"]


@cache
def printed(log_format: LogFormat) -> st.SearchStrategy[tuple[Printed, ...]]:
    return st.tuples(*(printed_for(field) for field in log_format.fields)).map(
        lambda values: tuple(_as_squid_would(log_format, values))
    )


@cache
def cached_printed(log_format: LogFormat) -> st.SearchStrategy[tuple[Printed, ...]]:
    return printed(log_format)


def _as_squid_would(log_format: LogFormat, values: Sequence[Printed]) -> Sequence[Printed]:
    """Squid strips white space from the target of a CONNECT."""
    columns = [field.columns[0] for field in log_format.fields]
    if log_format.dialect != "squid" or not {"method", "url"} <= set(columns):
        return values
    by_column = dict(zip(columns, values, strict=True))
    if by_column["method"].raw == b"CONNECT" and by_column["url"].raw is not None:
        target = b"".join(by_column["url"].raw.split()) or b"x:1"
        by_column["url"] = Printed(target, (decode_text(target),))
    return list(by_column.values())


def check(log_format: LogFormat, line: bytes, values: Sequence[Printed]) -> None:
    found, true = parser_of(log_format).parse(line), expected(log_format, values)
    assert isinstance(found, Parsed), (log_format.text, line, found)
    wrong = {c: (found.values[c], v) for c, v in true.items() if found.values[c] != v}
    assert all(value is None for value, _ in wrong.values()), (log_format.text, line, wrong)
    assert found.doubtful or not wrong, (log_format.text, line, wrong)


@given(st.data(), formats("squid", 6) | formats("envoy", 6))
def test_any_text_format(data: st.DataObject, log_format: LogFormat) -> None:
    values = data.draw(printed(log_format))
    check(log_format, render(log_format, values), values)


@pytest.mark.parametrize("log_format", TEXT_PRESETS, ids=lambda f: f.name)
@given(data=st.data())
def test_text_presets(log_format: LogFormat, data: st.DataObject) -> None:
    values = data.draw(printed(log_format))
    check(log_format, render(log_format, values), values)


JSON = st.sampled_from(json_pool(200, 6)) | st.just(PRESETS["istio-json"].format)
OMITTING = st.sampled_from(json_pool(200, 6, omit_empty=True))


@given(st.data(), st.booleans(), st.booleans())
def test_json_formats(data: st.DataObject, omit_empty: bool, ascii_only: bool) -> None:
    log_format = data.draw(OMITTING if omit_empty else JSON)
    values = [_json(one) for one in data.draw(printed(log_format))]
    line = render_json(log_format, values, ascii_only, omit_empty)
    check_json(log_format, line, values)


def check_json(log_format: LogFormat, line: bytes, values: Sequence[Printed]) -> None:
    """As check; a line of which most keys are left out may be refused, but not misread."""
    found = parser_of(log_format).parse(line)
    if not (isinstance(found, Unparsed) and found.reason == "expected the keys of the format"):
        check(log_format, line, values)


def _json(one: Printed) -> Printed:
    """Envoy writes a byte that is not UTF-8 as the character of that number."""
    if one.raw is None or not isinstance(one.values[0], str) or len(one.values) > 1:
        return one
    try:
        one.raw.decode()
    except UnicodeDecodeError:
        text = one.raw.decode("latin-1").encode()
        return Printed(text, (decode_text(text),))
    return one


@pytest.mark.slow
@given(st.data(), formats("squid", 12) | formats("envoy", 12))
def test_long_text_formats(data: st.DataObject, log_format: LogFormat) -> None:
    values = data.draw(printed(log_format))
    check(log_format, render(log_format, values), values)


@pytest.mark.slow
@settings(max_examples=MANY)
@given(st.data(), st.integers(0, 599))
def test_many_envoy_text_lines(data: st.DataObject, at: int) -> None:
    log_format = text_pool(600, 4)[at]
    values = data.draw(printed(log_format))
    check(log_format, render(log_format, values), values)


@pytest.mark.slow
@settings(max_examples=MANY)
@given(st.data(), st.booleans(), st.integers(0, 299))
def test_many_envoy_json_lines(data: st.DataObject, omit_empty: bool, at: int) -> None:
    log_format = json_pool(300, 4, omit_empty)[at]
    values = [_json(one) for one in data.draw(printed(log_format))]
    check_json(log_format, render_json(log_format, values, False, omit_empty), values)


@pytest.mark.slow
@settings(max_examples=100_000)
@given(st.data())
def test_very_many_squid_lines(data: st.DataObject) -> None:
    log_format = data.draw(st.sampled_from(squid_pool(4, 3_000)))
    values = data.draw(cached_printed(log_format))
    check(log_format, render(log_format, values), values)


@given(hostile_bytes(b""), hostile_bytes(b""))
def test_two_inputs_never_give_the_same_text(one: bytes, other: bytes) -> None:
    assert (decode_text(one) == decode_text(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [(b"\\\xff", rb"\xff"), (b"\\\\\xff", rb"\\xff"), (b"\xff", rb"\xff"), (b"\\x41", b"A")]
)
def test_text_that_looks_like_an_escape_stays_apart(one: bytes, other: bytes) -> None:
    assert decode_text(one) != decode_text(other)
