"""The one entry point: a preset name or a format string -> LogFormat."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Any

from egresslog.errors import FormatError, UsageError
from egresslog.formats.codes import Dialect
from egresslog.formats.envoy import compile_envoy
from egresslog.formats.envoy_json import compile_envoy_json
from egresslog.formats.presets import NAMED
from egresslog.formats.program import LogFormat
from egresslog.formats.squid import compile_squid

_DEEPEST = 64  # objects and lists in one another, in a JSON format


def compile_format(text: str, dialect: Dialect, *, omit_empty: bool = False) -> LogFormat:
    """A preset's format by name, else the compiled format string.

    ``omit_empty``: the Envoy has omit_empty_values set, so what is missing prints nothing.
    Raises FormatError (span, caret, hint) when the text does not compile and UsageError when a
    bare word is not a preset of this dialect.
    """
    preset = NAMED.get(text)
    if preset is not None and preset.dialect == dialect:
        return preset.compiled(omit_empty=True) if omit_empty else preset.format
    if "%" not in text:
        raise _no_preset(text, dialect)
    _check_text(text)
    if dialect == "squid":
        return LogFormat(text, dialect, text, compile_squid(text))
    if text.lstrip().startswith("{") and (labels := _labels(text)) is not None:
        return compile_envoy_json(text, text, labels, omit_empty=omit_empty)
    return LogFormat(text, dialect, text, compile_envoy(text, omit_empty=omit_empty))


def _labels(text: str) -> dict[str, Any] | None:
    """The object of an Envoy json_format; None where the text is not JSON."""
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(labels, dict):
        return None
    _check_strings(text, labels, 0)
    return labels


def _check_strings(text: str, value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise FormatError(f"objects deeper than {_DEEPEST}", text=text, start=0)
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _check_strings(text, inner, depth + 1)


def _check_text(text: str) -> None:
    """Bytes of the command line that are not UTF-8 are fine; other lone surrogates are no text."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise FormatError("not a character", text=text, start=error.start, end=error.end) from None


def _no_preset(text: str, dialect: Dialect) -> UsageError:
    names = [preset.name for preset in NAMED.values() if preset.dialect == dialect]
    near = get_close_matches(text, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return UsageError(
        f"{text!r} is neither a preset nor a format string",
        hint=f"{hint}presets: {', '.join(names)}; a format string holds % directives",
    )
