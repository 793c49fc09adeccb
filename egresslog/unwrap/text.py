"""Wrappers that put something before each line: one anchored pattern each, from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from egresslog.formats.codes import load_data
from egresslog.unwrap.origin import Origin, origin_of_path

_WORDS = {
    "time": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
        r"(?:Z|[+\-][0-9]{2}:?[0-9]{2})"
    ),
    "name": r"[a-z0-9](?:[a-z0-9.\-]*[a-z0-9])?",
    "colour": r"(?:\x1b\[[0-9;]*[mK])*",
}
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_LABELS = {
    "namespace": ("namespace", "namespace_name"),
    "pod": ("pod", "pod_name"),
    "container": ("container", "container_name"),
    "node": ("node_name", "node"),
}


@dataclass(frozen=True)
class Inside:
    """What a wrapper holds. ``piece``: P for a piece of a longer line, F for its end, else empty.

    ``closed``: its end stands there, whatever becomes of the line's.
    """

    wrapper: str
    payload: bytes
    origin: Origin
    sure: bool = True
    closed: bool = False
    piece: str = ""
    stream: str = ""
    at: int | None = None  # where it stands in a document, in characters


@dataclass(frozen=True)
class TextWrapper:
    """One entry of catalogue/text.toml."""

    name: str
    title: str
    versions: str
    pattern: str
    sure: bool
    source: str
    sample: str
    payload: str
    strip: str = ""

    @property
    def compiled(self) -> re.Pattern[bytes]:
        return re.compile(self.pattern.format(**_WORDS).encode("latin-1"), re.DOTALL)


@cache
def text_wrappers() -> tuple[TextWrapper, ...]:
    """Every wrapper of text lines, in the order in which they are tried."""
    return tuple(TextWrapper(**entry) for entry in load_data("egresslog.unwrap", "text.toml")["wrapper"])


@cache
def _patterns() -> list[tuple[TextWrapper, re.Pattern[bytes]]]:
    return [(wrapper, wrapper.compiled) for wrapper in text_wrappers()]


def inside_text(line: bytes) -> Iterator[Inside]:
    """What each wrapper whose pattern fits would hold, the surest first."""
    for wrapper, pattern in _patterns():
        match = pattern.fullmatch(line)
        if match is not None and match["payload"] != line:
            yield _inside(wrapper, match.groupdict())


def _inside(wrapper: TextWrapper, groups: dict[str, bytes | None]) -> Inside:
    texts = {k: v.decode("utf-8", "replace") for k, v in groups.items() if v is not None and k != "payload"}
    known = {k: v for k, v in texts.items() if k in Origin.__dataclass_fields__}
    origin = Origin(**known).within(origin_of_path(texts.get("path", "")))
    payload = groups["payload"] or b""
    return Inside(
        wrapper.name,
        re.sub(wrapper.strip.encode("latin-1"), b"", payload) if wrapper.strip else payload,
        origin.within(_labelled(texts.get("labels", ""))),
        wrapper.sure,
        piece=texts.get("piece", ""),
        stream=texts.get("stream", ""),
    )


def _labelled(text: str) -> Origin:
    """The origin in Prometheus labels: {namespace="...", pod="..."}."""
    labels = dict(_LABEL.findall(text))
    return Origin(**{field: _first(labels, names) for field, names in _LABELS.items()})


def _first(labels: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)
