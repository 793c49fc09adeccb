"""Text from a log, made harmless for the place where it is shown.

Hosts, users, URLs and file names are chosen by whoever sends the traffic. Parquet and JSON keep
them as they are (JSON as ASCII escapes); every other sink goes through a function of this module.
"""

from __future__ import annotations

import html
import re

# Invisible or acting on what stands around them; listed by range, so that the output does not
# depend on the Unicode version of the interpreter.
_UNSAFE = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # soft hyphen, joiners and fillers of no width
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidi controls
    "\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff"  # zero width
    "\u2028\u2029"  # line and paragraph separators
    "\ufe00-\ufe0f\ufff0-\ufffb"  # variation selectors, interlinear marks
    "\ud800-\udfff"  # lone surrogates: bytes of a file name that are not UTF-8
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # other format controls (category Cf)
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags and more selectors
)
# A backslash is doubled only where it would read as an escape; so equal outputs mean equal inputs.
_ESCAPED = re.compile(rf"[{_UNSAFE}]|\\(?=\\|x[0-9a-f]{{2}}|u[0-9a-f]{{4}}|U[0-9a-f]{{8}}|[{_UNSAFE}])")
# Apostrophes in front are counted in, so that '=1 and =1 stay different.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\x00\uff1d\uff0b\uff0d\uff20]")
_MARKDOWN = str.maketrans({sign: f"&#{ord(sign)};" for sign in "&<>\"'\\|`*_[]~"})

PLOT_LENGTH = 40
HTML_LENGTH = 80


def _escape(match: re.Match[str]) -> str:
    sign = match.group()
    code = ord(sign)
    if sign == "\\":
        return "\\\\"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def for_terminal(text: str) -> str:
    r"""Show control, bidi, zero-width and separator characters and lone surrogates as escapes.

    The escapes are ``\xHH``, ``\uHHHH`` and ``\UHHHHHHHH`` in lower case; a backslash that would
    read as the start of one is doubled, so different texts stay different. Also for file names.
    """
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return _ESCAPED.sub(_escape, text)


def for_csv(text: str) -> str:
    """Escape as for a terminal, and put an apostrophe before what a spreadsheet would compute.

    Leading ``=``, ``+``, ``-``, ``@``, TAB, CR, LF and NUL (and the full-width signs) count. Only
    for strings: a number keeps its minus. To undo: drop one apostrophe before these, then unescape.
    """
    return f"'{for_terminal(text)}" if _FORMULA.match(text) else for_terminal(text)


def for_html(text: str, length: int = HTML_LENGTH) -> str:
    """Escape as for a terminal, cut to ``length`` characters, then escape for HTML text and attributes."""
    return html.escape(cut(for_terminal(text), length))  # in this order: no character reference is cut


def for_markdown(text: str) -> str:
    """Escape as for a terminal, then write HTML and Markdown signs as character references.

    A cell stays one cell on one line: ``|``, backticks, newlines and tags cannot end it.
    """
    return for_terminal(text).translate(_MARKDOWN)


def for_plot(text: str, length: int = PLOT_LENGTH) -> str:
    """Escape as for a terminal and cut to ``length`` characters; draw it with parse_math=False."""
    return cut(for_terminal(text), length)


def cut(text: str, length: int) -> str:
    """Cut to ``length`` characters in the middle: the end of a host name says whose it is."""
    if len(text) <= length:
        return text
    tail = (length - 1) * 2 // 3
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}" if length > 1 else "…"[:length]
