"""Every machine has one clock: Squid instances and Envoy hosts, all against one reference.

An instance is estimated from the hosts that are known, then the other hosts from the instance, and so on:
a tree over the machines, those that meet most first. The first instance is estimated from all its hosts
together; those that agree are the reference. Machines that never meet have references of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from egresslog.linking.encounters import Agreement, Encounter, encounters, met
from egresslog.linking.estimate import Estimate, estimate
from egresslog.linking.model import ConnectionColumns, Track, TransactionColumns
from egresslog.linking.tracks import STEADY, is_steady, later, negative, raised, steady

_ENOUGH = 20  # connections from which a host speaks for itself
_CLEARLY = 1.1  # a clock of its own must explain so many times what the others' does
_MORE = 8  # lines, and so many more
_ASKED = 8  # hosts looked at one by one where all together are refused
_TELL = 3  # of them are compared


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
        best: tuple[Estimate, Encounter] | None = None
        for encounter in encounters(instance, self.transactions, self.connections, self.envoy):
            found = self._against_hosts(encounter, hosts)
            if best is None or found.found or found.pairs > best[0].pairs:
                best = found, encounter
            if found.found:
                break
        self.squid[instance] = best[0].track if best else steady(0)
        if best:
            self.zones["squid", instance] = best[0].zone
            self._hosts(*self._turned(*best, hosts), hosts)

    def _turned(
        self, found: Estimate, encounter: Encounter, hosts: dict[int, int]
    ) -> tuple[Estimate, Encounter]:
        """Where only one host is met and its clock seems to be the one that was set: Squid's is steady.

        A clock that was set back is no measure of the other: times on it come twice.
        """
        (host,) = hosts if len(hosts) == 1 else (None,)
        if host is None or host in self.envoy or is_steady(found.track):
            return found, encounter
        other = estimate(encounter.match_host(host, STEADY), self.reach)
        if not other.found or other.pairs < _CLEARLY * found.pairs:
            return found, encounter
        base = other.track[0].offset
        self.squid[encounter.instance] = steady(base)
        self.envoy[host] = negative(raised(later(other.track, -base), -base))
        return replace(other, track=steady(base)), encounter

    def _against_hosts(self, encounter: Encounter, hosts: dict[int, int]) -> Estimate:
        """By the hosts that are known; by all together; or by the largest that can tell."""
        known = [host for host in hosts if host in self.envoy]
        found = estimate(encounter.match(known), self.reach) if known else None
        if found is None or not found.found:
            found = estimate(encounter.match(hosts), self.reach)
        if len(hosts) == 1 or (found.found and is_steady(found.track)):
            return found
        alone = [one for one in self._alone(encounter, hosts) if one.found]
        # Hosts that were set at different times make no common course: the steadiest is the measure.
        return min(alone, key=lambda one: (len(one.track), -one.pairs)) if alone else found

    def _alone(self, encounter: Encounter, hosts: dict[int, int]) -> Iterator[Estimate]:
        """Squid's clock by each of the largest hosts, until some can tell."""
        large = [host for host in hosts if hosts[host] >= _ENOUGH]
        told = 0
        for host in sorted(large, key=lambda host: (-hosts[host], host))[:_ASKED]:
            found = estimate(encounter.match([host]), self.reach)
            yield found
            told += found.found
            if told == _TELL:
                return

    def _hosts(self, found: Estimate, encounter: Encounter, hosts: dict[int, int]) -> None:
        """The clocks of the hosts that are not known yet, by the instance's."""
        agreement = encounter.agreement(found.track, self.reach)
        for host in sorted(hosts):
            hits, possible = agreement.counts.get(host, (0, 0))
            new = host not in self.envoy
            told = Told(found, self._method(found, encounter, possible), hits)
            if len(hosts) == 1:
                told = Told(found, found.verdict if not found.found else encounter.method, found.pairs)
            elif new and found.found and hosts[host] >= _ENOUGH and agreement.is_against(host):
                told = self._own(host, found, encounter, agreement)
            self.envoy.setdefault(host, STEADY)
            self.told[encounter.instance, host] = told

    def _method(self, found: Estimate, encounter: Encounter, possible: int) -> str:
        if not found.found:
            return found.verdict
        return encounter.method if possible >= _ENOUGH else "consensus"

    def _own(self, host: int, squid: Estimate, encounter: Encounter, agreement: Agreement) -> Told:
        """The host's own clock, where it clearly explains more than that of the others."""
        hits, possible = agreement.counts[host]
        found = estimate(encounter.match_host(host, squid.track), self.reach)
        if found.verdict == "none" or found.pairs < _CLEARLY * hits + _MORE:
            return Told(squid, self._method(squid, encounter, possible), hits)
        self.envoy[host] = negative(found.track)
        self.zones["envoy", host] = -found.zone
        method = encounter.method if found.found else "refused"
        return Told(found, method, found.pairs)
