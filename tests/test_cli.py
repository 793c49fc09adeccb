"""The command line as a person types it: output, messages, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import DATA, SAMPLES, squid_files

LAB = str(SAMPLES / "lab")
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


@pytest.mark.parametrize("rows", ["matrix", "transactions", "connections"])
@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_rows_chooses_what_is_printed(rows: str, form: str) -> None:
    done = run("correlate", LAB, "--format", form, "--rows", rows)
    assert done.returncode == 0 and done.stdout


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


def test_a_run_is_written_once_and_loads(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    assert run("correlate", LAB, "-o", folder).returncode == 0
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
    assert done.returncode == 0 and b"378 parsed" not in done.stdout
    assert b"Squid records" in done.stdout


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
        (("correlate", LAB, "-o", "x.xyz"), 2, "suffix"),
        (("correlate", LAB, "-o", "/nowhere/x.csv"), 4, "cannot be written"),
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


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self/mem").exists(), reason="root reads everything")
def test_an_unreadable_file_is_named_and_the_rest_is_processed(tmp_path: Path) -> None:
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
    line = "1795407810.934 548 10.60.1.15 TCP_TUNNEL/200 14348 CONNECT svc015.saas.example:443 - HIER_DIRECT/- -"
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
