"""Every sink neutralises: nothing from a log acts on a terminal, a spreadsheet, a page or a plot."""

import html
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from egresslog.report.neutralise import cut, for_csv, for_html, for_markdown, for_plot, for_terminal

RAW = st.text(st.characters() | st.sampled_from("\\xu0ab\x1b'=-\u202e"))  # surrogates included
ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def unescaped(text: str) -> str:
    """What a reader of the documented escapes gets back."""
    escape = r"\\(?:(\\)|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))"
    return re.sub(escape, lambda m: m[1] or chr(int(m[2] or m[3] or m[4], 16)), text)


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(sign) in ACTIVE for sign in text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain.example", "plain.example"),
        ("bücher.example", "bücher.example"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc\x00", r"a\x0ab\x09c\x00"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("exe\u202egnp", r"exe\u202egnp"),
        ("a\u200bb\u2028c", r"a\u200bb\u2028c"),
        ("\udcff.log", r"\udcff.log"),
        ("\U000e0041", r"\U000e0041"),
        (r"CORP\ulrich", r"CORP\ulrich"),
        (r"\x1b", r"\\x1b"),
        ("\\\x1b", r"\\\x1b"),
        (r"\"quoted\"", r"\"quoted\""),
    ],
)
def test_terminal_text_is_visible(raw: str, shown: str) -> None:
    assert for_terminal(raw) == shown


@given(RAW)
@example("\\\x1b")
@example("\\\\x1b")
@example("\U00013430")
@example("\\x1\x1b")
def test_terminal_text_is_harmless_and_can_be_undone(raw: str) -> None:
    assert is_harmless(for_terminal(raw))
    assert unescaped(for_terminal(raw)) == raw  # so different inputs never look the same


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", r"'\x09=1"),
        ("\r=1", r"'\x0d=1"),
        ("\x00=1", r"'\x00=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_csv_text_is_never_a_formula(raw: str, cell: str) -> None:
    assert for_csv(raw) == cell


@given(RAW, RAW)
@example("=1", "'=1")
def test_csv_text_is_harmless_and_distinct(one: str, other: str) -> None:
    assert is_harmless(for_csv(one))
    assert for_csv(one)[:1] not in {"=", "+", "-", "@"}
    assert (for_csv(one) == for_csv(other)) == (one == other)


@given(RAW)
@example("|`<script>\n\\|")
def test_markdown_text_stays_in_its_cell(raw: str) -> None:
    cell = for_markdown(raw)
    assert is_harmless(cell)
    assert not set("|`<>\\*_[]") & set(cell)


@given(RAW)
@example("<img src=x onerror=alert(1)>")
def test_html_text_has_no_markup(raw: str) -> None:
    assert is_harmless(for_html(raw))
    assert not set("<>\"'") & set(for_html(raw))
    assert len(html.unescape(for_html(raw, 9))) <= 9


@given(RAW, st.integers(0, 60))
def test_plot_text_is_short_and_harmless(raw: str, length: int) -> None:
    assert is_harmless(for_plot(raw, length))
    assert len(for_plot(raw, length)) <= length
    assert len(for_plot(raw)) <= 40


def test_cut_keeps_the_end_which_says_whose_host_it_is() -> None:
    assert cut("x" * 300 + ".vendor.example", 25) == "xxxxxxxx…x.vendor.example"
    assert cut("short", 5) == "short"
