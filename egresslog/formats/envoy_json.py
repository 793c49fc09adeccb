"""Envoy's JSON formats: values that are one command, text around commands, constants, objects, lists.

A value that is exactly one command keeps its type; text around commands is one string, in which a
missing value is "-" (access_log/usage.rst, "Format dictionaries"). Constants say nothing and are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from egresslog.formats.columns import one_per_column
from egresslog.formats.envoy import envoy_items
from egresslog.formats.program import Field, Item, LogFormat, Mixed, Path

_Value = tuple[Path, str, tuple[Item, ...]]


def compile_envoy_json(
    name: str, text: str, labels: Mapping[str, Any], *, omit_empty: bool = False
) -> LogFormat:
    """The format that a JSON format's object describes.

    Raises FormatError with the span, in the value's own text, of a command that is unknown or malformed.
    """
    values = [
        (path, value, envoy_items(value, omit_empty)) for path, value in _strings((), labels, omit_empty)
    ]
    items = one_per_column([items for *_, items in values], "envoy")
    kept = [(path, value, own) for (path, value, _), own in zip(values, items, strict=True)]
    return LogFormat(name, "envoy", text, tuple(_alone(kept)), "json", mixed=tuple(_mixed(kept)))


def _strings(path: Path, value: Any, omit_empty: bool) -> Iterator[tuple[Path, str]]:
    """Every string in a JSON value and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings((*path, str(key)), inner, omit_empty)
    elif isinstance(value, list) and not omit_empty:  # what is left out moves the others in a list
        for at, inner in enumerate(value):
            yield from _strings((*path, at), inner, omit_empty)


def _alone(values: list[_Value]) -> Iterator[Field]:
    for path, _, items in values:
        if len(items) == 1 and isinstance(items[0], Field):
            yield replace(items[0], key=path)


def _mixed(values: list[_Value]) -> Iterator[Mixed]:
    for path, value, items in values:
        if len(items) > 1:  # one literal alone says nothing
            yield Mixed(path, LogFormat(value, "envoy", value, items))
