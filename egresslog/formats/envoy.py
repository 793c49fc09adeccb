"""The grammar of Envoy's access-log format strings (substitution_formatter.rst).

    command = "%" NAME ["(" args ")"] [":" length] "%" ; "%%" is a percent sign
    args end at the first ")" that "%" or ":length%" follows, so they can hold ")" themselves
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from egresslog.errors import FormatError
from egresslog.formats.codes import codes, find_code
from egresslog.formats.program import Field, Item, Literal, merge_literals

if TYPE_CHECKING:
    import pyparsing as pp


_MAX_DIGITS = 9  # of a length


@dataclass(frozen=True)
class Command:
    """One command as written, before the catalogue gives it a meaning."""

    name: str
    arg: str | None
    limit: int
    span: tuple[int, int]


def compile_envoy(text: str) -> tuple[Item, ...]:
    """The items of a format string; one final newline is the record's end and no item.

    Raises FormatError with the span of the first command that is unknown or malformed.
    """
    record = text.removesuffix("\n").removesuffix("\\n")
    return merge_literals([_item(text, token) for token in _tokens(record)])


def compile_envoy_json(labels: Mapping[str, str]) -> tuple[Item, ...]:
    """One Field per key of a JSON format; each value is exactly one command."""
    return tuple(_labelled(key, value) for key, value in labels.items())


def _labelled(key: str, value: str) -> Field:
    items = compile_envoy(value)
    if len(items) == 1 and isinstance(items[0], Field):
        return Field(items[0].code, items[0].columns, items[0].directive, key=key, limit=items[0].limit)
    raise FormatError(
        f"the value of {key!r} is not one command operator", text=value, start=0, end=len(value),
        hint="write one command, such as %START_TIME%",
    )  # fmt: skip


def _tokens(text: str) -> list[Any]:
    import pyparsing as pp

    try:
        return list(_grammar().parse_string(text, parse_all=True))
    except pp.ParseBaseException as error:
        raise FormatError(
            "a command operator is not closed", text=text,
            start=max(0, text.rfind("%", 0, error.loc)), end=error.loc,
            hint="write %NAME% or %NAME(argument):length%; a percent sign itself is %%",
        ) from None  # fmt: skip


@cache
def _grammar() -> pp.ParserElement:
    import pyparsing as pp

    name = pp.Regex(r"[A-Z0-9_]+")("name")
    args = pp.Regex(r"\((?P<arg>.*?)\)(?=%|:\d+%)")("args")
    length = pp.Suppress(":") + pp.Word(pp.nums, max=_MAX_DIGITS)("limit")
    body = pp.Literal("%") - name + pp.Opt(args) + pp.Opt(length) + pp.Literal("%")
    command = pp.Located(body).set_parse_action(_command)
    percent = pp.Literal("%%").set_parse_action(pp.replace_with("%"))
    literal = pp.Regex(r"[^%]+")
    return pp.ZeroOrMore(percent | command | literal).leave_whitespace().parse_with_tabs()


def _command(found: pp.ParseResults) -> Command:
    args = found["value"].get("args")
    span = (found["locn_start"], found["locn_end"])
    limit = int(found["value"].get("limit", "0"))
    return Command(found["value"]["name"], args[1:-1] if args else None, limit, span)


def _item(text: str, token: Command | str) -> Item:
    if isinstance(token, str):
        return Literal.of(token)
    entry = find_code("envoy", token.name, token.arg)
    if entry is None or (token.limit and entry.arg is None):
        raise _unknown(text, token)
    return Field(entry, entry.columns_for(token.arg), text[slice(*token.span)], limit=token.limit)


def _unknown(text: str, token: Command) -> FormatError:
    names = list(dict.fromkeys(entry.code for entry in codes("envoy")))
    near: list[str] = []
    if token.name not in names:
        problem, near = "is not a known command operator", get_close_matches(token.name, names, n=3)
    elif token.arg is None:
        problem = "takes no length" if token.limit else "needs an argument"
    else:
        problem = "does not take this argument"
    known = f"did you mean {', '.join(f'%{n}%' for n in near)}? " if near else ""
    return FormatError(
        f"%{token.name}% {problem}", text=text, start=token.span[0], end=token.span[1],
        hint=f"{known}`egresslog formats --dialect envoy` lists every known operator",
    )  # fmt: skip
