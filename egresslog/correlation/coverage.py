"""What the logs cover: each pod's own log, and each Squid's, with their holes.

Both proxies write a line when a connection or a transaction ends, so a log covers the time from its
first line's end to its last line's end, without stretches that are silent for unusually long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from egresslog.arrow import values_of
from egresslog.correlation.groups import Groups
from egresslog.identity.pods import Pod
from egresslog.parse.gaps import gaps

if TYPE_CHECKING:
    import pyarrow as pa

    from egresslog.parse.gaps import Gap


@dataclass(frozen=True)
class Written:
    """One pod's log, or one Squid's: when its lines were written (us, reference time), ascending."""

    ends: Sequence[int]

    @cached_property
    def holes(self) -> tuple[Gap, ...]:
        return gaps(self.ends)

    def spans(self, moment: int) -> bool:
        """True between its first and its last line."""
        return self.ends[0] <= moment <= self.ends[-1]

    def holds(self, moment: int) -> bool:
        """True there, outside its holes."""
        return self.spans(moment) and not any(first < moment < last for first, last in self.holes)


@dataclass(frozen=True)
class Coverage:
    """The logs of the pods that each key of the connections stands for, and of each Squid."""

    pods: Mapping[str, Sequence[Written]] = field(default_factory=dict)
    squids: Sequence[Written] = ()

    @cached_property
    def last(self) -> int:
        """The last end in the log of any pod that went to the proxy (us)."""
        return max((log.ends[-1] for logs in self.pods.values() for log in logs), default=0)

    def of_address(self, key: str, moment: int) -> bool:
        """True where the log of the pod that had the address then holds the moment.

        An address that changed hands has one log after the other.
        """
        around = [log for log in self.pods.get(key, ()) if log.spans(moment)]
        return bool(around) and all(log.holds(moment) for log in around)

    def of_all(self, key: str, moment: int) -> bool:
        """True where the log of every pod that is behind the key holds the moment."""
        logs = self.pods.get(key, ())
        return bool(logs) and all(log.holds(moment) for log in logs)

    def of_squids(self, moment: int) -> bool:
        """True where a Squid's log holds the moment."""
        return any(log.holds(moment) for log in self.squids)

    def written(self, key: str) -> list[int]:
        """When the lines of the key's pods were written, ascending."""
        return sorted(end for log in self.pods.get(key, ()) for end in log.ends)


def coverage(
    squid: pa.Table,
    envoy: pa.Table,
    owners: Sequence[Pod | None],
    to_proxy: Sequence[int],
    groups: Groups,
) -> Coverage:
    """Coverage of both sides, whose times are on one clock."""
    logs = [_log_of(*each) for each in zip(owners, values_of(envoy, "file"), strict=True)]
    written = _written(zip(logs, values_of(envoy, "end"), strict=True))
    keyed: defaultdict[str, dict[Hashable, None]] = defaultdict(dict)
    passes = (each.connections for each in (groups.plain, *groups.hidden))
    for row, *keys in zip(to_proxy, *passes, strict=True):
        for key in filter(None, keys):
            keyed[key][logs[row]] = None
    pods = {key: [written[log] for log in some if log in written] for key, some in keyed.items()}
    return Coverage({key: some for key, some in pods.items() if some}, _of_squids(squid))


def _log_of(owner: Pod | None, file: str) -> Hashable:
    """A pod's log, rotated pieces and all; of an unnamed one the file."""
    return file if owner is None else (owner.key, owner.uid)


def _of_squids(squid: pa.Table) -> list[Written]:
    ends = zip(values_of(squid, "proxy"), values_of(squid, "end"), strict=True)
    return list(_written(ends).values())


def _written(ends: Iterable[tuple[Hashable, int | None]]) -> dict[Hashable, Written]:
    found: defaultdict[Hashable, list[int]] = defaultdict(list)
    for log, end in ends:
        if end is not None:
            found[log].append(end)
    return {log: Written(sorted(some)) for log, some in found.items()}
