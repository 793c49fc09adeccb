"""Kernel: all matchings summed up along the connections of each component; run by CPython or numba.

The *states* before a connection are sets of used lines that it or later ones could want, with weights. A
*step* takes a state and a way of the connection, or none, to a state after it. Kept are the steps of a
*block* of connections; those of earlier blocks are made once more on the way back.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

TOO_MUCH = 0.1  # share of the weight lost at one connection from which a component is given up
FAINT = 1e-9  # of the weight of the heaviest state; lighter ones are dropped

Wishes = tuple[
    Sequence[int], Sequence[int], Sequence[float], Sequence[float],
    Sequence[int], Sequence[int], Sequence[int], Sequence[float],
]  # fmt: skip
Block = tuple[
    MutableSequence[int], MutableSequence[int], MutableSequence[int], MutableSequence[float],
    MutableSequence[int], MutableSequence[float],
]  # fmt: skip
Fresh = tuple[
    MutableSequence[int], MutableSequence[float], MutableSequence[int], MutableSequence[float],
    MutableSequence[int],
]  # fmt: skip


def weigh(
    components: Sequence[int],
    ways: Sequence[int],
    bits: Sequence[int],
    odds: Sequence[float],
    idle: Sequence[float],
    leaving: Sequence[int],
    leavers: Sequence[int],
    slots: Sequence[int],
    unused: Sequence[float],
    most: int,
    widest: int,
    longest: int,
    posterior: MutableSequence[float],
    lost: MutableSequence[float],
) -> None:
    """Add up the ``posterior`` of each way and find what is ``lost`` at each connection; both 0 at first.

    No connection has more than ``widest`` steps, a block has up to ``longest``, ``widest`` or more. For
    the rest see ``Matchings``.
    """
    wishes = ways, bits, odds, idle, leaving, leavers, slots, unused
    room = 2
    while room < 2 * widest:
        room *= 2
    block = (
        [0] * (longest + 2), [0] * (longest + 2), [0] * (longest + widest), [0.0] * (longest + widest),
        [0] * longest, [0.0] * longest,
    )  # fmt: skip
    fresh = [0] * widest, [0.0] * widest, [0] * widest, [0.0] * widest, [-1] * room
    worth, before = [1.0] * widest, [1.0] * widest
    for one in range(len(components) - 1):
        begin, end = components[one], components[one + 1]
        _sum(begin, end, wishes, most, block, fresh, worth, before, posterior, lost)


def _sum(
    begin: int,
    end: int,
    wishes: Wishes,
    most: int,
    block: Block,
    fresh: Fresh,
    worth: MutableSequence[float],
    before: MutableSequence[float],
    posterior: MutableSequence[float],
    lost: MutableSequence[float],
) -> None:
    """One component: forward block by block, then backward; where blocks begin, states are put aside."""
    first, _, mask, weight, _, _ = block
    marks, counts, masks, weights = [begin], [1], [0], [1.0]
    worth[0], back = 1.0, False
    while len(marks) > 0:
        first[1] = counts[-1]
        for state in range(first[1]):
            mask[state] = masks[len(masks) - first[1] + state]
            weight[state] = weights[len(masks) - first[1] + state]
        at = _forward(marks[-1], begin, end, wishes, most, block, fresh, lost)
        back = back or at == end
        if back:
            _backward(marks.pop(), at, wishes, block, worth, before, posterior)
            for _ in range(counts.pop()):
                masks.pop()
                weights.pop()
        else:
            low, high = first[at - marks[-1]], first[at - marks[-1] + 1]
            marks.append(at)
            counts.append(high - low)
            for state in range(low, high):
                masks.append(mask[state])
                weights.append(weight[state])


def _forward(
    start: int,
    begin: int,
    end: int,
    wishes: Wishes,
    most: int,
    block: Block,
    fresh: Fresh,
    lost: MutableSequence[float],
) -> int:
    """Fill the block from connection ``start`` on; the connection behind the last one that fits."""
    first, since, mask, weight, target, _ = block
    masks, weights, renamed, _, _ = fresh
    at = start
    while at < end:
        row = at - start
        if since[row] + len(masks) > len(target):
            break
        count = _step(at, row, wishes, block, fresh)
        share = _cut(count, most, fresh)
        if share > TOO_MUCH and lost[begin] < 1.0:
            for one in range(begin, end):
                lost[one] = 1.0
        lost[at] = max(lost[at], share)
        free = first[row + 1]
        for state in range(count):
            if renamed[state] >= 0:
                mask[free], weight[free] = masks[state], weights[state]
                free += 1
        for step in range(since[row], since[row + 1]):
            target[step] = renamed[target[step]]
        first[row + 2] = free
        at += 1
    return at


def _step(at: int, row: int, wishes: Wishes, block: Block, fresh: Fresh) -> int:
    """Every state with every choice of connection ``at``; the number of states they lead to."""
    ways, bits, odds, idle, leaving, leavers, slots, unused = wishes
    first, since, mask, weight, target, gain = block
    masks, weights, places, _, table = fresh
    step, count, stay = since[row], 0, ~leaving[at]
    for state in range(first[row], first[row + 1]):
        for way in range(ways[at] - 1, ways[at + 1]):
            worth, used = idle[at], mask[state]
            if way >= ways[at]:
                if bits[way] & used != 0:
                    continue
                worth, used = odds[way], used | bits[way]
            for line in range(leavers[at], leavers[at + 1]):
                if used >> slots[line] & 1 == 0:
                    worth *= unused[line]
            place = _place(used & stay, masks, table)
            if table[place] < 0:
                table[place] = count
                masks[count], weights[count], places[count] = used & stay, 0.0, place
                count += 1
            weights[table[place]] += weight[state] * worth
            target[step], gain[step] = table[place], worth
            step += 1
    since[row + 1] = step
    return count


def _place(mask: int, masks: Sequence[int], table: Sequence[int]) -> int:
    """Where the table has the state, or would (-1)."""
    last = len(table) - 1
    place = ((mask ^ mask >> 31) * 0x9E3779B1 >> 32) & last
    while table[place] >= 0 and masks[table[place]] != mask:
        place = place + 1 & last
    return place


def _cut(count: int, most: int, fresh: Fresh) -> float:
    """Number the states that are kept, -1 for others; the share of the weight that is lost.

    The heaviest gets weight 1: products of many odds leave the range of a float.
    """
    _, weights, places, _, table = fresh
    largest = total = 0.0
    for state in range(count):
        table[places[state]] = -1
        largest = max(largest, weights[state])
        total += weights[state]
    limit, ties = _limit(count, most, fresh) if count > most else (0.0, count)
    dropped, free, renamed = 0.0, 0, places
    for state in range(count):
        renamed[state] = -1
        ties -= weights[state] == limit
        if weights[state] < limit or (weights[state] == limit and ties < 0):
            dropped += weights[state]
        elif weights[state] > FAINT * largest:
            renamed[state] = free
            free += 1
        weights[state] = weights[state] / largest if largest > 0.0 else 0.0
    if dropped <= TOO_MUCH * total and free > 0:
        return dropped / total
    _keep_one(count, fresh)
    return 1.0


def _limit(count: int, most: int, fresh: Fresh) -> tuple[float, int]:
    """The least weight of the so many heaviest states, and how many with this weight are among them."""
    _, weights, _, spare, _ = fresh
    for state in range(count):
        spare[state] = weights[state]
    limit, ties = _ranked(spare, count, most), most
    for state in range(count):
        ties -= weights[state] > limit
    return limit, ties


def _keep_one(count: int, fresh: Fresh) -> None:
    """The first of the heaviest states alone."""
    _, weights, renamed, _, _ = fresh
    best = 0
    for state in range(count):
        renamed[state] = -1
        best = state if weights[state] > weights[best] else best
    renamed[best], weights[best] = 0, 1.0


def _ranked(values: MutableSequence[float], count: int, rank: int) -> float:
    """The value that has this rank among so many, 1 for the largest; reorders them."""
    low, high, wanted = 0, count - 1, rank - 1
    while low < high:
        pivot, left, right = values[(low + high) // 2], low, high
        while left <= right:
            while values[left] > pivot:
                left += 1
            while values[right] < pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left, right = left + 1, right - 1
        if wanted <= right:
            high = right
        elif wanted >= left:
            low = left
        else:
            break
    return values[wanted]


def _backward(
    at: int,
    end: int,
    wishes: Wishes,
    block: Block,
    worth: MutableSequence[float],
    before: MutableSequence[float],
    posterior: MutableSequence[float],
) -> None:
    """From what later connections add to the states after ``end``, what those from ``at`` on add.

    ``worth`` has it, first of the states after the last connection, then of those before the first.
    """
    ways, first = wishes[0], block[0]
    for row in range(end - at - 1, -1, -1):
        total = _back(at + row, row, wishes, block, worth, before, posterior)
        if total > 0.0:
            for way in range(ways[at + row], ways[at + row + 1]):
                posterior[way] /= total
        largest = 0.0
        for state in range(first[row + 1] - first[row]):
            largest = max(largest, before[state])
        for state in range(first[row + 1] - first[row]):
            worth[state] = before[state] / largest if largest > 0.0 else 1.0


def _back(
    at: int,
    row: int,
    wishes: Wishes,
    block: Block,
    worth: Sequence[float],
    before: MutableSequence[float],
    posterior: MutableSequence[float],
) -> float:
    """What connection ``at`` and later ones add to the states before it; the weight of all matchings."""
    ways, bits = wishes[0], wishes[1]
    first, since, mask, weight, target, gain = block
    step, total = since[row], 0.0
    for state in range(first[row], first[row + 1]):
        here = 0.0
        for way in range(ways[at] - 1, ways[at + 1]):
            taken = way >= ways[at]
            if taken and bits[way] & mask[state] != 0:
                continue
            if target[step] >= 0:
                value = worth[target[step]] * gain[step]
                here += value
                if taken:
                    posterior[way] += weight[state] * value
            step += 1
        before[state - first[row]] = here
        total += weight[state] * here
    return total
