"""Formats in meshConfig, ConfigMaps, EnvoyFilters, Telemetry and bootstraps; and what is none of them."""

from __future__ import annotations

import json
import time

import pytest

from egresslog.errors import UsageError
from egresslog.formats import compile_format
from egresslog.formats.mesh_config import Found, is_mesh_config, mesh_config_formats

TEXT = "[%START_TIME%] %DURATION%\n"

OPERATOR = """\
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec:
  meshConfig:
    accessLogFile: /dev/stdout
    accessLogFormat: |
      [%START_TIME%] %DURATION%
    extensionProviders:
    - name: full
      envoyFileAccessLog:
        path: /dev/stdout
        omitEmptyValues: true
        logFormat:
          labels:
            start: "%START_TIME%"
            inner: {took: "%DURATION%ms", n: 1}
    - name: short
      envoyFileAccessLog:
        path: /dev/stdout
        logFormat:
          text: "%START_TIME% %BYTES_SENT%"
    - name: plain
      envoyFileAccessLog: {path: /dev/stdout}
    - name: collector
      envoyOtelAls: {service: otel, port: 4317}
"""

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: istio
data:
  mesh: |-
    accessLogFile: /dev/stdout
    accessLogEncoding: JSON
    accessLogFormat: '{"start": "%START_TIME%"}'
  meshNetworks: 'networks: {}'
---
kind: Telemetry
spec:
  accessLogging:
  - providers:
    - name: envoy
---
"""

FILTER = """\
kind: EnvoyFilter
spec:
  configPatches:
  - applyTo: NETWORK_FILTER
    patch:
      operation: MERGE
      value:
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/stdout
              log_format:
                omit_empty_values: true
                text_format_source:
                  inline_string: "%START_TIME%\\n"
"""


def logger(inner: dict[str, object], kind: str = "file.v3.FileAccessLog") -> str:
    config = {"@type": f"type.googleapis.com/envoy.extensions.access_loggers.{kind}", "path": "/x", **inner}
    return json.dumps({"static_resources": {"listeners": [{"access_log": [{"typed_config": config}]}]}})


AT = "static_resources.listeners[0].access_log[0].typed_config"
LABELS = {"a": "%DURATION%"}
CASES: dict[str, tuple[str, list[Found]]] = {
    "operator": (
        OPERATOR,
        [
            Found("spec.meshConfig.accessLogFormat", TEXT),
            Found(
                "spec.meshConfig.extensionProviders[0].envoyFileAccessLog.logFormat.labels",
                '{"start": "%START_TIME%", "inner": {"took": "%DURATION%ms", "n": 1}}',
                True,
            ),
            Found(
                "spec.meshConfig.extensionProviders[1].envoyFileAccessLog.logFormat.text",
                "%START_TIME% %BYTES_SENT%",
            ),
            Found("spec.meshConfig.extensionProviders[2].envoyFileAccessLog", "istio"),
        ],
    ),
    "config map, telemetry": (
        CONFIG_MAP,
        [
            Found("document 1: data.mesh.accessLogFormat", '{"start": "%START_TIME%"}'),
            Found("document 2: spec.accessLogging[0]", "istio"),
        ],
    ),
    "filter": (
        FILTER,
        [
            Found(
                "spec.configPatches[0].patch.value.typed_config.access_log[0].typed_config"
                ".log_format.text_format_source.inline_string",
                "%START_TIME%\n",
                True,
            )
        ],
    ),
    "default text": ("accessLogFile: /dev/stdout", [Found("accessLogFile", "istio")]),
    "default json": (
        "meshConfig: {accessLogFile: /dev/stdout, accessLogEncoding: JSON}",
        [Found("meshConfig.accessLogFile", "istio-json")],
    ),
    "json that is none": (
        "{accessLogEncoding: JSON, accessLogFormat: '%START_TIME%'}",
        [Found("accessLogFormat", "istio-json")],
    ),
    "bootstrap, default": (logger({}), [Found(AT, "envoy")]),
    "bootstrap, stdout": (logger({}, "stream.v3.StdoutAccessLog"), [Found(AT, "envoy")]),
    "bootstrap, text": (logger({"format": TEXT}), [Found(f"{AT}.format", TEXT)]),
    "bootstrap, text_format": (
        logger({"log_format": {"text_format": TEXT}}), [Found(f"{AT}.log_format.text_format", TEXT)],
    ),
    "bootstrap, json": (
        logger({"json_format": LABELS}), [Found(f"{AT}.json_format", json.dumps(LABELS))],
    ),
    "bootstrap, typed json": (
        logger({"typed_json_format": LABELS}), [Found(f"{AT}.typed_json_format", json.dumps(LABELS))],
    ),
    "config dump": (
        logger({"logFormat": {"jsonFormat": LABELS, "omitEmptyValues": True}}),
        [Found(f"{AT}.log_format.json_format", json.dumps(LABELS), True)],
    ),
    "before types": (
        '{"access_log": [{"config": {"path": "/x", "format": "%DURATION%"}}]}',
        [Found("access_log[0].config.format", "%DURATION%")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_formats_are_found_where_they_stand(name: str) -> None:
    text, wanted = CASES[name]
    assert is_mesh_config(text)
    assert mesh_config_formats(text) == wanted
    for found in wanted:
        assert compile_format(found.text, "envoy", omit_empty=found.omit_empty).fields


def test_a_format_that_stands_twice_is_given_once() -> None:
    assert mesh_config_formats(OPERATOR + "---\n" + OPERATOR)[0].where.startswith("document 1: ")
    assert len(mesh_config_formats(OPERATOR + "---\n" + OPERATOR)) == 4


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        '{"start": "%START_TIME%", "access_log_type": "%ACCESS_LOG_TYPE%"}',
        "istio",
        "",
        "%ts.%03tu %6tr %>a",
    ],
)
def test_format_strings_are_no_configuration(text: str) -> None:
    assert not is_mesh_config(text)


PROBLEMS = [
    ("meshConfig:\n  accessLogFormat: [%START_TIME%]\n", "line 2, column 21: "),
    ("meshConfig:\n\taccessLogFile: x\n", "line 2, column 1: "),
    ("data:\n  mesh: |\n    accessLogFormat: [%START_TIME%]\n", "data.mesh: line 1, column 19: "),
    (
        "kind: Telemetry\nspec:\n  accessLogging:\n  - disabled: true\n",
        "no access-log format in the configuration",
    ),
    ("meshConfig: {}", "no access-log format in the configuration"),
    ("accessLogFormat: " + "[" * 1_000, "nested too deeply"),
    ("accessLogFormat: !!python/object:os.system x", "line 1, column 18: could not determine a constructor"),
]


@pytest.mark.parametrize(("text", "message"), PROBLEMS)
def test_what_is_wrong_is_said_with_its_place_and_a_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        mesh_config_formats(text)
    assert caught.value.message.startswith(message)


def bomb(line: str) -> str:
    return "a0: &a0 {accessLogFile: x}\n" + "".join(line.format(at, at - 1) for at in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        bomb("a{0}: &a{0} [" + "*a{1}," * 9 + "]\n"),
        bomb("a{0}: &a{0} {{<<: [" + "*a{1}," * 9 + "]}}\n"),
        "accessLogging: &a [*a]",
    ],
    ids=["lists", "merged keys", "itself"],
)
def test_aliases_do_not_explode(text: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(UsageError, match="aliases make this too large"):
        mesh_config_formats(text)
    assert time.perf_counter() - begun < 2
