"""The grammar of Squid's logformat (squid.conf "logformat"; src/format/Token.cc).

    token     = "%" [encoding] ["-"] ["0"] [width] ["." precision] ["{" arg "}"] code ["{" arg "}"]
    encoding  = '"' | "'" | "[" | "#" | "/"
    code      = [namespace "::"] the first catalogue entry, in order, that the text begins with
    constant  = "%" or "byte" in the place of a code: a percent sign; the byte of that number (7+)

Squid takes one space after a token for the token's own and prints it whatever the value: a literal space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from egresslog.errors import FormatError
from egresslog.formats.codes import Code, code_names, find_code
from egresslog.formats.columns import one_per_column
from egresslog.formats.encodings import written
from egresslog.formats.program import Field, Item, Literal, Pad, merge_literals
from egresslog.formats.strftime import as_moment

if TYPE_CHECKING:
    import pyparsing as pp

_NAMESPACES = ("adapt", "icap", "tls", "ssl", "proxy_protocol", "transport")
_MAX_DIGITS = 4  # of a width; no field is wider
_TIMES = ("subsecond", "decimal", "duration")  # the precision is theirs to interpret
_NUMBERS = ("integer", "signed", "epoch", *_TIMES)  # filled with zeros, never cut
_CONSTANTS = ("byte", "%")
_PLAIN_ARGUMENTS = (  # everyone else's argument is a header name
    "adapt::all_trs", "adapt::sum_trs", "tls::<cert_errors", "ssl::<cert_errors", "tl", "tg",
)  # fmt: skip


@dataclass(frozen=True)
class Token:
    """One ``%`` token as written, before the catalogue gives it a meaning."""

    encoding: str
    left: bool
    zero: bool
    width: int
    precision: int | None
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
    return one_per_column([merge_literals(items)], "squid")[0]


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
    precision = pp.Opt(pp.Suppress(".") + pp.Opt(digits("precision")))
    arg = pp.Regex(r"\{[^}]*\}?")
    # Squid reads an argument after the code only where none stood before it.
    named = arg("arg") + _code() | _code() + pp.Opt(arg("arg"))
    body = encoding + left + zero + width + precision + named
    directive = pp.Located(pp.Literal("%") - body).set_parse_action(_token)
    literal = pp.Regex(r"[^%]+")
    return pp.ZeroOrMore(directive | literal).leave_whitespace().parse_with_tabs()


def _code() -> pp.ParserElement:
    """A namespace that does not know the code is passed over, as is the default http::."""
    import pyparsing as pp

    names = [*code_names("squid"), *_CONSTANTS]
    spaced = "|".join(re.escape(name) for name in names if "::" in name)
    others = "|".join(re.escape(name) for name in names if "::" not in name)
    passed = rf"(?:(?:{'|'.join(_NAMESPACES)})::)?(?:http::(?!%))?"
    code = pp.Regex(f"(?P<spaced>{spaced})|{passed}(?P<other>{others})")("code")
    return code.add_parse_action(lambda found: found["spaced"] or found["other"])


def _token(found: pp.ParseResults) -> Token:
    start, value, end = found["locn_start"], found["value"], found["locn_end"]
    arg, precision = value.get("arg"), value.get("precision")
    return Token(
        encoding=value["encoding"],
        left=bool(value["left"]),
        zero=bool(value["zero"]),
        width=int(value["width"]),
        precision=None if precision is None else int(precision),
        arg=arg[1:].removesuffix("}") if arg else None,
        code=value["code"],
        span=(start, end),
    )


def _items(text: str, token: Token, implicit: str | None) -> list[Item]:
    """The field of a token, and the spaces that fill it; ``implicit`` None: nothing is encoded by default."""
    if token.code in _CONSTANTS:
        return [_constant(text, token, token.encoding or implicit or "")]
    entry = _entry(text, token)
    number = entry.type.name in _NUMBERS
    default = "%" if entry.encode and implicit is not None else ""
    if not number and token.precision == 0:
        raise _wrong(text, token, "with a precision of 0 prints nothing", "leave the precision out")
    field = Field(
        entry, entry.columns_for(token.arg), text[slice(*token.span)], token.encoding or implicit or default,
        limit=0 if number else token.precision or 0, span=token.span,
        precision=token.precision if entry.type.name in _TIMES else None,
    )  # fmt: skip
    field = as_moment(field, token.arg, "squid") if entry.type.name == "moment" else _precise(field)
    if token.width < 2 or (token.zero and number):
        return [field]
    pad = Pad(token.width, after=token.left)
    return [field, pad] if token.left else [pad, field]


def _constant(text: str, token: Token, encoding: str) -> Literal:
    """A percent sign or the byte of %byte{n}, encoded and filled as a value is."""
    byte = ord("%")
    if token.code == "byte":
        byte = int(token.arg) if re.fullmatch(r"[1-9][0-9]{0,2}", token.arg or "") and token.arg else 0
        if not 0 < byte < 256:
            raise _wrong(text, token, "needs a number from 1 to 255", "write %byte{10} for a line feed")
    shown = written(encoding, byte)
    if encoding == "/" and byte == ord(" "):
        shown = b'" "'
    shown = shown if token.precision is None else shown[: token.precision]
    return Literal(shown.ljust(token.width) if token.left else shown.rjust(token.width))


def _entry(text: str, token: Token) -> Code:
    """The catalogue's entry; Squid ignores an argument that a code has no use for."""
    name = token.arg
    if name is not None and find_code("squid", token.code, "any") and token.code not in _PLAIN_ARGUMENTS:
        pseudo = name.startswith(":")
        if not name.partition(":")[0] and not (pseudo and name[1:]):
            raise _wrong(text, token, "has no header name in its braces", f"write %{{Name}}{token.code}")
        if pseudo and not token.code.startswith("proxy_protocol::"):
            raise _wrong(text, token, "knows no pseudo headers", "proxy_protocol::>h does")
        whole = find_code("squid", token.code, name)
        element = find_code("squid", token.code, name.partition(":")[0])
        entry = element if element is not None and element.secret else whole
    else:
        entry = find_code("squid", token.code, name) or find_code("squid", token.code, None)
    if entry is None:
        raise _wrong(text, token, "is not known", f"write %{token.code}")
    return entry


def _precise(field: Field) -> Field:
    """Times with the digits asked for: %.6tu is microseconds, %.3tr has a fraction from version 4 on."""
    digits, own = field.precision, field.type
    if digits is None:
        return field
    if own.name == "subsecond" and digits > 0:
        own = replace(own, pattern=f"0*[0-9]{{1,{min(digits, 6)}}}")
    elif own.name == "duration":
        own = replace(own, byte=r"[0-9.\-]", pattern=rf"{own.pattern}(?:\.[0-9]+)?")
    return replace(field, shape=own)


def _wrong(text: str, token: Token, problem: str, hint: str) -> FormatError:
    start, end = token.span
    return FormatError(f"%{token.code} {problem}", text=text, start=start, end=end, hint=hint)


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
    near = get_close_matches(word, code_names("squid"), n=3, cutoff=0.3)
    known = f"did you mean {', '.join('%' + name for name in near)}? " if near else ""
    return FormatError(
        f"unknown Squid format code at column {loc + 1}",
        text=text, start=loc, end=loc + max(1, len(word)),
        hint=f"{known}`egresslog formats --dialect squid` lists every known code",
    )  # fmt: skip
