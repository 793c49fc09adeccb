"""Who is there: pods with and without logs and sidecars, logs of unlisted pods, and clients nobody knows.

Each Squid line is counted where its client is named; a pod's lines are those that carry its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.correlation.steps import Steps
from egresslog.identity.pods import Pod

if TYPE_CHECKING:
    import pyarrow as pa

Key = tuple[str | None, str | None, str]  # cluster, namespace, pod


@dataclass(frozen=True)
class Member:
    """A pod: how many Squid lines bear its name, and how many Envoy records are its own."""

    cluster: str | None
    namespace: str | None
    pod: str
    workload: str
    lines: int
    records: int


@dataclass(frozen=True)
class Client:
    """A client address as a Squid instance logged it, and in how many lines."""

    proxy: str
    client_address: str
    lines: int


@dataclass(frozen=True)
class Population:
    """Pods that lived while the logs were written, and client addresses; most lines first.

    ``translated`` are addresses that stand for others (a node's, one that the data show to be, a masked
    one), ``unknown`` those that no pod list and no Envoy log knows. ``unnamed_logs``: Envoy records of
    files whose pod is not known.
    """

    with_logs: tuple[Member, ...] = ()
    without_logs: tuple[Member, ...] = ()  # though with a sidecar
    without_sidecar: tuple[Member, ...] = ()
    unlisted: tuple[Member, ...] = ()  # in no pod list, though there is one, but with logs
    unnamed_logs: Mapping[str, int] | None = None
    translated: tuple[Client, ...] = ()
    unknown: tuple[Client, ...] = ()


def population(steps: Steps, transactions: pa.Table) -> Population:
    """The population of a correlation; ``transactions`` is its table."""
    pods = _pods(steps)
    keys = ("cluster", "namespace", "pod")
    lines = Counter(zip(*(values_of(transactions, name) for name in keys), strict=True))
    owners = steps.identities.owners
    records = Counter(owner.key for owner in owners if owner is not None)
    listed = {(pod.namespace, pod.name) for pod in steps.identities.listed}

    def members(wanted: Iterable[Pod]) -> tuple[Member, ...]:
        found = (Member(*p.key, p.workload, lines[p.key], records[p.key]) for p in wanted)
        return tuple(
            sorted(found, key=lambda m: (-m.lines, -m.records, *map(str, (m.cluster, m.namespace, m.pod))))
        )

    known = [pod for key, pod in pods.items() if key[1:] in listed or not listed]
    silent = [pod for pod in known if not records[pod.key]]
    return Population(
        with_logs=members(pod for pod in known if records[pod.key]),
        without_logs=members(pod for pod in silent if pod.has_sidecar),
        without_sidecar=members(pod for pod in silent if not pod.has_sidecar),
        unlisted=members(pod for key, pod in pods.items() if listed and key[1:] not in listed),
        unnamed_logs=_unnamed(owners, values_of(steps.logs.envoy, "file")),
        **_clients(steps, transactions),
    )


def _pods(steps: Steps) -> dict[Key, Pod]:
    """Every pod, listed or with logs, that lived while the logs were written; once however often listed."""
    moments = _moments(steps)
    lived = (pod for pod in steps.identities.listed if pod.start <= moments[1] and moments[0] <= pod.end)
    owners = (owner for owner in steps.identities.owners if owner is not None)
    pods: dict[Key, Pod] = {}
    for pod in (*lived, *owners):
        pods.setdefault(pod.key, pod)
    return pods


def _moments(steps: Steps) -> tuple[int, int]:
    """From the first start to the last end in the logs (us, Envoy's clock)."""
    squid = (steps.ended(index) for index in range(len(steps.squid)))
    envoy = (row[name] for row in steps.envoy for name in ("start", "end"))
    known = [moment for moment in (*squid, *envoy) if moment is not None]
    return min(known, default=0), max(known, default=0)


def _unnamed(owners: Sequence[Pod | None], files: Sequence[str]) -> dict[str, int]:
    found = Counter(file for owner, file in zip(owners, files, strict=True) if owner is None)
    return dict(sorted(found.items()))


def _clients(steps: Steps, transactions: pa.Table) -> dict[str, tuple[Client, ...]]:
    groups, inventory = steps.columns.groups, steps.identities.inventory
    lines = Counter(zip(*(values_of(transactions, n) for n in ("proxy", "client_address")), strict=True))
    own = set(filter(None, values_of(steps.logs.envoy, "upstream_local_address")))
    found = [Client(proxy, client, count) for (proxy, client), count in _most(lines) if client is not None]
    hiding = groups.translated | groups.masked
    translated = [
        c for c in found if (c.proxy, c.client_address) in hiding or inventory.is_node(c.client_address)
    ]
    others = (client for client in found if client not in translated)
    unknown = (c for c in others if c.client_address not in own and not inventory.knows(c.client_address))
    return {"translated": tuple(translated), "unknown": tuple(unknown)}


def _most(lines: Counter[tuple[str, str | None]]) -> Iterator[tuple[tuple[str, str | None], int]]:
    yield from sorted(lines.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
