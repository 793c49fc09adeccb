"""Link in passes: each address for itself, then what hides behind nodes with what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from egresslog.correlation.groups import Groups
from egresslog.linking.link import link
from egresslog.linking.model import (
    MISSING,
    ClockFit,
    ConnectionColumns,
    Ints,
    Links,
    Model,
    Pairs,
    Settings,
    TransactionColumns,
    taken,
)


@dataclass(frozen=True)
class Linked:
    """The links of all passes as one, and what each pass learned."""

    links: Links
    models: tuple[Model, ...]


@dataclass(frozen=True)
class Passes:
    """Both sides, and per pass (one at least) who can meet whom: equal numbers, of lines and connections."""

    transactions: TransactionColumns
    connections: ConnectionColumns
    groups: tuple[tuple[Ints, Ints], ...]
    settings: Settings

    @classmethod
    def of(
        cls,
        transactions: TransactionColumns,
        connections: ConnectionColumns,
        groups: Groups,
        settings: Settings,
    ) -> Passes:
        """The passes that ``groups`` asks for."""
        numbered = (_numbers(lines, others) for lines, others in groups.passes)
        ended = transactions.group != MISSING
        numbers = tuple((np.where(ended, left, MISSING), right) for left, right in numbered)
        return cls(transactions, connections, numbers, settings)

    def link(self, models: Sequence[Model] = (), *, anew: bool = False) -> Linked:
        """Link in every pass; a connection linked in one meets no line of the next.

        With the ``models`` of such a run nothing is learned anew, or parameters only (``anew``).
        """
        found: list[Links] = []
        free = np.ones(len(self.connections), dtype=bool)
        for number, (left, right) in enumerate(self.groups):
            mine = replace(self.transactions, group=left)
            others = replace(self.connections, group=np.where(free, right, MISSING))
            model = models[number] if models else None
            clocks = model.clocks if model else None
            found.append(link(mine, others, self.settings, None if anew else model, clocks))
            free[found[-1].connection[found[-1].connection >= 0]] = False
        links = found[0]
        for after, (left, _) in zip(found[1:], self.groups[1:], strict=True):
            links = _merged(links, after, left >= 0)
        return Linked(links, tuple(each.model for each in found))

    def take(self, lines: Ints, others: Ints) -> Passes:
        """Some rows of both sides."""
        groups = tuple((left[lines], right[others]) for left, right in self.groups)
        return Passes(taken(self.transactions, lines), taken(self.connections, others), groups, self.settings)


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
