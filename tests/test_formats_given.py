"""What an option gives as a format: a preset, a format string, or a file that holds formats."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from egresslog import correlate, read_envoy, read_squid
from egresslog.api import Inputs
from egresslog.errors import FormatError, UsageError
from egresslog.formats.codes import Dialect
from egresslog.formats.given import MAX_FILE, dialect_of, given_formats, stated_formats

CONF = """\
# café
http_port 3128
logformat mine %ts.%03tu %>a \\
  %ru
logformat unused %tl
access_log /l mine
access_log /m combined
"""
MESH = """\
meshConfig:
  accessLogFile: /dev/stdout
  accessLogFormat: |
    [%START_TIME%] %DURATION%
  extensionProviders:
  - name: full
    envoyFileAccessLog:
      path: /dev/stdout
      omitEmptyValues: true
      logFormat: {labels: {start: "%START_TIME%"}}
"""
FILTER = """\
kind: EnvoyFilter
spec:
  configPatches:
  - patch:
      value:
        access_log:
        - typed_config:
            "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
            path: /dev/stdout
            log_format: {text_format_source: {inline_string: '{"a":"%REQ(X)%"}'}}
"""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def write(folder: Path, content: str | bytes, name: str = "file") -> str:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return f"@{folder / name}"


# A file, asked for as, the formats in it.
FILES: list[tuple[str | bytes, Dialect | None, list[str]]] = [
    ("%ts %>a\n", "squid", ["%ts %>a"]),
    ("%ts %>a\r\n", None, ["%ts %>a"]),
    ("\ufeff%ts %>a", "squid", ["%ts %>a"]),
    ("[%START_TIME%] %DURATION%\n", None, ["[%START_TIME%] %DURATION%"]),
    ('{\n "a": "%DURATION%"\n}\n', "envoy", ['{\n "a": "%DURATION%"\n}']),
    ("combined\n", "squid", [stated_formats("combined")[0].format.text]),
    (CONF, "squid", ["%ts.%03tu %>a %ru", stated_formats("combined")[0].format.text]),
    (CONF, None, ["%ts.%03tu %>a %ru", stated_formats("combined")[0].format.text]),
    (CONF.encode("latin-1"), "squid", ["%ts.%03tu %>a %ru", stated_formats("combined")[0].format.text]),
    (MESH, "envoy", ["[%START_TIME%] %DURATION%\n", '{"start": "%START_TIME%"}']),
    (MESH, None, ["[%START_TIME%] %DURATION%\n", '{"start": "%START_TIME%"}']),
    (FILTER, None, ['{"a":"%REQ(X)%"}']),
]


@pytest.mark.parametrize(("content", "dialect", "texts"), FILES)
def test_formats_of_a_file(
    content: str | bytes, dialect: Dialect | None, texts: list[str], tmp_path: Path
) -> None:
    found = stated_formats(write(tmp_path, content), dialect)
    assert [one.format.text for one in found] == texts
    assert all(one.where.startswith(str(tmp_path / "file")) for one in found)


def test_where_a_format_stands(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    squid = stated_formats(write(tmp_path, CONF), "squid")
    assert [one.where for one in squid] == [f"{path}: mine", f"{path}: combined"]
    mesh = stated_formats(write(tmp_path, MESH), "envoy")
    provider = "meshConfig.extensionProviders[0].envoyFileAccessLog.logFormat.labels"
    assert [one.where for one in mesh] == [f"{path}: meshConfig.accessLogFormat", f"{path}: {provider}"]


def test_whether_json_is_written_by_hand_is_known_of_a_mesh(tmp_path: Path) -> None:
    text = "meshConfig: {accessLogFormat: '{\"a\": \"%REQ(X)%\"}', accessLogEncoding: ENCODING}"
    cases = [(MESH, [True, False]), (FILTER, [True])]
    cases += [(text.replace("ENCODING", name), [name == "TEXT"]) for name in ("TEXT", "JSON")]
    for content, known in cases:
        assert [one.is_text for one in stated_formats(write(tmp_path, content), "envoy")] == known


def test_a_format_string_of_envoy_is_also_tried_with_what_is_missing_left_out(tmp_path: Path) -> None:
    text = "%START_TIME% %REQ(A)%"
    plain, omitting = given_formats(text, "envoy")
    assert (plain.text, omitting.text) == (text, text)
    assert [b"" in format.fields[1].code.null for format in (plain, omitting)] == [False, True]
    assert len(given_formats("%START_TIME%", "envoy")) == 1  # never missing
    assert len(given_formats("istio", "envoy")) == 1
    assert len(given_formats("%ts %un", "squid")) == 1
    told = given_formats(write(tmp_path, MESH), "envoy")
    assert [format.layout for format in told] == ["text", "json"]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("combined-7", "squid"), ("useragent", "squid"), ("istio", "envoy"), ("ztunnel", "envoy"),
        ("%ts %un", "squid"), ("%>a%%%ts", "squid"), ("%DURATION%", "envoy"), ("%REQ(A):5%", "envoy"),
    ],
)  # fmt: skip
def test_dialect(text: str, dialect: str) -> None:
    assert dialect_of(text) == dialect


# A file, the dialect, what the error says after the name of the file.
BAD: list[tuple[str | bytes, Dialect, str]] = [
    ("", "squid", "holds no format"),
    ("some words\n", "envoy", "holds no format"),
    ("%ts " * 20_000, "squid", "holds no format"),
    (b"\x7fELF\0\0%ts", "squid", "not text"),
    (b"\xff\xfe%ts", "envoy", "not UTF-8 text"),
    (b"%ts " * (MAX_FILE // 4 + 1), "squid", "larger than 10 MB, which no configuration is"),
    (MESH, "squid", "a mesh's configuration, which has no squid format\nhint: give it with --envoy-format"),
    (CONF, "envoy", "a squid.conf, which has no envoy format\nhint: give it with --squid-format"),
    ("meshConfig:\n  accessLogFile: [\n", "envoy", "line 3, column 1: "),
    ("extensionProviders:\n- name: x\n", "envoy", "no access-log format in the configuration"),
    (BOMB + "accessLog: *i\n", "envoy", "line 6, column 4: aliases make this too large"),
    ('{"accessLog":' * 50_000, "envoy", "nested too deeply"),
    ('{"accessLog":' * 900 + "1" + "}" * 900, "envoy", "n"),
    ("http_port 1\naccess_log none\n", "squid", "writes no access log"),
    ("http_port 1\naccess_log /l nope=\\\n 1 logformat=x\n", "squid", "line 2: access_log names the unknown"),
    ("logformat mine words\naccess_log /l mine\n", "squid", "mine: a format without a directive"),
    (
        "http_port 1\nlogformat mine %ts %>foo\n", "squid",
        "line 2: unknown Squid format code at column 6\n  %ts %>foo\n       ^^^^\nhint: ",
    ),
    (
        "meshConfig: {accessLogFormat: 'a %FOO%'}", "envoy",
        "meshConfig.accessLogFormat: %FOO% is not a known command operator\n  a %FOO%\n    ^^^^^\nhint: ",
    ),
    (
        "%ts\n" * 1_000 + "%>foo\n" + "%ts\n" * 1_000, "squid",
        "unknown Squid format code at column 4002\n  ts " + "%ts " * 14 + "%>foo %ts",
    ),
    ("%ts %>foo\n", "squid", "unknown Squid format code at column 6\n  %ts %>foo\n       ^^^^\nhint: "),
]  # fmt: skip


@pytest.mark.parametrize(("content", "dialect", "says"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_with_a_file(
    content: str | bytes, dialect: Dialect, says: str, tmp_path: Path
) -> None:
    given = write(tmp_path, content)
    began = time.monotonic()
    with pytest.raises(UsageError) as caught:
        stated_formats(given, dialect)
    assert str(caught.value).startswith(f"{given[1:]}: {says}")
    assert len(str(caught.value)) < 1_000 and time.monotonic() - began < 10


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, says in [
        (f"{tmp_path}/none", "no such file or directory"),
        (str(tmp_path), "is a directory"),
        ("", "no such file or directory"),
        ("a\0b", "embedded null byte"),
        ("/dev/zero", "larger than 10 MB, which no configuration is"),
    ]:
        with pytest.raises(UsageError) as caught:
            stated_formats(f"@{path}", "squid")
        assert caught.value.message == f"{path}: {says}"


LINE = "1795407810.219 10.60.1.11 api.example:443\n"


def test_the_library_takes_the_same_texts(tmp_path: Path) -> None:
    conf, mesh = write(tmp_path, CONF, "squid.conf"), write(tmp_path, MESH, "mesh.yaml")
    squid, envoy = tmp_path / "squid.log", tmp_path / "envoy.log"
    squid.write_text(LINE)
    envoy.write_text('[2026-11-23T04:23:30.206Z] 13\n{"start":"2026-11-23T04:23:31.206Z"}\n')
    assert read_squid(squid, format=conf).records["client_address"].to_list() == ["10.60.1.11"]
    assert len(read_envoy(envoy, format=mesh)) == 2
    found = correlate(squid=squid, envoy=envoy, squid_format=conf, envoy_format=mesh)
    assert len(found.transactions) == 1 and len(found.connections) == 2
    told = found.manifest["parameters"]
    assert told["squid_format"][0] == "%ts.%03tu %>a %ru" and len(told["envoy_format"]) == 2
    with pytest.raises(FormatError):
        read_squid(squid, format=write(tmp_path, "%ts %foo"))


def test_the_run_does_not_depend_on_where_a_format_was_written(tmp_path: Path) -> None:
    inputs = [Inputs(squid_format=write(tmp_path, "%ts %>a", name)) for name in ("a", "b")]
    assert inputs[0].parameters == inputs[1].parameters
    os.remove(tmp_path / "a")
    assert inputs[0].formats["squid"][0].text == "%ts %>a"  # read once: it may be a pipe


def run(*arguments: str, shell: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "egresslog", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return done


UN = "%un: a client can write a space in it, which ends it, and then fields of their own; write %#un"


def test_dangers_of_formats_given_are_said_once(tmp_path: Path) -> None:
    log = tmp_path / "my.log"
    log.write_text("1795407810 me 10.60.1.11 a.example:443\n")
    text = "%ts %un %>a %#ru"
    for command in ("parse", "inspect", "correlate"):
        done = run(command, "--squid", str(log), "--squid-format", text)
        assert done.stderr.count("warning: --squid-format: ") == 1
        assert f"warning: --squid-format: {UN}\n" in done.stderr
    done = run("who", "1795407810 me 10.60.1.11 a.example:443", str(log), "--squid-format", text)
    assert done.stderr.count(UN) == 1 and "a.example" in done.stdout
    given = write(tmp_path, f"logformat mine {text}\n", "squid\x1b.conf")
    done = run("parse", "--squid", str(log), "--squid-format", given)
    assert f"warning: --squid-format {tmp_path}/squid\\x1b.conf: mine: {UN}\n" in done.stderr
    safe = run("parse", "--squid", str(log), "--squid-format", text.replace("un", "#un"))
    assert "warning: --squid-format" not in safe.stderr


def test_lint_shows_the_place_and_leaves_with_1() -> None:
    done = run("formats", "--lint", "%ts %un %ssl::>sni")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "danger: forges fields: %un\n"
        "    %ts %un %ssl::>sni\n"
        "        ^^^\n"
        "    a client can write a space in it, which ends it, and then fields of their own\n"
        "    write %#un\n"
        "\n"
        "danger: breaks record: %ssl::>sni\n"
        "    %ts %un %ssl::>sni\n"
        "            ^^^^^^^^^^\n"
        "    a client can write a line end in it, and then records of their own\n"
        "    write %#ssl::>sni\n"
        "\n"
        "2 dangers, 0 notes\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--lint", "useragent"), 0, "0 dangers, 0 notes"),
        (("--lint", "%{X}>h"), 0, "0 dangers, 1 note\n"),
        (("--lint", "combined"), 1, "3 dangers, 0 notes"),
        (("combined-7",), 0, "%{User-Agent}>h"),
        (("useragent", "--lint"), 0, "0 dangers"),
        (("--lint",), 2, "hint: egresslog formats --lint combined"),
        (("--lint", "nothing"), 2, "not a preset"),
        (("--lint", "%ts %q"), 2, "^"),
        (("--lint", "@/nowhere"), 2, "/nowhere: no such file"),
        (("@/nowhere",), 2, "/nowhere: no such file"),
    ],
)
def test_lint_exit_codes(arguments: tuple[str, ...], code: int, says: str) -> None:
    done = run("formats", *arguments)
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_lint_of_files_and_as_json(tmp_path: Path) -> None:
    conf, mesh = write(tmp_path, CONF, "squid.conf"), write(tmp_path, FILTER, "mesh.yaml")
    done = run("formats", "--lint", conf)
    assert done.returncode == 1
    assert f"danger: forges fields: %{{Referer}}>h in {conf[1:]}: combined\n" in done.stdout
    (found,) = json.loads(run("formats", "--lint", mesh, "--format", "json").stdout)
    assert (found["kind"], found["severity"]) == ("hand_written_json", "danger")
    assert found["text"][slice(*found["span"])] == "%REQ(X)%"
    assert found["in"].endswith("text_format_source.inline_string")
    assert json.loads(run("formats", "--lint", "istio-json", "--format", "json").stdout) == []
    assert f"in:       {conf[1:]}: mine" in run("formats", conf).stdout


def test_what_is_shown_is_one_line_and_harmless(tmp_path: Path) -> None:
    given = write(tmp_path, "%ts\t" + "x" * 50 + "\x1b2J%un\t%>a " + "y" * 100)
    shown = run("formats", "--lint", given).stdout.splitlines()
    assert shown[1] == "    ..." + "x" * 26 + "\\x1b2J%un %>a " + "y" * 27 + "..."
    assert shown[2].strip() == "^^^" and shown[2].index("^") == shown[1].index("%un")
