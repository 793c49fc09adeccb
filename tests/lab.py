"""The lab captures under tests/data, with their truth."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"
SAMPLES = Path(__file__).parents[1] / "sample_logs"

SQUID = {"native": "access", "port": "access-port", "json": "access-json", "combined": "access-combined"}


@dataclass(frozen=True)
class Line:
    """What is true of one Squid line: its pod and Envoy line, where it has them."""

    mesh: bool
    pod: str | None
    envoy_line: int | None
    scenario: str


@cache
def truth(lab: str) -> dict[tuple[str, int], Line]:
    """By (suffix of the rotated file, line)."""
    path = next((DATA / lab).glob("truth.csv*"))
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return {
        (row["squid_suffix"], int(row["squid_line"])): Line(
            row["mesh"] == "1",
            row["pod"] or None,
            int(row["envoy_line"]) if row["envoy_line"] else None,
            row["scenario"],
        )
        for row in csv.DictReader(io.StringIO(text.decode()))
    }


def squid_files(lab: str, format: str) -> list[Path]:
    """The Squid log of one format, older part first."""
    name = SQUID[format]
    return sorted((DATA / lab / "squid").glob(f"{name}.log*"), key=lambda path: ".0" not in path.name)


def envoy_files(lab: str, format: str = "istio-text") -> list[Path]:
    """Every pod's log in one Envoy format."""
    return sorted((DATA / lab / "envoy").glob(f"*/{format}.log*"))


def key(squid_file: str, squid_line: int) -> tuple[str, int]:
    """A transaction's key in ``truth``."""
    return (".0" if ".log.0" in squid_file else "", squid_line)
