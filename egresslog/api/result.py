"""Correlation: the links between both sides, with the tables of schema.py as pandas DataFrames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from egresslog.report.controls import COLUMNS, control_rows
from egresslog.report.explanation import Explanation, explain
from egresslog.report.frames import files_frame, to_pandas
from egresslog.report.html import matrix_html
from egresslog.report.manifest import written
from egresslog.report.matrix import KEY, matrix
from egresslog.report.output import LINKED
from egresslog.report.run import read_run, write_run

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Correlation:
    """The links between both sides, with the tables of schema.py as pandas DataFrames."""

    tables: Mapping[str, pa.Table] = field(repr=False)
    manifest: Mapping[str, Any] = field(repr=False)

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """One row per Squid record: schema.TRANSACTIONS."""
        return to_pandas(self.tables["transactions"])

    @cached_property
    def connections(self) -> pd.DataFrame:
        """One row per Envoy record: schema.CONNECTIONS."""
        return to_pandas(self.tables["connections"])

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Transaction x candidate connection, with one weight per kind of evidence: schema.CANDIDATES."""
        return to_pandas(self.tables["candidates"])

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """Lines without a reading: schema.REJECTS."""
        return to_pandas(self.tables["rejects"])

    @cached_property
    def files(self) -> pd.DataFrame:
        """One row per input file."""
        return files_frame(self.manifest["files"])

    @cached_property
    def balance(self) -> pd.DataFrame:
        """The balance: side, what, part, count; the parts of each equation add up to its total."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"side": e["side"], "what": e["what"], "part": part, "count": count, "total": e["total"]}
                for e in self.manifest["balance"]
                for part, count in e["parts"].items()
            ],
            columns=["side", "what", "part", "count", "total"],
        )

    @cached_property
    def clock(self) -> pd.DataFrame:
        """Per Squid instance: offset_us (Squid minus Envoy, null where unknown), error_us, spread_us,
        drift_ppm, zone_us (the time zone in offset_us), links used, method."""
        import pandas as pd

        columns = ["proxy", "offset_us", "error_us", "spread_us", "drift_ppm", "zone_us", "links", "method"]
        return pd.DataFrame(self.manifest["clocks"], columns=columns)

    @cached_property
    def controls(self) -> pd.DataFrame:
        """What the links are worth, tried on these logs; a row per control:

        ``time_shift``: Squid's lines, moved away from their connections: every link is wrong.
        ``without_ports``: lines linked by client port, linked again without: right where both agree.
        ``expected``: all lines; wrong is the sum of 1 - confidence over the links.

        Columns: control, lines (looked at), links (made of them), right, wrong, linked_share (links of
        lines), right_share (right of links), note (how, or why it was not possible: the rest is null).
        """
        import pandas as pd

        rows = control_rows(self.manifest.get("controls"))
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"lines": "Int64", "links": "Int64"})

    def matrix(self, by: Sequence[str] = KEY) -> pd.DataFrame:
        """Mesh client x external host: counts, bytes, first and last seen (report.matrix.MATRIX).

        ``by``: what to total by, some of cluster, namespace, workload, client, host, port, by default
        all. Bytes up of connections whose records name one host on two ports are known only without
        ``port``; ``bytes_up_known`` says of how many ``transactions`` they are. Raises UsageError.
        """
        if tuple(by) == KEY:
            return to_pandas(self.matrix_table)
        return to_pandas(matrix(*self._sides, by))

    @cached_property
    def matrix_table(self) -> pa.Table:
        """The matrix as Arrow."""
        return matrix(*self._sides)

    @property
    def _sides(self) -> tuple[pa.Table, pa.Table]:
        return self.tables["transactions"], self.tables["connections"]

    def plot(self, ax: Axes | None = None, top: int = 20) -> Axes:
        """Heat map of tunnels, clients x hosts, on the given or new matplotlib Axes."""
        from egresslog.report.plot import plot_matrix

        return plot_matrix(self.matrix_table, ax=ax, top=top)

    def explain(self, record: str) -> Explanation:
        """Why a transaction or a connection is linked, or why not, with all evidence.

        ``record`` is its id, the beginning of its id, or FILE:LINE. ``print`` shows what ``egresslog
        explain`` does, a notebook draws it, ``.to_dict()`` gives it as data. Raises UsageError when
        there is no such record, or more than one.
        """
        return explain(self.tables, self.manifest, record)

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write a run folder that ``load`` reads. Raises OutputError (exists, not writable)."""
        write_run(os.fspath(folder), self.tables, written(self.manifest), force=force)

    def __repr__(self) -> str:
        links = self.tables["transactions"]["link"].to_pylist()
        linked = sum(link in LINKED for link in links)
        connections = len(self.tables["connections"])
        return f"<correlation: {linked:,} of {len(links):,} transactions linked, {connections:,} connections>"

    def _repr_html_(self) -> str:
        return matrix_html(self.matrix_table)


def load(run: str | os.PathLike[str]) -> Correlation:
    """Read a run folder written by ``Correlation.save`` or ``egresslog correlate -o FOLDER``.

    Raises UsageError when the folder is not a run.
    """
    tables, manifest = read_run(os.fspath(run))
    return Correlation(tables, manifest)
