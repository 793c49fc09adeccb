"""ztunnel's text lines: time, level, scope and message, then key=value pairs (tabs or blanks between).

Texts are quoted as Rust's Debug does, so a line has one reading (istio/ztunnel src/telemetry.rs).
"""

from __future__ import annotations

import re

from egresslog.parse.json_objects import JsonObject, JsonProblem

_HEAD = re.compile(
    r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)[\t ]+[A-Za-z]+[\t ]+"
    r"(?P<scope>(?:http )?access)(?:[:{][^\t]*?)?"
    r"(?<![\t ])[\t ]+(?![\t ])(?P<message>(?:connection|request) [a-z]+)(?=[\t ]|$)"
)
_PAIR = re.compile(r'[\t ]+([A-Za-z_][A-Za-z0-9_.]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?=[\t ]|$)')
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))", re.DOTALL)
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def pair_object(line: bytes) -> JsonObject:
    """The line's keys and values, as of one JSON object.

    Raises JsonProblem with the byte where the line stops being an access line of ztunnel.
    """
    text = line.decode("utf-8", "surrogateescape").rstrip()
    head = _HEAD.match(text)
    if head is None:
        raise JsonProblem("expected a ztunnel access line")
    pairs, position = list(head.groupdict().items()), head.end()
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise JsonProblem("expected key=value", len(text[:position].encode("utf-8", "surrogateescape")))
        pairs.append((match[1], _unquoted(match[2])))
        position = match.end()
    return JsonObject(pairs)


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(_character, text[1:-1]) if text.startswith('"') else text


def _character(match: re.Match[str]) -> str:
    if match[1] is None:
        return _NAMED.get(match[2], match[2])
    number = int(match[1], 16)
    return chr(number) if number < 0x110000 else match[0]
