"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from egresslog.errors import UsageError

Paths = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders, globs or - (standard input); told apart by content."),
]
Squid = Annotated[
    list[str] | None,
    typer.Option("--squid", metavar="[NAME=]PATH", help="Squid logs; NAME names the instance. Repeatable."),
]
Envoy = Annotated[
    list[str] | None,
    typer.Option("--envoy", metavar="[CLUSTER=]PATH", help="Envoy logs; CLUSTER names the mesh. Repeatable."),
]
Pods = Annotated[
    list[str] | None,
    typer.Option("--pods", metavar="FILE", help="Output of `kubectl get pods -A -o json`. Repeatable."),
]
Proxy = Annotated[
    list[str] | None,
    typer.Option("--proxy", metavar="ADDR:PORT", help="The proxy as Envoy sees it; inferred if not given."),
]
SquidFormat = Annotated[
    str | None,
    typer.Option(metavar="FORMAT", help="A preset, a logformat string, or @FILE: one, or a squid.conf."),
]
EnvoyFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT", help="A preset, a format string, or @FILE: one, or the mesh's configuration."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="OUT", help="Write here; the suffix picks the format, a folder is a run."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing run folder.")]
MaxOffset = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="Largest clock offset between the proxies looked for.")
]
MaxRejected = Annotated[
    float,
    typer.Option(
        metavar="SHARE", min=0, max=1, help="Share of a file's lines that may be rejected before exit 3."
    ),
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Show records that end at or after TIME (ISO, UTC).")
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Show records that end before TIME (ISO, UTC).")
]
Namespace = Annotated[str | None, typer.Option(metavar="PATTERN", help="Show this namespace.")]
Workload = Annotated[str | None, typer.Option(metavar="PATTERN", help="Show this workload.")]
Host = Annotated[
    str | None, typer.Option(metavar="PATTERN", help="Show this host; .example.org takes all below it.")
]
Port = Annotated[int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Show this port.")]


class Form(StrEnum):
    """How results are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


class RowsOf(StrEnum):
    """What is printed: by default the matrix for table and markdown, else the transactions."""

    MATRIX = "matrix"
    HOSTS = "hosts"
    TRANSACTIONS = "transactions"
    CONNECTIONS = "connections"


Format = Annotated[Form | None, typer.Option("--format", help="How to print; default: table.")]
Rows = Annotated[
    RowsOf | None,
    typer.Option(
        "--rows",
        help="What to print (hosts: the matrix by host); default: matrix, csv/json/jsonl: transactions.",
    ),
]


def moment(option: str, text: str | None) -> int | None:
    """An ISO 8601 time as microseconds UTC; without a zone it is UTC. Raises UsageError."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: not a time", hint="for example 2026-11-23T04:22:36Z") from None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000_000)
