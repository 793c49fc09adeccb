"""Kernel: prices of connections at which each line takes the one it gains most from; CPython or numba.

Bertsekas' auction: a line bids for its best connection what it gains over its second best, "none"
(worth 0) included, and evicts the owner. At the end lines hold their best at the prices asked, so the
prices bound what any other matching is worth: one that contains a pair is worse than the best one by
the pair's ``regret``, up to ``step`` for each line that it moves.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence


def bid(
    begins: Sequence[int],
    connections: Sequence[int],
    odds: Sequence[float],
    step: float,
    price: MutableSequence[float],
    owner: MutableSequence[int],
    profit: MutableSequence[float],
) -> None:
    """Fill ``price`` and ``owner`` of each connection (0 and -1 at first) and ``profit`` of each line.

    ``odds`` (log2) of line i and ``connections`` lie in ``begins[i]:begins[i + 1]``.
    """
    waiting = list(range(len(begins) - 1))
    while waiting:
        line = waiting.pop()
        best, first, second = -1, 0.0, 0.0
        for at in range(begins[line], begins[line + 1]):
            gain = odds[at] - price[connections[at]]
            if gain > first:
                best, first, second = at, gain, first
            elif gain > second:
                second = gain
        if best >= 0:
            taken = connections[best]
            if owner[taken] >= 0:
                waiting.append(owner[taken])
            owner[taken] = line
            price[taken] += first - second + step
    for line in range(len(begins) - 1):
        for at in range(begins[line], begins[line + 1]):
            profit[line] = max(profit[line], odds[at] - price[connections[at]])
