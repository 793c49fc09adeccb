"""The answer to ``who``: one transaction, its client, and its candidates with their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from egresslog.report.human import number, size, time
from egresslog.report.rows import Row, rows
from egresslog.schema import EVIDENCE, REASONS

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table as RichTable

_CONNECTION = (
    "envoy_file",
    "envoy_line",
    "start",
    "end",
    "namespace",
    "pod",
    "workload",
    "bytes_sent",
    "bytes_received",
)


def answer(tables: Mapping[str, pa.Table], transaction_id: str) -> dict[str, Any]:
    """``transaction``, its ``raw`` line, and ``candidates`` best first, each with its connection."""
    import pyarrow.compute as pc

    (transaction,) = rows(tables["transactions"].filter(pc.field("transaction_id") == transaction_id))
    candidates = list(rows(tables["candidates"].filter(pc.field("transaction_id") == transaction_id)))
    wanted = {row["connection_id"] for row in candidates}
    by_id = {
        row["connection_id"]: row for row in rows(tables["connections"]) if row["connection_id"] in wanted
    }
    raw = rows(tables["raw"].filter(pc.field("record_id") == transaction_id))
    return {
        "transaction": transaction,
        "raw": next((row["raw"] for row in raw), None),
        "candidates": [_joined(row, by_id[row["connection_id"]]) for row in candidates],
    }


def _joined(candidate: Row, connection: Row) -> Row:
    return candidate | {name: connection[name] for name in _CONNECTION}


def print_answer(entry: Mapping[str, Any], stream: TextIO) -> None:
    """The answer on a terminal: a sentence, the raw line, and a table of candidates."""
    from egresslog.report.layout import console, show
    from egresslog.report.neutralise import for_terminal

    to = console(stream)
    for sentence in _sentences(entry["transaction"]):
        to.print(for_terminal(sentence))
    if entry["raw"]:
        to.print(for_terminal(entry["raw"]), soft_wrap=True)
    if entry["candidates"]:
        show([_table(entry["candidates"], to.width)], to)


def _sentences(row: Row) -> list[str]:
    client = "/".join(filter(None, (row["cluster"], row["namespace"], row["pod"])))
    sure = f" (named by {row['attribution']}, {row['workload_confidence']:.4f})" if client else ""
    target = row["host"] or row["url"] or "no known host"
    first = f"{row['client_address'] or 'unknown client'} to {target}: {client or 'client not known'}{sure}"
    if row["reason"]:
        return [first, f"link: {row['link']}, {row['reason']}: {REASONS[row['reason']]}"]
    return [
        first,
        f"link: {row['link']}, {row['envoy_file']}:{row['envoy_line']}, confidence {row['confidence']:.4f}",
    ]


def _table(candidates: list[Row], width: int) -> RichTable:
    from egresslog.report.layout import Column, Line, layout

    kinds = [kind for kind in EVIDENCE if any(row[f"{kind}_weight"] for row in candidates)]
    heads = ["Posterior", "Weight", *kinds, "Start", "Sent"]
    lines = [
        Line(
            f"{row['pod'] or '?'} {row['envoy_file']}:{number(row['envoy_line'])}",
            [f"{row['posterior']:.4f}", f"{row['weight']:+.1f}",
             *(f"{row[f'{kind}_weight'] or 0:+.1f}" for kind in kinds),
             time(row["start"], with_date=False), size(row["bytes_sent"])],
        )
        for row in candidates
    ]  # fmt: skip
    return layout("Candidates, weights in log2", "Connection", [Column(head) for head in heads], lines, width)
