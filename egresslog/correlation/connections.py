"""The rows of the connections and candidates tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from egresslog.correlation.fates import TO_PROXY, is_refused, known_host
from egresslog.correlation.reasons import Unmatched, why_unmatched
from egresslog.correlation.steps import PLAUSIBLE, Steps
from egresslog.correlation.tables import Row, connection_row, weight_columns
from egresslog.correlation.uploads import Settled, shared


def connection_rows(steps: Steps, settled: Settled) -> Iterator[Row]:
    """A row per Envoy record with its fate; one that a gateway carried on shares the gateway's fate."""
    ambiguous, several = _ambiguous(steps), shared(steps, settled)
    behind = {hop for row in steps.to_proxy for hop in steps.hops.chain(row)[1:]}
    for index, record in enumerate(steps.envoy):
        fate = steps.fates[index]
        if fate == TO_PROXY or index in behind:
            fate = _fate(steps, index, ambiguous)
        row = connection_row(record, steps.identities.owners[index], known_host(record))
        reason = _reason(steps, index, fate)
        flags = [*record["flags"], *(["shared"] if index in several else [])]
        yield row | {"transactions": steps.carried[index], "fate": fate, "reason": reason, "flags": flags}


def _fate(steps: Steps, index: int, ambiguous: Collection[int]) -> str:
    carried_on = steps.hops.previous[index] >= 0
    if carried_on or (steps.hops.is_gateway[index] and steps.carried[index]):
        return "hop"
    if steps.carried[index]:
        return "linked"
    return "ambiguous" if index in ambiguous else "unmatched"


def _ambiguous(steps: Steps) -> set[int]:
    """Envoy rows that an ambiguous transaction could have used."""
    posterior = steps.links.pairs.posterior
    return {
        steps.client_row(pair)
        for index, pairs in steps.pairs.items()
        if steps.kind(index) == "ambiguous"
        for pair in pairs
        if posterior[pair] >= PLAUSIBLE
    }


def _reason(steps: Steps, index: int, fate: str) -> str | None:
    """Why it is not linked; of a hop, why the hop before it is not known."""
    record = steps.envoy[index]
    if fate == "ambiguous":
        return "several_candidates"
    if fate in ("refused", "bypass") and is_refused(record):
        return "upstream_failed"
    if fate == "hop":
        return steps.hops.broken[index]
    if fate != "unmatched":
        return None
    contended = bool(steps.contenders.get(index))
    case = Unmatched(steps.closed[index], contended, record["upstream_local_address"] in steps.ported)
    return why_unmatched(case, steps.coverage)


def candidate_rows(steps: Steps) -> Iterator[Row]:
    """The candidates of each transaction, best first; each is named by the client's own connection."""
    pairs = steps.links.pairs
    for index, found in sorted(steps.pairs.items()):
        for rank, pair in enumerate(found, 1):
            weights = {kind: float(values[pair]) for kind, values in pairs.weights.items()}
            yield {
                "transaction_id": steps.squid[index]["record_id"],
                "connection_id": steps.envoy[steps.client_row(pair)]["record_id"],
                "rank": rank,
                **weight_columns(weights),
                "weight": float(pairs.weight[pair]),
                "posterior": float(pairs.posterior[pair]),
            }
