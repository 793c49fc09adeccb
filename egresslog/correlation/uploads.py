"""Whose bytes up a connection counted: those of its one record, or of several together.

Squid's native format does not log them, and Envoy counts them per connection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from egresslog.correlation.steps import Steps

Settled = Mapping[int, Sequence[int]]  # Envoy rows at the proxy, with the Squid rows that account for all


def settled(steps: Steps) -> Settled:
    """The Envoy rows at the proxy for whose every byte their Squid records account, with these."""
    lines: defaultdict[int, list[int]] = defaultdict(list)
    for index, chain in enumerate(steps.chains):
        if chain:
            lines[chain[0]].append(index)
    return {row: some for row, some in lines.items() if _is_settled(steps, row, some)}


def shared(steps: Steps, settled: Settled) -> set[int]:
    """The clients' Envoy rows whose bytes up are those of several Squid records together, and of no other."""
    chains = (steps.hops.chain(row) for row, lines in settled.items() if len(lines) > 1)
    return {chain[-1] for chain in chains if _is_one(steps, chain)}


def _is_settled(steps: Steps, row: int, lines: Sequence[int]) -> bool:
    """No other record could have used it, and the bytes down agree to the byte.

    What a client sent on or after a failed request is not all in Squid's record, and where Envoy wrote
    the CONNECT, its head is missing in what Envoy counted from the client.
    """
    if row in steps.heads or not steps.contenders.get(row, set()) <= set(lines):
        return False
    records = [steps.squid[index] for index in lines]
    if not all(200 <= (record["status"] or 0) < 500 for record in records):
        return False
    down = [record["bytes_down"] for record in records]
    return None not in down and sum(down) == steps.envoy[row]["bytes_sent"]


def _is_one(steps: Steps, chain: Sequence[int]) -> bool:
    """True where all hops carried the same records and the same bytes."""
    return len({(steps.carried[row], steps.envoy[row]["bytes_received"]) for row in chain}) == 1
