"""Explanations: what they say, in a terminal, a notebook and as JSON, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from explained import CASES, WIDTHS, correlation, page, path
from lab import SAMPLES, envoy_files, squid_files
from test_cli import run, said

import egresslog
from egresslog.report.explanation.bars import Scale
from egresslog.report.explanation.words import lasting, likelier, probability, sentence, times
from egresslog.report.layout import columns_of
from egresslog.schema import EVIDENCE

LAB, NATIVE = str(SAMPLES / "lab"), str(SAMPLES / "lab-native")
NEWLINE = b"\n"
HOSTILE = b'http://x.example/\x1b[2K<script>alert(1)</script>"\xe2\x80\xae'


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES)
def test_the_page_is_as_it_was(case: str, width: int) -> None:
    assert page(case, width) == path(case, width).read_text(encoding="utf-8"), "python tests/explained.py"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("case", CASES)
def test_all_but_places_and_raw_lines_fits_the_terminal(case: str, width: int) -> None:
    heads = ("  ", "Squid ", "Envoy ", "Gateway ")
    lines = [line for line in page(case, width).splitlines() if not line.startswith(heads)]
    assert max(map(columns_of, lines)) <= width


@pytest.mark.parametrize("case", CASES)
def test_odds_and_probabilities_add_up(case: str) -> None:
    name, place = CASES[case]
    facts = correlation(name).explain(place).to_dict()
    for pair in [*facts.get("candidates", ()), *facts.get("candidate_of", ())]:
        assert sum(pair[f"{kind}_weight"] or 0 for kind in EVIDENCE) == pytest.approx(pair["weight"])
        assert pair["words"].keys() == set(EVIDENCE) and pair["raw"]
    if facts.get("candidates"):
        assert facts["none"] + sum(row["posterior"] for row in facts["candidates"]) == pytest.approx(1)
        if facts["total"] is not None:
            assert facts["candidates"][0]["weight"] + facts["prior"] == pytest.approx(facts["total"])


def test_a_shared_connection_adds_up_to_what_envoy_counted() -> None:
    shared = correlation("lab").explain(CASES["shared"][1]).to_dict()["shared"]
    assert len(shared["transactions"]) == 4
    assert (shared["bytes_down"], shared["bytes_up"]) == (shared["bytes_sent"], shared["bytes_received"])


def test_times_are_compared_on_one_clock() -> None:
    """Squid's clock is 2.7 s ahead in this set."""
    found = egresslog.correlate(squid=squid_files("clock", "native"), envoy=envoy_files("clock"))
    linked = found.transactions.query("link == 'strong' and method == 'CONNECT'")["transaction_id"]
    facts = found.explain(linked.iloc[0]).to_dict()
    assert facts["clock"]["offset_us"] > 2_600_000
    assert abs(facts["candidates"][0]["compared"]["start_us"]) < 200_000


def test_a_gateways_tunnel_is_compared_with_what_the_proxy_met() -> None:
    facts = correlation("gateway").explain(CASES["gateway"][1]).to_dict()
    (hop,), best = facts["via"], facts["candidates"][0]
    assert best["compared"]["upstream_local_address"] == "10.60.5.10" in hop["raw"]
    assert facts["transaction"]["connection_id"] == best["connection_id"] != hop["connection_id"]


def test_a_run_explains_itself_without_its_inputs(tmp_path: Path) -> None:
    assert run("correlate", NATIVE, "-o", f"{tmp_path}/run/").returncode == 0
    place = CASES["ambiguous"][1]
    done = run("explain", f"{tmp_path}/run", place, "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 0 and document.pop("flags")["incomplete"] is False
    assert document == json.loads(json.dumps(correlation("lab-native").explain(place).to_dict()))
    assert document["subject"] == "transaction" and len(document["candidates"]) == 6
    logs = run("explain", NATIVE, place)
    assert logs.returncode == 0 and logs.stdout == run("explain", f"{tmp_path}/run", place).stdout


def test_ids_may_be_cut_short() -> None:
    found = correlation("lab")
    name = found.connections["connection_id"].iloc[0]
    assert found.explain(name[:12]).to_dict()["connection"]["connection_id"] == name


def test_hostile_text_is_harmless_everywhere(tmp_path: Path) -> None:
    line = (
        b"1795407810.934 548 10.60.1.15 TCP_MISS/200 14348 GET " + HOSTILE + b" - HIER_DIRECT/- text/html\n"
    )
    (tmp_path / "access.log").write_bytes(line)
    found = egresslog.correlate(tmp_path, SAMPLES / "lab-native" / "envoy")
    explained = found.explain("access.log:1")
    for text in (str(explained), repr(explained), explained._repr_html_()):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    html = explained._repr_html_()
    assert "<script" not in html and "&lt;script" in html and html.count("<pre") == 2
    assert r"\x1b[2K<script>" in str(explained)
    shown = run("explain", str(tmp_path), str(SAMPLES / "lab-native" / "envoy"), "access.log:1").stdout
    assert b"\x1b" not in shown and rb"\x1b[2K" in shown


@pytest.mark.parametrize("case", CASES)
def test_the_notebooks_page_is_well_formed(case: str) -> None:
    from xml.etree import ElementTree

    name, place = CASES[case]
    root = ElementTree.fromstring(correlation(name).explain(place)._repr_html_())
    tags = {"div", "pre", "b", "p", "table", "tr", "th", "td", "span"}
    assert {element.tag for element in root.iter()} <= tags
    assert {key for element in root.iter() for key in element.attrib} == {"style"}


def test_secrets_are_masked_straight_from_logs(tmp_path: Path) -> None:
    url = "http://u:hunter2@x.example/?token=abcdef"
    line = f"1795407810.934 5 10.60.1.15 TCP_MISS/200 99 GET {url} - HIER_DIRECT/- -"
    (tmp_path / "access.log").write_text(f"{line}\n")
    envoy = str(SAMPLES / "lab-native" / "envoy")
    done = run("explain", str(tmp_path), envoy, "access.log:1", "--format", "json")
    assert b"***" in done.stdout and b"hunter2" not in done.stdout and b"abcdef" not in done.stdout


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("istio-text.log:5", "names 6 records\nhint: say which: "),
        ("c", "names 438 records"),
        ("nothing", "no transaction or connection 'nothing'"),
        ("access-port.log:9999", "no record stands there"),
        ("other.log:1", "no file of that name"),
        ("\x1b[31m:1", r"\x1b[31m:1: no file of that name"),
        ("", "explain needs a run or logs"),
    ],
)
def test_what_cannot_be_explained_is_said(record: str, message: str) -> None:
    done = run("explain", LAB, record)
    assert done.returncode == 2 and message in said(done) and "hint: " in said(done) and not done.stdout


def test_a_rejected_line_is_named(tmp_path: Path) -> None:
    text = (SAMPLES / "lab-native" / "squid" / "access.log").read_bytes()
    (tmp_path / "access.log").write_bytes(text + b"1795407810.934 nonsense\n")
    done = run("explain", str(tmp_path), f"access.log:{text.count(NEWLINE) + 1}")
    assert done.returncode == 2 and "the line was rejected: expected" in said(done)


def test_an_ascii_terminal_gets_ascii_bars() -> None:
    shown = run("explain", NATIVE, CASES["ambiguous"][1], PYTHONIOENCODING="ascii", COLUMNS="120").stdout
    assert b"|####" in shown and shown.isascii() and b"\\u" not in shown


def test_many_answers_are_shown_a_line_each() -> None:
    asked = ("who", "--client", "10.60.1.11", "--at", "2026-11-23T04:22:55.2Z", NATIVE)
    done, few = run(*asked), run(*asked, "--host", "pkgs.tst")
    assert "records of this client were under way" in said(done)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "Records of this client at that moment" and len(lines) > 6
    assert all("sleep-7b8d5c6f9-x2x7q" in line or "…" in line for line in lines[3:] if line)
    assert b"Evidence in bits" in few.stdout


def test_bars_grow_from_one_axis() -> None:
    scale = Scale.of([12.0, -4.0, 0.0], 33)
    bars = [scale.bar(value, blocks=False) for value in (12.0, -4.0, 0.0, 6.0)]
    assert {bar.index("|") for bar in bars} == {8} and {len(bar) for bar in bars} == {33}
    assert [bar.count("#") for bar in bars] == [24, 0, 0, 12] and bars[1].count("-") == 8
    assert scale.bar(12.0, blocks=True) == " " * 8 + "│" + "█" * 24


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (7.1, "+7.1 bits, about 140 times likelier"),
        (-1.0, "-1.0 bits, about 2 times less likely"),
        (0.1, "says nothing either way"),
        (None, "says nothing either way"),
        (26.3, "+26.3 bits, about 83 million times likelier"),
        (99.0, "+99.0 bits, over a trillion times likelier"),
    ],
)
def test_weights_in_words(weight: float | None, text: str) -> None:
    assert likelier(weight) == text


def test_numbers_in_words() -> None:
    assert [probability(value) for value in (1.0, 0.99995, 0.5, 0.0, None)] == [
        ">0.9999", ">0.9999", "0.5000", "<0.0001", "?",
    ]  # fmt: skip
    assert [lasting(span) for span in (2_000, -49_000, 1_600_000, 300e6, 9000e6)] == [
        "2 ms", "49 ms", "1.60 s", "5 min", "2.5 h",
    ]  # fmt: skip
    assert times(32) == "about 4.3 billion times"
    assert [times(0.1), times(0.5)] == ["next to nothing", "about 1.4 times"]


def test_a_kind_of_evidence_without_words_of_its_own_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from egresslog.report.explanation import words

    monkeypatch.setattr(words, "_TOLD", {})
    assert sentence("port", 3.0, {}) == "evidence of port: +3.0 bits, about 8 times likelier"
