"""What links are worth against the simulator's truth: right, missing, and how well doubt is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from simulate import KINDS, Logs

from egresslog.linking.model import Floats, Ints, Links
from egresslog.schema import LINKS

BINS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0])
_SURE = 0.99


@dataclass(frozen=True)
class Answer:
    """One method's answer, one element per line."""

    connection: Ints  # row of the connection, -1 unless linked
    best: Ints  # the best candidate even where that is no link, -1 without candidates
    confidence: Floats  # of ``best``; nan where the method has none
    ambiguous: Ints  # 1 where it says so


@dataclass(frozen=True)
class Row:
    """One row of the table; counts are lines, shares are of 1, nan where a method gives no confidence."""

    world: str
    method: str
    lines: int
    right: float
    linked_right: float
    wrong: int
    expected_wrong: float
    ambiguous: int
    none: int
    sure_right: float
    calibration_error: float
    seconds: float
    lines_per_s: int


def answer_of(links: Links) -> Answer:
    """What egresslog said."""
    pairs = links.pairs
    order = np.lexsort((pairs.connection, -pairs.posterior, pairs.transaction))
    first = order[np.diff(pairs.transaction[order], prepend=-1) != 0]
    best = np.full(len(links), -1, dtype=np.int64)
    best[pairs.transaction[first]] = pairs.connection[first]
    ambiguous = (links.link == LINKS.index("ambiguous")).astype(np.int64)
    return Answer(links.connection, best, links.confidence, ambiguous)


def certain(connection: Ints) -> Answer:
    """The answer of a method that never doubts."""
    nothing = np.full(len(connection), np.nan)
    return Answer(connection, connection, nothing, np.zeros(len(connection), np.int64))


def score(world: str, method: str, logs: Logs, answer: Answer, seconds: float) -> Row:
    """Compare an answer with the truth."""
    made, has = answer.connection >= 0, logs.truth >= 0
    hit = made & (answer.connection == logs.truth)
    unlinked = has & ~made
    sure = answer.confidence >= _SURE
    return Row(
        world=world,
        method=method,
        lines=len(made),
        right=_share(hit, made),
        linked_right=_share(hit, has),
        wrong=int((made & ~hit).sum()),
        expected_wrong=round(float((1.0 - answer.confidence[made]).sum()), 1),
        ambiguous=int((unlinked & (answer.ambiguous == 1)).sum()),
        none=int((unlinked & (answer.ambiguous == 0)).sum()),
        sure_right=_share(sure & (answer.best == logs.truth), sure),
        calibration_error=calibration_error(logs, answer),
        seconds=round(seconds, 2),
        lines_per_s=round(len(made) / max(seconds, 1e-9)),
    )


def reliability(logs: Logs, answer: Answer) -> pd.DataFrame:
    """Per bin of the best candidate's confidence: lines, mean confidence, share right."""
    named = (answer.best >= 0) & ~np.isnan(answer.confidence)
    confidence, right = answer.confidence[named], (answer.best == logs.truth)[named]
    where = np.clip(np.digitize(confidence, BINS) - 1, 0, len(BINS) - 2)
    frame = pd.DataFrame({"bin": where, "confidence": confidence, "right": right})
    table = frame.groupby("bin").agg(
        lines=("right", "size"), confidence=("confidence", "mean"), right=("right", "mean")
    )
    table.insert(0, "from", BINS[table.index])
    return table.reset_index(drop=True)


def calibration_error(logs: Logs, answer: Answer) -> float:
    """Mean distance of confidence and share right over all lines with candidates; nan without confidence."""
    table = reliability(logs, answer)
    total = table["lines"].sum()
    if not total:
        return float("nan")
    return round(float(((table["confidence"] - table["right"]).abs() * table["lines"]).sum() / total), 5)


def wrong_by_kind(logs: Logs, answer: Answer) -> dict[str, int]:
    """Wrong links, by what kind of connection really carried the line."""
    wrong = (answer.connection >= 0) & (answer.connection != logs.truth)
    lost = wrong & (logs.truth < 0)
    counts = np.bincount(logs.kind[wrong & ~lost], minlength=len(KINDS)).tolist()
    found = {name: count for name, count in zip(KINDS, counts, strict=True) if count}
    return found | ({"no connection": int(lost.sum())} if lost.any() else {})


def linked_by_kind(logs: Logs, answer: Answer) -> dict[str, float]:
    """Share of right links, by kind of connection, of the lines that have one."""
    has = logs.truth >= 0
    hit = has & (answer.connection == logs.truth)
    every, right = (np.bincount(logs.kind[rows], minlength=len(KINDS)) for rows in (has, hit))
    return {KINDS[one]: round(float(right[one] / every[one]), 4) for one in np.flatnonzero(every)}


def _share(part: np.typing.NDArray[np.bool_], whole: np.typing.NDArray[np.bool_]) -> float:
    total = int(whole.sum())
    return round(int(part.sum()) / total, 6) if total else float("nan")
