"""Several snapshots of pods -> one history: until when each held its address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace

from egresslog.identity.pods import ALWAYS, Pod


def history(pods: Iterable[Pod], clusters: Collection[str | None] = ()) -> list[Pod]:
    """The pods, each snapshot with the end that all of them together tell.

    A pod seen running and later finished ended when it finished. The next pod of its address or its
    name (a StatefulSet's) ends it too: both are one pod's at a time. Pods of different clusters do
    not, and neither does one whose start is not known. ``clusters`` are those of the logs: where there
    are several, pods of an unknown one may be of any.
    """
    listed = list(pods)
    ends = _told(listed)
    for group in _grouped(pod for pod in listed if pod.cluster is not None or len(clusters) <= 1):
        _succeed(group, ends)
    return [pod if ends[_life(pod)] >= pod.end else replace(pod, end=ends[_life(pod)]) for pod in listed]


def _life(pod: Pod) -> Hashable:
    """What all snapshots of one pod share."""
    return (pod.key, pod.uid) if pod.uid else (pod.key, pod.start)


def _told(pods: Sequence[Pod]) -> dict[Hashable, int]:
    ends: dict[Hashable, int] = {}
    for pod in pods:
        ends[_life(pod)] = min(pod.end, ends.get(_life(pod), ALWAYS))
    return ends


def _places(pod: Pod) -> list[Hashable]:
    """What only one pod can hold: its name, and its addresses unless they are its node's."""
    addresses = () if pod.host_network else pod.addresses
    return [pod.key, *((pod.cluster, address) for address in addresses)]


def _grouped(pods: Iterable[Pod]) -> list[list[Pod]]:
    groups: defaultdict[Hashable, list[Pod]] = defaultdict(list)
    for pod in pods:
        for place in _places(pod):
            groups[place].append(pod)
    return [group for group in groups.values() if len(group) > 1]


def _succeed(group: Sequence[Pod], ends: dict[Hashable, int]) -> None:
    """Each ends before the next one's start."""
    lives = sorted({(pod.start, str(_life(pod))): _life(pod) for pod in group}.items())
    starts = [start for (start, _), _ in lives]
    for (start, _), life in lives:
        later = min((other for other in starts if other > start), default=ALWAYS)
        if start > -ALWAYS:
            ends[life] = min(ends[life], later - 1)
