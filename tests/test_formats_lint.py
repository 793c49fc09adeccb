"""What a format lets others do to its log: told from the catalogue, the encoding and what stands behind."""

from __future__ import annotations

import pytest

from egresslog.formats import NAMED, compile_format
from egresslog.formats.codes import Dialect, codes
from egresslog.formats.lint import ENVOY_JSON, Danger, Kind, dangers, lint

BREAKS, FORGES, ADJACENT = "breaks_record", "forges_fields", "adjacent"
JSON, UNDONE, SECRET = "hand_written_json", "irreversible", "secret"
Finding = tuple[Kind, str, str]  # kind, directive, what to write instead


def short(found: list[Danger]) -> list[Finding]:
    return [(one.kind, one.directive, one.instead) for one in found]


# A logformat, what is found in it.
SQUID: list[tuple[str, list[Finding]]] = [
    ("%ts %un %ssl::>sni", [(FORGES, "%un", "%#un"), (BREAKS, "%ssl::>sni", "%#ssl::>sni")]),
    # A raw line end: bare and ' write it, every other encoding changes it.
    ("%'ssl::>sni", [(BREAKS, "%'ssl::>sni", "%#ssl::>sni")]),
    ("%tls::>sni", [(BREAKS, "%tls::>sni", "%#tls::>sni")]),
    ("%-10tls::>sni", [(BREAKS, "%-10tls::>sni", "%#-10tls::>sni")]),
    ("%USER_CERT", [(BREAKS, "%USER_CERT", "%#USER_CERT")]),
    ('%"ssl::>sni', []), ("%[ssl::>sni", []), ("%#ssl::>sni", []), ("%/ssl::>sni", []),
    ('"%ssl::>sni"', []), ("[%ssl::>sni]", []),
    ("%ssl::>sni %ts", [(BREAKS, "%ssl::>sni", "%#ssl::>sni"), (FORGES, "%ssl::>sni", "%#ssl::>sni")]),
    # A text that can hold what follows it.
    ("%un %ts", [(FORGES, "%un", "%#un")]),
    ("%'un %ts", [(FORGES, "%'un", "%#un")]),
    ("%[un %ts", [(FORGES, "%[un", "%#un")]),
    ('%"un %ts', [(FORGES, '%"un', "%#un")]),
    ("%#un %ts", []),
    ("%/un %ts", []),  # in quotes where it holds a space
    ("%/un|%ts", [(FORGES, "%/un", "%#un")]),
    ("%un", []), ("%un -", []),  # nothing comes after it
    ("%ts %un\t%6tr", [(FORGES, "%un", "%#un")]),
    ("%-20un %ts", [(FORGES, "%-20un", "%#-20un")]),
    ("%[un [%tl]", []), ("[%un] %ts", []), ("%[un] %ts", []),
    ('"%un" %ts', []), ('"%\'un" %ts', [(FORGES, "%'un", "%#un")]),
    ('"%[un" %ts', [(FORGES, "%[un", "%#un")]),
    ("%un,%ts", [(FORGES, "%un", '"%un"')]), ("%#un,%ts", [(FORGES, "%#un", '"%un"')]),
    ('"%un,%ts"', [(FORGES, "%un", "%#un and a space behind it")]),
    ("%#un%%%ts", [(FORGES, "%#un", '"%un"')]),  # an escape begins with a percent sign
    ("%ru %ts", [(FORGES, "%ru", "%#ru")]), ("%>ru %ts", [(UNDONE, "%>ru", "%#>ru")]),
    ("%mt %ts", []), ("%mt|%ts", [(FORGES, "%mt", "%#mt")]), ('"%mt" %ts', []),
    ("%>a %ts %Ss/%03>Hs %<st %Sh/%<a", []),  # Squid's own
    # Nothing between.
    ("%ts%tu", [(ADJACENT, "%ts", "%ts %tu")]),
    ("%un%ts", [(ADJACENT, "%un", "%#un %ts")]),
    ("%ts%un", [(ADJACENT, "%ts", "%ts %un")]),
    ("%Ss%6tr", [(ADJACENT, "%Ss", "%Ss %6tr")]),
    ("%ts%#un", [(ADJACENT, "%ts", "%ts %#un")]),
    # JSON by hand.
    ('{"t":%ts,"u":"%un"}', [(JSON, "%un", "%#un")]),
    ('{"t":%ts,"u":"%\'un"}', [(JSON, "%'un", "%#un")]),
    ('{"t":%ts,"u":"%"un"}', [(JSON, '%"un', "%#un")]),
    ('{"t":%ts,"u":"%#un","a":"%>a"}', []),
    ("{%ts} %un", []),
    # What cannot be told apart, and what is nobody's business.
    ("%{X}>h", [(UNDONE, "%{X}>h", "%#{X}>h")]),
    ("%{X}>h %ts", [(UNDONE, "%{X}>h", "%#{X}>h")]),
    ('"%{X}>h"', []), ("%#{X}>h", []), ("%[{X}>h", []),
    ("%#{Cookie}>h", [(SECRET, "%#{Cookie}>h", "nothing: leave it out")]),
    ("%#>h", [(SECRET, "%#>h", "single headers, %{Name}>h")]),
    ("%#credentials", [(SECRET, "%#credentials", "nothing: leave it out")]),
]  # fmt: skip

SAN, PATH, AGENT = "%DOWNSTREAM_PEER_URI_SAN%", "%REQ(:PATH)%", "%REQ(USER-AGENT)%"
ENVOY: list[tuple[str, list[Finding]]] = [
    (SAN, [(BREAKS, SAN, ENVOY_JSON)]),
    (f'"{SAN}" %DURATION%', [(BREAKS, SAN, ENVOY_JSON), (FORGES, SAN, ENVOY_JSON)]),
    ("%LOCAL_REPLY_BODY%", [(BREAKS, "%LOCAL_REPLY_BODY%", ENVOY_JSON)]),
    ("%DYNAMIC_METADATA(a:b)%", [(BREAKS, "%DYNAMIC_METADATA(a:b)%", ENVOY_JSON)]),
    (f'"{AGENT}" %DURATION%', [(FORGES, AGENT, ENVOY_JSON)]),
    (f"{AGENT}\n%DURATION%", []),  # no header holds a line end
    (f'%DURATION% "{AGENT}"', []),
    ("%REQ(:AUTHORITY)% %REQ(:METHOD)% %DURATION%", []),
    ("%RESP(X)%|%DURATION%", [(FORGES, "%RESP(X)%", ENVOY_JSON)]),
    ("%UPSTREAM_TRANSPORT_FAILURE_REASON% %DURATION%", []),  # Envoy's own
    (f"{PATH}%PROTOCOL%", [(ADJACENT, PATH, ENVOY_JSON)]),
    ("%DURATION%%BYTES_SENT%", [(ADJACENT, "%DURATION%", "%DURATION% %BYTES_SENT%")]),
    ("%DURATION%%PROTOCOL%", [(ADJACENT, "%DURATION%", "%DURATION% %PROTOCOL%")]),
    (f'{{"a":"{AGENT}","d":%DURATION%}}', [(JSON, AGENT, ENVOY_JSON)]),
    ('{"a":"%REQ(:METHOD)%","d":%DURATION%}', []),
    ("%REQ(COOKIE)%", [(SECRET, "%REQ(COOKIE)%", "nothing: leave it out")]),
    # JSON formats.
    (f'{{"a":"{AGENT}"}}', [(JSON, AGENT, ENVOY_JSON)]),  # a note: it may be a text format
    ('{"a":"%REQ(COOKIE)%"}',
     [(JSON, "%REQ(COOKIE)%", ENVOY_JSON), (SECRET, "%REQ(COOKIE)%", "nothing: leave it out")]),
    ('{"a":"%DURATION%","b":"%BYTES_SENT% of %REQ(:METHOD)%"}', []),
]  # fmt: skip
CASES: list[tuple[Dialect, str, list[Finding]]] = [
    *(("squid", *case) for case in SQUID), *(("envoy", *case) for case in ENVOY)
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "text", "expected"), CASES, ids=[text for _, text, _ in CASES])
def test_what_is_found(dialect: Dialect, text: str, expected: list[Finding]) -> None:
    format = compile_format(text, dialect)
    found = lint(format)
    assert short(found) == expected
    for one in found:
        assert one.span is not None and one.text[slice(*one.span)] == one.directive


HTTP = ["%REQ(X-FORWARDED-FOR)%", "%REQ(USER-AGENT)%", "%REQ(X-REQUEST-ID)%"]
REQUEST = ["%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", *HTTP]
NAME, MIXER = "%REQUESTED_SERVER_NAME%", "%DYNAMIC_METADATA(istio.mixer:status)%"
MIXED = [REQUEST[0], MIXER, MIXER, *HTTP]
REFERER = ["%{Referer}>h", "%{User-Agent}>h"]
PRESETS = {
    "squid-egresslog": ["%ru", "%[un"],
    "squid": ["%ru", "%[un"],
    "combined": ["%ru", *REFERER],
    "common": ["%ru"],
    "squid-mime": ["%ru", "%[un", "%[>h", "%[<h"],
    "combined-mime": ["%ru", *REFERER, "%[>h", "%[<h"],
    "common-mime": ["%ru", "%[>h", "%[<h"],
    "useragent": [],
    "referrer": ["%{Referer}>h"],
    "squid-3.1": ["%ru"],
    "combined-7": ["%ru", *REFERER],
    "common-7": ["%ru"],
    "squid-json": ["%rm", '%"ru', '%"un', "%mt", '%"{User-Agent}>h'],
    "istio": [*REQUEST, NAME],
    "istio-1.8": [*REQUEST, NAME],
    "istio-1.3": [*MIXED, NAME],
    "istio-1.2": MIXED,
    "istio-1.1": MIXED,
    "istio-2018": REQUEST,
    "istio-1.0": REQUEST,
    "istio-1.0-tcp": [],
    "envoy": REQUEST,
    "istio-json": [],
    "envoy-gateway": [],
    "ztunnel": [],
    "ztunnel-json": [],
}


@pytest.mark.parametrize("name", NAMED)
def test_presets(name: str) -> None:
    """A new preset, or a finding that comes or goes, is seen here."""
    found = lint(NAMED[name].format)
    assert [one.directive for one in found] == PRESETS[name]
    kinds = {one.kind for one in found}
    assert ("secret" in kinds) == name.endswith("-mime")
    assert ("adjacent" in kinds) == (name == "istio-1.0")
    assert ("breaks_record" in kinds) == (MIXER in PRESETS[name])
    assert ("hand_written_json" in kinds) == (name == "squid-json")


def test_what_is_built_into_squid_cannot_be_rewritten() -> None:
    spellings = ["%#ru", '"%{Referer}>h"', '"%{User-Agent}>h"']
    found = [one.instead for one in lint(NAMED["combined"].format)]
    assert [text.partition(" in a logformat of your own")[0] for text in found] == spellings
    own = compile_format(NAMED["combined"].text, "squid")
    assert short(lint(own)) == [(FORGES, "%ru", "%#ru")]


REWRITTEN = [text for text, found in SQUID if all(one[0] != SECRET for one in found)]


@pytest.mark.parametrize("text", REWRITTEN)
def test_what_is_advised_is_safe(text: str) -> None:
    """With the first finding rewritten until none is left."""
    for _ in range(4):
        found = lint(compile_format(text, "squid"))
        if not found:
            return
        one = found[0]
        assert one.span is not None
        end = one.span[1] + (len(one.what.split()[4]) if one.kind == ADJACENT else 0)
        instead = one.instead.replace(" and a space behind it", " ")
        text = text[: one.span[0]] + instead + text[end:]
    raise AssertionError(text)


@pytest.mark.parametrize("dialect", ["squid", "envoy"])
def test_every_code_that_breaks_records_is_found(dialect: Dialect) -> None:
    for code in codes(dialect):
        if code.breaks:
            arg = f"({code.example or 'a'})" if code.arg else ""
            text = f"%{code.code}" if dialect == "squid" else f"%{code.code}{arg}%"
            assert BREAKS in {one.kind for one in lint(compile_format(text, dialect))}, text


def test_notes_are_no_dangers() -> None:
    format = compile_format("%{X}>h %#{Cookie}>h %un %ts", "squid")
    assert [one.severity for one in lint(format)] == ["note", "note", "danger"]
    assert short(dangers(format)) == [(FORGES, "%un", "%#un")]


def test_a_json_object_is_a_json_format_or_a_text_format() -> None:
    format = compile_format(f'{{"a":"{AGENT}","p":"{PATH}"}}', "envoy")
    as_text = lint(format, is_text=True)
    assert short(as_text) == [(JSON, AGENT, ENVOY_JSON), (JSON, PATH, ENVOY_JSON)]
    assert {one.severity for one in as_text} == {"danger"}
    assert lint(format, is_text=False) == []
    (note,) = lint(format)
    assert note.severity == "note" and note.what.startswith("in a text format a client can write a quote")


def test_text_around_directives_of_a_json_format() -> None:
    format = compile_format(f'{{"x":{{"a":"{AGENT} took %DURATION%"}}}}', "envoy")
    (found,) = lint(format, is_text=False)
    assert (found.kind, found.key, found.text) == (FORGES, ("x", "a"), f"{AGENT} took %DURATION%")
    assert found.instead == f"{AGENT} as a value of its own"
    breaking = lint(compile_format(f'{{"a":"{SAN} x"}}', "envoy"), is_text=True)
    assert [one.kind for one in breaking] == [BREAKS, JSON]
    assert lint(compile_format(f'{{"a":"{SAN} x"}}', "envoy"), is_text=False) == []


@pytest.mark.parametrize(
    ("dialect", "text", "what"),
    [
        ("squid", "%un %ts", "a client can write a space in it, which ends it, and then fields of their own"),
        ("squid", "%mt\t%ts", "a server can write a tab in it, which ends it, and then fields of their own"),
        ("squid", "%un,%ts", "a client can write ',' in it, which ends it, and then fields of their own"),
        ("squid", "%ssl::>sni", "a client can write a line end in it, and then records of their own"),
        ("envoy", "%SECRET(a)%", "whoever fills it can write a line end in it, and then records of their "
         "own"),
        ("squid", "%un%ts", "nothing between it and %ts tells where one ends and the other begins, and a "
         "client can move the border"),
        ("squid", "%ts%tu", "nothing between it and %tu tells where one ends and the other begins"),
        ("squid", '{"u":"%\'un"}', "a client can write a quote in it, which ends the string, and then keys "
         "and values of their own"),
        ("squid", '{"u":"%un"}', "a client can write a control character in it, which makes the line invalid "
         "JSON"),
        ("squid", "%{X}>h", "texts that differ are written the same: %22 and a quote, %20 and a space"),
        ("squid", "%#{Cookie}>h", "it writes credentials for whoever may read the log"),
    ],
)  # fmt: skip
def test_what_can_be_done_is_a_sentence(dialect: Dialect, text: str, what: str) -> None:
    assert lint(compile_format(text, dialect))[0].what == what
