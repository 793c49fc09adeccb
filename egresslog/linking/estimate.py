"""How far one log's clock is ahead of another's, from pairs of equal key.

Chance pairs spread over minutes, true pairs pile up within milliseconds, so the offset is the
edge of a dense window of differences: a Squid line never starts before its connection. Traffic
that repeats makes several such piles; where no lines tell them apart the offset is not known.
A clock that drifts or was set makes no single pile: it is followed through the log, the differences
are straightened by its course, and then there must be one pile again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.follow import follow
from egresslog.linking.model import Floats, Ints, Track
from egresslog.linking.piles import Piles, Side, find_piles
from egresslog.linking.scan import Sightings, weights_of
from egresslog.linking.tracks import ahead, is_steady, raised, steady

QUARTER_US = 900_000_000  # time zones differ by whole quarters of an hour
FARTHEST_US = 14 * 3_600_000_000  # and by no more than this
WINDOW_US = 6_000  # wide enough for a usual delay of the start, narrow against chance
_FEWEST = 4  # lines below which a pile is not trusted
_ABOVE_CHANCE = 8.0  # standard deviations
_FAR_US = 1_000_000  # differences farther from the pile are not its own
_EDGE = 0.05  # quantile of the pile taken as its edge
_COMPARABLE = 0.5  # piles of fewer lines, of the most, may explain all that a short overlap holds
_NEARLY = 0.8  # a rival explains at least this share of what the best pile does
_RIVALS = 32  # the strongest are looked at
_USUAL_US = 5_000_000  # hosts keep time: an offset beyond must also be better than one within
_CLEAR = 8  # lines that must speak for the better of two piles, beside two for each against it
_ZONES = 4  # the likeliest are looked at
_SURELY = 12  # lines that a pile of another time zone must explain
_STEADY = 0.9  # share of lines explained from which a clock need not be followed
_MORE = 1.15  # a clock's course must explain so many times what a steady one does
_COURSE = 0.4  # and this share of the lines
_EVEN = 0.29  # standard deviation of what is spread evenly over 1
_ERROR_US = 1_000  # times are printed in whole milliseconds


@dataclass(frozen=True)
class Match:
    """Two logs of shared keys, and on which of them the moments are known (us, reference time)."""

    lines: Side
    others: Side
    by_lines: bool  # the lines are on reference time; else the connections are
    timed: bool  # by their starts; else by their ends
    window: int  # us, how far true pairs spread


@dataclass(frozen=True)
class Estimate:
    """How far the lines' clock is ahead (us), and how well that is known."""

    track: Track
    pairs: int = 0
    verdict: str = "none"  # found, refused or none
    error: int = 0  # us, of the estimate
    spread: int = 0  # us, of the pairs
    zone: int = 0  # us

    @property
    def found(self) -> bool:
        return self.verdict == "found"


def window_of(resolution: int) -> int:
    """How far true pairs spread (us), by the resolution of the times (us)."""
    return WINDOW_US + (resolution if resolution > WINDOW_US else 0)


def estimate(match: Match, reach: int) -> Estimate:
    """The clock within ``reach`` us, else within that of a whole time zone."""
    if not len(match.lines) or not len(match.others):
        return Estimate(steady(0))
    near = _within(match, reach, 0)
    return near if near.verdict != "none" else _of_a_zone(match, reach)


def _of_a_zone(match: Match, reach: int) -> Estimate:
    """The clock in another time zone: the zone of the most pairs, then as within one."""
    piles = find_piles(match.lines, match.others, FARTHEST_US + reach, match.window)
    zones = np.rint(piles.values / QUARTER_US).astype(np.int64) * QUARTER_US
    near = (np.abs(piles.values - zones) <= reach) & (np.abs(zones) <= FARTHEST_US)
    best = Estimate(steady(0))
    for zone in _likely_zones(piles, zones, near):
        lines = replace(match.lines, time=match.lines.time - zone)
        shifted = replace(match, lines=lines) if not match.by_lines else _earlier(match, zone)
        found = _within(shifted, min(reach, QUARTER_US // 2 + _FAR_US), zone)
        if found.found and found.pairs >= max(_SURELY, best.pairs + 1):
            best = replace(found, track=raised(found.track, zone), zone=zone)
    return best


def _earlier(match: Match, zone: int) -> Match:
    """The lines' moments stay known: the connections are moved instead."""
    return replace(match, others=replace(match.others, time=match.others.time + zone))


def _likely_zones(piles: Piles, zones: Ints, near: NDArray[np.bool_]) -> list[int]:
    """The zones whose pairs, by how few rivals they have, count most."""
    if not near.any():
        return []
    weight = weights_of(piles.line, piles.other)[near]
    found, which = np.unique(zones[near], return_inverse=True)
    order = np.argsort(-np.bincount(which, weight), kind="stable")
    return [int(zone) for zone in found[order[:_ZONES]] if zone]


def _within(match: Match, reach: int, zone: int) -> Estimate:
    piles = find_piles(match.lines, match.others, reach, match.window)
    first, share = _judged(piles, match.timed)
    if first.found and share >= _STEADY:
        return first
    seen = _sightings(piles, match)
    track = follow(seen, match.window, reach)
    if not track or (is_steady(track) and first.verdict != "none"):
        return first
    more = _MORE * _explained(seen, first.track, match.window) + _CLEAR * len(track)
    if _explained(seen, track, match.window) < more:
        return first
    straight = find_piles(*_straightened(match, track), reach, match.window)
    again, share = _judged(straight, match.timed)
    if again.verdict == "none" or share < _COURSE:
        return first
    return replace(again, track=raised(track, again.track[0].offset))


def _sightings(piles: Piles, match: Match) -> Sightings:
    moment = match.lines.time[piles.line] if match.by_lines else match.others.time[piles.other]
    weight = weights_of(piles.line, piles.other) if len(piles.line) else np.empty(0)
    return Sightings(moment, piles.values, piles.line, piles.other, weight)


def _explained(seen: Sightings, track: Track, window: int) -> int:
    """Lines that meet a connection on the course: one connection each, however many are equal."""
    late = seen.value - ahead(track, seen.moment)
    met = (late >= -_ERROR_US) & (late <= window)
    return min(len(np.unique(seen.line[met])), len(np.unique(seen.other[met])))


def _straightened(match: Match, track: Track) -> tuple[Side, Side]:
    """Both sides as if the clock were right."""
    lines, others = match.lines, match.others
    if match.by_lines:
        return replace(lines, time=lines.time - ahead(track, lines.time)), others
    return lines, replace(others, time=others.time + ahead(track, others.time))


def _judged(piles: Piles, timed: bool) -> tuple[Estimate, float]:
    """The best pile, refused where another explains the lines as well; and the share it explains."""
    explained = piles.explained()
    share = piles.share(explained)
    leader = _leader(explained, share)
    needed = _needed(piles, leader)
    if leader < 0 or explained[leader] < needed:
        return Estimate(steady(0)), 0.0
    rivals = _rivals(piles, leader, share, explained >= needed)
    equals = [rival for rival in rivals if not _clearly_better(piles, leader, rival)]
    guess = min([leader, *equals], key=lambda pile: abs(int(piles.values[pile])))
    verdict = "refused" if equals else "found"
    return _described(verdict, piles.within(guess), timed, piles.window), float(share[leader])


def _leader(explained: Ints, share: Floats) -> int:
    """The pile that explains the largest share of what it could; -1 if there is none."""
    if not len(explained):
        return -1
    comparable = explained >= _COMPARABLE * explained.max()
    return int(np.argmax(np.where(comparable, share, -1.0)))


def _needed(piles: Piles, leader: int) -> float:
    """Lines that a pile must explain to stand out from chance."""
    chance = piles.chance(leader, _far(piles)) if leader >= 0 else 0.0
    return float(_FEWEST + chance + _ABOVE_CHANCE * chance**0.5)


def _rivals(piles: Piles, leader: int, share: Floats, trusted: NDArray[np.bool_]) -> list[int]:
    """Other piles that explain nearly as much, the strongest of each second; and those near 0."""
    far, values = _far(piles), piles.values
    apart = np.abs(values - values[leader]) > far
    usual = (np.abs(values) <= _USUAL_US) & (abs(values[leader]) > _USUAL_US)
    rows = np.flatnonzero(trusted & apart & (usual | (share >= _NEARLY * share[leader])))
    second = (values[rows] - values[leader]) // far
    order = np.lexsort((np.abs(values[rows]), -share[rows], second))
    best = rows[order[np.diff(second[order], prepend=second.min(initial=0) - 1) != 0]]
    strongest = best[np.lexsort((np.abs(values[best]), -share[best], ~usual[best]))]
    return [int(row) for row in strongest[:_RIVALS]]


def _clearly_better(piles: Piles, leader: int, rival: int) -> bool:
    """Enough lines meet a connection at the one offset and should but do not at the other."""
    return piles.against(leader, rival) >= _CLEAR + 2 * piles.against(rival, leader)


def _far(piles: Piles) -> int:
    return max(_FAR_US, 2 * piles.window)


def _described(verdict: str, pile: Ints, timed: bool, window: int) -> Estimate:
    middle = float(np.median(pile))
    # A line starts at its connection's start or later; whole seconds are printed too early.
    edge = float(np.quantile(pile, _EDGE)) if timed else middle + window / 2
    spread = max(int(middle - edge if timed else window / 2), _ERROR_US)
    error = max(int((spread if timed else _EVEN * window) / len(pile) ** 0.5), _ERROR_US)
    return Estimate(steady(round(edge)), len(pile), verdict, error, spread)
