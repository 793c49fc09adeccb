"""Text of a format string -> LogFormat: a pyparsing grammar over a catalogue in data files."""

from egresslog.formats.compile import compile_format
from egresslog.formats.presets import NAMED, PRESETS, Preset
from egresslog.formats.program import Field, Literal, LogFormat, Pad

__all__ = ["NAMED", "PRESETS", "Field", "Literal", "LogFormat", "Pad", "Preset", "compile_format"]
