"""How far to trust the name that an address gives: as far as links bear it out.

A pod list may be of another day, an address may have gone to another pod, or be that of a translation.
Where lines of an address are linked, their connections tell whose log they stand in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from egresslog.correlation.attribution import BY_ADDRESS

_NEAREST = 10  # links of the address looked at on either side of a moment: it may have changed hands
_WEIGHT = 2  # links that what is known beforehand counts for


@dataclass(frozen=True)
class Vote:
    """A linked line: its client address, when (us, reference time), and whether both names agree."""

    address: str
    moment: int
    agrees: bool


@dataclass(frozen=True)
class Trust:
    """The votes of each address in order of time, and the share (0 to 1) of all that agree."""

    votes: Mapping[str, Sequence[tuple[int, bool]]]
    share: float

    @classmethod
    def of(cls, votes: Iterable[Vote]) -> Trust:
        found: defaultdict[str, list[tuple[int, bool]]] = defaultdict(list)
        for vote in votes:
            found[vote.address].append((vote.moment, vote.agrees))
        everyone = [agrees for some in found.values() for _, agrees in some]
        return cls({address: sorted(some) for address, some in found.items()}, _share(everyone, BY_ADDRESS))

    def confidence(self, address: str | None, moment: int | None) -> float:
        """The probability that the pod named by the address at that moment is the client.

        The share of the nearest links of the address that agree, or of all links where it has few; never
        more than ``BY_ADDRESS``.
        """
        votes = self.votes.get(address or "", ())
        if moment is not None:
            first = bisect_left(votes, (moment, False))
            last = bisect_right(votes, (moment, True))
            votes = votes[max(0, first - _NEAREST) : last + _NEAREST]
        return min(BY_ADDRESS, _share([agrees for _, agrees in votes], self.share))


def _share(votes: Sequence[bool], before: float) -> float:
    return (sum(votes) + _WEIGHT * before) / (len(votes) + _WEIGHT)
