"""The Bayes limit: the same matcher, told the true clock and what true pairs look like."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np
from simulate import Logs, World, simulate

from egresslog.linking.candidates import find_candidates
from egresslog.linking.evidence import Parameters, observe
from egresslog.linking.likelihood import growing_edges, learn, lomax
from egresslog.linking.link import link
from egresslog.linking.model import Links, Settings
from egresslog.linking.parameters import _learn

KNOWN_CLOCK = Settings(max_offset_us=0)
TAKES_PARAMETERS = "parameters" in inspect.signature(link).parameters


def true_parameters(logs: Logs, settings: Settings) -> Parameters:
    """Parameters learned from the candidate pairs that are true; ``logs`` have equal clocks.

    Times come from all of them, bytes from lines alone on their connection: the matcher asks whether a
    line on its own is the connection, and adds lines that share one up by themselves.
    """
    lines, others = logs.transactions, logs.connections
    candidates = find_candidates(lines, others, settings)
    features = observe(lines, others, candidates)
    carried = np.bincount(logs.truth[logs.truth >= 0], minlength=len(others))
    true = (logs.truth[candidates.transaction] == candidates.connection).astype(np.float64)
    sole = true * (carried[candidates.connection] == 1)
    duration = learn(growing_edges(), lomax(growing_edges(), 1e5), others.end - others.start)
    stray, silent = _rare((logs.truth < 0).mean()), _rare((carried == 0).mean())
    every = _learn(features, true, duration, stray, silent)
    alone = _learn(features, sole, duration, stray, silent)
    return dataclasses.replace(every, down=alone.down, up=alone.up)


def _rare(share: float) -> float:
    return float(np.clip(share, 1e-6, 0.999))


def limit(world: World) -> tuple[Logs, Links]:
    """The world's traffic on equal clocks, linked with true parameters; needs ``TAKES_PARAMETERS``."""
    logs = simulate(world.on_true_clocks())
    told: dict[str, Any] = {"parameters": true_parameters(logs, KNOWN_CLOCK)}
    return logs, link(logs.transactions, logs.connections, KNOWN_CLOCK, **told)
