"""Istio's formats of every era and Envoy's own: each line is read by the preset of its era, by no other.

The lines are made up after real ones: addresses and names are the lab's, the shapes are those of the field.
"""

from __future__ import annotations

import pytest

from egresslog.files.lines import Line
from egresslog.formats import PRESETS
from egresslog.parse.detect import detect, parser_of, presets
from egresslog.parse.line_parser import Parsed

START = "[2026-11-23T04:22:36.336Z]"
HTTP = '"GET /bytes/200 HTTP/1.1" 200 -'
TCP = '"- - -" 0 -'
TEXTS = '"-" "curl/8.5.0" "72576372-05fe-4f37-abce-6f94c3371ae5" "httpbin.default"'
HTTP_END = f'462 3039 6 5 {TEXTS} "10.60.2.10:3128"'
TCP_END = '462 3039 6 - "-" "-" "-" "-" "10.60.2.10:3128"'
PLACES = "outbound|3128||proxy.example 10.60.1.11:47194 10.60.2.10:3128 10.60.1.11:47190"

LINES = {
    ("istio", "HTTP"): f'{START} {HTTP} via_upstream - "-" {HTTP_END} {PLACES} - default',
    ("istio", "TCP"): f'{START} {TCP} - - "-" {TCP_END} {PLACES} - -',
    ("istio-1.8", "HTTP"): f'{START} {HTTP} "-" {HTTP_END} {PLACES} - default',
    ("istio-1.8", "TCP"): f'{START} {TCP} "-" {TCP_END} {PLACES} - -',
    ("istio-1.3", "HTTP"): f'{START} {HTTP} "-" "-" {HTTP_END} {PLACES} - default',
    ("istio-1.3", "TCP"): f'{START} {TCP} "-" "-" {TCP_END} {PLACES} - -',
    ("istio-1.2", "HTTP"): f'{START} {HTTP} "-" "-" {HTTP_END} {PLACES} -',
    ("istio-1.2", "TCP"): f'{START} {TCP} "-" "-" {TCP_END} {PLACES} -',
    ("istio-1.1", "HTTP"): f'{START} {HTTP} "-" {HTTP_END} {PLACES} -',
    ("istio-1.1", "TCP"): f'{START} {TCP} "-" {TCP_END} {PLACES} en.wikipedia.org',
    ("istio-2018", "HTTP"): f"{START} {HTTP} {HTTP_END} {PLACES} -",
    ("istio-2018", "TCP"): f"{START} {TCP} {TCP_END} {PLACES} -",
    ("istio-1.0", "HTTP"): f'{START} "GET /api/weatherHTTP/1.1" 200 - {HTTP_END} {PLACES}',
    ("istio-1.0-tcp", "TCP"): f'{START} - 462 3039 6 "10.60.2.10:3128" {PLACES}',
    ("envoy", "HTTP"): f"{START} {HTTP} {HTTP_END}",
    ("envoy", "TCP"): f"{START} {TCP} {TCP_END}",
}
ENVOY = [preset.name for preset in PRESETS.values() if preset.dialect == "envoy"]


@pytest.mark.parametrize("era", LINES, ids=" ".join)
@pytest.mark.parametrize("preset", [name for name in ENVOY if PRESETS[name].format.layout == "text"])
def test_a_line_is_plain_to_the_preset_of_its_era_alone(era: tuple[str, str], preset: str) -> None:
    assert parser_of(PRESETS[preset].format).is_plain(LINES[era].encode()) == (preset == era[0])


@pytest.mark.parametrize("era", LINES, ids=" ".join)
def test_a_line_says_what_happened(era: tuple[str, str]) -> None:
    found = parser_of(PRESETS[era[0]].format).parse(LINES[era].encode())
    assert isinstance(found, Parsed) and not found.doubtful
    seen = [found.values[c] for c in ("start", "bytes_sent", "duration", "upstream_address", "upstream_port")]
    assert seen == [1_795_407_756_336_000, 3039, 6, "10.60.2.10", 3128]
    if "downstream_remote_port" in found.values:
        assert found.values["downstream_remote_port"] == 47190
    if era[1] == "HTTP":
        assert [found.values[c] for c in ("protocol", "response_code")] == ["HTTP/1.1", 200]
        assert found.values["path"] in ("/bytes/200", "/api/weather")


@pytest.mark.parametrize("era", LINES, ids=" ".join)
@pytest.mark.parametrize("turn", [1, -1])
def test_the_era_is_found_by_content_in_any_order_of_presets(era: tuple[str, str], turn: int) -> None:
    found = detect([Line(1, 0, LINES[era].encode())], presets("envoy")[::turn])
    assert found is PRESETS[era[0]].format


TUNNEL = "envoy://outbound_tunnel_lis_spiffe://cluster.local/ns/x/sa/y/10.116.4.9:8080"
TAIL = 'via_upstream - "-" 462 3039 6 5 "-" "curl/8.5.0" "id" "httpbin.default"'

# What stands at the place of its kind -> columns and what they say.
ODD = {
    "waypoint": (
        f'{START} {HTTP} {TAIL} "envoy://connect_originate/10.244.0.32:9080" inbound-vip|9080|http|r.b.svc '
        "envoy://internal_client_address/ 240.240.0.3:9080 10.244.0.48:51342 - default",
        {"upstream_address": "envoy://connect_originate/10.244.0.32:9080", "upstream_port": None,
         "upstream_local_address": "envoy://internal_client_address/", "upstream_local_port": None,
         "downstream_local_address": "240.240.0.3", "upstream_cluster": "inbound-vip|9080|http|r.b.svc"},
    ),
    "tunnel": (
        f'{START} {TCP} - - "-" {TCP_END} outbound|443||x.example; 10.60.1.11:1 {TUNNEL} 10.60.1.11:2 - -',
        {"downstream_local_address": TUNNEL,
         "downstream_local_port": None, "upstream_cluster": "outbound|443||x.example;"},
    ),
    "egress gateway": (
        f'{START} {TCP} - - "-" {TCP_END} {PLACES} outbound_.443_._.en.wikipedia.org -',
        {"requested_server_name": "outbound_.443_._.en.wikipedia.org"},
    ),
    "invalid name": (
        f'{START} {TCP} - - "-" {TCP_END} {PLACES} invalid:outbound_.8080_._.svc -',
        {"requested_server_name": "invalid:outbound_.8080_._.svc"},
    ),
    "black hole": (
        f'{START} {TCP.replace("0 -", "0 UH")} - - "-" 0 0 0 - "-" "-" "-" "-" "-" BlackHoleCluster - '
        "10.60.2.10:443 10.60.1.11:2 en.wikipedia.org -",
        {"response_flags": "UH", "upstream_address": None, "upstream_cluster": "BlackHoleCluster"},
    ),
    "passthrough": (
        f'{START} {TCP} - - "-" {TCP_END} PassthroughCluster 10.60.1.11:1 10.60.2.10:443 10.60.1.11:2 - -',
        {"upstream_cluster": "PassthroughCluster"},
    ),
    "no filter chain": (
        f'{START} {TCP.replace("0 -", "0 NR")} filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - '
        "10.60.2.10:443 10.60.1.11:2 - -",
        {"response_flags": "NR", "response_code_details": "filter_chain_not_found", "upstream_cluster": None},
    ),
    "forwarded": (
        f'{START} {HTTP} {TAIL} "10.60.2.10:3128" outbound|80||x - [fd00::1]:80 203.0.113.9:0 - default',
        {"downstream_remote_address": "203.0.113.9", "downstream_remote_port": None,
         "downstream_local_address": "fd00::1", "downstream_local_port": 80},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_lines_of_gateways_waypoints_and_special_clusters(kind: str) -> None:
    line, wanted = ODD[kind]
    plain = [name for name in ENVOY if parser_of(PRESETS[name].format).is_plain(line.encode())]
    found = parser_of(PRESETS["istio"].format).parse(line.encode())
    assert plain == ["istio"]
    assert isinstance(found, Parsed) and not found.doubtful
    assert {column: found.values[column] for column in wanted} == wanted


JSON = (
    '{"authority":"-","bytes_received":%s,"bytes_sent":%s,"duration":%s,"method":%s,"path":null,"protocol":null,'
    '"response_code":%s,"response_flags":"-","start_time":"2026-11-23T04:22:36.336Z","istio_policy_status":"-",'
    '"upstream_host":"10.60.2.10:3128","upstream_cluster":"PassthroughCluster","requested_server_name":null}'
)


@pytest.mark.parametrize(
    "line",
    [
        JSON % ("462", "3039", "6", "null", "0"),
        JSON % ('"462"', '"3039"', '"6"', '"-"', '"0"'),
        JSON % ("462", "3039", "6", '"2019-03-20T10:11:12.123Z"', "0"),
    ],
    ids=["typed", "all text", "1.1.0, a time for a method"],
)
def test_istio_json_of_every_era(line: str) -> None:
    found = parser_of(PRESETS["istio-json"].format).parse(line.encode())
    wanted = {"bytes_received": 462, "bytes_sent": 3039, "duration": 6, "method": None, "response_code": None,
              "start": 1_795_407_756_336_000, "upstream_port": 3128, "protocol": None}  # fmt: skip
    assert isinstance(found, Parsed) and not found.doubtful
    assert {column: found.values[column] for column in wanted} == wanted


def test_presets_say_of_which_versions_they_are() -> None:
    assert all(PRESETS[name].versions for name in ENVOY)
