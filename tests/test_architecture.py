"""The shape of the package: imports run one way, heavy modules load late, files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "egresslog"
LAYERS = (
    "errors", "schema", "arrow", "formats", "files", "unwrap", "parse", "identity", "linking",
    "correlation", "report", "api", "cli",
)  # fmt: skip
FACADE = SOURCE / "__init__.py"
HEAVY = {"IPython", "matplotlib", "numba", "pandas", "pyarrow", "pyparsing", "rich", "scipy"}
NUMERIC = {"parse", "linking", "correlation"}  # numpy may be imported at the top of these
GRAB_BAGS = {"common", "helpers", "misc", "utils"}
MAX_LINES = 300

MODULES = sorted(SOURCE.rglob("*.py"))
BELOW_FACADE = [path for path in MODULES if path != FACADE]


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def layer(dotted: str) -> int:
    """Position of ``egresslog.<layer>...`` in LAYERS; the package itself ranks with the last."""
    parts = dotted.split(".")
    return LAYERS.index(parts[1]) if len(parts) > 1 and parts[1] in LAYERS else len(LAYERS) - 1


def layer_of(path: Path) -> int:
    return layer(f"egresslog.{path.relative_to(SOURCE).parts[0].removesuffix('.py')}")


def imported(path: Path, node: ast.AST) -> list[str]:
    """Absolute dotted names that an import statement may load; none for any other node."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    package = ["egresslog", *path.relative_to(SOURCE).parent.parts]
    base = package[: len(package) - node.level + 1] if node.level else []
    module = ".".join([*base, *filter(None, [node.module])])
    return [f"{module}.{alias.name}" for alias in node.names]


def at_module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import: not those in functions or under TYPE_CHECKING."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from at_module_level(inner(node))


def inner(node: ast.stmt) -> list[ast.stmt]:
    """The statements directly inside an if, try, with, loop or class."""
    blocks = [getattr(node, field, []) for field in ("body", "orelse", "finalbody")]
    blocks += [handler.body for handler in getattr(node, "handlers", [])]
    return [child for block in blocks for child in block]


@pytest.mark.parametrize("path", BELOW_FACADE, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    names = [name for node in ast.walk(tree(path)) for name in imported(path, node)]
    ours = [name for name in names if name.split(".")[0] == "egresslog"]
    upward = [name for name in ours if layer(name) > layer_of(path)]
    assert not upward, f"{name_of(path)} imports {upward}, which come later in {LAYERS}"


def test_every_module_has_its_layer() -> None:
    tops = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in MODULES}
    assert tops - {"__init__", "__main__"} == set(LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_modules_are_imported_late(path: Path) -> None:
    numeric = path.relative_to(SOURCE).parts[0] in NUMERIC
    forbidden = HEAVY if numeric else HEAVY | {"numpy"}
    names = [name for node in at_module_level(tree(path).body) for name in imported(path, node)]
    assert not [name for name in names if name.split(".")[0] in forbidden]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_small_and_has_a_telling_name(path: Path) -> None:
    assert not GRAB_BAGS & {*path.stem.split("_"), path.parent.name}
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_help_is_light() -> None:
    script = (
        "import sys; sys.argv = ['egresslog', '--help']\n"
        "from egresslog.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('loaded:', *sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.rpartition("loaded:")[2].split())
    assert "Usage" in run.stdout
    assert not loaded & {"matplotlib", "numba", "numpy", "pandas", "pyarrow", "scipy"}
