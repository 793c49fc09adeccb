"""The command line as a person types it: output, messages, exit codes."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from lab import DATA, SAMPLES, squid_files

LAB = str(SAMPLES / "lab")
WIDE = "1795407810.219 13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT bücher.example:443 - HIER_DIRECT/- -"
NATIVE = (
    "1795407810.219     13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT 10.60.3.11:443 - HIER_DIRECT/10.60.3.11 -"
)
AGENT = "2021-11-05T11:22:59.100387Z\tinfo\txdsproxy\tconnected to upstream XDS server: istiod:15012\n"


def run(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "egresslog", *arguments],
        input=stdin, capture_output=True, env={**os.environ, **environment}, timeout=120, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr + done.stdout
    return done


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode()


def test_the_main_job() -> None:
    done = run("correlate", LAB)
    out = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr
    for text in (
        "bookinfo/ratings-v1",
        "api.github.com:443",
        "Denied",
        "Failed",
        "First",
        "log_lost",
        "Balance",
    ):
        assert text in out
    assert "Lines read: 900 = 900 parsed" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "markdown"])
def test_every_format_is_the_same_twice(form: str) -> None:
    first, second = run("correlate", LAB, "--format", form), run("correlate", LAB, "--format", form)
    assert first.returncode == 0
    assert first.stdout == second.stdout


def test_json_carries_rows_balance_and_flags() -> None:
    document = json.loads(run("correlate", LAB, "--format", "json").stdout)
    assert len(document["transactions"]) == 462
    assert document["flags"]["incomplete"] is False
    assert all(equation["holds"] for equation in document["balance"])
    assert {"path", "sha256", "lines", "parsed"} <= document["files"][0].keys()


def test_jsonl_and_csv_hold_every_transaction() -> None:
    rows = [json.loads(line) for line in run("correlate", LAB, "--format", "jsonl").stdout.splitlines()]
    assert len(rows) == 462
    assert len({row["transaction_id"] for row in rows}) == 462
    assert len(run("correlate", LAB, "--format", "csv").stdout.splitlines()) == 463


@pytest.mark.parametrize("rows", ["matrix", "hosts", "transactions", "connections"])
@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_rows_chooses_what_is_printed(rows: str, form: str) -> None:
    done = run("correlate", LAB, "--format", form, "--rows", rows)
    lines = done.stdout.decode().splitlines()
    key, count = {
        "matrix": ("port", 176), "hosts": ("tunnels", 169),
        "transactions": ("transaction_id", 462), "connections": ("fate", 438),
    }[rows]  # fmt: skip
    if form == "jsonl":
        assert len(lines) == count and all(key in json.loads(line) for line in lines)
    elif rows in ("matrix", "hosts"):
        assert lines[0].startswith("Mesh clients")
        assert any(line.startswith(f"Total of {count}") for line in lines)
    else:
        assert lines[0] == rows.capitalize() and lines.index("") == count + 3


def test_filters_choose_what_is_shown_and_change_no_link() -> None:
    everything = [json.loads(line) for line in run("correlate", LAB, "--format", "jsonl").stdout.splitlines()]
    filters = (
        "--namespace",
        "shop",
        "--host",
        ".saas.example",
        "--port",
        "443",
        "--since",
        "2026-11-23T04:23:00Z",
    )
    shown = [json.loads(x) for x in run("correlate", LAB, "--format", "jsonl", *filters).stdout.splitlines()]
    wanted = [
        row for row in everything
        if row["namespace"] == "shop" and (row["host"] or "").endswith(".saas.example") and row["port"] == 443
        and row["end"] >= "2026-11-23T04:23:00"
    ]  # fmt: skip
    assert shown == wanted and wanted


def records(*filters: str, rows: str = "connections") -> list[dict[str, object]]:
    done = run("correlate", LAB, "--format", "jsonl", "--rows", rows, *filters)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_filters_keep_connections_without_a_transaction() -> None:
    everything = records()
    in_shop = [row for row in everything if row["namespace"] == "shop"]
    assert records("--namespace", "shop") == in_shop
    assert {row["fate"] for row in in_shop} > {"linked", "not_to_proxy"}
    late = records("--since", "2026-11-23T04:23:00Z", "--namespace", "shop")
    assert late == [row for row in in_shop if str(row["end"]) >= "2026-11-23T04:23:00"]


def test_filters_by_host_and_port_keep_the_tunnels_and_what_went_past_the_proxy() -> None:
    everything = {row["connection_id"]: row for row in records()}
    carriers = {row["connection_id"] for row in records("--port", "443", rows="transactions")} - {None}
    shown = {row["connection_id"] for row in records("--port", "443")}
    direct = {name for name, row in everything.items() if row["upstream_port"] == 443}
    assert shown == carriers | direct and carriers and direct
    assert {row["connection_id"] for row in records("--host", "api.github.com")} >= {
        name for name, row in everything.items() if row["host"] == "api.github.com"
    }


def test_a_run_is_written_once_and_loads(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    first = run("correlate", LAB, "-o", folder)
    assert first.returncode == 0 and not first.stdout
    assert said(first).splitlines() == [
        "439 of 462 Squid records linked, 0 ambiguous, 23 without a connection; the evidence is complete",
        f"run written to {folder}",
    ]
    again = run("correlate", LAB, "-o", folder)
    assert again.returncode == 4 and "exists" in said(again)
    assert run("correlate", LAB, "-o", folder, "--force").returncode == 0
    assert {
        "transactions",
        "connections",
        "candidates",
        "raw",
        "manifest.json",
        "matrix.csv",
        "rejected.jsonl",
    } == set(os.listdir(folder))


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl", "x.md", "x.parquet"])
def test_the_suffix_picks_the_format(tmp_path: Path, name: str) -> None:
    done = run("correlate", LAB, "-o", str(tmp_path / name))
    assert done.returncode == 0 and not done.stdout
    assert (tmp_path / name).stat().st_size > 1_000


def test_standard_input_is_a_log() -> None:
    log = squid_files("lab", "port")[0].read_bytes()
    done = run("correlate", "-", str(SAMPLES / "lab" / "envoy"), stdin=log)
    assert done.returncode == 0
    sums = [line.split()[2] for line in done.stdout.decode().splitlines() if " records  " in line]
    assert sums == [str(len(gzip.decompress(log).splitlines())), "438"]


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"{sys.executable} -m egresslog correlate {LAB} --format jsonl | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=60)
    assert len(done.stdout.splitlines()) == 1 and not done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("correlate",), 2, "nothing to read"),
        (("correlate", "/nowhere"), 2, "/nowhere: no such file or folder"),
        (("correlate", LAB, "--proxy", "here"), 2, "not ADDR:PORT"),
        (("correlate", LAB, "--since", "soon"), 2, "not a time"),
        (("correlate", "--squid", LAB, "--squid-format", "%ts %q"), 2, "hint:"),
        (("correlate", LAB, "--max-offset", "inf"), 2, "max offset inf"),
        (("inspect", LAB, "--max-offset", "1e300"), 2, "max offset 1e+300"),
        (("correlate", LAB, "--max-offset", "nan"), 2, "--max-offset"),
        (("correlate", LAB, "-o", "x.xyz"), 2, "suffix"),
        (("correlate", LAB, "--nope"), 2, "--nope"),
        (("who", NATIVE), 2, "no logs to ask"),
        (("who", "hello", LAB), 2, "no known Squid format"),
        (("formats", "nothing"), 2, "not a preset"),
        (("formats", "%ts %q"), 2, "^"),
        (("parse",), 2, "nothing to read"),
        (("inspect", "/nowhere"), 2, "no such file"),
    ],
)
def test_mistakes_get_a_sentence_and_a_code(arguments: tuple[str, ...], code: int, says: str) -> None:
    done = run(*arguments)
    assert (done.returncode, says in said(done)) == (code, True), said(done)


def test_an_empty_folder_and_a_folder_as_a_file(tmp_path: Path) -> None:
    done = run("correlate", str(tmp_path))
    assert done.returncode == 2 and "holds no file" in said(done)
    done = run("correlate", LAB, "--pods", str(tmp_path))
    assert done.returncode == 2 and "directory" in said(done).lower()


def test_one_side_alone_is_incomplete() -> None:
    squid = run("correlate", str(SAMPLES / "lab" / "squid"))
    assert squid.returncode == 3 and "no Envoy log among the inputs" in said(squid)
    envoy = run("correlate", str(SAMPLES / "lab" / "envoy"))
    assert envoy.returncode == 3 and "no Squid log among the inputs" in said(envoy)


def test_a_sidecar_without_access_lines_shows_the_yaml_that_turns_them_on(tmp_path: Path) -> None:
    (tmp_path / "istio-proxy.log").write_text(AGENT * 3)
    alone = run("correlate", str(tmp_path))
    both = run("correlate", str(tmp_path), str(SAMPLES / "lab" / "squid"))
    assert (alone.returncode, both.returncode) == (2, 3)
    for done in (alone, both):
        assert "access logging is off" in said(done) and "kind: Telemetry" in said(done)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("-o", "run.2024"), 2, "a run folder ends in /"),
        (("-o", "x.csv", "--format", "table"), 2, "another --format"),
        (("-o", ".", "--format", "csv"), 2, "a folder, where a file is needed"),
        (("-o", "/nowhere/x.csv"), 4, "cannot be written: its folder does not exist"),
        (("-o", "/nowhere/run"), 4, "cannot be written: its folder does not exist"),
        (("-o", "/dev/null", "--format", "csv"), 4, "not a regular file"),
        (("-o", str(SAMPLES)), 4, "not empty and not a run"),
        (("-o", str(SAMPLES), "--force"), 4, "not empty and not a run"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_read(
    tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    os.mkfifo(tmp_path / "never.log")  # to read it would block
    done = run("correlate", "--squid", str(tmp_path / "never.log"), *arguments)
    assert (done.returncode, says in said(done)) == (code, True), said(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ("correlate", LAB),
        ("correlate", LAB, "--format", "csv"),
        ("correlate", LAB, "--format", "markdown"),
        ("inspect", LAB),
        ("who", NATIVE, LAB),
        ("parse", str(SAMPLES / "lab" / "squid")),
        ("formats",),
        ("--version",),
        ("--help",),
    ],
)
def test_a_full_output_is_a_sentence(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "egresslog", *arguments], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 4
    assert said(done) == "error: standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [("correlate", LAB), ("formats",), ("parse", LAB)], ids=lambda a: a[0])
def test_a_closed_output_is_a_sentence(arguments: tuple[str, ...]) -> None:
    command = shlex.join([sys.executable, "-m", "egresslog", *arguments])
    done = subprocess.run(["bash", "-c", f"{command} >&-"], capture_output=True, check=False)
    assert done.returncode == 4
    assert said(done) == "error: standard output: cannot be written: Bad file descriptor\n"


def test_an_output_never_takes_the_place_of_an_input(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "lab", tmp_path / "lab")
    pods, log = tmp_path / "lab" / "pods.json", tmp_path / "a.jsonl"
    before = pods.read_bytes()
    log.write_bytes(gzip.decompress(squid_files("lab", "port")[0].read_bytes()))
    for command, target in (("correlate", pods), ("correlate", log), ("parse", log)):
        done = run(command, str(tmp_path / "lab"), str(log), "-o", str(target))
        assert done.returncode == 4 and "is one of the inputs" in said(done)
    assert pods.read_bytes() == before


def test_who_refuses_a_run(tmp_path: Path) -> None:
    assert run("correlate", LAB, "-o", str(tmp_path / "run")).returncode == 0
    done = run("who", "--client", "10.60.1.11", "--at", "2026-11-23T04:22:36Z", str(tmp_path / "run"))
    assert done.returncode == 2 and "a run" in said(done) and "egresslog explain" in said(done)


@pytest.mark.parametrize(
    "arguments", [("correlate", LAB), ("inspect", LAB), ("formats",), ("who", WIDE, LAB)], ids=lambda a: a[0]
)
def test_an_encoding_without_the_signs_gets_escapes(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stdout.isascii()
    assert arguments[0] != "who" or rb"b\xfccher.example" in done.stdout


def test_formats_given_are_tried_on_positional_paths(tmp_path: Path) -> None:
    log, envoy = tmp_path / "my.log", tmp_path / "sidecar.log"
    log.write_text("10.60.1.11|1795407810.219|13|svc.example:443|CONNECT|TCP_TUNNEL/200|3039\n")
    envoy.write_text("2026-11-23T04:23:30.206Z 13 10.60.1.11:40000 10.60.2.10:3128 3039\n" * 2)
    squid_format = "%>a|%ts.%03tu|%tr|%ru|%rm|%Ss/%>Hs|%<st"
    envoy_format = "%START_TIME% %DURATION% %UPSTREAM_LOCAL_ADDRESS% %UPSTREAM_HOST% %BYTES_SENT%"
    given = ("--squid-format", squid_format, "--envoy-format", envoy_format)
    assert run("parse", str(log)).returncode == 3
    (row,) = map(json.loads, run("parse", str(log), *given).stdout.splitlines())
    assert (row["client_address"], row["host"], row["bytes_down"]) == ("10.60.1.11", "svc.example", 3039)
    done = run("inspect", str(tmp_path), LAB, *given, "--proxy", "10.60.2.10:3128", "--format", "json")
    kinds = {Path(e["path"]).name: (e["kind"], e["parsed"]) for e in json.loads(done.stdout)["files"]}
    assert (kinds["my.log"], kinds["sidecar.log"]) == (("squid", 1), ("envoy", 2))
    line = "10.60.1.11|1795407810.220|14|svc.example:443|CONNECT|TCP_TUNNEL/200|3039"
    done = run("who", line, str(tmp_path), *given, "--proxy", "10.60.2.10:3128", "--max-offset", "60")
    assert done.returncode == 0 and b"10.60.1.11 to svc.example" in done.stdout


def test_the_manifest_names_what_decides_the_names() -> None:
    def manifest(*arguments: str) -> dict[str, Any]:
        sides = ("--envoy", str(SAMPLES / "lab" / "envoy"))
        found: dict[str, Any] = json.loads(run("correlate", *sides, *arguments, "--format", "json").stdout)
        return found

    log, pods = str(SAMPLES / "lab" / "squid"), str(SAMPLES / "lab" / "pods.json")
    bare, named = manifest("--squid", log), manifest("--squid", f"edge={log}")
    with_pods, found = manifest("--squid", log, "--pods", pods), manifest("--squid", log, pods)
    assert len({document["run_id"] for document in (bare, named, with_pods)}) == 3
    assert with_pods["run_id"] == found["run_id"]
    (entry,) = [entry for entry in with_pods["files"] if entry["path"] == pods]
    assert entry["kind"] == "pods" and len(entry["sha256"]) == 64
    assert with_pods["parameters"]["pods"] == [pods] and bare["parameters"]["pods"] == []
    assert named["parameters"]["names"] == {log: "edge"} and isinstance(bare["pruned"], int)
    assert bare["crowded"] == 0
    assert {entry["name"] for entry in named["files"]} == {None, "edge"}


def test_pods_may_come_through_a_pipe() -> None:
    pods = (SAMPLES / "lab" / "pods.json").read_bytes()
    done = run("correlate", str(SAMPLES / "lab" / "squid"), str(SAMPLES / "lab" / "envoy"), "--pods", "-",
               stdin=pods)  # fmt: skip
    assert done.returncode == 0 and b"bookinfo/ratings-v1" in done.stdout


AS_ANOTHER = """
import os, sys
from egresslog.cli.app import main
sys.stdout = open(os.devnull, "w")
try:
    main()  # loads what the other user may not
except SystemExit:
    sys.stdout = sys.__stdout__
if os.geteuid() == 0:
    os.seteuid(65534)  # root reads everything
sys.argv[2:] = sys.argv[3:]
main()
"""


def test_a_file_without_permission_is_named_and_the_rest_is_processed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name, mode in (("open.log", 0o644), ("secret.log", 0)):
            (Path(folder) / name).write_text(f"{NATIVE}\n")
            (Path(folder) / name).chmod(mode)
        command = [sys.executable, "-c", AS_ANOTHER, "inspect", LAB, folder]
        done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 3 and b"Traceback" not in done.stderr
    assert f"{folder}/secret.log: permission denied" in said(done)
    assert re.search(rb"open.log +1 +1 +0 ", done.stdout)


def test_a_dangling_link_is_named_and_the_rest_is_processed(tmp_path: Path) -> None:
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere")
    done = run("correlate", str(tmp_path), LAB)
    assert done.returncode == 3
    assert "gone.log: no such file or directory" in said(done)
    assert b"Total of" in done.stdout


def test_bad_lines_are_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    lines = [NATIVE.encode()] * 3 + [NATIVE[:40].encode(), b"\x00\xff\x1b[2J", b"hello", b"", b"# note"]
    (tmp_path / "access.log").write_bytes(b"\n".join(lines) + b"\n")
    done = run("inspect", str(tmp_path))
    assert done.returncode == 3 and b"\x1b" not in done.stdout + done.stderr
    for line in (4, 5, 6):
        assert f"access.log:{line} (byte" in said(done)
    entry = json.loads(run("inspect", str(tmp_path), "--format", "json").stdout)["files"][0]
    assert (entry["lines"], entry["parsed"], entry["rejected"], entry["skipped"]) == (8, 3, 3, 2)
    assert run("inspect", str(tmp_path), "--max-rejected", "0.5").returncode == 0


def test_inspect_names_what_was_found() -> None:
    document = json.loads(run("inspect", str(DATA / "lab"), "--format", "json").stdout)
    by_format = {entry["format"] for entry in document["files"] if entry["kind"] in ("squid", "envoy")}
    assert by_format == {
        "squid",
        "squid-egresslog",
        "combined",
        "squid-json",
        "istio",
        "istio-2018",
        "istio-json",
    }
    wanted = {"path", "kind", "format", "sha256", "lines", "parsed", "rejected", "skipped", "continued",
              "duplicate", "doubtful", "first", "last", "gaps"}  # fmt: skip
    assert wanted <= document["files"][0].keys()
    assert len(document["coverage"]) == 6 and document["clocks"][0]["links"] > 100
    assert b"Formats, by content" in run("inspect", LAB).stdout


def test_parse_prints_normalised_records() -> None:
    done = run("parse", *map(str, squid_files("lab", "native")))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 462
    assert {"file", "line", "end", "client_address", "host"} <= rows[0].keys()
    assert (
        len(run("parse", str(squid_files("lab", "native")[0]), "--format", "csv").stdout.splitlines()) == 379
    )


def test_who_answers_one_line() -> None:
    line = "1795407810.934 548 10.60.1.15 TCP_TUNNEL/200 14348 CONNECT h.example:443 - HIER_DIRECT/- -"
    done = run("who", line, str(SAMPLES / "lab-native" / "envoy"))
    assert (
        done.returncode == 0 and b"shop/orders-58c7b9d6f4-tt6rc" not in done.stdout
    )  # no pod list: no namespace
    assert b"orders-58c7b9d6f4-tt6rc" in done.stdout
    done = run("who", line, str(SAMPLES / "lab-native"), "--format", "json")
    (answer,) = json.loads(done.stdout)["answers"]
    assert answer["transaction"]["pod"] == "orders-58c7b9d6f4-tt6rc"
    assert answer["candidates"][0]["rank"] == 1


def test_who_asks_about_a_client_and_a_moment() -> None:
    done = run("who", "--client", "10.60.1.15", "--at", "2026-11-23T04:23:30.5Z", str(SAMPLES / "lab-native"))
    assert done.returncode == 0
    assert b"shop/orders-58c7b9d6f4-tt6rc" in done.stdout


def test_formats_lists_presets_codes_and_fields() -> None:
    assert b"squid-egresslog" in run("formats").stdout
    assert b"%>a" in run("formats", "--dialect", "squid").stdout
    assert b"%START_TIME%" in run("formats", "--dialect", "envoy").stdout
    assert b"bytes_down" in run("formats", "%ts.%03tu %>a %<st").stdout
    assert json.loads(run("formats", "--format", "json").stdout)


def test_help_has_examples() -> None:
    assert b"egresslog correlate logs/" in run("--help").stdout
    assert b"--squid" in run("correlate", "--help").stdout


def test_no_colour_where_it_is_not_wanted() -> None:
    assert b"\x1b" not in run("correlate", LAB, NO_COLOR="1").stdout


def test_a_pasted_line_is_found_whatever_its_spaces() -> None:
    log = (SAMPLES / "lab-native" / "squid" / "access.log").read_text(errors="replace")
    verbatim = next(line for line in log.splitlines() if "svc015" in line)
    for line in (verbatim, " ".join(verbatim.split())):
        done = run("who", f"  {line} ", str(SAMPLES / "lab-native"), "--format", "json")
        (answer,) = json.loads(done.stdout)["answers"]
        assert (answer["transaction"]["link"], answer["transaction"]["squid_line"]) == ("strong", 3)


def test_a_proxy_that_nobody_used_is_said() -> None:
    done = run("correlate", LAB, "--proxy", "10.60.2.11:3128")
    assert done.returncode == 3 and "--proxy 10.60.2.11:3128: no Envoy record went there" in said(done)


def test_a_run_beside_the_logs_is_no_log(tmp_path: Path) -> None:
    shutil.copytree(LAB, tmp_path / "logs")
    assert run("correlate", str(tmp_path / "logs"), "-o", f"{tmp_path}/logs/audit/").returncode == 0
    again = run("correlate", str(tmp_path / "logs"), "--format", "json")
    assert again.returncode == 0 and len(json.loads(again.stdout)["transactions"]) == 462


def test_a_broken_pod_list_among_the_logs_stops_nothing(tmp_path: Path) -> None:
    shutil.copytree(LAB, tmp_path / "logs")
    pods = tmp_path / "logs" / "pods.json"
    pods.write_bytes(pods.read_bytes()[:-40])
    found = run("correlate", str(tmp_path / "logs"))
    assert found.returncode == 3 and "pods.json: not JSON" in said(found) and b"Total of" in found.stdout
    named = run("correlate", LAB, "--pods", str(pods))
    assert named.returncode == 2


@pytest.mark.parametrize("line", ['{"a":1}', '{"level":"info","msg":["ready"]}'])
def test_json_that_is_no_access_line_is_rejected(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.log").write_text(f"{line}\n" * 3)
    done = run("inspect", str(tmp_path))
    assert done.returncode == 3 and "in no known format" in said(done)


def test_what_is_left_out_or_missing_is_said_on_the_page_itself() -> None:
    some = run("correlate", LAB, "--namespace", "shop").stdout.decode()
    assert "of 462 Squid records; the balance is of all" in some
    alone = run("correlate", str(SAMPLES / "lab" / "squid")).stdout.decode()
    assert "INCOMPLETE: no Envoy log among the inputs" in alone
    assert "INCOMPLETE" not in run("correlate", LAB).stdout.decode()
