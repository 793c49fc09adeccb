"""Every machine has one clock: Squid instances and Envoy hosts, all against one reference.

An instance is estimated from the hosts that are known, then the other hosts from the instance, and so on:
a tree over the machines, those that meet most first. The first instance is estimated from all its hosts
together; those that agree are the reference. Machines that never meet have references of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from egresslog.linking.estimate import Estimate, estimate
from egresslog.linking.meetings import Agreement, Meeting, meetings, met
from egresslog.linking.model import ConnectionColumns, Track, TransactionColumns
from egresslog.linking.tracks import STEADY, negative, steady

_ENOUGH = 20  # connections from which a host speaks for itself
_AGREES = 0.5  # share of them that must meet a line
_ASKED = 8  # hosts looked at one by one where all together are refused


@dataclass(frozen=True)
class Told:
    """How the clocks of an instance and a host were told."""

    estimate: Estimate
    method: str
    pairs: int


@dataclass
class Machines:
    """What is known so far: every machine's clock, and how each pair was told."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    reach: int
    squid: dict[int, Track] = field(default_factory=dict)
    envoy: dict[int, Track] = field(default_factory=dict)
    told: dict[tuple[int, int], Told] = field(default_factory=dict)
    zones: dict[tuple[str, int], int] = field(default_factory=dict)

    def solve(self) -> None:
        """Tell every clock, the machines that meet the most known ones first."""
        meet = met(self.transactions, self.connections)
        while len(self.squid) < len(meet):
            pending = [one for one in sorted(meet) if one not in self.squid]
            best = max(pending, key=lambda one: (*self._evidence(meet[one]), -one))
            self._instance(best, meet[best])

    def zone(self, instance: int, host: int) -> int:
        """The part of the pair's offset (us) that is a shift of whole quarters of an hour."""
        return self.zones.get(("squid", instance), 0) - self.zones.get(("envoy", host), 0)

    def _evidence(self, hosts: dict[int, int]) -> tuple[int, int]:
        known = sum(count for host, count in hosts.items() if host in self.envoy)
        return known, sum(hosts.values())

    def _instance(self, instance: int, hosts: dict[int, int]) -> None:
        """The instance's clock by the first kind of key that can tell, else the guess of the best."""
        best: tuple[Estimate, Meeting] | None = None
        for meeting in meetings(instance, self.transactions, self.connections, self.envoy):
            found = self._against_hosts(meeting, hosts)
            if best is None or found.found or found.pairs > best[0].pairs:
                best = found, meeting
            if found.found:
                break
        self.squid[instance] = best[0].track if best else steady(0)
        if best:
            self.zones["squid", instance] = best[0].zone
            self._hosts(*best, hosts)

    def _against_hosts(self, meeting: Meeting, hosts: dict[int, int]) -> Estimate:
        """By the hosts that are known; by all together; or by the largest that can tell."""
        known = [host for host in hosts if host in self.envoy]
        found = estimate(meeting.match(known), self.reach) if known else None
        if found is None or not found.found:
            found = estimate(meeting.match(hosts), self.reach)
        if found.found or len(hosts) == 1:
            return found
        largest = sorted(hosts, key=lambda host: (-hosts[host], host))[:_ASKED]
        for host in (host for host in largest if hosts[host] >= _ENOUGH):
            alone = estimate(meeting.match([host]), self.reach)
            if alone.found:
                return alone
        return found

    def _hosts(self, found: Estimate, meeting: Meeting, hosts: dict[int, int]) -> None:
        """The clocks of the hosts that are not known yet, by the instance's."""
        agreement = meeting.agreement(found.track, self.reach)
        for host in sorted(hosts):
            hits, possible = agreement.counts.get(host, (0, 0))
            new = host not in self.envoy
            told = Told(found, self._method(found, meeting, possible), hits)
            if len(hosts) == 1:
                told = Told(found, found.verdict if not found.found else meeting.method, found.pairs)
            elif new and found.found and possible >= _ENOUGH and hits < _AGREES * possible:
                told = self._own(host, found, meeting, agreement)
            self.envoy.setdefault(host, STEADY)
            self.told[meeting.instance, host] = told

    def _method(self, found: Estimate, meeting: Meeting, possible: int) -> str:
        if not found.found:
            return found.verdict
        return meeting.method if possible >= _ENOUGH else "consensus"

    def _own(self, host: int, squid: Estimate, meeting: Meeting, agreement: Agreement) -> Told:
        """The host's own clock, where it clearly explains more than that of the others."""
        hits, _ = agreement.counts[host]
        found = estimate(meeting.match_host(host, squid.track), self.reach)
        if found.verdict == "none" or found.pairs < 2 * hits:
            return Told(squid, "consensus", hits)
        self.envoy[host] = negative(found.track)
        self.zones["envoy", host] = -found.zone
        method = meeting.method if found.found else "refused"
        return Told(found, method, found.pairs)
