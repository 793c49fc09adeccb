"""Link in passes: each address for itself, then what hides behind nodes with what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from egresslog.correlation.groups import Groups
from egresslog.linking.link import link
from egresslog.linking.model import (
    MISSING,
    ClockFit,
    ConnectionColumns,
    Ints,
    Links,
    Pairs,
    Settings,
    TransactionColumns,
)


def link_in_passes(
    transactions: TransactionColumns, connections: ConnectionColumns, groups: Groups, settings: Settings
) -> Links:
    """The links of all passes as one; a connection linked in one pass meets no line of the next."""
    total: Links | None = None
    free = np.ones(len(connections), dtype=bool)
    for lines, others in groups.passes:
        left, right = _numbers(lines, others)
        mine = replace(transactions, group=np.where(transactions.group == MISSING, MISSING, left))
        found = link(mine, replace(connections, group=np.where(free, right, MISSING)), settings)
        free[found.connection[found.connection >= 0]] = False
        total = found if total is None else _merged(total, found, left >= 0)
    return total if total is not None else link(transactions, connections, settings)


def _numbers(lines: Sequence[str | None], others: Sequence[str | None]) -> tuple[Ints, Ints]:
    keys = sorted({key for key in (*lines, *others) if key is not None})
    numbers: dict[str | None, int] = {key: number for number, key in enumerate(keys)} | {None: MISSING}
    left, right = ([numbers[key] for key in side] for side in (lines, others))
    return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)


def _merged(before: Links, after: Links, mine: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Links:
    """``after`` for the rows that took part in its pass, ``before`` for the others."""
    rows = (
        "connection", "link", "confidence", "margin", "candidates", "none_posterior", "moment", "timeless",
    )  # fmt: skip
    chosen = {name: np.where(mine, getattr(after, name), getattr(before, name)) for name in rows}
    pairs = _joined(before.pairs, after.pairs)
    model, pruned = replace(before.model, clocks=_clocks(before, after)), before.pruned + after.pruned
    crowded = before.crowded + after.crowded
    return replace(before, **chosen, pairs=pairs, model=model, pruned=pruned, crowded=crowded)


def _clocks(before: Links, after: Links) -> tuple[ClockFit, ...]:
    """Of each instance and host the fit of the pass that had most to go by."""
    best: dict[tuple[int, int], ClockFit] = {}
    for fit in (*before.clocks, *after.clocks):
        known = best.setdefault((fit.instance, fit.host), fit)
        if fit.pairs > known.pairs:
            best[fit.instance, fit.host] = fit
    met = {instance for instance, host in best if host != MISSING}
    kept = {key: fit for key, fit in best.items() if key[1] != MISSING or key[0] not in met}
    return tuple(kept[key] for key in sorted(kept))


def _joined(first: Pairs, second: Pairs) -> Pairs:
    left = np.concatenate([first.transaction, second.transaction])
    right = np.concatenate([first.connection, second.connection])
    order = np.lexsort((right, left))

    def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate([a, b])[order]

    weights = {kind: both(values, second.weights[kind]) for kind, values in first.weights.items()}
    return Pairs(
        left[order], right[order], weights,
        both(first.weight, second.weight), both(first.posterior, second.posterior),
    )  # fmt: skip
