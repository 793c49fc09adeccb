"""Hand-made logs: what must be linked, what must not, and what must be called ambiguous."""

from __future__ import annotations

import numpy as np
import pytest

from egresslog.linking.link import link
from egresslog.linking.model import MISSING, ConnectionColumns, Links, TransactionColumns
from egresslog.schema import LINKS

T0 = 1_795_000_000_000
Line = tuple[int, int, int, int]  # start, end (ms), bytes_down, status
Carrier = tuple[int, int, int]  # start, end (ms), bytes_sent


def lines_of(lines: list[Line], ports: list[int] | None = None) -> TransactionColumns:
    start, end, down, status = np.array(lines, dtype=np.int64).reshape(-1, 4).T
    zero = np.zeros(len(start), dtype=np.int64)
    return TransactionColumns(
        group=zero,
        instance=zero,
        start=(T0 + start) * 1_000,
        end=(T0 + end) * 1_000,
        resolution=zero + 1_000,
        port=zero + MISSING if ports is None else np.array(ports),
        bytes_down=down,
        bytes_up=zero + MISSING,
        status=status,
        connect=np.ones(len(start), dtype=bool),
        host=zero + MISSING,
    )


def carriers_of(carriers: list[Carrier], ports: list[int] | None = None) -> ConnectionColumns:
    start, end, sent = np.array(carriers, dtype=np.int64).reshape(-1, 3).T
    zero = np.zeros(len(start), dtype=np.int64)
    return ConnectionColumns(
        group=zero,
        start=(T0 + start) * 1_000,
        end=(T0 + end) * 1_000,
        port=zero + 40_000 if ports is None else np.array(ports),
        bytes_sent=sent,
        bytes_received=zero + 700,
        host=zero + MISSING,
        clock=zero,
        route=zero,
    )


def linked(lines: list[Line], carriers: list[Carrier]) -> Links:
    """Links of the given lines amid thirty plain tunnels a second apart that set clock and priors."""
    plain = [(60_000 + 1_000 * i, 60_300 + 7 * i, 5_000 + 13 * i) for i in range(30)]
    plain = [(start, start + end - 60_000, size) for start, end, size in plain]
    around = [(start + 1, end, size, 200) for start, end, size in plain]
    return link(lines_of(lines + around), carriers_of(carriers + plain))


def names(links: Links, count: int) -> list[str]:
    return [LINKS[int(one)] for one in links.link[:count]]


def test_single_tunnel_is_linked() -> None:
    links = linked([(2, 500, 87_633, 200)], [(0, 501, 87_633)])
    assert links.connection[0] == 0
    assert names(links, 1) == ["strong"]


def test_origin_may_close_long_before_the_application() -> None:
    assert linked([(2, 500, 87_633, 200)], [(0, 30_000, 87_633)]).connection[0] == 0


def test_different_time_and_size_are_not_linked() -> None:
    links = linked([(2, 500, 87_633, 200)], [(9_000, 9_092, 87_599)])
    assert names(links, 1) == ["none"]
    assert links.connection[0] == -1


def test_failed_connect_logs_no_bytes_and_is_linked() -> None:
    assert linked([(1, 80, 0, 503)], [(0, 81, 3_359)]).connection[0] == 0


def test_twins_are_ambiguous() -> None:
    links = linked([(2, 500, 4_000, 200), (3, 500, 4_000, 200)], [(0, 501, 4_000), (1, 501, 4_000)])
    assert names(links, 2) == ["ambiguous", "ambiguous"]
    assert links.none_posterior[:2].max() < 0.01
    assert links.candidates[:2].tolist() == [2, 2]


def test_twins_of_different_length_are_told_apart() -> None:
    links = linked([(1, 500, 4_000, 200), (1, 900, 4_000, 200)], [(0, 901, 4_000), (0, 501, 4_000)])
    assert links.connection[:2].tolist() == [1, 0]


def test_asked_for_a_password_first() -> None:
    links = linked([(1, 1, 3_584, 407), (9, 700, 61_234, 200)], [(0, 701, 64_818)])
    assert links.connection[:2].tolist() == [0, 0]
    assert (links.pairs.weights["share"][links.pairs.transaction < 2] != 0).all()


def test_keep_alive_requests_share_a_connection() -> None:
    lines = [(1, 4, 1_140, 200), (90, 95, 2_927, 200), (300, 301, 813, 304), (450, 460, 40_171, 200)]
    links = linked(lines, [(0, 461, 45_051), (280, 900, 77_777)])
    assert links.connection[:4].tolist() == [0, 0, 0, 0]


def test_lines_of_a_bundle_must_not_overlap() -> None:
    links = linked([(1, 600, 3_584, 200), (200, 700, 61_234, 200)], [(0, 701, 64_818)])
    assert (links.connection[:2] == 0).sum() < 2


def test_port_reused_within_a_second_goes_by_time() -> None:
    lines, carriers = [(1, 300, 900, 200), (341, 800, 900, 200)], [(0, 301, 900), (340, 801, 900)]
    links = link(lines_of(lines, [40_000, 40_000]), carriers_of(carriers, [40_000, 40_000]))
    assert links.connection.tolist() == [0, 1]
    assert names(links, 2) == ["exact", "exact"]


def test_first_pair_of_the_istio_page_is_no_pair() -> None:
    lines = lines_of([(0, 228, 87_633, 200)])
    later = carriers_of([(19_017_000, 19_017_092, 87_599)])
    assert link(lines, later).connection.tolist() == [-1]


@pytest.mark.parametrize(("lines", "carriers"), [(0, 0), (0, 3), (3, 0)])
def test_empty_sides(lines: int, carriers: int) -> None:
    some = [(1_000 * i, 1_000 * i + 50, 900 + i, 200) for i in range(lines)]
    others = [(1_000 * i, 1_000 * i + 50, 900 + i) for i in range(carriers)]
    links = link(lines_of(some), carriers_of(others))
    assert links.connection.tolist() == [-1] * lines
    assert links.none_posterior.tolist() == [1.0] * lines
    assert len(links.pairs) == 0
