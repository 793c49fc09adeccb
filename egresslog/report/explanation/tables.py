"""Tables beside an explanation: other candidates, what shares the connection, who else wanted it."""

from __future__ import annotations

from collections.abc import Sequence

from egresslog.report.explanation.names import (
    client,
    clock_time,
    connection,
    numbered,
    result,
    short,
    span,
    squid_place,
    target,
)
from egresslog.report.explanation.words import probability
from egresslog.report.human import number, size
from egresslog.report.layout import Column, Line, Sheet, layout
from egresslog.report.rows import Row

_LISTED = 8
_BLANK = ("", "", "", "")


def overview_table(transactions: Sequence[Row], width: int) -> Sheet:
    """Several transactions, a line each: the client, where to, and how sure both are."""
    heads = [Column("Client"), Column("Host"), Column("Link"), Column("Client sure"), Column("End", 1)]
    lines = [
        Line(
            squid_place(row),
            [client(row), target(row), row["link"], probability(row["workload_confidence"]),
             clock_time(row["end"])],
        )
        for row in transactions
    ]  # fmt: skip
    return layout("Records of this client at that moment", "Squid record", heads, lines, width)


def candidates_table(facts: Row, width: int) -> Sheet:
    """The best candidates, and beside them "none of these"."""
    listed = facts["candidates"][:_LISTED]
    heads = [Column("Probability"), Column("Bits"), Column("Start"), Column("End", 1), Column("Sent", 2)]
    lines = [
        Line(
            numbered(i, connection(row)),
            [probability(row["posterior"]), f"{row['weight']:+.1f}", *span(row), size(row["bytes_sent"])],
        )
        for i, row in enumerate(listed, 1)
    ]
    rest = facts["candidates"][_LISTED:]
    if rest:
        sure = probability(sum(row["posterior"] for row in rest))
        lines.append(Line(f"and {number(len(rest))} more", [sure, "", "", "", ""]))
    lines.append(Line("none of these", [probability(facts["none"]), "", "", "", ""]))
    return layout("Candidates", "Connection", heads, lines, width)


def shared_table(shared: Row, title: str, width: int, asked: str | None = None) -> Sheet:
    """The records of one connection, and their sums beside what Envoy counted; ``asked`` is marked."""
    sums = [size(shared[name]) for name in ("bytes_down", "bytes_up", "bytes_sent", "bytes_received")]
    together = Line(f"together {len(shared['transactions'])}", [*_BLANK, *sums[:2]], "bold")
    envoy = Line("by Envoy", [*_BLANK, *sums[2:]], "bold")
    return records_table(shared["transactions"], title, width, asked, (together, envoy))


def records_table(
    records: Sequence[Row], title: str, width: int, asked: str | None = None, sums: Sequence[Line] = ()
) -> Sheet:
    """Squid records, a line each; ``asked`` is marked."""
    heads = [Column("Host"), Column("Link", 3), Column("Result", 2), Column("End", 1)]
    heads += [Column("Down"), Column("Up")]
    lines = [_record_line(row, asked) for row in records]
    return layout(title, "Squid record", heads, [*lines, *sums], width)


def claims_table(claims: Sequence[Row], connection_id: str, width: int) -> Sheet:
    """The Squid records that had a connection as a candidate, and where they went."""
    heads = [Column("Host"), Column("Probability"), Column("Bits"), Column("Went to")]
    lines = [
        Line(
            numbered(place, squid_place(row)),
            [target(row), probability(row["posterior"]), f"{row['weight']:+.1f}", _went(row, connection_id)],
        )
        for place, row in enumerate(claims[:_LISTED], 1)
    ]
    if len(claims) > _LISTED:
        lines.append(Line(f"and {number(len(claims) - _LISTED)} more"))
    return layout("Squid records that had it as a candidate", "Squid record", heads, lines, width)


def _record_line(row: Row, asked: str | None) -> Line:
    mark = "> " if row["transaction_id"] == asked else "  " if asked else ""
    cells = [target(row), row["link"], result(row) or "?", clock_time(row["end"])]
    sizes = [size(row["bytes_down"]), size(row["bytes_up"])]
    return Line(f"{mark}{squid_place(row)}", [*cells, *sizes])


def _went(row: Row, connection_id: str) -> str:
    if row["connection_id"] == connection_id:
        return "here"
    return short(row["envoy_file"], row["envoy_line"]) if row["connection_id"] else str(row["link"])
