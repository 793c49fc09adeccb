"""The one entry point: a preset name or a format string -> LogFormat."""

from __future__ import annotations

import json
from difflib import get_close_matches

from egresslog.errors import FormatError, UsageError
from egresslog.formats.codes import Dialect
from egresslog.formats.envoy import compile_envoy, compile_envoy_json
from egresslog.formats.presets import NAMED
from egresslog.formats.program import LogFormat
from egresslog.formats.squid import compile_squid


def compile_format(text: str, dialect: Dialect) -> LogFormat:
    """A preset's format by name, else the compiled format string.

    Raises FormatError (span, caret, hint) when the text does not compile and UsageError when a
    bare word is not a preset of this dialect.
    """
    preset = NAMED.get(text)
    if preset is not None and preset.dialect == dialect:
        return preset.format
    if "%" not in text:
        raise _no_preset(text, dialect)
    _check_text(text)
    if dialect == "squid":
        return LogFormat(text, dialect, text, compile_squid(text))
    if text.lstrip().startswith("{") and (labels := _labels(text)) is not None:
        return LogFormat(text, dialect, text, compile_envoy_json(labels), "json")
    return LogFormat(text, dialect, text, compile_envoy(text))


def _labels(text: str) -> dict[str, str] | None:
    """The keys and commands of an Envoy json_format; None where the text is not JSON."""
    try:
        labels = json.loads(text)
    except (ValueError, RecursionError):
        return None
    nested = next((key for key, value in labels.items() if not isinstance(value, str)), None)
    if nested is not None:
        raise FormatError(
            f"the value of {nested!r} is not text", text=text, start=max(0, text.find(f'"{nested}"')),
            hint="each key of a JSON format holds one command operator",
        )  # fmt: skip
    for value in labels.values():
        _check_text(value)
    return {str(key): value for key, value in labels.items()}


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
