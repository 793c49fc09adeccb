"""Exchanges between a line in a bundle and a line of the same size that has a connection alone.

Both lines are accounted for, yet each could play the other's part; how well they would do so
takes from the confidence of both links.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egresslog.linking.bundles import Bundle
from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.model import Floats, Ints, Settings, TransactionColumns


@dataclass(frozen=True)
class Parts:
    """Lines of the bundles taken, with the lines that could stand in for them."""

    variants: list[Bundle]  # the bundle with the other line in the place of the one
    number: Ints  # which of the bundles given it is a variant of
    line: Ints  # the line replaced
    other: Ints  # the line that replaces it


def find_parts(
    taken: list[Bundle], transactions: TransactionColumns, settled: Ints, settings: Settings
) -> Parts:
    """Variants of the bundles with one line exchanged for a ``settled`` line of equal bytes."""
    sizes = np.array([len(bundle.lines) for bundle in taken], dtype=np.int64)
    number = np.repeat(np.arange(len(taken)), sizes)
    line = np.array([one for bundle in taken for one in bundle.lines], dtype=np.int64)
    table = (transactions.group, transactions.bytes_down, transactions.bytes_up)
    key, other_key = shared_keys(tuple(one[line] for one in table), tuple(one[settled] for one in table))
    start, reach = transactions.start, settings.open_window_us
    ranges = window_join(key, start[line] - reach, start[line] + reach, other_key, start[settled])
    row, found = ranges.nearest_first(settings.max_candidates).pairs()
    other = settled[found]
    variants = [
        _variant(taken[number[at]], int(line[at]), int(one))
        for at, one in zip(row.tolist(), other.tolist(), strict=True)
    ]
    fits = np.array([_in_order(variant, transactions) for variant in variants], dtype=bool)
    kept = [variant for variant, fit in zip(variants, fits.tolist(), strict=True) if fit]
    return Parts(kept, number[row[fits]], line[row[fits]], other[fits])


def exchange_odds(replaced: Floats, kept: Floats, leaves: Floats, enters: Floats) -> Floats:
    """Odds of each exchange: ``kept`` bundle and link against ``replaced`` bundle and entered link.

    All are log2 odds against "none"; a line that cannot take the other's connection stays alone.
    """
    gain = replaced - kept + np.maximum(enters, 0.0) - leaves
    return np.asarray(np.exp2(np.clip(gain, -60.0, 0.0)))


def _variant(bundle: Bundle, line: int, other: int) -> Bundle:
    return Bundle(bundle.connection, tuple(other if one == line else one for one in bundle.lines))


def _in_order(bundle: Bundle, transactions: TransactionColumns) -> bool:
    lines = list(bundle.lines)
    ready = transactions.end[lines] - 2 * transactions.resolution[lines]
    return bool((transactions.start[lines][1:] >= ready[:-1]).all())
