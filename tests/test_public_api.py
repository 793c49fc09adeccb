"""The public names are exactly these; removing or renaming one is a breaking change."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import egresslog

PUBLIC = [
    "Correlation",
    "EgresslogError",
    "FormatError",
    "UsageError",
    "__version__",
    "correlate",
    "load",
    "read_envoy",
    "read_squid",
]


def test_all_is_pinned() -> None:
    assert egresslog.__all__ == PUBLIC


def test_every_public_name_is_there_and_documented() -> None:
    for name in PUBLIC:
        assert getattr(egresslog, name).__doc__, name


def test_public_names_are_offered_by_dir() -> None:
    assert set(PUBLIC) <= set(dir(egresslog))


def test_version_is_the_installed_one() -> None:
    assert egresslog.__version__ == version("egresslog")


def test_public_names_are_not_hidden_by_modules() -> None:
    """``egresslog.correlate`` is the function whatever part of the package was imported before."""
    script = (
        "import importlib, pkgutil, egresslog\n"
        "for module in pkgutil.walk_packages(egresslog.__path__, 'egresslog.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*[name for name in egresslog.__all__ if not callable(getattr(egresslog, name))])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["__version__"]
