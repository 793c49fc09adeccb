"""Presets: the named formats, read from the catalogue and compiled on first use.

``NAMED`` are all; ``PRESETS`` those looked for in files of unknown format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from egresslog.formats.codes import Dialect, load_toml
from egresslog.formats.envoy import compile_envoy, compile_envoy_json
from egresslog.formats.program import LogFormat
from egresslog.formats.squid import compile_squid


@dataclass(frozen=True)
class Preset:
    """A named format string (or, for JSON, a mapping of keys to command operators).

    ``versions``: the versions of the proxy that write it, where the proxy itself decides. ``detected``:
    false where it would read lines of other formats, wrongly: such a preset has to be asked for.
    """

    name: str
    dialect: Dialect
    title: str
    text: str = ""
    raw: bool = False
    versions: str = ""
    detected: bool = True
    json: dict[str, str] = field(default_factory=dict)

    @cached_property
    def format(self) -> LogFormat:
        """The compiled format."""
        if self.json:
            return LogFormat(self.name, self.dialect, self.name, compile_envoy_json(self.json), "json")
        if self.dialect == "squid":
            return LogFormat(self.name, self.dialect, self.text, compile_squid(self.text, raw=self.raw))
        return LogFormat(self.name, self.dialect, self.text, compile_envoy(self.text))


NAMED: MappingProxyType[str, Preset] = MappingProxyType(
    {entry["name"]: Preset(**entry) for entry in load_toml("presets.toml")["preset"]}
)
PRESETS: MappingProxyType[str, Preset] = MappingProxyType(
    {name: preset for name, preset in NAMED.items() if preset.detected}
)
