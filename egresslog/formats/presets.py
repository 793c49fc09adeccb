"""Presets: the named formats, read from the catalogue and compiled on first use."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from egresslog.formats.codes import Dialect, codes, load_toml
from egresslog.formats.envoy import compile_envoy
from egresslog.formats.envoy_json import compile_envoy_json
from egresslog.formats.program import Field, LogFormat
from egresslog.formats.squid import compile_squid


@dataclass(frozen=True)
class Preset:
    """A named format string (or, for JSON, a mapping of keys to command operators).

    ``versions``: of the program that writes it, for people; ``keys``: the layout in which ztunnel writes
    its keys, which are the same whatever the layout.
    """

    name: str
    dialect: Dialect
    title: str
    text: str = ""
    raw: bool = False
    json: dict[str, Any] = field(default_factory=dict)
    versions: str = ""
    keys: Literal["", "pairs", "json"] = ""

    @cached_property
    def format(self) -> LogFormat:
        """The compiled format."""
        return self.compiled(omit_empty=False)

    def compiled(self, *, omit_empty: bool) -> LogFormat:
        """The format, as an Envoy with or without omit_empty_values writes it."""
        if self.keys:
            return LogFormat(self.name, self.dialect, self.name, _keyed(), self.keys, names_client=True)
        if self.json:
            return compile_envoy_json(self.name, self.name, self.json, omit_empty=omit_empty)
        if self.dialect == "squid":
            return LogFormat(self.name, self.dialect, self.text, compile_squid(self.text, raw=self.raw))
        items = compile_envoy(self.text, omit_empty=omit_empty)
        return LogFormat(self.name, self.dialect, self.text, items)


def _keyed() -> tuple[Field, ...]:
    """A field for each key of ztunnel's access lines."""
    return tuple(Field(code, code.columns, code.code, key=(code.code,)) for code in codes("ztunnel"))


PRESETS: MappingProxyType[str, Preset] = MappingProxyType(
    {entry["name"]: Preset(**entry) for entry in load_toml("presets.toml")["preset"]}
)
