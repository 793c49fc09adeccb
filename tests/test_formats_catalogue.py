"""Every entry of the catalogue describes itself: pattern, sample, tokens for nothing, source."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from proxies import ENCODERS

from egresslog.formats import NAMED, PRESETS, Field, Literal, Pad, Preset, compile_format
from egresslog.formats.codes import Code, Dialect, codes, load_toml, value_types
from egresslog.formats.program import LogFormat
from egresslog.parse.detect import other_line
from egresslog.parse.line_parser import LineParser, Parsed
from egresslog.parse.plain import is_conclusive
from egresslog.parse.values import READERS, read_values

DIALECTS: tuple[Dialect, ...] = ("squid", "envoy")
ENTRIES = [
    pytest.param(dialect, code, id=f"{dialect} {code.code} {code.arg or ''}")
    for dialect in DIALECTS
    for code in codes(dialect)
]


def directive(dialect: Dialect, code: Code) -> str:
    """The shortest format string that uses an entry."""
    arg = code.example or ("X-Any" if code.arg == "*" else code.arg)
    if dialect == "squid":
        return f"%{{{arg}}}{code.code}" if arg else f"%{code.code}"
    return f"%{code.code}({arg})%" if arg else f"%{code.code}%"


def field_of(dialect: Dialect, text: str) -> Field:
    (found,) = compile_format(text, dialect).fields
    return found


@pytest.mark.parametrize(("dialect", "code"), ENTRIES)
def test_entry_compiles_alone_to_itself(dialect: Dialect, code: Code) -> None:
    assert field_of(dialect, directive(dialect, code)).code is code


@pytest.mark.parametrize(("dialect", "code"), ENTRIES)
def test_sample_has_the_shape_and_reads_to_values(dialect: Dialect, code: Code) -> None:
    field, raw = field_of(dialect, directive(dialect, code)), code.sample.encode()
    assert re.fullmatch(field.type.pattern.encode("latin-1"), raw, re.DOTALL)
    assert set(raw) <= field.allowed
    assert read_values(field, raw)[0] is not None


@pytest.mark.parametrize(("dialect", "code"), ENTRIES)
def test_tokens_for_nothing_read_as_null(dialect: Dialect, code: Code) -> None:
    field = field_of(dialect, directive(dialect, code))
    for token in code.null:
        assert field.exact.fullmatch(token)
        assert read_values(field, token) == (None,) * len(field.columns)


@pytest.mark.parametrize(("dialect", "code"), ENTRIES)
def test_entry_names_its_source_and_columns(dialect: Dialect, code: Code) -> None:
    assert code.source.strip() and code.columns
    assert code.type.layout or code.type.name in READERS


def test_every_type_is_used_and_has_a_reader() -> None:
    used = {code.type.name for catalogue in (*DIALECTS, "ztunnel") for code in codes(catalogue)}
    assert used == set(value_types())
    assert {name for name, one in value_types().items() if not one.layout} == set(READERS)


def test_a_code_never_hides_a_longer_one() -> None:
    names = [code.code for code in codes("squid")]
    hidden = [(a, b) for at, a in enumerate(names) for b in names[at + 1 :] if b != a and b.startswith(a)]
    assert hidden == []


@pytest.mark.parametrize("code", codes("ztunnel"), ids=lambda code: code.code)
def test_sample_of_a_ztunnel_key_reads_to_values(code: Code) -> None:
    field = next(field for field in PRESETS["ztunnel"].format.fields if field.code is code)
    raw = code.sample.encode()
    assert field.exact.fullmatch(raw) and read_values(field, raw)[0] is not None and code.source


@pytest.mark.parametrize("entry", load_toml("other_lines.toml")["line"], ids=lambda entry: entry["kind"])
def test_sample_of_an_other_line_is_told_by_its_kind(entry: dict[str, str]) -> None:
    assert other_line(entry["sample"].encode()) == entry["kind"]


PRESET_PARAMS = [pytest.param(preset, id=name) for name, preset in NAMED.items()]


@pytest.mark.parametrize("preset", PRESET_PARAMS)
def test_preset_compiles_and_needs_no_search(preset: Preset) -> None:
    assert preset.format.fields
    assert preset.format.layout != "text" or is_conclusive(preset.format)


@pytest.mark.parametrize("preset", PRESET_PARAMS)
def test_text_preset_reads_a_line_of_samples(preset: Preset) -> None:
    if preset.format.layout == "text":
        parsed = LineParser(preset.format).parse(sample_line(preset.format))
        assert isinstance(parsed, Parsed) and not parsed.doubtful
        assert None not in parsed.values.values()


def sample_line(log_format: LogFormat) -> bytes:
    samples = {item: sample_of(item) for item in log_format.fields}
    pieces = (
        i.text if isinstance(i, Literal) else b" " if isinstance(i, Pad) else samples[i]
        for i in log_format.items
    )
    return b"".join(pieces)


def sample_of(field: Field) -> bytes:
    """The sample is printed with the entry's default encoding; a preset may ask for another."""
    decoded = unquote_to_bytes(field.code.sample) if field.code.encode else field.code.sample.encode()
    return ENCODERS[field.encoding](decoded)


# Format string -> what each of its items is: a code, literal bytes, or padding.
ITEMS = [
    ("%tsX", ["ts", b"X"]),
    ("%{A}>hautre", [">ha", b"utre"]),  # the two-letter code wins over >h followed by "a"
    ("%<pt", ["<pt"]),  # and over <p followed by "t"
    ("%>handshake", [">handshake"]),
    ("%tS|%ts", ["tS", b"|", "ts"]),
    ("%http::>a", [">a"]),
    ("100%%\t%>a", [b"100%\t", ">a"]),
    ("%6tr", [Pad(6), "tr"]),
    ("%-6tr", ["tr", Pad(6, after=True)]),
    ("%06tr", ["tr"]),
    ("%-06tr", ["tr"]),  # zeros make a number as wide as asked for: nothing is left to fill
    ("%010>a", [Pad(10), ">a"]),  # only numbers are filled with zeros
    ("%1tr", ["tr"]),
    ("%.3ru", ["ru"]),
    ("%>h{User-Agent}", [">h"]),
    ("%{User-Agent}>h", [">h"]),
    ("%>h{A}{B}", [">h", b"{B}"]),
    ("%{A}>h{B}", [">h", b"{B}"]),
    ("%ts{x}", ["ts"]),  # an argument that the code has no use for is ignored
    ("%6.tr", [Pad(6), "tr"]),  # a point without digits is nothing
    ("%>ha", [">ha"]),
    ("%>h", [">h"]),
    ("%note", ["note"]),
    ("%{a:,}note", ["note"]),
    ("%icap::to %icap::tio", ["icap::to", b" ", "icap::tio"]),
    ("%icap::un", ["un"]),  # Squid skips a namespace that does not know the code
    ("%tls::http::ts", ["ts"]),
    ("%ssl::<cert_subject%ssl::<cert", ["tls::<cert_subject", "tls::<cert"]),
    ("%SRCPORT%SRC", ["SRCPORT", "SRC"]),
    ("%oa%>v%rG", ["oa", ">v", "rG"]),
    ("[%%]%byte{65}", [b"[%25]A"]),  # constants are encoded as values are
    ('"%byte{34}"%3%|%-3%|', [b'"\\""  %|%  |']),
]


@pytest.mark.parametrize(("text", "items"), ITEMS, ids=[text for text, _ in ITEMS])
def test_squid_tokens(text: str, items: list[object]) -> None:
    found = compile_format(text, "squid").items
    shown = [i.code.code if isinstance(i, Field) else i.text if isinstance(i, Literal) else i for i in found]
    assert shown == items


# Squid switches encodings on literal quotes and brackets; a quote inside brackets switches nothing.
ENCODINGS = [
    ("%ru", ""), ('"%ru"', '"'), ("[%ru]", "["), ('["%ru"]', "["), ('"a" %ru', ""), ('"[%ru]"', '"'),
    ('"%#ru"', "#"), ("%'ru", "'"), ("%/ru", "/"), ("%{A}>h", "%"), ('"%{A}>h"', '"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding"), ENCODINGS)
def test_squid_encodings(text: str, encoding: str) -> None:
    assert field_of("squid", text).encoding == encoding


def test_built_in_formats_of_squid_escape_nothing() -> None:
    quoted = [f for f in PRESETS["combined"].format.fields if f.code.code == ">h"]
    assert [field.encoding for field in quoted] == ["", ""]


@pytest.mark.parametrize(
    ("raw", "value"), [(b"abc", "abc"), (b"abcd", None), (b"abcde", None), (b"-", None)]
)  # fmt: skip
def test_a_value_as_long_as_its_limit_may_be_cut_and_is_unknown(raw: bytes, value: str | None) -> None:
    assert read_values(field_of("squid", "%.4ru"), raw) == (value,)
    assert read_values(field_of("envoy", "%REQ(X):4%"), raw) == (value,)


def test_the_last_line_end_of_an_envoy_format_is_the_records_own() -> None:
    plain, real, typed = (compile_format(f"%DURATION%{end}", "envoy").items for end in ("", "\n", "\\n"))
    assert plain == real == typed


def test_arguments_of_envoy_hold_parentheses_and_ignore_case() -> None:
    assert field_of("envoy", "%REQ(a(b)c):9%").columns == ("request_header_a_b_c",)
    assert field_of("envoy", "%REQ(user-agent)%").columns == ("user_agent",)
