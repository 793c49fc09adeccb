"""How cost grows: linking alone, from ten thousand to millions of lines, each size in its own process."""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd
from simulate import World, simulate

from egresslog.linking.link import link

SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 5_000_000
_PLACES = {"130/s, six addresses": (130.0, False), "1,000/s, one address": (1_000.0, True)}


@dataclass(frozen=True)
class Cost:
    """What linking one world took; ``peak_mb`` is of the whole process, ``before_mb`` before linking."""

    world: str
    lines: int
    seconds: float
    lines_per_s: int
    before_mb: int
    peak_mb: int
    right: float
    linked_right: float


def cost(name: str, connections: int) -> Cost:
    """Simulate and link in this process."""
    rate, one_address = _PLACES[name]
    logs = simulate(World(connections=connections, rate=rate, one_address=one_address, cut=True, seed=5))
    before, began = _peak_mb(), time.perf_counter()
    links = link(logs.transactions, logs.connections)
    seconds = time.perf_counter() - began
    hit, made = links.connection == logs.truth, links.connection >= 0
    return Cost(
        world=name,
        lines=len(links),
        seconds=round(seconds, 2),
        lines_per_s=round(len(links) / seconds),
        before_mb=before,
        peak_mb=_peak_mb(),
        right=round(float(hit[made].mean()), 6),
        linked_right=round(float(hit[logs.truth >= 0].mean()), 6),
    )


def report(sizes: tuple[int, ...]) -> list[Cost]:
    """Print the cost of every size and the growth between the smallest and the largest."""
    found: list[Cost] = []
    for name in _PLACES:
        costs = [_alone(name, size) for size in sizes]
        print(pd.DataFrame([asdict(one) for one in costs]).to_string(index=False))
        print(f"{name}: seconds grow as lines to the power of {exponent(costs):.2f}\n", flush=True)
        found += costs
    return found


def exponent(costs: list[Cost]) -> float:
    """Slope of log seconds over log lines; nan for a single size."""
    if len(costs) < 2:
        return float("nan")
    lines, seconds = ([getattr(one, name) for one in costs] for name in ("lines", "seconds"))
    return float(np.polyfit(np.log(lines), np.log(np.maximum(seconds, 0.01)), 1)[0])


def _alone(name: str, size: int) -> Cost:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(cost, name, size).result()


def _peak_mb() -> int:
    unit = 1 if sys.platform == "darwin" else 1_024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 1_000_000
