"""The stage: records of both sides -> transactions, connections, candidates and their balance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from egresslog.correlation.balance import Balance, balance
from egresslog.correlation.connections import candidate_rows, connection_rows
from egresslog.correlation.population import Population, population
from egresslog.correlation.proxies import Endpoint, Proxies, find_proxies
from egresslog.correlation.steps import Steps
from egresslog.correlation.tables import candidates_table, connections_table, transactions_table
from egresslog.correlation.transactions import transaction_rows
from egresslog.identity.identify import identify
from egresslog.identity.pods import Pod
from egresslog.linking.model import ClockFit, Settings
from egresslog.parse.logs import Logs

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Clock:
    """A Squid instance's clock: ``offset`` is Squid minus Envoy in us, ``error`` its spread."""

    proxy: str
    offset: int
    error: int
    pairs: int
    method: str


@dataclass(frozen=True)
class Correlated:
    """The result of the stage; tables follow schema.py."""

    transactions: pa.Table
    connections: pa.Table
    candidates: pa.Table
    balance: Balance
    clocks: tuple[Clock, ...]
    proxies: Proxies
    population: Population
    pruned: int  # candidates left out, because both their ends have much better ones


def correlate_logs(
    logs: Logs, pods: Sequence[Pod], settings: Settings, proxies: Collection[Endpoint] = ()
) -> Correlated:
    """Link both sides, name the clients, and account for every record, in whatever order they come."""
    logs = replace(logs, squid=_sorted(logs.squid), envoy=_sorted(logs.envoy))
    found = find_proxies(logs.squid, logs.envoy, proxies, settings.max_offset_us)
    return _tables(Steps(logs, identify(logs.envoy, pods, logs.trails), found, settings))


def _sorted(records: pa.Table) -> pa.Table:
    return records.sort_by([("end", "ascending"), ("record_id", "ascending")])


def _tables(steps: Steps) -> Correlated:
    transactions = transactions_table(transaction_rows(steps))
    connections = connections_table(connection_rows(steps))
    logs = steps.logs
    return Correlated(
        transactions=transactions,
        connections=connections,
        candidates=candidates_table(candidate_rows(steps)),
        balance=balance(logs.files, (logs.squid, logs.envoy), transactions, connections),
        clocks=tuple(_clock(steps, fit) for fit in steps.links.clocks),
        proxies=steps.proxies,
        population=population(steps, transactions),
        pruned=steps.links.pruned,
    )


def _clock(steps: Steps, fit: ClockFit) -> Clock:
    return Clock(steps.columns.instances[fit.instance], fit.offset, fit.error, fit.pairs, fit.method)
