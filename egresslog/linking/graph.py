"""Kernels on the graph of lines and connections; plain loops that CPython and numba both run."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

SLOTS = 62  # lines alive at once in a component


def unite(
    parent: MutableSequence[int], ways: Sequence[int], begins: Sequence[int], lines: Sequence[int]
) -> None:
    """Join each connection (rows 0, 1, ... of ``parent``) with the lines (rows behind) of its ways.

    Ways of connection c are ``ways[c]:ways[c + 1]``, lines of way w ``lines[begins[w]:begins[w + 1]]``.
    Afterwards rows with the same parent are connected.
    """
    connections = len(ways) - 1
    for connection in range(connections):
        for at in range(begins[ways[connection]], begins[ways[connection + 1]]):
            one, other = _root(parent, connection), _root(parent, connections + lines[at])
            parent[max(one, other)] = min(one, other)
    for row in range(len(parent)):
        parent[row] = _root(parent, row)


def _root(parent: MutableSequence[int], row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


def find_slots(
    order: Sequence[int], first: Sequence[int], last: Sequence[int], slot: MutableSequence[int]
) -> None:
    """Give each line a slot that no other has between its first and its last connection; -1 if none is free.

    ``order``: the lines by their first connection.
    """
    free_from = [0] * SLOTS
    for line in order:
        for place in range(SLOTS):
            if free_from[place] <= first[line]:
                slot[line] = place
                free_from[place] = last[line] + 1
                break
