"""Link transactions to connections: clock, candidates, evidence, ways, posteriors, classes."""

from __future__ import annotations

import dataclasses

import numpy as np

from egresslog.linking.align import Aligned, align_both, slack
from egresslog.linking.candidates import Ports, find_candidates, find_ports
from egresslog.linking.clock import fit_clocks
from egresslog.linking.confidence import classify
from egresslog.linking.evidence import Parameters, observe, weigh
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import (
    ClockFit,
    ConnectionColumns,
    Ints,
    Links,
    Model,
    Pairs,
    Settings,
    TransactionColumns,
    taken,
)
from egresslog.linking.parameters import estimate
from egresslog.linking.pool import Pool
from egresslog.linking.solution import Solution, solve

_HOPELESS = 18.0  # bits against a pair from which no prior of a group makes it likely


def link(
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    settings: Settings | None = None,
    model: Model | None = None,
    clocks: tuple[ClockFit, ...] | None = None,
) -> Links:
    """Link each transaction to the connection that carried it, or say how far that can be told.

    Times are us; the result does not depend on the order of the rows on either side. With a
    ``model`` (``Links.model``) neither clocks nor parameters are learned anew, and ports are trusted
    as there; with ``clocks`` alone those are not.
    """
    lines, others = _canonical(transactions), _canonical(connections)
    sides = taken(transactions, lines), taken(connections, others)
    links = _link(*sides, settings or Settings(), model, model.clocks if model else clocks)
    return _restore(links, lines, others)


def _link(
    transactions: TransactionColumns,
    connections: ConnectionColumns,
    settings: Settings,
    model: Model | None,
    clocks: tuple[ClockFit, ...] | None,
) -> Links:
    if clocks is None:
        clocks = fit_clocks(transactions, connections, settings)
    both = align_both(transactions, connections, clocks)
    settings = dataclasses.replace(settings, lead_us=max(settings.lead_us, slack(clocks)))
    meeting = Meeting(both.transactions, both.connections, settings)
    ports = find_ports(meeting, model.port_shares if model else None)
    parameters = model.parameters if model else estimate(meeting, ports)
    pool, dropped = _weighed(meeting, ports, parameters)
    solution = solve(meeting, ports, pool, parameters)
    learned = Model(clocks, parameters, ports.by_group(meeting))
    return _conclude(solution, meeting, both, ports, learned, dropped)


def _weighed(meeting: Meeting, ports: Ports, parameters: Parameters) -> tuple[Pool, int]:
    """The pairs that could be likely under any prior, and how many others there were."""
    pools, dropped = [], 0
    for rows in meeting.parts():
        left, right = find_candidates(meeting, ports, rows)
        features = observe(meeting, left, right, ports.share)
        pool = Pool(left, right, weigh(features, parameters), features.whole)
        kept = pool.weight + parameters.prior > -_HOPELESS
        dropped += int((~kept).sum())
        pools.append(pool.take(kept))
    return (Pool.concatenate(pools) if pools else Pool.empty()), dropped


def _conclude(
    solution: Solution, meeting: Meeting, both: Aligned, ports: Ports, model: Model, dropped: int
) -> Links:
    pool, posterior, lines = solution.pool, solution.posterior, len(meeting.transactions)
    left, right = pool.transaction, pool.connection
    none = np.maximum(1.0 - np.bincount(left, posterior, lines), 0.0)
    by_port = ports.survives[left] & (meeting.transactions.port[left] == meeting.connections.port[right])
    pairs = Pairs(left, right, pool.weights, pool.weight, posterior)
    verdict = classify(pairs, none, by_port, both.timeless)
    return Links(
        connection=verdict.connection,
        link=verdict.link,
        confidence=verdict.confidence,
        margin=verdict.margin,
        candidates=np.bincount(left, minlength=lines),
        none_posterior=none,
        pairs=pairs,
        model=model,
        pruned=dropped + solution.dropped,
        crowded=solution.crowded,
        moment=both.moment,
        timeless=both.timeless,
    )


def _canonical(columns: TransactionColumns | ConnectionColumns) -> Ints:
    """An order of the rows that depends on their content only."""
    values = [getattr(columns, field.name) for field in dataclasses.fields(columns)]
    return np.lexsort(values[::-1])


def _restore(links: Links, lines: Ints, others: Ints) -> Links:
    """The links with rows numbered as the caller did."""
    back = np.argsort(lines)
    per_line = ("link", "confidence", "margin", "candidates", "none_posterior", "moment", "timeless")
    return dataclasses.replace(
        links,
        connection=np.append(others, -1)[links.connection][back],
        pairs=_renumbered(links.pairs, lines, others),
        **{column: getattr(links, column)[back] for column in per_line},
    )


def _renumbered(pairs: Pairs, lines: Ints, others: Ints) -> Pairs:
    left, right = lines[pairs.transaction], others[pairs.connection]
    order = np.lexsort((right, left))
    weights = {kind: values[order] for kind, values in pairs.weights.items()}
    return Pairs(left[order], right[order], weights, pairs.weight[order], pairs.posterior[order])
