"""The stage: records of both sides -> transactions, connections, candidates and their balance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from egresslog.correlation.balance import Balance, balance
from egresslog.correlation.connections import candidate_rows, connection_rows
from egresslog.correlation.controls import Controls, controls
from egresslog.correlation.population import Population, population
from egresslog.correlation.proxies import Endpoint, Proxies, find_proxies
from egresslog.correlation.steps import Steps
from egresslog.correlation.tables import candidates_table, connections_table, transactions_table
from egresslog.correlation.transactions import transaction_rows
from egresslog.correlation.uploads import settled
from egresslog.identity.identify import identify
from egresslog.identity.pods import Pod
from egresslog.linking.clock import segments
from egresslog.linking.model import MISSING, ClockFit, Settings
from egresslog.parse.logs import Logs

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Clock:
    """A Squid instance's clock against an Envoy host's (linking.model.ClockFit, with names).

    ``offset`` is Squid minus Envoy in us, in the middle of the log; ``error`` is that of the estimate;
    ``spread`` is how far true pairs lie apart.
    """

    proxy: str
    host: str | None  # node, pod or log; None for an instance that met no Envoy
    offset: int
    error: int
    spread: int
    pairs: int
    method: str
    drift: float  # ppm
    zone: int  # us: the shift of whole quarters of an hour in ``offset``
    segments: tuple[tuple[int | None, int, float], ...]  # (from us, offset us, drift ppm)


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
    crowded: int  # lines with so many rivals that their confidence is estimated, on the low side
    controls: Controls | None  # None unless asked for


def correlate_logs(
    logs: Logs,
    pods: Sequence[Pod],
    settings: Settings,
    proxies: Collection[Endpoint] = (),
    *,
    controlled: bool = False,
) -> Correlated:
    """Link both sides, name the clients, and account for every record, in whatever order they come.

    ``controlled``: try the links by the controls, too.
    """
    logs = replace(logs, squid=_sorted(logs.squid), envoy=_sorted(logs.envoy))
    found = find_proxies(logs.squid, logs.envoy, proxies, settings.max_offset_us)
    steps = Steps(logs, identify(logs.envoy, pods, logs.trails), found, settings)
    return _tables(steps, controls(steps.passes, steps.linked) if controlled else None)


def _sorted(records: pa.Table) -> pa.Table:
    return records.sort_by([("end", "ascending"), ("record_id", "ascending")])


def _tables(steps: Steps, tried: Controls | None) -> Correlated:
    whole = settled(steps)
    transactions = transactions_table(transaction_rows(steps, whole))
    connections = connections_table(connection_rows(steps, whole))
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
        crowded=steps.links.crowded,
        controls=tried,
    )


def _clock(steps: Steps, fit: ClockFit) -> Clock:
    sides = steps.columns
    return Clock(
        proxy=sides.instances[fit.instance],
        host=None if fit.host == MISSING else sides.hosts[fit.host],
        offset=fit.offset,
        error=fit.error,
        spread=fit.spread,
        pairs=fit.pairs,
        method=fit.method,
        drift=fit.drift,
        zone=fit.zone,
        segments=tuple(segments(fit)),
    )
