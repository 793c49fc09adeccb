"""What an option or a parameter gives as a format -> formats: a preset, a format string, or @FILE.

The file holds a format string, a squid.conf, or a mesh's configuration; of the latter two every format
in force counts, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from egresslog.errors import FormatError, UsageError
from egresslog.formats.codes import Dialect
from egresslog.formats.compile import compile_format
from egresslog.formats.mesh_config import is_mesh_config, mesh_config_formats
from egresslog.formats.presets import NAMED
from egresslog.formats.program import LogFormat
from egresslog.formats.squid_conf import is_squid_conf, squid_conf_formats

MAX_FILE = 10_000_000  # bytes
MAX_STRING = 65_536  # characters of a format string: longer ones are something else
_HINT = "it holds a format string, a squid.conf, or meshConfig, an EnvoyFilter or a bootstrap"
_OPERATOR = re.compile(r"%[A-Z0-9_]{3,}(\(.*?\))?(:\d+)?%")


@dataclass(frozen=True)
class Stated:
    """A format as it was stated.

    ``where``: the file and the name or place in it (empty: the option itself). ``is_omission_told``:
    whether what is missing prints nothing is known. ``is_text``: as ``lint`` takes it.
    """

    format: LogFormat
    where: str = ""
    is_omission_told: bool = False
    is_text: bool | None = None


def stated_formats(text: str, dialect: Dialect | None = None) -> tuple[Stated, ...]:
    """The formats that a text states; without a dialect, it is told from the text.

    Raises UsageError where a file cannot be read or holds no format of the dialect, and FormatError
    for a format that does not compile; both name the file.
    """
    if not text.startswith("@"):
        return (Stated(compile_format(text, dialect or dialect_of(text))),)
    path = text[1:]
    with _named(path):
        return _in_file(_content(path), path, dialect)


def given_formats(text: str, dialect: Dialect) -> tuple[LogFormat, ...]:
    """The formats to try, in order. Raises as ``stated_formats`` does."""
    return formats_to_try(stated_formats(text, dialect))


def formats_to_try(stated: tuple[Stated, ...]) -> tuple[LogFormat, ...]:
    """The formats; behind an Envoy format string, the same with omit_empty_values: the text does not tell."""
    return tuple(format for one in stated for format in _variants(one))


def dialect_of(text: str) -> Dialect:
    """A preset knows its dialect; Envoy closes its operators with a percent sign, Squid does not.

    Raises UsageError for a bare word that is no preset.
    """
    if text in NAMED:
        return NAMED[text].dialect
    if "%" not in text:
        raise UsageError(f"{text!r} is not a preset", hint="egresslog formats lists them")
    return "envoy" if _OPERATOR.search(text) else "squid"


def _variants(stated: Stated) -> Iterator[LogFormat]:
    format = stated.format
    yield format
    if format.dialect == "squid" or stated.is_omission_told or format.name in NAMED:
        return
    omitting = compile_format(format.text, "envoy", omit_empty=True)
    if omitting.fields != format.fields:
        yield omitting


def _content(path: str) -> str:
    """The text of a file; a squid.conf may have comments in any encoding. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(str(getattr(error, "strerror", None) or error).lower()) from None
    if len(data) > MAX_FILE:
        raise UsageError(f"larger than {MAX_FILE // 1_000_000} MB, which no configuration is", hint=_HINT)
    if b"\0" in data:
        raise UsageError("not text", hint=_HINT)
    return data.decode("utf-8-sig", "surrogateescape")


def _in_file(content: str, path: str, dialect: Dialect | None) -> tuple[Stated, ...]:
    is_squid, is_mesh = is_squid_conf(content), is_mesh_config(content)
    if is_squid and dialect != "envoy":
        return _of_squid_conf(content, path)
    if is_mesh and dialect != "squid":
        return _of_mesh_config(content, path)
    if is_squid or is_mesh:
        what, side = ("a squid.conf", "squid") if is_squid else ("a mesh's configuration", "envoy")
        raise UsageError(f"{what}, which has no {dialect} format", hint=f"give it with --{side}-format")
    return (_of_string(content.strip("\r\n"), path, dialect),)


def _of_squid_conf(content: str, path: str) -> tuple[Stated, ...]:
    found = squid_conf_formats(content)
    return tuple(
        Stated(_compiled(text, "squid", name), f"{path}: {name}", is_omission_told=True)
        for name, text in found
    )


def _of_mesh_config(content: str, path: str) -> tuple[Stated, ...]:
    return tuple(
        Stated(
            _compiled(found.text, "envoy", found.where, omit_empty=found.omit_empty),
            f"{path}: {found.where}", is_omission_told=True, is_text=not found.is_json,
        )
        for found in mesh_config_formats(content)
    )  # fmt: skip


def _of_string(text: str, path: str, dialect: Dialect | None) -> Stated:
    if len(text) > MAX_STRING or ("%" not in text and text.strip() not in NAMED):
        raise UsageError("holds no format", hint=_HINT)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("not UTF-8 text", hint=_HINT) from None
    text = text if "%" in text else text.strip()
    return Stated(compile_format(text, dialect or dialect_of(text)), path)


def _compiled(text: str, dialect: Dialect, place: str, *, omit_empty: bool = False) -> LogFormat:
    with _named(place):
        if "%" not in text and text not in NAMED:
            raise UsageError("a format without a directive, of which nothing can be read")
        return compile_format(text, dialect, omit_empty=omit_empty)


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Errors inside name the place, a file or what is in it."""
    try:
        yield
    except FormatError as error:
        raise FormatError(
            _at(place, error), text=error.text, start=error.start, end=error.end, hint=error.hint
        ) from None
    except UsageError as error:
        raise UsageError(_at(place, error), hint=error.hint) from None
    except RecursionError:
        raise UsageError(f"{place}: nested too deeply") from None


def _at(place: str, error: UsageError) -> str:
    return f"{place}: {error.message.removeprefix('squid.conf ')}"
