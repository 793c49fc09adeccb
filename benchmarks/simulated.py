"""Measure egresslog, the baselines and the Bayes limit on simulated worlds, and the time-shift control."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import asdict

import baselines
import limit
import numpy as np
import pandas as pd
from scenarios import worlds
from scoring import Answer, Row, answer_of, certain, linked_by_kind, reliability, score, wrong_by_kind
from simulate import Logs, World, simulate

from egresslog.linking.link import link
from egresslog.linking.model import MISSING_TIME, TransactionColumns

_DAY_S = 86_400.0
_SHIFTS = (0.11, 0.29, 0.47, 0.71, 0.89)  # of the coverage


def egresslog_answer(logs: Logs) -> tuple[Answer, float]:
    """The answer and the seconds it took."""
    began = time.perf_counter()
    links = link(logs.transactions, logs.connections)
    return answer_of(links), time.perf_counter() - began


def measure(name: str, world: World) -> Iterator[tuple[Row, Logs, Answer]]:
    """One world: egresslog, its limit, the baselines."""
    logs = simulate(world)
    answer, seconds = egresslog_answer(logs)
    yield score(name, "egresslog", logs, answer, seconds), logs, answer
    began = time.perf_counter()
    equal, links = limit.limit(world)
    spent = time.perf_counter() - began
    yield score(name, "Bayes limit", equal, answer_of(links), spent), equal, answer_of(links)
    for method, join in baselines.methods(logs).items():
        began = time.perf_counter()
        found = certain(join(logs))
        yield score(name, method, logs, found, time.perf_counter() - began), logs, found


def report(connections: int, only: str | None) -> pd.DataFrame:
    """Print the table of all worlds, wrong links by kind, and reliability; return the reliability table."""
    tables, parts = [], []
    for name, world in worlds(connections, only):
        for row, logs, answer in measure(name, world):
            tables.append(asdict(row))
            if row.method == "egresslog":
                print(f"{name}: wrong links by kind {wrong_by_kind(logs, answer)}")
                print(f"    linked right by kind {linked_by_kind(logs, answer)}", flush=True)
                parts.append(reliability(logs, answer))
    print(
        f"\n{table(tables)}\n\nreliability over all worlds\n{(whole := pooled(parts)).to_string(index=False)}"
    )
    return whole


def table(found: list[dict[str, object]]) -> str:
    frame = pd.DataFrame(found).rename(columns=lambda name: name.replace("_", " "))
    return frame.to_string(index=False, na_rep="-")


def pooled(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Reliability tables of several worlds as one; each line counts once."""
    every = pd.concat(parts)
    for name in ("confidence", "right"):
        every[name] = every[name] * every["lines"]
    sums = every.groupby("from", as_index=False).sum()
    return sums.assign(confidence=sums["confidence"] / sums["lines"], right=sums["right"] / sums["lines"])


def shift_control(connections: int) -> pd.DataFrame:
    """A simulated day with one side moved within the coverage: the share of lines that still link."""
    logs = simulate(World(connections=connections, rate=connections / _DAY_S, polls=0.05, seed=3))
    found = []
    for part in _SHIFTS:
        links = link(shifted(logs.transactions, part), logs.connections, limit.KNOWN_CLOCK)
        made = links.connection >= 0
        found.append({"shift, s": round(part * _DAY_S), "lines": len(links), "still linked": made.mean()})
    return pd.DataFrame(found)


def shifted(transactions: TransactionColumns, part: float) -> TransactionColumns:
    """Lines moved by this part of the time they cover, round its end to its beginning."""
    first, last = int(transactions.end.min()), int(transactions.end.max())
    span = last - first + 1
    end = first + (transactions.end - first + int(part * span)) % span
    moved = end - transactions.end
    start = np.where(transactions.start == MISSING_TIME, MISSING_TIME, transactions.start + moved)
    return dataclasses.replace(transactions, start=start, end=end)
