"""The rows of the transactions table: each Squid record, its link, its client, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from egresslog.correlation.attribution import Attribution, by_address, by_candidates, by_connection
from egresslog.correlation.reasons import Case, why_not_linked
from egresslog.correlation.steps import Steps
from egresslog.correlation.tables import Row, transaction_row
from egresslog.correlation.trust import Trust, Vote
from egresslog.correlation.uploads import Settled
from egresslog.linking.model import MISSING

# Squid connected to the host itself only with these hierarchy codes; with others, to a parent proxy.
_DIRECT = ("DIRECT", "ORIGINAL_DST", "PINNED")


def transaction_rows(steps: Steps, settled: Settled) -> Iterator[Row]:
    """A row per Squid record; where a gateway's client is not known, no link but the hop in ``via``."""
    trust = Trust.of(_votes(steps))
    for index, record in enumerate(steps.squid):
        chain = steps.chains[index]
        broken = bool(chain) and steps.hops.is_gateway[chain[-1]]
        linked = [] if broken else chain
        row = transaction_row(record, _attribution(steps, index, linked, broken, trust))
        row |= _link(steps, index, linked, broken) | _bytes_up(steps, index, settled)
        flags = [*record["flags"], *(["bytes_differ"] if _bytes_differ(steps, index, linked) else [])]
        via = _via(steps, chain, broken)
        yield row | {"destination_address": _destination(record), "via": via, "flags": flags}


def _link(steps: Steps, index: int, chain: list[int], broken: bool) -> Row:
    client = steps.envoy[chain[-1]] if chain else None
    links, kind = steps.links, "none" if broken else steps.kind(index)
    weighed = bool(links.candidates[index]) and not broken
    return {
        "link": kind,
        "connection_id": client["record_id"] if client else None,
        "envoy_file": client["file"] if client else None,
        "envoy_line": client["line"] if client else None,
        "confidence": float(links.confidence[index]) if weighed else None,
        "margin": _finite(links.margin[index]) if weighed else None,
        "candidates": int(links.candidates[index]),
        "reason": _reason(steps, index, kind, broken),
    }


def _via(steps: Steps, chain: list[int], broken: bool) -> list[Row]:
    """The gateways between client and proxy, nearest the client first."""
    hops = chain[::-1] if broken else chain[-2::-1]
    return [{"file": steps.envoy[hop]["file"], "line": steps.envoy[hop]["line"]} for hop in hops]


def _reason(steps: Steps, index: int, kind: str, broken: bool) -> str | None:
    if kind == "ambiguous" and steps.is_timeless(index):
        return "clock_unknown"
    if kind == "ambiguous":
        unlikely = steps.links.none_posterior[index] > steps.links.confidence[index]
        return "weak_candidates" if unlikely else "several_candidates"
    if kind != "none":
        return None
    return why_not_linked(_case(steps, index), steps.coverage, steps.identities.inventory)


def _case(steps: Steps, index: int) -> Case:
    groups, chain = steps.columns.groups, steps.chains[index]
    plain = groups.lines[index]
    return Case(
        record=steps.squid[index],
        moment=steps.moment(index),
        ended=steps.ended(index),
        key=plain or (groups.hidden_lines[index] if steps.translated else None),
        is_plain=plain is not None,
        broken=steps.hops.broken[chain[-1]] if chain else None,
        is_masked=_is_masked(steps, index),
        is_killed=index in steps.killed,
    )


def _attribution(
    steps: Steps, index: int, chain: list[int], broken: bool, trust: Trust
) -> Attribution | None:
    """Who the client is: by the link, by the candidates, by Squid's client address."""
    if broken:
        return None
    posterior = steps.links.pairs.posterior
    owners = [(steps.client(steps.client_row(pair)), float(posterior[pair])) for pair in steps.likely(index)]
    if chain:
        return by_connection(steps.client(chain[-1]), owners)
    named = by_candidates(owners)
    found = None if named is not None else _at_address(steps, index)
    if found is None:
        return named
    sure = trust.confidence(steps.squid[index]["client_address"], steps.moment(index))
    return replace(found, confidence=sure)


def _at_address(steps: Steps, index: int) -> Attribution | None:
    """The pod that had Squid's client address then; nobody where it is a gateway's, or masked."""
    record = steps.squid[index]
    if record["client_address"] in steps.gateways or _is_masked(steps, index):
        return None
    cluster = steps.clusters.get(record["proxy"])
    return by_address(record["client_address"], steps.moment(index), steps.identities.inventory, cluster)


def _votes(steps: Steps) -> Iterator[Vote]:
    """Of each linked line whether its address names the pod in whose log its connection stands."""
    for index, chain in enumerate(steps.chains):
        moment, address = steps.moment(index), steps.squid[index]["client_address"]
        client = steps.client(chain[-1]) if chain else None
        if client is None or moment is None or address is None:
            continue
        named = _at_address(steps, index)
        if named is not None:
            names = steps.identities.claims[chain[-1]] or {client.name}
            yield Vote(address, moment, named.pod.name in names)


def _is_masked(steps: Steps, index: int) -> bool:
    record = steps.squid[index]
    return (record["proxy"], record["client_address"]) in steps.columns.groups.masked


def _bytes_up(steps: Steps, index: int, settled: Settled) -> Row:
    """As Squid logged them, else the connection's where this record is alone on it."""
    if steps.squid[index]["bytes_up"] is not None:
        return {"bytes_up_source": "squid"}
    carrier = next(iter(steps.chains[index]), MISSING)
    received = steps.envoy[carrier]["bytes_received"] if len(settled.get(carrier, ())) == 1 else None
    return {"bytes_up": received, "bytes_up_source": None if received is None else "connection"}


def _bytes_differ(steps: Steps, index: int, chain: list[int]) -> bool:
    """True where a completed line is alone on its connection and the two sides counted other bytes.

    Client aborts do that, and so does a record that was tampered with.
    """
    if not chain or steps.carried[chain[0]] != 1 or (steps.squid[index]["status"] or 0) // 100 != 2:
        return False
    sent, down = steps.envoy[chain[0]]["bytes_sent"], steps.squid[index]["bytes_down"]
    return None not in (sent, down) and bool(down != sent + steps.heads.get(chain[0], 0))


def _destination(record: Row) -> str | None:
    """The host's address; null where Squid connected to a parent proxy."""
    direct = (record["hierarchy"] or "DIRECT").endswith(_DIRECT)
    return record["destination_address"] if direct else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
