"""Place lines that share a connection, and say what speaks for placing them otherwise."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.assignment import Assignment
from egresslog.linking.bundles import Bundle, find_bundles
from egresslog.linking.evidence import Parameters
from egresslog.linking.exchange import exchange_odds, find_parts
from egresslog.linking.likelihood import Density
from egresslog.linking.model import ConnectionColumns, Floats, Ints, Settings, TransactionColumns
from egresslog.linking.parameters import alone
from egresslog.linking.pool import Pool
from egresslog.linking.sharing import Choice, WeighedBundles, choose_bundles, usual_gap, weigh_bundles


@dataclass(frozen=True)
class Sides:
    """Both logs and what was learned about them."""

    transactions: TransactionColumns  # on Envoy's clock
    connections: ConnectionColumns
    port_share: Floats
    pinned: NDArray[np.bool_]  # lines whose logged port decides
    parameters: Parameters
    settings: Settings

    def weigh(self, bundles: list[Bundle], parameters: Parameters, gap: Density) -> WeighedBundles:
        """The bundles with evidence, given parameters and the usual gap between lines."""
        return weigh_bundles(bundles, self.transactions, self.connections, self.port_share, parameters, gap)


@dataclass(frozen=True)
class _Chosen:
    weighed: WeighedBundles
    choice: Choice
    parameters: Parameters
    gap: Density

    @property
    def bundles(self) -> list[Bundle]:
        return [self.weighed.bundles[number] for number in self.choice.taken]


def place_bundles(pool: Pool, chosen: Ints, sides: Sides) -> tuple[Pool, Assignment]:
    """Place lines left over, or linked to a larger connection, by sums of bytes.

    ``chosen`` is the best one-to-one assignment. Returns all pairs and the final assignment.
    """
    kept = _settled(pool, chosen, sides.pinned)
    taken = np.zeros(len(sides.connections), dtype=bool)
    taken[kept[kept >= 0]] = True
    free = (kept < 0) & ~sides.pinned
    bundles = find_bundles(sides.transactions, sides.connections, free, ~taken, sides.settings)
    if not bundles:
        nothing = np.zeros(len(pool))
        return pool, Assignment(chosen, sides.pinned, np.zeros(len(chosen)), nothing > 0, nothing)
    found = _choose(bundles, kept, taken, sides)
    variants, choice = _exchanged(found, pool, kept, sides)
    for bundle in found.bundles:
        kept[list(bundle.lines)] = bundle.connection
        taken[bundle.connection] = True
    # Lines released in vain go back to the connection they had.
    back = (kept < 0) & (chosen >= 0) & ~np.append(taken, False)[chosen]
    left_out = np.zeros(len(chosen))
    left_out[list(choice.left_out)] = list(choice.left_out.values())
    both = pool.join(found.weighed.pairs).join(variants)
    final = np.where(back, chosen, kept)
    return both, Assignment(final, sides.pinned, left_out, both.shared, _moved(both, choice))


def _settled(pool: Pool, chosen: Ints, pinned: NDArray[np.bool_]) -> Ints:
    """Links that stand without further lines, the others -1."""
    whole = pinned.copy()
    mine = chosen[pool.transaction] == pool.connection
    whole[pool.transaction[mine]] |= pool.whole[mine]
    return np.where(whole, chosen, -1)


def _choose(bundles: list[Bundle], kept: Ints, taken: NDArray[np.bool_], sides: Sides) -> _Chosen:
    """Choose twice: the second time knowing how lines follow each other and how few are alone."""
    parameters = sides.parameters
    gap = usual_gap([], sides.transactions)
    weighed = sides.weigh(bundles, parameters, gap)
    first = _Chosen(weighed, choose_bundles(weighed), parameters, gap)
    stray = int((kept < 0).sum()) - sum(len(bundle.lines) for bundle in first.bundles)
    silent = int((~taken).sum()) - len(first.bundles)
    stray_share, silent_share = alone(stray, len(kept)), alone(silent, len(taken))
    parameters = dataclasses.replace(parameters, stray=stray_share, silent=silent_share)
    gap = usual_gap(first.bundles, sides.transactions)
    weighed = sides.weigh(bundles, parameters, gap)
    return _Chosen(weighed, choose_bundles(weighed), parameters, gap)


def _exchanged(found: _Chosen, pool: Pool, kept: Ints, sides: Sides) -> tuple[Pool, Choice]:
    """Pairs and odds of exchanging a bundle's line for an equal one that is settled elsewhere."""
    parts = find_parts(
        found.bundles, sides.transactions, np.flatnonzero((kept >= 0) & ~sides.pinned), sides.settings
    )
    variants = sides.weigh(parts.variants, found.parameters, found.gap)
    elsewhere = kept[parts.other]
    leaves = pool.weight_of(parts.other, elsewhere) + found.parameters.prior
    enters = pool.weight_of(parts.line, elsewhere) + found.parameters.prior
    replaced = found.weighed.odds[np.array(found.choice.taken, dtype=np.int64)[parts.number]]
    odds = exchange_odds(variants.odds, replaced, leaves, enters)
    left_out = defaultdict(float, found.choice.left_out)
    moved = defaultdict(float, found.choice.moved)
    rows = zip(parts.line.tolist(), parts.other.tolist(), elsewhere.tolist(), odds.tolist(), strict=True)
    for (line, other, link, gain), variant, enter in zip(rows, parts.variants, enters.tolist(), strict=True):
        moved[other, variant.connection] += gain
        if enter > 0:
            moved[line, link] += gain
        else:
            left_out[line] += gain
    new = variants.pairs.transaction == parts.other[variants.number]
    return variants.pairs.take(new), Choice(found.choice.taken, dict(left_out), dict(moved))


def _moved(pool: Pool, choice: Choice) -> Floats:
    """The odds of ``choice.moved`` as an array over the pool's pairs."""
    odds = np.zeros(len(pool))
    ends = np.array(list(choice.moved), dtype=np.int64).reshape(-1, 2)
    rows = pool.find(ends[:, 0], ends[:, 1])
    known = rows >= 0
    odds[rows[known]] = np.array(list(choice.moved.values()), dtype=np.float64)[known]
    return odds
