"""What an explanation begins with: the link or the fate, and who the client is, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from egresslog.report.explanation.names import client, endpoint, envoy_place, result, span, target
from egresslog.report.explanation.words import ATTRIBUTIONS, probability, times
from egresslog.report.human import seconds, size
from egresslog.report.rows import Row


def transaction_head(facts: Row) -> Iterator[tuple[str, str]]:
    """Heads and sentences on a transaction."""
    row = facts["transaction"]
    what = " ".join(filter(None, (row["method"], result(row)))) or "no more known"
    yield "request", f"{row['client_address'] or 'unknown client'} to {target(row)}, {what}"
    yield "link", _link(facts)
    if row["reason"]:
        yield "why", f"{row['reason']}: {facts['why']}"
    yield "client", _client(row)
    if facts["clock"] and facts["candidates"]:
        yield "clock", _clock(facts["clock"])


def connection_head(facts: Row) -> Iterator[tuple[str, str]]:
    """Heads and sentences on a connection."""
    row = facts["connection"]
    own = endpoint(row["upstream_local_address"], row["upstream_local_port"]) or "unknown"
    to = endpoint(row["upstream_address"], row["upstream_port"]) or row["upstream_cluster"] or "nowhere"
    carried = f"{size(row['bytes_sent'])} down, {size(row['bytes_received'])} up"
    yield "opened", f"{own} to {to}, {' to '.join(span(row))}, {carried}"
    yield "fate", f"{row['fate']}: {facts['meaning']}"
    if row["reason"]:
        yield "why", f"{row['reason']}: {facts['why']}"
    yield "client", client(row) or "not known"
    for place in sorted({envoy_place(one) for one in facts["carried_on"] if one["envoy_file"]}):
        yield "begun", f"as {place}"


def _link(facts: Row) -> str:
    row = facts["transaction"]
    if not facts["candidates"]:
        return f"{row['link']}: no connection could have carried it"
    if row["confidence"] is None:
        return str(row["link"])
    sure = f"{row['link']}, confidence {probability(row['confidence'])}"
    if row["margin"] is None:
        return sure
    rival = "none of these" if facts["none"] >= _second(facts["candidates"]) else "the runner-up"
    if abs(row["margin"]) < 0.05:
        return f"{sure}, as likely as {rival}"
    where = "ahead of" if row["margin"] > 0 else "behind"
    bits = abs(row["margin"])
    return f"{sure}, {bits:.1f} bits ({times(bits)}) {where} {rival}"


def _second(candidates: Sequence[Row]) -> float:
    return float(candidates[1]["posterior"]) if len(candidates) > 1 else 0.0


def _client(row: Row) -> str:
    if row["attribution"] is None:
        return "not known"
    sure = probability(row["workload_confidence"])
    return f"{client(row)}; {ATTRIBUTIONS[row['attribution']]}, probability {sure}"


def _clock(clock: Row) -> str:
    if not clock["links"]:
        return "nothing to estimate Squid's offset from; taken as Envoy's"
    if clock["method"] == "refused":
        return f"several offsets fit equally well; times are compared at {seconds(clock['offset_us'])}"
    if not clock["offset_us"]:
        return "Squid's agrees with Envoy's"
    ahead = "ahead of" if clock["offset_us"] > 0 else "behind"
    offset = seconds(abs(clock["offset_us"])).lstrip("+")
    return f"Squid's is {offset} {ahead} Envoy's; taken off before times are compared"
