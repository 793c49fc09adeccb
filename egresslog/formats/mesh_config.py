"""Configuration of a mesh -> the access-log formats in it.

Understood, wherever they stand in a YAML or JSON document (Istio's MeshConfig and Telemetry references,
envoy.extensions.access_loggers.file.v3.FileAccessLog):

    accessLogFormat, accessLogEncoding, accessLogFile      meshConfig, IstioOperator, the istio ConfigMap
    envoyFileAccessLog {logFormat {text, labels}}           extensionProviders
    Telemetry accessLogging, provider "envoy"               Istio's default format
    FileAccessLog, StdoutAccessLog, StderrAccessLog         EnvoyFilter patches, bootstrap, config dump
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from egresslog.errors import UsageError
from egresslog.formats.documents import documents

ISTIO, ISTIO_JSON, ENVOY = "istio", "istio-json", "envoy"  # presets: what is written without a format

_KEYS = (
    "accessLogFormat|accessLogFile|accessLogEncoding|accessLogging|accessLog|access_log|meshConfig"
    "|envoyFileAccessLog|extensionProviders|configPatches|log_format|json_format|typed_json_format"
)
_MARKER = re.compile(rf"(?:^|[\s{{,\"'-])(?:{_KEYS})[\"']?\s*:")
_ENVOY_LOG = re.compile(r"(?:File|Stdout|Stderr)AccessLog$")
_HINT = "give meshConfig, the istio ConfigMap, an EnvoyFilter or an Envoy's bootstrap; as YAML or JSON"


@dataclass(frozen=True)
class Found:
    """A format and where it stands.

    ``text``: a format string, a JSON format as JSON text, or a preset's name where the default is used.
    ``is_json``: the proxy writes JSON; a format string may look like a JSON format and be none.
    """

    where: str
    text: str
    omit_empty: bool = False
    is_json: bool = field(default=False, compare=False)


def is_mesh_config(text: str) -> bool:
    """True where the text has keys of a mesh configuration; not for a format string, JSON or not."""
    return _MARKER.search(text) is not None


def mesh_config_formats(text: str) -> list[Found]:
    """The access-log formats of every document in the text, in order, each once.

    Raises UsageError where the text is not YAML or JSON (with line and column) or holds no format.
    """
    found: dict[tuple[str, bool], Found] = {}
    every = documents(text)
    for number, document in enumerate(every, 1):
        for one in _formats(document, f"document {number}: " if len(every) > 1 else ""):
            found.setdefault((one.text, one.omit_empty), one)
    if not found:
        raise UsageError("no access-log format in the configuration", hint=_HINT)
    return list(found.values())


def _formats(value: Any, where: str) -> Iterator[Found]:
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _formats(inner, f"{where}[{at}]")
    elif isinstance(value, Mapping):
        yield from _of_mesh(value, where)
        yield from _of_telemetry(value, where)
        if _is_envoy_log(value):
            yield _of_envoy(value, where)
        else:
            for key, inner in value.items():
                yield from _inside(str(key), inner, _joined(where, key))


def _inside(key: str, value: Any, where: str) -> Iterator[Found]:
    if key == "envoyFileAccessLog" and isinstance(value, Mapping):
        yield _of_provider(value, where)
    elif key == "data" and isinstance(value, Mapping):
        yield from _of_config_map(value, where)
    else:
        yield from _formats(value, where)


def _of_config_map(data: Mapping[Any, Any], where: str) -> Iterator[Found]:
    """The values of a ConfigMap are documents of their own; the istio ConfigMap's is under "mesh"."""
    for key, value in data.items():
        inner = _joined(where, key)
        if not isinstance(value, str):
            yield from _formats(value, inner)
        elif is_mesh_config(value):
            for document in documents(value, inner):
                yield from _formats(document, inner)


def _of_mesh(config: Mapping[Any, Any], where: str) -> Iterator[Found]:
    text, file = config.get("accessLogFormat"), config.get("accessLogFile")
    is_json = config.get("accessLogEncoding") in ("JSON", 1)
    default = ISTIO_JSON if is_json else ISTIO
    if isinstance(text, str) and text.strip():
        # Istio falls back to its default where this is to be JSON and is not.
        written = text if not is_json or _is_object(text) else default
        yield Found(_joined(where, "accessLogFormat"), written, is_json=is_json)
    elif isinstance(file, str) and file:
        yield Found(_joined(where, "accessLogFile"), default)


def _of_telemetry(resource: Mapping[Any, Any], where: str) -> Iterator[Found]:
    """Telemetry names providers; "envoy" is built in and has no format of its own."""
    rules = resource.get("accessLogging")
    for at, rule in enumerate(rules if isinstance(rules, list) else ()):
        providers = rule.get("providers") if isinstance(rule, Mapping) else None
        names = [p.get("name") for p in providers or () if isinstance(p, Mapping)]
        if "envoy" in names and rule.get("disabled") is not True:
            yield Found(_joined(where, f"accessLogging[{at}]"), ISTIO)


def _of_provider(provider: Mapping[Any, Any], where: str) -> Found:
    layout = provider.get("logFormat")
    layout = layout if isinstance(layout, Mapping) else {}
    omit = provider.get("omitEmptyValues", layout.get("omitEmptyValues")) is True
    text, labels = layout.get("text"), layout.get("labels")
    if isinstance(labels, Mapping) and labels:
        return Found(_joined(where, "logFormat.labels"), _as_json(labels), omit, is_json=True)
    if isinstance(text, str) and text.strip():
        return Found(_joined(where, "logFormat.text"), text, omit)
    return Found(where, ISTIO, omit)


def _is_envoy_log(value: Mapping[Any, Any]) -> bool:
    """A file access log: by its type, or (the API before types) by a path beside a format."""
    if _ENVOY_LOG.search(str(value.get("@type", ""))):
        return True
    names = {"format", "log_format", "logFormat", *(name for pair in _JSON_NAMES for name in pair)}
    return "path" in value and not names.isdisjoint(value)


def _of_envoy(log: Mapping[Any, Any], where: str) -> Found:
    layout = _either(log, "log_format", "logFormat")
    source = layout if isinstance(layout, Mapping) else log
    inner = where if source is log else _joined(where, "log_format")
    omit = _either(source, "omit_empty_values", "omitEmptyValues") is True
    for name, camel in _JSON_NAMES:
        if isinstance(labels := _either(source, name, camel), Mapping) and labels:
            return Found(_joined(inner, name), _as_json(labels), omit, is_json=True)
    for name, text in _texts(source):
        if isinstance(text, str) and text.strip():
            return Found(_joined(inner, name), text, omit)
    return Found(where, ENVOY, omit)


_JSON_NAMES = (("json_format", "jsonFormat"), ("typed_json_format", "typedJsonFormat"))


def _texts(source: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    yield "text_format", _either(source, "text_format", "textFormat")
    inline = _either(source, "text_format_source", "textFormatSource")
    if isinstance(inline, Mapping):
        yield "text_format_source.inline_string", _either(inline, "inline_string", "inlineString")
    yield "format", source.get("format")


def _either(value: Mapping[Any, Any], name: str, camel: str) -> Any:
    return value.get(name, value.get(camel))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _as_json(labels: Mapping[Any, Any]) -> str:
    return json.dumps(labels, ensure_ascii=False, default=str)


def _joined(where: str, key: object) -> str:
    return f"{where}{key}" if not where or where.endswith(": ") else f"{where}.{key}"
