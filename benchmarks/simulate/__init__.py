"""Squid behind Envoy sidecars, simulated at column level with the truth; vectorised."""

from simulate.polls import Polls, poll
from simulate.traffic import simulate
from simulate.world import EPOCH_US, KINDS, Logs, World, by_end, shuffled

__all__ = [
    "EPOCH_US",
    "KINDS",
    "Logs",
    "Polls",
    "World",
    "by_end",
    "poll",
    "rows",
    "shuffled",
    "simulate",
]
