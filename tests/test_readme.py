"""README.md does not lie: its egresslog commands run, its Python runs, the output it shows is the output.

``sh`` blocks hold the set-up lines and egresslog commands, ``bash`` blocks what needs a cluster.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from egresslog.schema import FATES, LINKS, REASONS

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MAIN_JOB = (
    "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/egresslog correlate sample_logs/lab"
)
TEST_JOB = "python3 -m venv .venv && .venv/bin/pip install -q '.[test]' && .venv/bin/pytest -q -n auto"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Every egresslog command of the sh blocks, the last part of the main job among them."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line != TEST_JOB]
    return [shlex.split(line.removeprefix(MAIN_JOB.rpartition("egresslog")[0])) for line in lines]


def shown(name: str) -> str:
    match = re.search(rf"<!-- output: {name} -->\n```text\n(.*?)```", README, flags=re.DOTALL)
    assert match, f"README.md has no output block {name}"
    return match[1]


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def as_pattern(text: str) -> str:
    """The shown text as a pattern; a line of three dots stands for any lines left out."""
    lines = (r"(.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in lines_of(text))
    return "".join(lines)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed program in ``folder``, 100 columns wide, as if piped."""
    words = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, encoding="utf-8")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that looks like a clone to a command, and may be written to."""
    (tmp_path / "sample_logs").symlink_to(REPOSITORY / "sample_logs")
    return tmp_path


def test_the_two_one_liners_are_there() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert MAIN_JOB in lines
    assert TEST_JOB in lines


def test_sh_blocks_hold_nothing_else() -> None:
    assert {command[0] for command in commands()} == {"egresslog"}


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command)[:60])
def test_command_runs(command: list[str], clone: Path) -> None:
    done = run(command, clone)
    assert done.returncode == 0, done.stderr
    assert done.stdout or "-o" in command


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("egresslog correlate sample_logs/lab", "correlate-lab"),
        ("egresslog explain sample_logs/lab-native access.log.0:230", "explain-native"),
    ],
)
def test_command_prints_what_is_shown(command: str, name: str, clone: Path) -> None:
    done = run(command.split(), clone)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(as_pattern(shown(name)), "\n".join([*lines_of(done.stdout), ""]))


@pytest.mark.parametrize("example", blocks("python"))
def test_python_example_runs(example: str, clone: Path) -> None:
    done = run(["python", "-c", example], clone)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_reason_fate_and_link_is_explained() -> None:
    words = {*REASONS, *FATES, *LINKS} - {"part"}  # no step gives part yet
    assert {word for word in words if f"`{word}`" not in README} == set()


PODS = """\
shop\tcart-0\t app istio-proxy
jobs\tbatch-0\t main istio-init istio-proxy
shop\tistio-proxy\t app istio-init
shop\tistio-proxy-x\t app
"""
KUBECTL = """\
case "$*" in
    *jsonpath*) sed 's/$/ /' "$PODS" ;;
    *) echo "$*" ;;
esac
"""


@pytest.mark.parametrize("script", blocks("bash"))
def test_collection_fills_the_folder_layout(script: str, tmp_path: Path) -> None:
    """With stand-ins for kubectl and scp: one log per istio-proxy container, and only of those."""
    (tmp_path / "pods").write_text(PODS)
    stand_in(tmp_path, "kubectl", KUBECTL)
    stand_in(tmp_path, "scp", "touch logs/squid/access.log")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PODS": str(tmp_path / "pods")}
    subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, env=environment, check=True)
    found = {log.relative_to(tmp_path / "logs").as_posix() for log in (tmp_path / "logs").rglob("*.*")}
    logs = {"envoy/shop/cart-0/istio-proxy.log", "envoy/jobs/batch-0/istio-proxy.log"}
    assert found == logs | {"pods.json", "squid/access.log"}


def stand_in(folder: Path, name: str, script: str) -> None:
    """Put a shell script called ``name`` on the stand-in PATH."""
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
