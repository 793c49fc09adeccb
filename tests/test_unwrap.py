"""Wrappers: whatever stands around a line, the record is that of the line alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lab import SAMPLES

from egresslog.files.lines import Line
from egresslog.files.sources import Given
from egresslog.formats import compile_format
from egresslog.parse.logs import Logs, read_logs
from egresslog.unwrap.document import read_document
from egresslog.unwrap.objects import ObjectWrapper, inside_json, object_wrappers
from egresslog.unwrap.origin import NOWHERE, Origin, origin_of_path
from egresslog.unwrap.text import TextWrapper, inside_text, text_wrappers
from egresslog.unwrap.unwrapper import Unwrapper

ENVOY = (SAMPLES / "lab/envoy/sleep-7b8d5c6f9-x2x7q/istio-text.log").read_bytes().split(b"\n")[:12]
SQUID = (SAMPLES / "lab/squid/access-port.log").read_bytes().split(b"\n")[:12]
WRAPPERS: list[TextWrapper | ObjectWrapper] = [*text_wrappers(), *object_wrappers()]
LINE = b"a line"


def wrapped(wrapper: TextWrapper | ObjectWrapper, line: bytes) -> bytes:
    """The line in the place of the sample's."""
    if not isinstance(wrapper, ObjectWrapper) and b'{"log":1}' not in wrapper.sample.encode():
        return wrapper.sample.encode().replace(LINE, line)
    text = json.dumps(line.decode("utf-8", "surrogateescape"))[1:-1].encode()
    return wrapper.sample.encode().replace(b'{"log":1}', b'{"message":"a line"}').replace(LINE, text)


def read(tmp_path: Path, lines: Sequence[bytes], name: str = "x.log") -> Logs:
    path = tmp_path / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return read_logs([Given(str(path))])


def rows(logs: Logs) -> list[dict[str, Any]]:
    """The records without what only a wrapper knows."""
    told = {"file", "proxy", "cluster", "namespace", "pod", "container", "node"}
    found = [*logs.squid.to_pylist(), *logs.envoy.to_pylist()]
    return [{name: value for name, value in row.items() if name not in told} for row in found]


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda w: w.name)
def test_sample_holds_its_payload(wrapper: TextWrapper | ObjectWrapper) -> None:
    raw = wrapper.sample.encode()
    found = inside_json(raw) if isinstance(wrapper, ObjectWrapper) else list(inside_text(raw))
    assert [i.payload for i in found if i.wrapper == wrapper.name] == [wrapper.payload.encode()]
    assert wrapper.source and wrapper.versions and wrapper.title


@pytest.mark.parametrize("lines", [ENVOY, SQUID], ids=["envoy", "squid"])
@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda w: w.name)
def test_records_do_not_depend_on_the_wrapper(
    tmp_path: Path, wrapper: TextWrapper | ObjectWrapper, lines: list[bytes]
) -> None:
    plain = rows(read(tmp_path, lines))
    logs = read(tmp_path, [wrapped(wrapper, line) for line in lines], "wrapped.log")
    assert rows(logs) == plain and len(plain) == len(lines)
    assert logs.files[0].rejected == 0 and sum(logs.files[0].skipped.values()) == 0


@given(st.sampled_from(WRAPPERS), st.sampled_from(WRAPPERS), st.sampled_from([ENVOY, SQUID]))
def test_wrappers_in_wrappers(
    tmp_path_factory: pytest.TempPathFactory,
    outer: TextWrapper | ObjectWrapper,
    inner: TextWrapper | ObjectWrapper,
    lines: list[bytes],
) -> None:
    assume("message" not in outer.payload)  # these hold a document, not a line
    folder = tmp_path_factory.mktemp("nested")
    plain = rows(read(folder, lines))
    found = read(folder, [wrapped(outer, wrapped(inner, line)) for line in lines], "wrapped.log")
    assert rows(found) == plain


JSON_LOGS = [
    b'{"start_time":"2026-11-23T04:22:36.342Z","method":"GET","duration":1,"user_agent":"\\"log\\""}',
    b'{"ts":1795407756.343,"client":"10.0.0.1","url":"http://h/","line":7}',
]


@pytest.mark.parametrize("line", JSON_LOGS)
def test_json_access_logs_are_no_wrappers(line: bytes) -> None:
    assert [inside for inside in inside_json(line) if inside.sure] == []


def entries(*lines: bytes) -> list[tuple[bytes, Origin, int]]:
    unwrapper = Unwrapper(lambda raw: raw in (LINE, b"one two"))
    found = [e for n, raw in enumerate(lines, 1) for e in unwrapper.entries(Line(n, 0, raw))]
    return [(e.raw, e.origin, e.pieces) for e in [*found, *unwrapper.rest()]]


STAMP = b"2026-11-23T04:22:36.342Z "
CRI = [
    ("one piece", [b"stdout F a line"], [(LINE, 1)]),
    ("pieces", [b"stdout P a ", b"stdout P li", b"stdout F ne"], [(LINE, 3)]),
    ("two streams", [b"stdout P a ", b"stderr P one", b"stdout F line", b"stderr F  two"],
     [(LINE, 2), (b"one two", 2)]),
    ("a whole line that is marked as a piece", [b"stdout P a line", b"stdout F one two"],
     [(LINE, 1), (b"one two", 1)]),
    ("an end that never comes", [b"stdout P a "], [(b"a ", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "lines", "wanted"), CRI, ids=[what for what, *_ in CRI])
def test_pieces_are_joined_by_stream(what: str, lines: list[bytes], wanted: list[tuple[bytes, int]]) -> None:
    assert [(raw, pieces) for raw, _, pieces in entries(*(STAMP + line for line in lines))] == wanted


ORIGINS = [
    (f"/var/log/pods/shop_orders-6d5_{'0a' * 16}/istio-proxy/0.log", "shop", "orders-6d5", "istio-proxy"),
    ("/var/log/pods/shop_web-0_01234567-89ab-cdef-0123-456789abcdef/app/1.log.gz", "shop", "web-0", "app"),
    (f"/var/log/containers/orders-6d5_shop_istio-proxy-{'a1' * 32}.log", "shop", "orders-6d5", "istio-proxy"),
    (f"fluent-bit-kube.var.log.containers.web-0_shop_a-b-{'0f' * 32}.log", "shop", "web-0", "a-b"),
    ("logs/shop_orders/access.log", None, None, None),
    ("/var/log/squid/access.log", None, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "namespace", "pod", "container"), ORIGINS, ids=lambda v: str(v)[:30])
def test_paths_of_the_kubelet_tell_the_pod(
    path: str, namespace: str | None, pod: str | None, container: str | None
) -> None:
    assert origin_of_path(path) == Origin(namespace=namespace, pod=pod, container=container)


def test_a_key_that_stands_twice_makes_no_wrapper() -> None:
    assert inside_json(b'{"log":"a","log":"b","stream":"stdout","time":"t"}') == []


BY_HAND = (
    '{"start":"%START_TIME%","ua":"%REQ(USER-AGENT)%","to":"%UPSTREAM_HOST%","up":%BYTES_RECEIVED%,'
    '"down":%BYTES_SENT%,"ms":%DURATION%}'
)


def test_keys_forged_into_json_by_hand_make_no_wrapper(tmp_path: Path) -> None:
    """A user agent brings the keys of a shipper, and an access line of its own."""
    log = json.dumps(ENVOY[0].decode())
    agent = b'x","kubernetes":{"pod_name":"victim","namespace_name":"shop"},"log":' + log.encode() + b',"y":"'
    line = b'{"start":"2026-11-23T04:22:36.336Z","ua":"%s","to":"10.0.0.1:80","up":1,"down":2,"ms":3}'
    (tmp_path / "x.log").write_bytes(b"".join(line % a + b"\n" for a in (b"curl", b"wget", agent)))
    given = (compile_format(BY_HAND, "envoy"),)
    logs = read_logs([Given(str(tmp_path / "x.log"), formats=given)])
    assert logs.envoy["pod"].to_pylist() == [None] * 3
    assert logs.envoy["upstream_address"].to_pylist() == ["10.0.0.1"] * 3


def test_the_outer_wrapper_is_believed() -> None:
    """What stands in a container's line is that container's text, and no word about another."""
    told = b'"kubernetes":{"pod_name":"app-0","namespace_name":"shop","container_name":"app"}'
    outer = b'{"log":"[pod/web-0/istio-proxy] a line",' + told + b"}"
    ((raw, origin, _),) = entries(outer)
    assert (raw, origin.pod, origin.namespace, origin.container) == (LINE, "app-0", "shop", "app")


@pytest.mark.parametrize("raw", [b"one other", b"x " * 50_000, b"a" * 100_000 + b":", b"\x1b[0m" * 30_000])
def test_what_is_in_no_wrapper_stays_as_it_is(raw: bytes) -> None:
    assert entries(raw) == [(raw, NOWHERE, 1)]


@pytest.mark.parametrize(
    "told", [5, None, ["a"], {"x": 1}, "\ud800", "\x1b[2J<script>", "a" * 5_000, True, 1e300, ""], ids=str
)
def test_what_a_wrapper_says_may_be_anything(tmp_path: Path, told: object) -> None:
    names = {"pod_name": told, "namespace_name": told, "host": told}
    lines = [json.dumps({"log": line.decode(), "stream": told, "kubernetes": names}) for line in ENVOY]
    logs = read(tmp_path, [line.encode() for line in lines])
    assert len(logs.envoy) == len(ENVOY)
    assert len(set(logs.envoy["pod"].to_pylist())) == 1


HOSTILE = [
    b"a." * 400_000, b"2026-11-23T04:22:36.342Z\tinfo\taccess:" + b" " * 800_000, b"{" * 800_000,
    b"[pod/" + b"a-" * 400_000, b"<1>1 - h " + b"[1" * 400_000, b"Nov 23 04:22:36 h " + b"a" * 800_000,
    b"2026-11-23T04:22:36Z {" + b'a="b",' * 130_000, b"\x1b[0m" * 200_000, b"==> " + b"x " * 400_000,
    b" " * 800_000 + b"x", b'{"log":"' + b'\\"' * 400_000, b"- - - -- " * 90_000,
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_line_ends_and_what_follows_is_read(tmp_path: Path, line: bytes) -> None:
    """Linear is a second or two; a quadratic pattern would not come to an end here."""
    assert len(rows(read(tmp_path, [line, *SQUID]))) == len(SQUID)


def test_wrappers_do_not_go_on_for_ever() -> None:
    deep = LINE.decode()
    for _ in range(10):  # each level doubles the backslashes
        deep = json.dumps({"log": deep, "stream": "stdout"})
    assert len(entries(deep.encode())) == 1


CUT = b'[\n {"textPayload": "one",\n  "resource": {"labels": {"pod_name": "p"}}},\n {"textPayload": "tw'


def test_a_document_that_ends_too_early_keeps_what_is_whole() -> None:
    document = read_document(CUT)
    assert document is not None and document.problem is not None
    assert [inside.payload for inside in document.insides()] == [b"one"]


@pytest.mark.parametrize("data", [b"[", b"[\n1\n", b'{"a"', b'{\n"a": 1}\nnot json', b"{" * 5_000, b'["a\n'])
def test_what_is_no_document_is_read_line_by_line(data: bytes) -> None:
    document = read_document(data)
    assert document is None or not [i for i in document.insides() if i.origin != NOWHERE]


def test_entries_of_a_document_know_their_lines(tmp_path: Path) -> None:
    labels = {"labels": {"pod_name": "p"}}
    text = json.dumps([{"resource": labels, "textPayload": line.decode()} for line in SQUID], indent=1)
    (tmp_path / "x.json").write_text(text)
    logs = read_logs([Given(str(tmp_path / "x.json"))])
    lines = text.split("\n")
    for row in logs.squid.to_pylist():
        assert json.loads("{" + lines[row["line"] - 1].strip(" ,") + "}")["textPayload"] == row["raw"]


def test_an_application_cannot_print_the_lines_of_a_sidecar(tmp_path: Path) -> None:
    """Neither through a shipper nor in its own file of the kubelet."""
    victim = {"pod_name": "victim", "namespace_name": "n", "container_name": "istio-proxy"}
    forged = json.dumps({"log": ENVOY[0].decode(), "kubernetes": victim})
    own = {"pod_name": "app-0", "namespace_name": "n", "container_name": "app"}
    shipped = read(tmp_path, [json.dumps({"log": forged, "kubernetes": own}).encode()])
    folder = tmp_path / f"var/log/pods/n_app-0_{'0a' * 16}/app"
    folder.mkdir(parents=True)
    kubelet = read(folder, [STAMP + b"stdout F " + forged.encode()], "0.log")
    for logs in (shipped, kubelet):
        assert len(logs.envoy) == 0 and logs.files[0].skipped == {"foreign container": 1}


SQ = SQUID[0].decode()
# A file, and how many of its log lines are records, and how many are not.
ACCOUNTED = {
    "a batch": (json.dumps([{"msg": SQ}, {"msg": "garbage"}, {"msg": SQ[:60]}]), 1, 2),
    "a batch over several lines": (json.dumps([{"msg": SQ}, {"msg": "garbage"}], indent=1), 1, 1),
    "two lines in one message": (json.dumps({"msg": f"{SQ}\n{SQ[:60]}"}), 1, 1),
    "a batch with a bare object": (json.dumps([{"a": 1}, {"msg": SQ}]), 1, 1),
    "a table": (f"ts,message\n1,{SQ}\n2\n3,garbage\n", 1, 2),
    "a table of nothing": ("ts,message\n1,garbage\n2,garbage\n", 0, 2),
    "two columns of one name": (f"message,message\n{SQ},x\n", 1, 0),
    "an object of another program": ('{\n "message": "hello",\n "level": "x"\n}', 0, 1),
    "a quote that is not closed": (f'ts,message\n1,{SQ}\n2,"{SQ}\n3,x\n', 0, 4),
    "a piece whose end was lost": ("Z stdout P begun\nZ stdout F {0}\nZ stdout F {0}", 2, 1),
    "numbers without end": ('[\n{"msg":"x","n":' + "9" * 5_000 + "}\n]", 0, 3),
    "lists in lists": ("[" * 800 + '{"message":"x"}' + "]" * 800, 0, 1),
    "objects in objects": ('{"log":"x","stream":' + '{"a":' * 800 + "1" + "}" * 800 + "}", 0, 1),
    "keys that are numbers": ("---\ninsertId: a\nlogName: b\n1: c\nlabels: {1: a}\n", 0, 1),
}


@pytest.mark.parametrize("case", ACCOUNTED)
def test_no_log_line_is_lost(tmp_path: Path, case: str) -> None:
    text, records, others = ACCOUNTED[case]
    text = text.replace("{0}", SQ).replace("Z stdout", "2026-11-23T04:22:36.342Z stdout")
    (tmp_path / "x").write_text(text + "\n" * (not text.endswith("\n")))
    (report,) = read_logs([Given(str(tmp_path / "x"))]).files
    assert (report.parsed, report.rejected + sum(report.skipped.values())) == (records, others)
    assert report.lines == records + others + report.continued


JSON_RECORD = {
    "start_time": "2026-11-23T04:22:36.336Z", "method": "GET", "path": "/", "duration": 5, "bytes_sent": 7,
    "bytes_received": 3, "upstream_host": "10.0.0.1:80", "authority": "a.example", "response_code": 200,
    "user_agent": "x", "downstream_remote_address": "10.0.0.2:1", "upstream_cluster": "outbound|80||a",
}  # fmt: skip


def test_an_access_line_stays_one_whatever_text_a_client_put_into_it(tmp_path: Path) -> None:
    """A key of the access log's own, called message, that holds another line."""
    logs = read(tmp_path, [json.dumps(JSON_RECORD | {"message": SQ}).encode()])
    assert (len(logs.squid), logs.envoy["upstream_address"].to_pylist()) == (0, ["10.0.0.1"])


@pytest.mark.parametrize("container", ["app", "istio-proxy"])
def test_a_requested_path_tells_no_origin(tmp_path: Path, container: str) -> None:
    """Spread by a shipper, the access log's path stands beside the shipper's keys."""
    path = f"/var/log/pods/evil_evil_{'0a' * 16}/{container}/0.log"
    spread = JSON_RECORD | {"path": path, "kubernetes": {"pod_name": "real"}, "stream": "stdout"}
    logs = read(tmp_path, [json.dumps(spread).encode()])
    assert logs.envoy.select(["pod", "namespace", "container"]).to_pylist() == [
        {"pod": "real", "namespace": None, "container": None}
    ]


def test_lines_that_look_like_many_wrappers_cost_little(tmp_path: Path) -> None:
    """Each way of taking words off is tried once; every way through them would not come to an end."""
    logs = read(tmp_path, [*SQUID, *[b"a " * 4_000 + b"zz"] * 40])
    assert (len(logs.squid), logs.files[0].rejected) == (len(SQUID), 40)


AGENT = ENVOY[0].replace(b'- "-" "-" "-" "-"', b'- "-" "a" b" "-" "-"')
AROUND = [b"2026-11-23T04:22:36.342Z ", b"envoy-1 | ", b"sleep-1 istio-proxy ", b"a/b.log:", b""]


@pytest.mark.parametrize("before", AROUND, ids=str)
def test_a_quote_in_a_user_agent_hides_no_wrapped_line(tmp_path: Path, before: bytes) -> None:
    assert ENVOY[0] != AGENT
    found = read(tmp_path, [before + line for line in (*ENVOY, AGENT, ENVOY[0])])
    assert len(found.envoy) == len(ENVOY) + 2
    objects = [json.dumps({"message": line.decode()}).encode() for line in (*ENVOY, AGENT)]
    assert len(read(tmp_path, objects, "y.log").envoy) == len(ENVOY) + 1


def test_a_line_that_the_given_format_reads_is_not_unwrapped(tmp_path: Path) -> None:
    """A user agent that makes the line look like syslog, with a line of its own behind."""
    text = "%START_TIME% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(USER-AGENT)% %RESPONSE_CODE%"
    agent = "x[1]: 2026-11-23T04:22:36.336Z 10.9.9.9 curl"
    lines = [f"2026-11-23T04:22:36.336Z 10.0.0.2 {one} 200\n" for one in ("curl", agent)]
    (tmp_path / "x.log").write_text("".join(lines))
    logs = read_logs([Given(str(tmp_path / "x.log"), formats=(compile_format(text, "envoy"),))])
    assert set(logs.envoy["downstream_remote_address"].to_pylist()) <= {"10.0.0.2", None}


def test_a_key_that_stands_twice_in_a_document_is_not_decided(tmp_path: Path) -> None:
    text = json.dumps(JSON_RECORD, indent=1)
    twice = text.replace('"path": "/"', '"path": "/secret",\n "path": "/innocent"')
    (tmp_path / "x").write_text(twice + "\n")
    (report,) = read_logs([Given(str(tmp_path / "x"))]).files
    assert (report.kind, report.parsed) == ("unknown", 0)


def test_objects_glued_by_a_client_are_no_document(tmp_path: Path) -> None:
    text = '{"start":"%START_TIME%","ua":"%REQ(USER-AGENT)%","to":"%UPSTREAM_HOST%","ms":%DURATION%}'
    line = '{"start":"2026-11-23T04:22:36.336Z","ua":"AGENT","to":"10.0.0.1:80","ms":3}'
    agent = 'x","to":"10.0.0.1:80","ms":3}' + line.replace("10.0.0.1", "10.9.9.9").replace("AGENT", "y")[:-1]
    (tmp_path / "x.log").write_text(line.replace("AGENT", agent + ',"z":"') + "\n" + line + "\n")
    logs = read_logs([Given(str(tmp_path / "x.log"), formats=(compile_format(text, "envoy"),))])
    assert len(logs.envoy) <= 2 and "10.9.9.9" not in logs.envoy["upstream_address"].to_pylist()
