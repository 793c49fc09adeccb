"""Whose an Envoy record is: row by row, by the pods listed before what its log's path suggests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

from egresslog.formats.presets import PRESETS
from egresslog.identity.inventory import Inventory, only
from egresslog.identity.names import names_gateway, workload_from_name
from egresslog.identity.paths import LogOwner, is_general, names_in, owner_of
from egresslog.identity.pods import Pod


class Log(NamedTuple):
    """One Envoy's log: a file, or what it holds of one pod where its wrapper or records name pods."""

    file: str
    cluster: str | None
    format: str
    namespace: str | None = None
    pod: str | None = None
    node: str | None = None
    service_account: str | None = None

    @property
    def names_client(self) -> bool:
        """True where the records name the pod that connected, and not the one that wrote them (ztunnel)."""
        return self.format in PRESETS and PRESETS[self.format].format.names_client


@dataclass(frozen=True)
class _Hints:
    """What a log as a whole tells: listed pods it is named after, its path's own guess, its addresses."""

    named: tuple[Pod, ...]
    guess: Pod | None
    own: Set[str]


class Owners:
    """Tells each record's pod; ``trails``: see Source.trail; ``own``: addresses each log shows as own."""

    def __init__(self, listed: Inventory, trails: Mapping[str, str], own: Mapping[Log, Set[str]]) -> None:
        self.listed, self.trails, self.own = listed, trails, own
        self._hints: dict[Log, _Hints] = {}
        self._seen: dict[tuple[Pod, str | None, bool], Pod] = {}

    def owner(self, log: Log, address: str | None, moment: int | None) -> Pod | None:
        """The listed pod its log is named after, else the listed holder of its own address, else the guess.

        ``address``: the record's own, None where it is unknown or no pod's; ``moment``: its start.
        """
        if log not in self._hints:
            self._hints[log] = self._hints_of(log)
        hints, holders = self._hints[log], self._holders(log, address, moment)
        pod = _by_name(hints, holders, address, moment) or _by_address(holders) or _by_path(hints, holders)
        return None if pod is None else self._as_seen(pod, log.cluster, moment)

    def claimed(self, log: Log) -> Set[str]:
        """The names of the pod that its wrapper, or its path, says wrote it, whatever the addresses say.

        Of a path those of listed pods alone: a folder may be named after anything.
        """
        if log not in self._hints:
            self._hints[log] = self._hints_of(log)
        named = frozenset(pod.name for pod in self._hints[log].named)
        return named if log.pod is None else frozenset({log.pod})

    def _holders(self, log: Log, address: str | None, moment: int | None) -> list[Pod]:
        return [pod for pod in self.listed.holders(address, moment) if _may_be_in(pod, log.cluster)]

    def _hints_of(self, log: Log) -> _Hints:
        trail, own = self._trail(log), self.own.get(log, frozenset())
        guess = owner_of(trail) if log.pod is None else LogOwner(log.pod, log.namespace)
        named = self._named(trail, guess, log.cluster)
        fitting = [pod for pod in named if _is_in_namespace(pod, guess) or not own.isdisjoint(pod.addresses)]
        return _Hints(tuple(fitting), None if guess is None else _unlisted(guess, log), own)

    def _trail(self, log: Log) -> str:
        """What of its path may name the pod: nothing where something closer to the line does."""
        if log.pod is not None or log.names_client:
            return ""
        return self.trails.get(log.file, log.file)

    def _named(self, trail: str, guess: LogOwner | None, cluster: str | None) -> list[Pod]:
        """The listed pods of the innermost name that is one's; several where namespaces share the name."""
        parts = [name for name in reversed(names_in(trail)) if not is_general(name)]
        names = parts if guess is None else [guess.pod, *parts]
        found = (self.listed.by_name.get(name, ()) for name in names)
        pods = next(filter(None, ([pod for pod in some if _may_be_in(pod, cluster)] for some in found)), [])
        return [pod for pod in pods if pod.namespace in parts] or pods

    def _as_seen(self, pod: Pod, cluster: str | None, moment: int | None) -> Pod:
        """The pod in the record's cluster; outside the listed time it ran elsewhere, as someone else."""
        is_held = moment is None or pod.is_held(moment)
        key = pod, cluster, is_held
        if key not in self._seen:
            seen = replace(pod, cluster=pod.cluster if cluster is None else cluster)
            gone = replace(seen, node=None, service_account=None, node_addresses=())
            self._seen[key] = seen if is_held else gone
        return self._seen[key]


def _by_name(hints: _Hints, holders: Collection[Pod], address: str | None, moment: int | None) -> Pod | None:
    """The pod the log is named after; of several that fit the record, the one it or its log shows."""
    found = [pod for pod in hints.named if _fits(pod, holders, address, moment)]
    if len(found) > 1:
        found = [pod for pod in found if address in pod.addresses] or found
        found = [pod for pod in found if not hints.own.isdisjoint(pod.addresses)] or found
        found = [pod for pod in found if moment is not None and pod.is_held(moment)] or found
    return only(found)


def _fits(pod: Pod, holders: Iterable[Pod], address: str | None, moment: int | None) -> bool:
    """False where the record's own address was another pod's, or this pod had others then."""
    if address is None or address in pod.addresses:
        return True
    if pod.addresses and (moment is None or pod.is_held(moment)):
        return False
    return all(holder.host_network or holder.key == pod.key for holder in holders)


def _by_address(holders: Collection[Pod]) -> Pod | None:
    """The one holder of the record's own address; pods on a node's network share theirs."""
    return None if any(pod.host_network for pod in holders) else only(holders)


def _by_path(hints: _Hints, holders: Iterable[Pod]) -> Pod | None:
    """The guess, where the log shows one address of a family at most and no listed pod holds it."""
    newer = sum(":" in address for address in hints.own)
    is_open = max(newer, len(hints.own) - newer) <= 1 and all(pod.host_network for pod in holders)
    return hints.guess if is_open else None


def _may_be_in(pod: Pod, cluster: str | None) -> bool:
    return pod.cluster is None or pod.cluster == cluster


def _is_in_namespace(pod: Pod, guess: LogOwner | None) -> bool:
    """False where the path names a pod of this name in another namespace."""
    return guess is None or pod.name != guess.pod or guess.namespace in (None, pod.namespace)


def _unlisted(guess: LogOwner, log: Log) -> Pod:
    workload = workload_from_name(guess.pod)
    return Pod(
        guess.namespace, guess.pod, workload, log.service_account, log.node,
        has_sidecar=True, is_gateway=names_gateway(guess.pod),
    )  # fmt: skip
