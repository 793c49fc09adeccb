"""All that is known of one link, or of none, as plain data: what JSON shows and every page is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from egresslog.correlation.fates import named_host
from egresslog.report.explanation.book import Book, Entry, some
from egresslog.report.explanation.odds import of_candidates
from egresslog.report.explanation.words import FATES, sentence
from egresslog.report.mask import masked
from egresslog.report.rows import Row, rows
from egresslog.schema import EVIDENCE, REASONS

OF_CONNECTION = (
    "envoy_file", "envoy_line", "start", "end", "namespace", "pod", "workload", "bytes_sent",
    "bytes_received",
)  # fmt: skip
OF_TRANSACTION = (
    "squid_file", "squid_line", "start", "end", "client_address", "method", "host", "port", "url", "result",
    "status", "bytes_down", "bytes_up", "link", "connection_id", "envoy_file", "envoy_line", "confidence",
)  # fmt: skip


def transaction_facts(book: Book, transaction_id: str) -> Row:
    """A transaction: its link, its client, its candidates best first, and what shares its connection."""
    entry = book.entries("transactions", "transaction_id", [transaction_id])[transaction_id]
    pairs = sorted(book.pairs("transaction_id", transaction_id), key=lambda pair: pair["rank"])
    found = book.entries("connections", "connection_id", (pair["connection_id"] for pair in pairs))
    raw = book.raw([transaction_id, *found])
    told = _Compared(book, found)
    candidates = [_paired(pair, found[pair["connection_id"]], OF_CONNECTION) for pair in pairs]
    for row in candidates:
        row |= {"raw": raw.get(row["connection_id"]), **told.evidence(entry, row)}
    return {
        "subject": "transaction",
        "transaction": entry.shown,
        "raw": raw.get(transaction_id),
        "why": REASONS.get(entry.shown["reason"] or ""),
        "clock": book.clock(entry.shown["proxy"]),
        "via": _with_raw(book, entry.shown["via"]),
        "candidates": candidates,
        **of_candidates(candidates, entry.shown["margin"]),
        "shared": _shared(book, entry.shown["connection_id"]),
    }


def connection_facts(book: Book, connection_id: str) -> Row:
    """A connection: its fate, the transactions it carried, and those that had it as a candidate."""
    mine = book.entries("connections", "connection_id", [connection_id])
    shown = mine[connection_id].shown
    pairs = book.pairs("connection_id", connection_id)
    found = book.entries("transactions", "transaction_id", (pair["transaction_id"] for pair in pairs))
    raw = book.raw([connection_id, *found])
    told = _Compared(book, mine)
    claims = [_paired(pair, found[pair["transaction_id"]], OF_TRANSACTION) for pair in pairs]
    for row in claims:
        carrier = row["connection_id"]
        row |= {"raw": raw.get(row["transaction_id"]), "candidate_id": connection_id}
        row |= told.evidence(found[row["transaction_id"]], row | {"connection_id": connection_id})
        row["connection_id"] = carrier
    return {
        "subject": "connection",
        "connection": shown,
        "raw": raw.get(connection_id),
        "meaning": FATES.get(shown["fate"], ""),
        "why": REASONS.get(shown["reason"] or ""),
        "carried_on": _carried_on(book, shown) if shown["fate"] == "hop" else [],
        "candidate_of": sorted(claims, key=_nearest),
        "shared": _shared(book, connection_id),
    }


def _nearest(claim: Row) -> tuple[float, float, str]:
    return (-claim["posterior"], -claim["weight"], claim["transaction_id"])


def _paired(pair: Row, other: Entry, columns: Sequence[str]) -> Row:
    """A candidate pair with columns of its other side."""
    return {**pair, **{name: other.shown[name] for name in columns}}


class _Compared:
    """The numbers that the evidence of these connections looks at."""

    def __init__(self, book: Book, connections: Mapping[str, Entry]) -> None:
        self.book, self.connections = book, connections
        self.met = book.at_proxy(entry.plain for entry in connections.values())
        self.lines = book.lines(connections)

    def evidence(self, transaction: Entry, pair: Row) -> Row:
        """What was compared, and each kind of evidence in words."""
        told = self._told(transaction.plain, pair["connection_id"])
        words = {kind: sentence(kind, pair[f"{kind}_weight"], told) for kind in EVIDENCE}
        return {"compared": told, "words": words}

    def _told(self, record: Row, connection_id: str) -> Row:
        """Times in us, Squid's moved to Envoy's clock; of a gateway's tunnel what the proxy met."""
        met, clock = self.met[connection_id], self.book.clock(record["proxy"])
        offset = int(clock["offset_us"] or 0) if clock else 0
        lines = [entry.plain for entry in self.lines.get(connection_id, ())]
        return {
            "start_us": _less(record["start"], met["start"], offset),
            "end_us": _less(record["end"], met["end"], offset),
            "client_address": record["client_address"],
            "upstream_local_address": met["upstream_local_address"],
            "client_port": record["client_port"],
            "upstream_local_port": met["upstream_local_port"],
            "bytes_down": record["bytes_down"],
            "bytes_sent": met["bytes_sent"],
            "bytes_up": record["bytes_up"] if record["bytes_up_source"] == "squid" else None,
            "bytes_received": met["bytes_received"],
            "host": record["host"],
            "named_host": named_host(self.connections[connection_id].plain),
            "lines": len(lines),
            "lines_bytes_down": _total(lines, "bytes_down"),
        }


def _less(squid: int | None, envoy: int | None, offset: int) -> int | None:
    return None if squid is None or envoy is None else squid - offset - envoy


def _shared(book: Book, connection_id: str | None) -> Row | None:
    """The transactions of one connection, and their bytes against its own."""
    if connection_id is None:
        return None
    lines = [entry.shown for entry in book.lines([connection_id]).get(connection_id, ())]
    connection = book.entries("connections", "connection_id", [connection_id])[connection_id].plain
    return {
        "transactions": [_brief(row) for row in lines],
        "bytes_down": _total(lines, "bytes_down"),
        "bytes_sent": connection["bytes_sent"],
        "bytes_up": _total(lines, "bytes_up"),
        "bytes_received": connection["bytes_received"],
    }


def _brief(row: Row) -> Row:
    return {name: row[name] for name in ("transaction_id", *OF_TRANSACTION)}


def _total(lines: Iterable[Row], column: str) -> int | None:
    """The sum, null where one is not known."""
    values = [row[column] for row in lines]
    return None if None in values else sum(values)


def _with_raw(book: Book, hops: Sequence[Row]) -> list[Row]:
    """The gateways' records with their raw lines."""
    if not hops:
        return []
    table = book.tables["connections"]
    near = some(table, "envoy_file", (hop["file"] for hop in hops)).select(
        ["connection_id", "envoy_file", "envoy_line"]
    )
    ids = {(row["envoy_file"], row["envoy_line"]): row["connection_id"] for row in near.to_pylist()}
    names = [ids.get((hop["file"], hop["line"]), "") for hop in hops]
    raw = book.raw(names)
    return [
        {**hop, "connection_id": name, "raw": raw.get(name)} for hop, name in zip(hops, names, strict=True)
    ]


def _carried_on(book: Book, connection: Row) -> list[Row]:
    """The transactions that went through a gateway's record."""
    import pyarrow.compute

    pc: Any = pyarrow.compute
    table = book.tables["transactions"]
    through = rows(masked(table.filter(pc.greater(pc.list_value_length(table["via"]), 0))))
    here = {"file": connection["envoy_file"], "line": connection["envoy_line"]}
    return [_brief(row) for row in through if here in row["via"]]
