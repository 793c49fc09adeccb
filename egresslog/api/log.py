"""Log: one side's logs, read, with their tables as pandas DataFrames."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from egresslog.formats.codes import Dialect
from egresslog.parse.logs import Logs
from egresslog.report.frames import files_frame, to_pandas
from egresslog.report.html import table_html
from egresslog.report.manifest import file_entry

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Log:
    """Logs of one side, read: ``records``, ``rejects`` and ``files`` are pandas DataFrames."""

    dialect: Dialect
    logs: Logs = field(repr=False)

    @cached_property
    def records(self) -> pd.DataFrame:
        """One row per record: schema.SQUID_RECORDS or schema.ENVOY_RECORDS."""
        return to_pandas(self.table)

    @cached_property
    def rejects(self) -> pd.DataFrame:
        """Lines without a reading: schema.REJECTS."""
        return to_pandas(self.logs.rejects)

    @cached_property
    def files(self) -> pd.DataFrame:
        """One row per file: kind, format, sha256 and what became of its lines."""
        return files_frame(file_entry(report) for report in self.logs.files)

    @property
    def table(self) -> pa.Table:
        """The records as Arrow."""
        return self.logs.squid if self.dialect == "squid" else self.logs.envoy

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        rejected = sum(report.rejected for report in self.logs.files)
        return (
            f"<{self.dialect} log: {len(self):,} records, {rejected:,} rejects, {len(self.logs.files)} files>"
        )

    def _repr_html_(self) -> str:
        return table_html(self.table.slice(0, 10), repr(self))
