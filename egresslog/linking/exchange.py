"""Exchanges between a line in a bundle and a line of the same size that has a connection alone.

Both lines are accounted for, yet each could play the other's part: such bundles are ways as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from egresslog.linking.join import shared_keys, window_join
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Ints
from egresslog.linking.ways import Ways


def find_variants(bundles: Ways, meeting: Meeting, settled: Ints) -> Ways:
    """The bundles with one line exchanged for a ``settled`` line of equal bytes; odds are 0."""
    table, reach = meeting.transactions, meeting.settings.open_window_us
    known = (meeting.group, table.bytes_down, table.bytes_up)
    line = bundles.lines
    key, other_key = shared_keys(tuple(one[line] for one in known), tuple(one[settled] for one in known))
    start = table.start
    ranges = window_join(key, start[line] - reach, start[line] + reach, other_key, start[settled])
    place, found = ranges.nearest_middle(meeting.settings.max_candidates).pairs()
    variants = _exchanged(bundles, place, settled[found])
    return variants.take(np.flatnonzero(_in_order(variants, meeting)))


def _exchanged(bundles: Ways, place: Ints, other: Ints) -> Ways:
    """For each place in ``bundles.lines`` the bundle it is in, with another line there."""
    number = bundles.number[place]
    copies = bundles.take(number)
    copies.lines[copies.begins[:-1] + place - bundles.begins[number]] = other
    return Ways(copies.connection, copies.size, copies.lines, np.zeros(len(copies)))


def _in_order(bundles: Ways, meeting: Meeting) -> NDArray[np.bool_]:
    """Each line starts when the one before is done."""
    table, lines, number = meeting.transactions, bundles.lines, bundles.number
    ready = table.end[lines] - 2 * table.resolution[lines]
    late = table.start[lines] >= np.roll(ready, 1)
    fits = late | (np.diff(number, prepend=-1) != 0)
    return np.asarray(np.bincount(number, ~fits, len(bundles)) == 0)
