"""What is wrong in a format string is shown where it is, with a hint; nothing else is ever raised."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from egresslog.errors import EgresslogError, FormatError, UsageError
from egresslog.formats import compile_format
from egresslog.formats.codes import Dialect

GOLDEN: list[tuple[Dialect, str, str]] = [
    (
        "squid", "%ts %>foo %>a",
        "unknown Squid format code at column 6\n"
        "  %ts %>foo %>a\n"
        "       ^^^^\n"
        "hint: did you mean %>qos, %>nfmark, %oa? `egresslog formats --dialect squid` lists every known code",
    ),
    (
        "squid", "%ts %",
        "unknown Squid format code at column 6\n"
        "  %ts %\n"
        "       ^\n"
        "hint: `egresslog formats --dialect squid` lists every known code",
    ),
    (
        "squid", "%ts %{}>h",
        "%>h has no header name in its braces\n  %ts %{}>h\n      ^^^^^\nhint: write %{Name}>h",
    ),
    (
        "squid", "%{:path}>h",
        "%>h knows no pseudo headers\n  %{:path}>h\n  ^^^^^^^^^^\nhint: proxy_protocol::>h does",
    ),
    (
        "squid", "%byte",
        "%byte needs a number from 1 to 255\n  %byte\n  ^^^^^\nhint: write %byte{10} for a line feed",
    ),
    (
        "squid", "%.0ru",
        "%ru with a precision of 0 prints nothing\n  %.0ru\n  ^^^^^\nhint: leave the precision out",
    ),
    (
        "envoy", "[%START_TIM%]",
        "%START_TIM% is not a known command operator\n"
        "  [%START_TIM%]\n"
        "   ^^^^^^^^^^^\n"
        "hint: did you mean %START_TIME%, %START_TIME_LOCAL%? "
        "`egresslog formats --dialect envoy` lists every known operator",
    ),
    (
        "envoy", "a\t%DURATION b",
        "a command operator is not closed\n"
        "  a %DURATION b\n"
        "    ^^^^^^^^^\n"
        "hint: write %NAME% or %NAME(argument):length%; a percent sign itself is %%",
    ),
    (
        "envoy", "50% of %DURATION%",
        "a command operator is not closed\n"
        "  50% of %DURATION%\n"
        "    ^\n"
        "hint: write %NAME% or %NAME(argument):length%; a percent sign itself is %%",
    ),
    (
        "envoy", "%REQ%",
        "%REQ% needs an argument\n"
        "  %REQ%\n"
        "  ^^^^^\n"
        "hint: `egresslog formats --dialect envoy` lists every known operator",
    ),
    (
        "envoy", "%DURATION(ms)%",
        "%DURATION% does not take this argument\n"
        "  %DURATION(ms)%\n"
        "  ^^^^^^^^^^^^^^\n"
        "hint: `egresslog formats --dialect envoy` lists every known operator",
    ),
    (
        "envoy", "%DURATION:3%",
        "%DURATION% takes no length\n"
        "  %DURATION:3%\n"
        "  ^^^^^^^^^^^^\n"
        "hint: `egresslog formats --dialect envoy` lists every known operator",
    ),
    (
        "envoy", '{"a": "%DURATION%", "b": {"c": [1, "took %DURATIO% ms"]}}',
        "%DURATIO% is not a known command operator\n"
        "  took %DURATIO% ms\n"
        "       ^^^^^^^^^\n"
        "hint: did you mean %DURATION%, %COMMON_DURATION%, %REQUEST_DURATION%? "
        "`egresslog formats --dialect envoy` lists every known operator",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text", "shown"), GOLDEN, ids=[text for _, text, _ in GOLDEN])
def test_error_points_at_the_place(dialect: Dialect, text: str, shown: str) -> None:
    with pytest.raises(FormatError) as caught:
        compile_format(text, dialect)
    assert str(caught.value) == shown


@pytest.mark.parametrize(
    ("word", "dialect", "hint"),
    [
        ("squit", "squid", "did you mean squid? presets: squid-egresslog, squid, combined, common, "),
        ("squid", "envoy", "presets: istio, istio-1.8, istio-1.3, "),
        ("", "envoy", "presets: istio, "),
    ],
)
def test_a_bare_word_is_a_preset_or_an_error(word: str, dialect: Dialect, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        compile_format(word, dialect)
    assert str(caught.value).startswith(f"{word!r} is neither a preset nor a format string\nhint: {hint}")


PIECES = [
    "%", "%%", "%ts", "%{", "}", "(", ")", ":", "9" * 5_000, "%DURATION%", "%REQ(", "{", '"', "\\n", "\t",
    "'", "[", "#", "/", "-", "0", ".", "%START_TIME", "http::", "\ud800", "\udcff", "é",
    '{"a": "%DURATION%"}', '{"a": "\\ud800%DURATION%"}',
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=8).map("".join),
    st.sampled_from(["squid", "envoy"]),
)
@example('{"a":' * 100_000 + "%", "envoy")
@example('{"a": "\\ud800%DURATION%"}', "envoy")
@example("%" + "9" * 5_000 + ">a", "squid")
@example("%>a\udcff", "squid")
def test_any_text_compiles_or_says_why_not(text: str, dialect: Dialect) -> None:
    try:
        compile_format(text, dialect)
    except EgresslogError as error:
        assert str(error)
