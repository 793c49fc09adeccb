"""Tunnels that Envoy opened itself: Squid counts its answer to the CONNECT, Envoy does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from made_logs import envoy_lines, squid_lines, tunnels, write

import egresslog
from egresslog.correlation.heads import ANSWER, answer_heads


def test_the_answer_is_39_bytes() -> None:
    assert ANSWER == 39  # measured: Squid's bytes of a tunnel in which the server sent nothing


def test_tunnels_that_envoy_opened_are_linked_to_the_byte(tmp_path: Path) -> None:
    made = tunnels(60)
    envoy = write(tmp_path / "envoy/app-1/p.log", envoy_lines(replace(t, down=t.down - 39) for t in made))
    squid = write(tmp_path / "squid/access.log", squid_lines(made))
    found = egresslog.correlate(squid=squid, envoy=envoy)
    lines = found.transactions
    assert lines["link"].isin(["strong", "exact"]).all()
    assert not lines["flags"].map(lambda flags: "bytes_differ" in flags).any()
    assert lines["bytes_up"].isna().all()  # Envoy did not count the head of the CONNECT it wrote


def test_only_the_route_whose_sizes_say_so_has_heads() -> None:
    down = np.arange(1_000, 1_400, 7)
    sent, route = np.concatenate([down[:20], down[20:40] - 39]), np.repeat([0, 1], 20)
    assert answer_heads(down, sent, route).tolist() == [0] * 20 + [39] * 20


def test_few_sizes_prove_nothing() -> None:
    down = np.array([1_000, 2_000, 3_000])
    assert not answer_heads(down, down - 39, np.zeros(3, dtype=np.int64)).any()
