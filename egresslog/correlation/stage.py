"""The stage: records of both sides -> transactions, connections, candidates and their balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from egresslog.arrow import rows_of
from egresslog.correlation.attribution import Attribution, by_address, by_candidates, by_connection
from egresslog.correlation.balance import Balance, balance
from egresslog.correlation.columns import Columns, columns
from egresslog.correlation.fates import TO_PROXY, fate_before_linking, known_host
from egresslog.correlation.hops import Hops, find_hops
from egresslog.correlation.proxies import Endpoint, Proxies, find_proxies
from egresslog.correlation.reasons import Coverage, coverage, why_not_linked, why_unmatched
from egresslog.correlation.tables import (
    Row,
    candidates_table,
    connection_row,
    connections_table,
    transaction_row,
    transactions_table,
    weight_columns,
)
from egresslog.identity.identify import Identities, identify
from egresslog.identity.pods import Pod
from egresslog.linking.link import link
from egresslog.linking.model import ClockFit, Links, Settings
from egresslog.parse.logs import Logs
from egresslog.schema import LINKS

if TYPE_CHECKING:
    import pyarrow as pa

# A connection counts as a candidate of an ambiguous line from this posterior on.
PLAUSIBLE = 0.01


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


def correlate_logs(
    logs: Logs, pods: Sequence[Pod], settings: Settings, proxies: Collection[Endpoint] = ()
) -> Correlated:
    """Link both sides, name the clients, and account for every record."""
    found = find_proxies(logs.squid, logs.envoy, proxies)
    return _Stage(logs, identify(logs.envoy, pods), found, settings).correlated()


class _Stage:
    """What the steps after linking share; each property is computed once."""

    def __init__(self, logs: Logs, identities: Identities, proxies: Proxies, settings: Settings) -> None:
        self.logs, self.identities, self.proxies, self.settings = logs, identities, proxies, settings
        self.squid: list[Row] = rows_of(logs.squid.drop_columns(["raw"]))
        self.envoy: list[Row] = rows_of(logs.envoy.drop_columns(["raw"]))

    def correlated(self) -> Correlated:
        transactions = transactions_table(self._transactions())
        connections = connections_table(self._connections())
        return Correlated(
            transactions=transactions,
            connections=connections,
            candidates=candidates_table(self._candidates()),
            balance=balance(self.logs.files, transactions, connections),
            clocks=tuple(self._clock(fit) for fit in self.links.clocks),
            proxies=self.proxies,
        )

    # The steps' results, each computed when first asked for.

    @cached_property
    def fates(self) -> list[str]:
        return [fate_before_linking(row, self.proxies) for row in self.envoy]

    @cached_property
    def hops(self) -> Hops:
        return find_hops(self.logs.envoy)

    @cached_property
    def gateways(self) -> set[str | None]:
        """Addresses that connected to the proxy on behalf of others."""
        return {
            row["upstream_local_address"]
            for index, row in enumerate(self.envoy)
            if self._to_proxy(index) and self.hops.is_gateway[index]
        }

    @cached_property
    def columns(self) -> Columns:
        to_proxy = [index for index, fate in enumerate(self.fates) if fate == TO_PROXY]
        return columns(self.logs.squid, self.logs.envoy, to_proxy, self.identities.inventory)

    @cached_property
    def links(self) -> Links:
        return link(self.columns.transactions, self.columns.connections, self.settings)

    @cached_property
    def coverage(self) -> Coverage:
        offsets = [fit.offset for fit in self.links.clocks]
        return coverage(self.logs.squid, self.logs.envoy, int(np.median(offsets)) if offsets else 0)

    @cached_property
    def linked(self) -> list[list[int]]:
        """For each Squid row the Envoy rows that carried it, the proxy's side first; [] without a link."""
        return [
            self.hops.chain(int(self.columns.rows[chosen])) if chosen >= 0 else []
            for chosen in self.links.connection
        ]

    @cached_property
    def carried(self) -> Counter[int]:
        """How many transactions each Envoy row carried, gateways included."""
        return Counter(row for chain in self.linked for row in chain)

    @cached_property
    def pairs(self) -> Mapping[int, list[int]]:
        """The candidate pairs of each Squid row, best first."""
        order = np.lexsort((self.links.pairs.connection, -self.links.pairs.posterior))
        found: defaultdict[int, list[int]] = defaultdict(list)
        for pair in order:
            found[int(self.links.pairs.transaction[pair])].append(int(pair))
        return found

    def _client_row(self, pair: int) -> int:
        """The Envoy row nearest the client of a candidate pair."""
        return self.hops.chain(int(self.columns.rows[self.links.pairs.connection[pair]]))[-1]

    # Rows of the tables.

    def _transactions(self) -> Iterator[Row]:
        for index, record in enumerate(self.squid):
            chain = self.linked[index]
            attribution = self._attribution(index, chain)
            cluster = self.envoy[chain[-1]]["cluster"] if chain else None
            row = transaction_row(record, attribution, cluster)
            yield row | self._link_columns(index, chain) | self._bytes_up(record, chain)

    def _link_columns(self, index: int, chain: list[int]) -> Row:
        kind = LINKS[int(self.links.link[index])]
        client = self.envoy[chain[-1]] if chain else None
        has_candidates = bool(self.links.candidates[index])
        return {
            "link": kind,
            "connection_id": client["record_id"] if client else None,
            "envoy_file": client["file"] if client else None,
            "envoy_line": client["line"] if client else None,
            "via": [
                {"file": self.envoy[hop]["file"], "line": self.envoy[hop]["line"]} for hop in chain[-2::-1]
            ],
            "confidence": float(self.links.confidence[index]) if has_candidates else None,
            "margin": _finite(self.links.margin[index]) if has_candidates else None,
            "candidates": int(self.links.candidates[index]),
            "reason": self._reason(index, kind),
        }

    def _reason(self, index: int, kind: str) -> str | None:
        if kind == "ambiguous":
            return "several_candidates"
        if kind != "none":
            return None
        return why_not_linked(
            self.squid[index], self._moment(index), self.coverage, self.identities.inventory
        )

    def _moment(self, index: int) -> int | None:
        """When the transaction began (ended, where that is all there is), on Envoy's clock."""
        side, offsets = self.columns.transactions, {fit.instance: fit.offset for fit in self.links.clocks}
        record = self.squid[index]
        known = side.start[index] if record["start"] is not None else side.end[index]
        if record["start"] is None and record["end"] is None:
            return None
        return int(known) - offsets.get(int(side.instance[index]), 0)

    def _attribution(self, index: int, chain: list[int]) -> Attribution | None:
        if chain:
            return by_connection(self._client(chain[-1]), float(self.links.confidence[index]))
        address, moment = self.squid[index]["client_address"], self._moment(index)
        likely = [
            (self._client(self._client_row(pair)), float(self.links.pairs.posterior[pair]))
            for pair in self.pairs.get(index, ())
            if self.links.pairs.posterior[pair] >= PLAUSIBLE
        ]
        if found := by_candidates(likely):
            return found
        return None if address in self.gateways else by_address(address, moment, self.identities.inventory)

    def _client(self, row: int) -> Pod | None:
        """The pod behind an Envoy row; nobody where the row is a gateway's and its client is not known."""
        return None if self.hops.is_gateway[row] else self.identities.owners[row]

    def _bytes_up(self, record: Row, chain: list[int]) -> Row:
        if record["bytes_up"] is not None:
            return {"bytes_up_source": "squid"}
        received = self.envoy[chain[0]]["bytes_received"] if chain and self.carried[chain[0]] == 1 else None
        return {"bytes_up": received, "bytes_up_source": None if received is None else "connection"}

    def _connections(self) -> Iterator[Row]:
        doubtful = self._ambiguous_rows()
        behind = {
            hop for row in range(len(self.envoy)) for hop in self.hops.chain(row)[1:] if self._to_proxy(row)
        }
        for index, record in enumerate(self.envoy):
            fate = self.fates[index]
            if fate == TO_PROXY or index in behind:
                fate = self._fate(index, doubtful)
            row = connection_row(record, self.identities.owners[index], known_host(record))
            yield row | {
                "transactions": self.carried[index],
                "fate": fate,
                "reason": self._connection_reason(record, fate),
            }

    def _to_proxy(self, index: int) -> bool:
        return self.fates[index] == TO_PROXY

    def _fate(self, index: int, doubtful: Collection[int]) -> str:
        if self.hops.previous[index] >= 0:
            return "hop"
        if self.carried[index]:
            return "linked"
        return "ambiguous" if index in doubtful else "unmatched"

    def _ambiguous_rows(self) -> set[int]:
        """Envoy rows that an ambiguous transaction could have used."""
        ambiguous = LINKS.index("ambiguous")
        return {
            self._client_row(pair)
            for index, pairs in self.pairs.items()
            if self.links.link[index] == ambiguous
            for pair in pairs
            if self.links.pairs.posterior[pair] >= PLAUSIBLE
        }

    def _connection_reason(self, record: Row, fate: str) -> str | None:
        if fate == "ambiguous":
            return "several_candidates"
        if fate == "refused":
            return "upstream_failed"
        if fate != "unmatched":
            return None
        return why_unmatched(record["end"], self.coverage)

    def _candidates(self) -> Iterator[Row]:
        pairs = self.links.pairs
        for index, found in sorted(self.pairs.items()):
            for rank, pair in enumerate(found, 1):
                yield {
                    "transaction_id": self.squid[index]["record_id"],
                    "connection_id": self.envoy[self._client_row(pair)]["record_id"],
                    "rank": rank,
                    **weight_columns({kind: float(values[pair]) for kind, values in pairs.weights.items()}),
                    "weight": float(pairs.weight[pair]),
                    "posterior": float(pairs.posterior[pair]),
                }

    def _clock(self, fit: ClockFit) -> Clock:
        return Clock(self.columns.instances[fit.instance], fit.offset, fit.error, fit.pairs, fit.method)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
