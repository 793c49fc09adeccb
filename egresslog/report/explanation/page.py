"""The parts of an explanation, in order: sentences, raw lines, bars, and what else there was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from egresslog.report.explanation.chart import MOST, Chart, kinds_of
from egresslog.report.explanation.heads import connection_head, transaction_head
from egresslog.report.explanation.names import envoy_place, numbered, pod, squid_place, target
from egresslog.report.explanation.prose import Prose, RawLine
from egresslog.report.explanation.tables import candidates_table, claims_table, records_table, shared_table
from egresslog.report.layout import Sheet
from egresslog.report.rows import Row

_AGAINST = -0.5  # bits: what speaks against a candidate

_IN_WORDS = "in words, against a connection picked at random"

Block = Sheet | Chart | Prose | RawLine | str


def blocks(facts: Row, width: int) -> list[Block]:
    """What is shown, in order."""
    made = _of_transaction if facts["subject"] == "transaction" else _of_connection
    return list(made(facts, width))


def _of_transaction(facts: Row, width: int) -> Iterator[Block]:
    row, candidates = facts["transaction"], facts["candidates"]
    yield Prose(list(transaction_head(facts)), width)
    yield RawLine("Squid", f"{row['squid_file']}:{row['squid_line']}", facts["raw"])
    if candidates:
        linked = [one for one in candidates if one["connection_id"] == row["connection_id"]]
        one = next(iter(linked), candidates[0])
        yield RawLine("Envoy" if linked else "Envoy 1", envoy_place(one), one["raw"])
    for hop in facts["via"]:
        yield RawLine("Gateway", f"{hop['file']}:{hop['line']}", hop["raw"])
    yield ""
    if not candidates:
        return
    names = [numbered(i, pod(one)) for i, one in enumerate(candidates[:MOST], 1)]
    yield Chart(candidates, names, width, facts["prior"], facts["total"], facts["none"])
    yield from _words(candidates, width)
    if len(candidates) > 1:
        yield candidates_table(facts, width)
    if facts["shared"] and len(facts["shared"]["transactions"]) > 1:
        yield shared_table(facts["shared"], "Records on this connection", width, row["transaction_id"])


def _of_connection(facts: Row, width: int) -> Iterator[Block]:
    row, claims, carried = facts["connection"], facts["candidate_of"], facts["shared"]["transactions"]
    yield Prose(list(connection_head(facts)), width)
    yield RawLine("Envoy", envoy_place(row), facts["raw"])
    yield ""
    if carried:
        yield shared_table(facts["shared"], "Squid records it carried", width)
    if facts["carried_on"]:
        yield records_table(facts["carried_on"], "Squid records that went through it", width)
    if claims:
        names = [f"{squid_place(one)} {target(one)}" for one in claims[:MOST]]
        yield Chart(claims, [numbered(place, name) for place, name in enumerate(names, 1)], width)
        yield from _words(claims, width, first_whole=bool(carried))
        if any(claim["connection_id"] != row["connection_id"] for claim in claims):
            yield claims_table(claims, row["connection_id"], width)
    elif row["fate"] in ("unmatched", "ambiguous"):
        yield "No Squid record had it among its candidates."


def _words(pairs: Sequence[Row], width: int, *, first_whole: bool = True) -> Iterator[Prose | str]:
    """The first pair's evidence in words; of the others shown, what speaks against them."""
    for place, pair in enumerate(pairs[:MOST], 1):
        whole = first_whole and place == 1
        kinds = [kind for kind in kinds_of([pair]) if whole or pair[f"{kind}_weight"] < _AGAINST]
        if kinds:
            yield numbered(place, _IN_WORDS if whole else "what speaks against it")
            said = [(f"   {kind.replace('_', ' ')}", pair["words"][kind]) for kind in kinds]
            yield Prose(said, width)
