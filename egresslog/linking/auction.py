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
    """Raise ``price`` and fill ``owner`` (-1 at first) of each connection, and ``profit`` of each line.

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


def balance(
    order: Sequence[int],
    of_line: Sequence[int],
    holding: Sequence[int],
    of_connection: Sequence[int],
    connection: Sequence[int],
    begins: Sequence[int],
    lines: Sequence[int],
    idle: Sequence[float],
    sweeps: int,
    price: MutableSequence[float],
    left: MutableSequence[float],
) -> None:
    """Share the worth of ways out among their lines, so that rivals for a line pay for it.

    Each line of ``order`` in turn gets the ``price`` midway between what the connection that gains most
    from it and the one after that would pay. Ways with line i are ``holding[of_line[i]:of_line[i + 1]]``,
    by connection; ways of connection c are ``of_connection[c]:of_connection[c + 1]``; lines of way w
    ``lines[begins[w]:begins[w + 1]]``; ``left`` is the odds (log2) of each way less its lines' prices.
    """
    seen = [-1] * len(connection)
    for _ in range(sweeps):
        for line in order:
            for at in range(of_line[line], of_line[line + 1]):
                seen[holding[at]] = line
                left[holding[at]] += price[line]
            price[line] = _bid_of_two(line, of_line, holding, of_connection, connection, idle, seen, left)
            for at in range(of_line[line], of_line[line + 1]):
                left[holding[at]] -= price[line]


def _bid_of_two(
    line: int,
    of_line: Sequence[int],
    holding: Sequence[int],
    of_connection: Sequence[int],
    connection: Sequence[int],
    idle: Sequence[float],
    seen: Sequence[int],
    left: Sequence[float],
) -> float:
    """The mean of the two highest gains that connections have from a line that costs nothing."""
    first, second, at = 0.0, 0.0, of_line[line]
    while at < of_line[line + 1]:
        owner = connection[holding[at]]
        with_it, without = idle[owner], idle[owner]
        for way in range(of_connection[owner], of_connection[owner + 1]):
            if seen[way] == line:
                with_it = max(with_it, left[way])
            else:
                without = max(without, left[way])
        gain = with_it - without
        if gain > first:
            first, second = gain, first
        elif gain > second:
            second = gain
        while at < of_line[line + 1] and connection[holding[at]] == owner:
            at += 1
    return (first + second) / 2
