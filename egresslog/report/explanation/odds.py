"""From weights to probability: what stands between the sum of the evidence and the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from egresslog.report.rows import Row

_LEAST = 1e-9  # below, the probability of "none of these" is only known to be tiny


def of_candidates(candidates: Sequence[Row], margin: float | None) -> Row:
    """``none``: the probability that no candidate carried it. ``prior`` and ``total``: log2, of the best.

    ``total`` are its odds against "none of these"; ``prior`` is what it has beyond its evidence: the
    odds before any, and what the other lines that want the connection take from it. Both are null
    where "none of these" is too unlikely for its probability to be known. ``margin``: the transaction's;
    of a sole candidate it is the total.
    """
    none = max(0.0, 1.0 - sum(row["posterior"] for row in candidates))
    total = margin if len(candidates) == 1 else None
    if candidates and none >= _LEAST and candidates[0]["posterior"] >= _LEAST:
        total = log2(candidates[0]["posterior"] / none)
    if total is None:
        return {"none": none, "prior": None, "total": None}
    return {"none": none, "prior": total - candidates[0]["weight"], "total": total}
