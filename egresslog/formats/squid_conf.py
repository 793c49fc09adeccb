"""squid.conf -> the log formats in force (cache_cf.cc, ConfigParser.cc, log/Config.cc).

Includes are not followed and every branch of an ``if`` counts; the rest is as Squid reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from egresslog.errors import FormatError, UsageError
from egresslog.formats.presets import NAMED
from egresslog.formats.program import Field
from egresslog.formats.squid import compile_squid

BUILT_IN = ("squid", "common", "combined", "useragent", "referrer")
_BUILT_IN_ACLS = ("all", "manager", "localhost", "to_localhost", "to_linklocal", "CONNECT")
_MIME = ("squid", "common", "combined")
_ALIASES = {"auto": "squid"}  # the name that left it to emulate_httpd_log
# Directives that hardly any other kind of file begins a line with.
_DIRECTIVES = re.compile(
    r"^[ \t]*(?:logformat|access_log|cache_access_log|http_port|https_port|http_access|cache_dir|cache_mem"
    r"|coredump_dir|refresh_pattern|log_mime_hdrs|emulate_httpd_log)[ \t]+\S",
    re.MULTILINE,
)
# Codes that, without a header name, switch log_mime_hdrs on for the whole process (Token.cc).
_DUMPS = (
    ">h", "<h", ">ha", "note", "icap::>h", "icap::<h", "icap::<last_h", "adapt::<last_h",
    "proxy_protocol::>h",
)  # fmt: skip


@dataclass
class _Config:
    """What the lines so far say."""

    formats: dict[str, tuple[int, str]] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    default: str = "squid"
    with_headers: bool = False
    has_access_log: bool = False
    quoted: bool = False
    acls: set[str] = field(default_factory=lambda: set(_BUILT_IN_ACLS))
    is_whole: bool = True  # nothing is included from elsewhere


def is_squid_conf(text: str) -> bool:
    """True where a line is a directive of squid.conf."""
    return _DIRECTIVES.search(text) is not None


def squid_conf_formats(text: str) -> list[tuple[str, str]]:
    """(name, format string or preset name) of every format that an access_log line uses, in order.

    Without an access_log line every logformat, or, where there is none either, Squid's default.
    Raises FormatError for a logformat that does not compile and UsageError for a line that Squid refuses,
    both with the number of the line.
    """
    config = _Config()
    for number, line in _lines(text):
        directive, _, rest = line.partition(" ")
        _READ.get(directive, _ignore)(config, number, rest.strip())
    names = list(dict.fromkeys(config.default if name == "" else name for name in config.used))
    if not names and not config.has_access_log:
        names = list(config.formats) or [config.default]
    if not names:
        raise UsageError("squid.conf writes no access log", hint="every access_log line says none")
    compiled = {name: _check(*config.formats[name]) for name in config.formats}
    with_headers = config.with_headers or any(compiled.values())
    return [(name, _format_of(config, name, with_headers)) for name in names]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first: continuations joined, no comments, no empty lines."""
    joined, first = "", 0
    for number, physical in enumerate(text.split("\n"), 1):
        line = physical.partition("\r")[0].lstrip()
        if not line or line.startswith("#"):
            continue
        first, joined = first or number, joined + line
        if joined.endswith("\\"):
            joined = joined[:-1]
            continue
        yield first, re.sub(r"\s+", " ", joined, count=1).rstrip()
        joined, first = "", 0
    if joined:
        yield first, re.sub(r"\s+", " ", joined, count=1).rstrip()


def _logformat(config: _Config, number: int, rest: str) -> None:
    name, *definition = rest.split(maxsplit=1)[:2] or [""]
    if not name or not definition or definition[0].startswith("#"):
        raise UsageError(
            f"squid.conf line {number}: a logformat needs a name and a format",
            hint="logformat NAME FORMAT",
        )
    if name not in (*BUILT_IN, "icap_squid", *config.formats):  # Squid ignores a second definition
        config.formats[name] = (number, _unquoted(definition[0]) if config.quoted else definition[0])


def _unquoted(text: str) -> str:
    """The text of a quoted value (ConfigParser::UnQuote); other text as it is."""
    whole = re.match(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', text)
    return re.sub(r"\\(.)", _escape, whole[1] or whole[2] or "") if whole else text


def _escape(found: re.Match[str]) -> str:
    return {"r": "\r", "n": "\n", "t": "\t"}.get(found[1], found[1])


def _access_log(config: _Config, number: int, rest: str) -> None:
    config.has_access_log = True
    place, *tokens = re.sub(r"(^|\s)#.*", "", rest).split() or [""]
    if not place:
        raise UsageError(f"squid.conf line {number}: an access_log needs a place", hint="access_log none")
    if place == "none":
        return
    options = [token.partition("=") for token in tokens if re.match(r"[a-z-]+=", token)]
    given = next((value for key, _, value in options if key == "logformat"), None)
    if given is None and tokens and "=" not in tokens[0] and not _is_acl(config, tokens[0]):
        given = tokens[0]
    if given is not None and not _is_known(config, given):
        raise UsageError(
            f"squid.conf line {number}: access_log names the unknown logformat {given!r}",
            hint=f"known here: {', '.join([*config.formats, *BUILT_IN])}",
        )
    config.used.append(_ALIASES.get(given, given) if given else "")


def _is_acl(config: _Config, token: str) -> bool:
    """True for what stands where a format may: an acl (Squid looks for a format of that name first)."""
    if _is_known(config, token):
        return False
    is_named = token.removeprefix("!") in config.acls or token.startswith("!")
    # A part of a squid.conf does not show every acl; what looks like a format's name is one, misspelt.
    is_part = not config.is_whole or len(config.acls) == len(_BUILT_IN_ACLS)
    return is_named or (is_part and not get_close_matches(token, config.formats, cutoff=0.75))


def _acl(config: _Config, number: int, rest: str) -> None:
    config.acls.update(rest.split(maxsplit=1)[:1])


def _include(config: _Config, number: int, rest: str) -> None:
    config.is_whole = False


def _is_known(config: _Config, name: str) -> bool:
    return name in BUILT_IN or name in _ALIASES or name in config.formats


def _mime_headers(config: _Config, number: int, rest: str) -> None:
    config.with_headers = rest.split(maxsplit=1)[:1] == ["on"]


def _emulate(config: _Config, number: int, rest: str) -> None:
    config.default = "common" if rest.split(maxsplit=1)[:1] == ["on"] else "squid"


def _quoted_values(config: _Config, number: int, rest: str) -> None:
    config.quoted = rest.split(maxsplit=1)[:1] == ["on"]


def _ignore(config: _Config, number: int, rest: str) -> None:
    """A directive that says nothing about logs."""


_READ = {
    "acl": _acl,
    "include": _include,
    "logformat": _logformat,
    "access_log": _access_log,
    "cache_access_log": _access_log,
    "log_mime_hdrs": _mime_headers,
    "emulate_httpd_log": _emulate,
    "configuration_includes_quoted_values": _quoted_values,
}


def _check(number: int, text: str) -> bool:
    """True where the format switches log_mime_hdrs on. Raises FormatError with the number of the line."""
    try:
        items = compile_squid(text)
    except FormatError as error:
        raise FormatError(
            f"squid.conf line {number}: {error.message}",
            text=text, start=error.start, end=error.end, hint=error.hint,
        ) from None  # fmt: skip
    return any(
        isinstance(item, Field) and item.code.code in _DUMPS and item.code.arg is None for item in items
    )


def _format_of(config: _Config, name: str, with_headers: bool) -> str:
    if name in config.formats:
        return config.formats[name][1]
    return f"{name}-mime" if with_headers and f"{name}-mime" in NAMED and name in _MIME else name
