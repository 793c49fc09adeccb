"""Random format strings from the catalogue, as a user could write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from random import Random

from hypothesis import strategies as st

from egresslog.formats import LogFormat, compile_format
from egresslog.formats.codes import Code, Dialect, codes

BETWEEN = [" ", " ", '" "', "|", "\t", ",", '","', ":", " [", "] ", "%%", "", "/", '"']
HEADERS = ["X-Any", "Referer"]
CLOCKS = [
    "%d/%b/%Y %T %z", "%s", "%F", "%Y%m%d%H%M%S%z", "%I:%M:%S %p, %e %B %y %z", "%D-%T", "%j %Y %T%z", "",
]  # fmt: skip


def formats(dialect: Dialect, most: int, between: Sequence[str] = BETWEEN) -> st.SearchStrategy[LogFormat]:
    """Text formats of up to ``most`` directives, no code twice."""
    directives = st.lists(
        st.sampled_from(codes(dialect)).flatmap(lambda c: st.tuples(st.just(c), _directive(dialect, c))),
        min_size=1, max_size=most, unique_by=lambda pair: (pair[0].code, pair[0].arg),
    )  # fmt: skip
    return directives.flatmap(
        lambda pairs: st.lists(
            st.sampled_from(between), min_size=len(pairs) + 1, max_size=len(pairs) + 1
        ).map(lambda gaps: compile_format(_joined([text for _, text in pairs], gaps), dialect))
    )


def json_formats(most: int) -> st.SearchStrategy[LogFormat]:
    """Envoy JSON formats: a key for each of some operators, written as labels."""
    entries = st.lists(
        st.sampled_from(codes("envoy")), min_size=1, max_size=most, unique_by=lambda c: c.columns
    )
    return entries.map(lambda found: compile_format(json.dumps(_labels(found)), "envoy"))


def _labels(found: Sequence[Code]) -> dict[str, str]:
    return {f"k{at}": _envoy(code, "") for at, code in enumerate(found)}


@cache
def squid_pool(most: int, size: int) -> list[LogFormat]:
    """The same random Squid formats every time; where many lines are tried, compiling is not the test."""
    random = Random(size)
    return [_from_pool(random, random.randint(1, most)) for _ in range(size)]


def _from_pool(random: Random, directives: int) -> LogFormat:
    texts = [
        _squid(code, *(random.choice(options) for options in (ENCODINGS, WIDTHS, [True, False], CLOCKS)))
        for code in random.choices(codes("squid"), k=directives)
    ]
    return compile_format(_joined(texts, random.choices(BETWEEN, k=directives + 1)), "squid")


def _joined(directives: Sequence[str], gaps: Sequence[str]) -> str:
    return gaps[0] + "".join(text + gap for text, gap in zip(directives, gaps[1:], strict=True))


def _directive(dialect: Dialect, code: Code) -> st.SearchStrategy[str]:
    if dialect == "envoy":
        lengths = st.sampled_from(["", "", "", ":3"] if code.arg else [""])
        return lengths.map(lambda length: _envoy(code, length))
    return st.tuples(
        st.sampled_from(ENCODINGS), st.sampled_from(WIDTHS), st.booleans(), st.sampled_from(CLOCKS)
    ).map(lambda parts: _squid(code, *parts))


ENCODINGS = ["", "", "", '"', "[", "#", "/", "'"]
WIDTHS = ["", "", "", "6", "-6", "06", "-06", ".4", ".3", "09.6", ".1", "20.2"]


def _envoy(code: Code, length: str) -> str:
    arg = HEADERS[0] if code.arg == "*" else code.arg
    return f"%{code.code}({arg}){length}%" if arg else f"%{code.code}%"


def _squid(code: Code, encoding: str, width: str, before: bool, clock: str) -> str:
    arg = clock if code.code in ("tl", "tg") else HEADERS[1]
    arg = arg if code.arg == "*" else code.arg
    braces = f"{{{arg}}}" if arg is not None else ""
    return f"%{encoding}{width}{braces}{code.code}" if before else f"%{encoding}{width}{code.code}{braces}"
