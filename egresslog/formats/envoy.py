"""The grammar of Envoy's access-log format strings (substitution_formatter.rst).

    command = "%" NAME ["(" args ")"] [":" length] "%" ; "%%" is a percent sign
    args end at the first ")" that "%" or ":length%" follows, so they can hold ")" themselves
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from egresslog.errors import FormatError
from egresslog.formats.codes import Code, code_names, find_code
from egresslog.formats.columns import one_per_column
from egresslog.formats.program import Field, Item, Literal, merge_literals
from egresslog.formats.strftime import as_moment

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


def compile_envoy(text: str, *, omit_empty: bool = False) -> tuple[Item, ...]:
    """The items of a format string; one final newline is the record's end and no item.

    ``omit_empty``: Envoy's omit_empty_values, with which a missing value prints nothing.
    Raises FormatError with the span of the first command that is unknown or malformed.
    """
    items = envoy_items(text.removesuffix("\n").removesuffix("\\n"), omit_empty)
    return one_per_column([items], "envoy")[0]


def envoy_items(text: str, omit_empty: bool) -> tuple[Item, ...]:
    """The items of a format string, before fields give way to others of their columns."""
    return merge_literals([_item(text, token, omit_empty) for token in _tokens(text)])


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
    return Command(found["value"]["name"], (args[1:-1] if args else None) or None, limit, span)


def _item(text: str, token: Command | str, omit_empty: bool) -> Item:
    if isinstance(token, str):
        return Literal.of(token)
    entry = find_code("envoy", token.name, token.arg)
    if entry is None or (token.limit and entry.arg is None):  # an optional argument is "*"
        raise _unknown(text, token)
    columns, directive = entry.columns_for(token.arg), text[slice(*token.span)]
    code = _as_asked(entry, token.arg, omit_empty)
    found = Field(code, columns, directive, span=token.span, limit=token.limit)
    return as_moment(found, token.arg, "envoy") if entry.type.name == "moment" else found


def _as_asked(entry: Code, arg: str | None, omit_empty: bool) -> Code:
    """The entry, with nothing as a token for nothing, and as secret as either of two headers."""
    if omit_empty and entry.null and b"" not in entry.null:
        entry = replace(entry, null=(*entry.null, b""))
    either = [find_code("envoy", entry.code, name) for name in (arg or "").split("?")]
    if not entry.secret and any(found is not None and found.secret for found in either):
        entry = replace(entry, secret=True)
    return entry


def _unknown(text: str, token: Command) -> FormatError:
    names = code_names("envoy")
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
