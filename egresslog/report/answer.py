"""The answer to ``who``: one transaction, its client, and its candidates with their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from egresslog.errors import UsageError
from egresslog.report.human import number, size, time
from egresslog.report.rows import Row, rows
from egresslog.schema import EVIDENCE, REASONS

if TYPE_CHECKING:
    import pyarrow as pa

    from egresslog.report.layout import Sheet

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
    """``transaction``, its ``raw`` line, and ``candidates`` best first, each with its connection.

    Raises UsageError when there is no such transaction.
    """
    found = rows(_of(tables["transactions"], "transaction_id", transaction_id))
    raw = rows(_of(tables["raw"], "record_id", transaction_id))
    return {
        "candidates": list(rows(candidates_of(tables, transaction_id))),
        "transaction": next(found),
        "raw": next((row["raw"] for row in raw), None),
    }


def candidates_of(tables: Mapping[str, pa.Table], transaction_id: str) -> pa.Table:
    """The candidates of one transaction, best first, each with columns of its connection.

    Raises UsageError when there is no such transaction.
    """
    import pyarrow.compute

    pc: Any = pyarrow.compute
    if not len(_of(tables["transactions"], "transaction_id", transaction_id)):
        raise UsageError(f"no transaction {transaction_id!r} in this correlation")
    candidates, connections = tables["candidates"], tables["connections"]
    found = _of(candidates, "transaction_id", transaction_id)
    places = pc.index_in(found["connection_id"], connections["connection_id"])
    for name in _CONNECTION:
        found = found.append_column(connections.schema.field(name), connections[name].take(places))
    return found


def _of(table: pa.Table, column: str, value: str) -> pa.Table:
    import pyarrow.compute

    pc: Any = pyarrow.compute
    return table.filter(pc.equal(table[column], value))


def print_answer(entry: Mapping[str, Any], stream: TextIO) -> None:
    """The answer on a terminal: a sentence, the raw line, and a table of candidates."""
    from egresslog.report.printing import screen, show

    to = screen(stream)
    blocks: list[Sheet | str] = [*_sentences(entry["transaction"])]
    blocks += [entry["raw"]] if entry["raw"] else []
    blocks += [_table(entry["candidates"], to.width)] if entry["candidates"] else []
    show(blocks, to)


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


def _table(candidates: list[Row], width: int) -> Sheet:
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
