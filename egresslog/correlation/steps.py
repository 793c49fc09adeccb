"""The steps between records and tables, each computed once, when first asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from egresslog.arrow import rows_of, values_of
from egresslog.correlation.clocks import envoys_on_reference_time, on_reference_time
from egresslog.correlation.columns import Columns, columns
from egresslog.correlation.coverage import Coverage, coverage
from egresslog.correlation.fates import TO_PROXY, fate_before_linking
from egresslog.correlation.hops import Hops, find_hops
from egresslog.correlation.losses import Line, killed
from egresslog.correlation.own_clients import own_clients
from egresslog.correlation.parts import find_parts
from egresslog.correlation.passes import Linked, Passes
from egresslog.correlation.proxies import Proxies
from egresslog.correlation.tables import Row
from egresslog.identity.identify import Identities
from egresslog.identity.pods import Pod
from egresslog.linking.model import MISSING_TIME, Links, Settings
from egresslog.parse.logs import Logs
from egresslog.schema import LINKS

if TYPE_CHECKING:
    import pyarrow as pa

# A connection counts as a candidate of a line from this posterior on.
PLAUSIBLE = 0.01
FEWEST_LINKS = 10  # of a Squid instance, all to one cluster, show that it serves no other


class Steps:
    """What is known after each step; rows of both sides are numbered as in the records tables."""

    def __init__(self, logs: Logs, identities: Identities, proxies: Proxies, settings: Settings) -> None:
        self.logs, self.identities, self.proxies, self.settings = logs, identities, proxies, settings
        self.squid: list[Row] = rows_of(logs.squid.drop_columns(["raw"]))
        self.envoy: list[Row] = rows_of(logs.envoy.drop_columns(["raw"]))

    @cached_property
    def fates(self) -> list[str]:
        fates = [fate_before_linking(row, self.proxies) for row in self.envoy]
        return ["part" if index in self.parts else fate for index, fate in enumerate(fates)]

    @cached_property
    def parts(self) -> Mapping[int, int]:
        """Envoy rows that are a part of a connection, and the row that is the connection."""
        return find_parts(self.envoy)

    @cached_property
    def to_proxy(self) -> list[int]:
        """The Envoy rows that went to the proxy."""
        return [index for index, fate in enumerate(self.fates) if fate == TO_PROXY]

    @cached_property
    def hops(self) -> Hops:
        own = own_clients(self.logs.envoy, self.identities.owners)
        return find_hops(self.logs.envoy, self.parts, own)

    @cached_property
    def columns(self) -> Columns:
        reach = self.settings.max_offset_us
        return columns(self.logs.squid, self.logs.envoy, self.to_proxy, self.identities, reach)

    @cached_property
    def heads(self) -> Mapping[int, int]:
        """Bytes that Squid counts more than an Envoy row, where there are any."""
        rows = zip(self.columns.rows.tolist(), self.columns.heads.tolist(), strict=True)
        return {row: head for row, head in rows if head}

    @cached_property
    def passes(self) -> Passes:
        sides = self.columns
        return Passes.of(sides.transactions, sides.connections, sides.groups, self.settings)

    @cached_property
    def linked(self) -> Linked:
        return self.passes.link()

    @property
    def links(self) -> Links:
        return self.linked.links

    def is_timeless(self, index: int) -> bool:
        """True where Squid's clock could not be told when it wrote this transaction."""
        return bool(self.links.timeless[index])

    @cached_property
    def coverage(self) -> Coverage:
        """What both logs cover, on reference time."""
        squid = on_reference_time(self.logs.squid, self.columns, self.links)
        owners, groups = self.identities.owners, self.columns.groups
        return coverage(squid, self.timed_envoy, owners, self.to_proxy, groups)

    @cached_property
    def timed_envoy(self) -> pa.Table:
        """Envoy's records on reference time."""
        return envoys_on_reference_time(self.logs.envoy, self.columns, self.links)

    @cached_property
    def closed(self) -> list[int | None]:
        """When each Envoy row ended, on reference time."""
        return values_of(self.timed_envoy, "end")

    @cached_property
    def killed(self) -> set[int]:
        """Squid rows whose sidecar was killed before it wrote its line."""
        lines: defaultdict[str, list[Line]] = defaultdict(list)
        for index, key in enumerate(self.columns.groups.lines):
            end = self.ended(index)
            if key is not None and end is not None and key in self.coverage.pods:
                lines[key].append(Line(end, index, self.kind(index) != "none"))
        covered = self.coverage
        return {
            row for key, some in lines.items() for row in killed(some, covered.written(key), covered.last)
        }

    @cached_property
    def chains(self) -> list[list[int]]:
        """For each Squid row the Envoy rows that carried it, the proxy's side first; [] without a link."""
        chosen = self.links.connection
        return [self.hops.chain(int(self.columns.rows[row])) if row >= 0 else [] for row in chosen]

    @cached_property
    def translated(self) -> bool:
        """True where lines behind a node, or of an address no Envoy used, found their connections."""
        hidden = self.columns.groups.hidden_lines
        linked = zip(self.links.connection, hidden, strict=True)
        return any(row >= 0 and key is not None for row, key in linked)

    @cached_property
    def carried(self) -> Counter[int]:
        """How many transactions each Envoy row carried, gateways included."""
        return Counter(row for chain in self.chains for row in chain)

    @cached_property
    def pairs(self) -> Mapping[int, Sequence[int]]:
        """The candidate pairs of each Squid row, best first."""
        pairs = self.links.pairs
        found: defaultdict[int, list[int]] = defaultdict(list)
        for pair in pairs.best_first:
            found[int(pairs.transaction[pair])].append(int(pair))
        return found

    @cached_property
    def contenders(self) -> Mapping[int, set[int]]:
        """For each Envoy row at the proxy the Squid rows that could plausibly have used it."""
        pairs = self.links.pairs
        found: defaultdict[int, set[int]] = defaultdict(set)
        for pair in np.flatnonzero(pairs.posterior >= PLAUSIBLE):
            found[int(self.columns.rows[pairs.connection[pair]])].add(int(pairs.transaction[pair]))
        return found

    @cached_property
    def gateways(self) -> set[str | None]:
        """Addresses that connected to the proxy on behalf of others."""
        rows = (index for index in self.to_proxy if self.hops.is_gateway[index])
        return {self.envoy[index]["upstream_local_address"] for index in rows}

    @cached_property
    def clusters(self) -> dict[str, str | None]:
        """The cluster that a Squid instance serves, of those whose linked lines are all of one."""
        found: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
        for record, chain in zip(self.squid, self.chains, strict=True):
            if chain:
                found[record["proxy"]][self.envoy[chain[-1]]["cluster"]] += 1
        alone = {proxy: some for proxy, some in found.items() if len(some) == 1}
        return {p: next(iter(some)) for p, some in alone.items() if some.total() >= FEWEST_LINKS}

    def kind(self, index: int) -> str:
        """The link class of a Squid row; candidates that are not likely enough leave it ambiguous.

        But not where the only ground for candidates is a translation that no link bears out.
        """
        kind = LINKS[int(self.links.link[index])]
        grounded = self.translated or self.columns.groups.lines[index] is not None
        return "ambiguous" if kind == "none" and grounded and self.likely(index) else kind

    def likely(self, index: int) -> list[int]:
        """The plausible candidate pairs of a Squid row, best first."""
        posterior = self.links.pairs.posterior
        return [pair for pair in self.pairs.get(index, ()) if posterior[pair] >= PLAUSIBLE]

    def client_row(self, pair: int) -> int:
        """The Envoy row nearest the client of a candidate pair."""
        return self.hops.chain(int(self.columns.rows[self.links.pairs.connection[pair]]))[-1]

    def client(self, row: int) -> Pod | None:
        """The pod behind an Envoy row; nobody where the row is a gateway's and its client is not known."""
        return None if self.hops.is_gateway[row] else self.identities.owners[row]

    def moment(self, index: int) -> int | None:
        """When a transaction began (ended, where that is all there is), on reference time."""
        moment = int(self.links.moment[index])
        return None if moment == MISSING_TIME else moment

    def ended(self, index: int) -> int | None:
        """When a transaction ended, on reference time."""
        record, moment = self.squid[index], self.moment(index)
        if moment is None or record["end"] is None:
            return None
        lasted = 0 if record["start"] is None else record["end"] - record["start"]
        return moment + int(lasted)

    @cached_property
    def ported(self) -> set[str | None]:
        """Addresses that Squid logged with their ports, as the Envoys have them."""
        keys = zip(self.columns.groups.lines, self.squid, strict=True)
        return {key for key, record in keys if key is not None and record["client_port"] is not None}
