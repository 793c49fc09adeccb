"""Random format strings from the catalogue, as a user could write them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from egresslog.formats import LogFormat, compile_format
from egresslog.formats.codes import Code, Dialect, codes

BETWEEN = [" ", " ", '" "', "|", "\t", ",", '","', ":", " [", "] ", "%%", "", "/", '"']
HEADERS = ["X-Any", "Referer"]
STRFTIMES = [
    "%Y-%m-%dT%H:%M:%S.%3fZ", "%s", "%s.%3f", "%s.%6f", "%d/%b/%Y:%H:%M:%S %z", "%F %T", "%FT%H:%M:%E3S%Ez",
    "%H:%M", "%a, %e %B %Y %I:%M:%S %p", "%j %Y %T.%f", "%c", "%b %e %T %Y %Z", "%s (%T)", "50%% %s",
]  # fmt: skip
CLOCKS = [
    "%d/%b/%Y %T %z", "%s", "%F", "%F at %T", "%Y%m%d%H%M%S%z", "%I:%M:%S %p, %e %B %y %z", "%D-%T",
    "%j %Y %T%z", "",
]  # fmt: skip


def formats(dialect: Dialect, most: int, between: Sequence[str] = BETWEEN) -> st.SearchStrategy[LogFormat]:
    """Text formats of up to ``most`` directives, of Squid no code twice."""
    directives = st.lists(
        st.sampled_from(codes(dialect)).flatmap(lambda c: st.tuples(st.just(c), _directive(dialect, c))),
        min_size=1, max_size=most,
        unique_by=(lambda pair: (pair[0].code, pair[0].arg)) if dialect == "squid" else None,
    )  # fmt: skip
    return directives.flatmap(
        lambda pairs: st.tuples(
            st.lists(st.sampled_from(between), min_size=len(pairs) + 1, max_size=len(pairs) + 1),
            st.booleans(),
        ).map(lambda t: compile_format(_joined([x for _, x in pairs], t[0]), dialect, omit_empty=t[1]))
    )


@cache
def text_pool(count: int, most: int) -> list[LogFormat]:
    """Envoy text formats, the short ones first: drawing from them is cheaper than drawing them."""
    chance = random.Random(1)
    found = [_text_of(chance, 1 + at * most // count) for at in range(count)]
    return [compile_format(text, "envoy", omit_empty=at % 3 == 0) for at, text in enumerate(found)]


def _text_of(chance: random.Random, size: int) -> str:
    entries = chance.choices(codes("envoy"), k=size)
    directives = [_envoy(c, ":3" if c.arg and not chance.randrange(4) else "", chance) for c in entries]
    return _joined(directives, chance.choices(BETWEEN, k=size + 1))


@cache
def json_pool(count: int, most: int, omit_empty: bool = False) -> list[LogFormat]:
    """Envoy JSON formats with objects and lists in one another, text around commands, constants."""
    chance = random.Random(2)
    labels = [_labels(chance, 1 + at * most // count) for at in range(count)]
    return [compile_format(json.dumps(one), "envoy", omit_empty=omit_empty) for one in labels]


def _labels(chance: random.Random, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {f"k{at}": _label(chance) for at in range(size)}
    nested = chance.randrange(4)
    if nested == 0:
        found["inner"] = {"deep.er": {"k": _label(chance)}, "k": 7}
    elif nested == 1:
        found["list"] = [_label(chance), None, {"k": _label(chance)}, True, "-"]
    return found


def _label(chance: random.Random) -> str:
    if chance.randrange(4):
        return _envoy(chance.choice(codes("envoy")), "", chance)
    size = chance.randint(1, 3)
    directives = [_envoy(code, "", chance) for code in chance.choices(codes("envoy"), k=size)]
    return "at " + _joined(directives, chance.choices(BETWEEN, k=size + 1))


@cache
def squid_pool(most: int, size: int) -> list[LogFormat]:
    """The same random Squid formats every time; where many lines are tried, compiling is not the test."""
    chance = random.Random(size)
    return [_from_pool(chance, chance.randint(1, most)) for _ in range(size)]


def _from_pool(chance: random.Random, directives: int) -> LogFormat:
    texts = [
        _squid(code, *(chance.choice(options) for options in (ENCODINGS, WIDTHS, [True, False], CLOCKS)))
        for code in chance.choices(codes("squid"), k=directives)
    ]
    return compile_format(_joined(texts, chance.choices(BETWEEN, k=directives + 1)), "squid")


def _joined(directives: Sequence[str], gaps: Sequence[str]) -> str:
    return gaps[0] + "".join(text + gap for text, gap in zip(directives, gaps[1:], strict=True))


def _directive(dialect: Dialect, code: Code) -> st.SearchStrategy[str]:
    if dialect == "envoy":
        lengths = st.sampled_from(["", "", "", ":3"] if code.arg and code.type.name != "moment" else [""])
        return st.builds(_envoy, st.just(code), lengths, st.integers(0, 1_000).map(random.Random))
    return st.tuples(
        st.sampled_from(ENCODINGS), st.sampled_from(WIDTHS), st.booleans(), st.sampled_from(CLOCKS)
    ).map(lambda parts: _squid(code, *parts))


ENCODINGS = ["", "", "", '"', "[", "#", "/", "'"]
WIDTHS = ["", "", "", "6", "-6", "06", "-06", ".4", ".3", "09.6", ".1", "20.2"]


def _envoy(code: Code, length: str, chance: random.Random) -> str:
    arg = (code.example or HEADERS[0]) if code.arg == "*" else code.arg
    if code.type.name == "moment":
        arg, length = chance.choice(STRFTIMES), ""
    elif code.optional and chance.randrange(2):
        arg = None
    if arg is None and code.arg:
        return f"%{code.code}{length}%"
    return f"%{code.code}({arg}){length}%" if arg else f"%{code.code}%"


def _squid(code: Code, encoding: str, width: str, before: bool, clock: str) -> str:
    arg = clock if code.code in ("tl", "tg") else HEADERS[1]
    arg = arg if code.arg == "*" else code.arg
    braces = f"{{{arg}}}" if arg is not None else ""
    return f"%{encoding}{width}{braces}{code.code}" if before else f"%{encoding}{width}{code.code}{braces}"
