"""Random format strings from the catalogue, as a user could write them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

from egresslog.formats import LogFormat, compile_format
from egresslog.formats.codes import Code, Dialect, codes

BETWEEN = [" ", " ", '" "', "|", "\t", ",", '","', ":", " [", "] ", "%%", "", "/", '"']
HEADERS = ["X-Any", "Referer"]


def formats(dialect: Dialect, most: int, between: Sequence[str] = BETWEEN) -> st.SearchStrategy[LogFormat]:
    """Text formats of up to ``most`` directives, no column twice."""
    directives = st.lists(
        st.sampled_from(codes(dialect)).flatmap(lambda c: st.tuples(st.just(c), _directive(dialect, c))),
        min_size=1, max_size=most, unique_by=lambda pair: pair[0].columns,
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


def _joined(directives: Sequence[str], gaps: Sequence[str]) -> str:
    return gaps[0] + "".join(text + gap for text, gap in zip(directives, gaps[1:], strict=True))


def _directive(dialect: Dialect, code: Code) -> st.SearchStrategy[str]:
    if dialect == "envoy":
        lengths = st.sampled_from(["", "", "", ":3"] if code.arg else [""])
        return lengths.map(lambda length: _envoy(code, length))
    return st.tuples(
        st.sampled_from(["", "", "", '"', "[", "#", "/", "'"]),
        st.sampled_from(["", "", "", "6", "-6", "06", ".4"]),
        st.booleans(),
    ).map(lambda parts: _squid(code, *parts))


def _envoy(code: Code, length: str) -> str:
    arg = HEADERS[0] if code.arg == "*" else code.arg
    return f"%{code.code}({arg}){length}%" if arg else f"%{code.code}%"


def _squid(code: Code, encoding: str, width: str, before: bool) -> str:
    arg = HEADERS[1] if code.arg == "*" else code.arg
    braces = f"{{{arg}}}" if arg else ""
    return f"%{encoding}{width}{braces}{code.code}" if before else f"%{encoding}{width}{code.code}{braces}"
