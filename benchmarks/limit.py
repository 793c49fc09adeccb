"""The Bayes limit: the same matcher, told the true clock and what true pairs look like."""

from __future__ import annotations

import dataclasses

import numpy as np
from simulate import Logs, World, simulate

from egresslog.linking.candidates import find_candidates, find_ports
from egresslog.linking.clock import fit_clocks
from egresslog.linking.evidence import Parameters, observe
from egresslog.linking.link import link
from egresslog.linking.meeting import Meeting
from egresslog.linking.model import Links, Model, Settings
from egresslog.linking.parameters import learned

KNOWN_CLOCK = Settings(max_offset_us=0)


def true_parameters(logs: Logs, settings: Settings) -> Parameters:
    """Parameters learned from the candidate pairs that are true; ``logs`` have equal clocks.

    Times come from all of them, bytes from lines alone on their connection: the matcher asks whether a
    line on its own is the connection, and adds lines that share one up by themselves.
    """
    meeting = Meeting(logs.transactions, logs.connections, settings)
    ports = find_ports(meeting)
    left, right = find_candidates(meeting, ports, meeting.sample(8, 4_096))
    features = observe(meeting, left, right, ports.share)
    carried = np.bincount(logs.truth[logs.truth >= 0], minlength=len(logs.connections))
    true = (logs.truth[left] == right).astype(np.float64)
    stray, silent = _rare((logs.truth < 0).mean()), _rare((carried == 0).mean())
    every = learned(meeting, features, true, stray, silent)
    alone = learned(meeting, features, true * (carried[right] == 1), stray, silent)
    return dataclasses.replace(every, down=alone.down, up=alone.up)


def _rare(share: float) -> float:
    return float(np.clip(share, 1e-6, 0.999))


def limit(world: World) -> tuple[Logs, Links]:
    """The world's traffic on equal clocks, linked with true parameters."""
    logs = simulate(world.on_true_clocks())
    clocks = fit_clocks(logs.transactions, logs.connections, KNOWN_CLOCK)
    model = Model(clocks, true_parameters(logs, KNOWN_CLOCK))
    return logs, link(logs.transactions, logs.connections, KNOWN_CLOCK, model)
