"""The one plot: mesh clients by external hosts, shaded by how many tunnels they opened."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from egresslog.report.human import counted
from egresslog.report.neutralise import for_plot
from egresslog.report.rows import rows
from egresslog.report.summary import client_name, host_name

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from matplotlib.axes import Axes

_LABELLED_CELLS = 150
_PLAIN = {"parse_math": False}  # a host may be $x^{y$, which mathtext would refuse
_INCHES_PER_CELL = 0.42

Pairs = Counter[tuple[str, str]]


def plot_matrix(matrix: pa.Table | pd.DataFrame, ax: Axes | None = None, top: int = 20) -> Axes:
    """Draw tunnels per client and host as a heat map on a log scale, and return its Axes.

    Only the ``top`` clients and hosts of most tunnels are drawn; the title says of how many. A
    matrix without tunnels gives Axes that say so. Without ``ax``, a new figure is made.
    """
    pairs = _tunnels(matrix)
    clients, hosts = (_most(pairs, side, top) for side in (0, 1))
    ax = _new_axes(len(clients), len(hosts)) if ax is None else ax
    if not pairs:
        return _say_empty(ax)
    _draw(ax, pairs, clients, hosts)
    _label(ax, clients, hosts)
    everyone, everywhere = ({pair[side] for pair in pairs} for side in (0, 1))
    ax.set_title(
        f"Tunnels: {len(clients)} of {counted(len(everyone), 'client')}, "
        f"{len(hosts)} of {counted(len(everywhere), 'host')}",
        fontsize="medium", loc="left",
    )  # fmt: skip
    return ax


def _tunnels(matrix: pa.Table | pd.DataFrame) -> Pairs:
    """Tunnels per client and host:port, pairs without any left out."""
    import pyarrow as pa

    table = matrix if isinstance(matrix, pa.Table) else pa.Table.from_pandas(matrix, preserve_index=False)
    pairs: Pairs = Counter()
    for row in rows(table):
        if row["tunnels"]:
            pairs[client_name(row), host_name(row)] += row["tunnels"]
    return pairs


def _most(pairs: Pairs, side: int, top: int) -> list[str]:
    """Clients (side 0) or hosts (side 1) of most tunnels, most first, then by name."""
    sums: Counter[str] = Counter()
    for pair, tunnels in pairs.items():
        sums[pair[side]] += tunnels
    return sorted(sums, key=lambda name: (-sums[name], name))[:top]


def _new_axes(clients: int, hosts: int) -> Axes:
    import matplotlib.pyplot as plt

    size = (4 + _INCHES_PER_CELL * hosts, 2.5 + _INCHES_PER_CELL * clients)
    axes: Axes = plt.subplots(figsize=size, layout="constrained")[1]
    return axes


def _say_empty(ax: Axes) -> Axes:
    ax.text(0.5, 0.5, "no tunnels", transform=ax.transAxes, ha="center", va="center")
    ax.set_axis_off()
    return ax


def _draw(ax: Axes, pairs: Pairs, clients: list[str], hosts: list[str]) -> None:
    import numpy as np
    from matplotlib.colors import LogNorm

    counts = np.array([[pairs[client, host] for host in hosts] for client in clients])
    norm = LogNorm(vmin=1, vmax=max(int(counts.max()), 2))
    image = ax.imshow(np.ma.masked_equal(counts, 0), cmap="cividis", norm=norm, aspect="auto")
    figure: Any = ax.figure
    figure.colorbar(image, ax=ax, label="tunnels", format="{x:,.0f}", pad=0.02).minorticks_off()
    if counts.size <= _LABELLED_CELLS:
        for (row, column), count in np.ndenumerate(counts):
            # White on the dark half of the scale, black on the bright one.
            color = "white" if norm(max(count, 1)) < 0.5 else "black"
            text = f"{count:,}" if count else ""
            ax.text(column, row, text, ha="center", va="center", color=color, fontsize=8)


def _label(ax: Axes, clients: list[str], hosts: list[str]) -> None:
    ax.set_xticks(range(len(hosts)), [for_plot(host) for host in hosts], rotation=40, ha="right",
                  rotation_mode="anchor", fontsize=8, **_PLAIN)  # fmt: skip
    ax.set_yticks(range(len(clients)), [for_plot(client) for client in clients], fontsize=8, **_PLAIN)
