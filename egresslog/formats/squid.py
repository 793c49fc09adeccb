"""The grammar of Squid's logformat (squid.conf "logformat"; src/format/Token.cc).

    token     = "%" [encoding] ["-"] ["0"] [width] ["." precision] ["{" arg "}"] code ["{" arg "}"]
    encoding  = '"' | "'" | "[" | "#" | "/"
    code      = the first catalogue entry, in order, that the text begins with; "%%" is a percent sign
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from egresslog.errors import FormatError
from egresslog.formats.codes import codes, find_code
from egresslog.formats.program import Field, Item, Literal, Pad, merge_literals

if TYPE_CHECKING:
    import pyparsing as pp

_NAMESPACE = "http::"
_MAX_DIGITS = 4  # of a width; no field is wider
_NUMBERS = ("integer", "epoch", "subsecond", "decimal")  # filled with zeros, never cut


@dataclass(frozen=True)
class Token:
    """One ``%`` token as written, before the catalogue gives it a meaning."""

    encoding: str
    left: bool
    zero: bool
    width: int
    limit: int
    arg: str | None
    code: str
    span: tuple[int, int]


def compile_squid(text: str, *, raw: bool = False) -> tuple[Item, ...]:
    """The items of a logformat string.

    ``raw``: a built-in format of Squid, which escapes nothing whatever its text suggests.
    Raises FormatError with the span of the first thing that is not a format code.
    """
    items: list[Item] = []
    state = ""  # the encoding that literal quotes and brackets have switched on
    for token in _tokens(text):
        if isinstance(token, str):
            items.append(Literal.of(token))
            state = _quoting(state, token)
        else:
            items.extend(_items(text, token, None if raw else state))
    return merge_literals(items)


def _tokens(text: str) -> list[Any]:
    import pyparsing as pp

    try:
        return list(_grammar().parse_string(text, parse_all=True))
    except pp.ParseBaseException as error:
        raise _unknown(text, error.loc) from None


@cache
def _grammar() -> pp.ParserElement:
    import pyparsing as pp

    encoding = pp.Opt(pp.Char("\"'[#/"), default="")("encoding")
    left = pp.Opt("-", default="")("left")
    zero = pp.Opt("0", default="")("zero")
    digits = pp.Word(pp.nums, max=_MAX_DIGITS)
    width = pp.Opt(digits, default="0")("width")
    limit = pp.Opt(pp.Suppress(".") + digits("limit"))
    arg = pp.Regex(r"\{(?P<name>[^}]*)\}")
    ordered = dict.fromkeys(entry.code for entry in codes("squid"))
    code = pp.Opt(_NAMESPACE) + pp.MatchFirst([pp.Literal(name) for name in ordered])("code")
    body = encoding + left + zero + width + limit + pp.Opt(arg("before")) + code + pp.Opt(arg("after"))
    directive = pp.Located(pp.Literal("%") - body).set_parse_action(_token)
    percent = pp.Literal("%%").set_parse_action(pp.replace_with("%"))
    literal = pp.Regex(r"[^%]+")
    return pp.ZeroOrMore(percent | directive | literal).leave_whitespace().parse_with_tabs()


def _token(found: pp.ParseResults) -> Token:
    start, value, end = found["locn_start"], found["value"], found["locn_end"]
    arg = value.get("before") or value.get("after")
    return Token(
        encoding=value["encoding"],
        left=bool(value["left"]),
        zero=bool(value["zero"]),
        width=int(value["width"]),
        limit=int(value.get("limit", "0")),
        arg=arg[1:-1] if arg else None,
        code=value["code"],
        span=(start, end),
    )


def _items(text: str, token: Token, implicit: str | None) -> list[Item]:
    """The field of a token, and the spaces that fill it; ``implicit`` None: nothing is encoded by default."""
    entry = find_code("squid", token.code, token.arg)
    if entry is None:
        raise _wrong_argument(text, token)
    default = "%" if entry.encode and implicit is not None else ""
    number = entry.type.name in _NUMBERS
    field = Field(
        entry, entry.columns_for(token.arg), text[slice(*token.span)], token.encoding or implicit or default,
        limit=0 if number else token.limit,
    )  # fmt: skip
    if token.width < 2 or (token.zero and number and not token.left):
        return [field]
    return [field, Pad()] if token.left else [Pad(), field]


def _wrong_argument(text: str, token: Token) -> FormatError:
    start, end = token.span
    if token.arg is None:
        message, hint = f"%{token.code} needs an argument", f"write %{{Name}}{token.code}"
    else:
        message, hint = f"%{token.code} with an argument is not known", f"write %{token.code}"
    return FormatError(message, text=text, start=start, end=end, hint=hint)


def _quoting(state: str, literal: str) -> str:
    """Literal quotes and brackets switch the encoding of the codes inside on and off."""
    for char in literal:
        if char == '"' and state != "[":
            state = "" if state else '"'
        elif char == "[" and not state:
            state = "["
        elif char == "]" and state == "[":
            state = ""
    return state


def _unknown(text: str, loc: int) -> FormatError:
    word = text[loc:].split(" ")[0] or text[loc : loc + 1]
    near = get_close_matches(word, dict.fromkeys(entry.code for entry in codes("squid")), n=3, cutoff=0.3)
    known = f"did you mean {', '.join('%' + name for name in near)}? " if near else ""
    return FormatError(
        f"unknown Squid format code at column {loc + 1}",
        text=text, start=loc, end=loc + max(1, len(word)),
        hint=f"{known}`egresslog formats --dialect squid` lists every known code",
    )  # fmt: skip
