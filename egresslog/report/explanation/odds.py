"""From weights to probability: what stands between the sum of the evidence and the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from egresslog.report.rows import Row

_LEAST = 1e-9  # below, the probability of "none of these" is only known to be tiny


def of_candidates(candidates: Sequence[Row]) -> Row:
    """``none``: the probability that no candidate carried it. ``prior`` and ``total``: log2, of the best.

    ``total`` are its odds against "none of these"; ``prior`` is what it has beyond its evidence: the
    odds before any, and what the other lines that want the connection take from it. Both are null
    where "none of these" is too unlikely for its probability to be known.
    """
    none = max(0.0, 1.0 - sum(row["posterior"] for row in candidates))
    if not candidates or none < _LEAST or candidates[0]["posterior"] < _LEAST:
        return {"none": none, "prior": None, "total": None}
    total = log2(candidates[0]["posterior"] / none)
    return {"none": none, "prior": total - candidates[0]["weight"], "total": total}
