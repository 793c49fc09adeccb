"""Arrow tables -> pandas DataFrames: the edge that notebooks touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """A DataFrame with UTC times; integers are Int64, so that unset stays <NA> and never 0."""
    import pandas as pd
    import pyarrow as pa

    nullable = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}
    return table.to_pandas(types_mapper=nullable.get)


def files_frame(entries: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The files of a manifest: path, kind, format, sha256, what became of the lines, first and last."""
    import pandas as pd

    columns = ["path", "kind", "name", "format", "size", "sha256", "lines", "parsed", "rejected", "skipped",
               "continued", "duplicate", "doubtful", "first", "last", "problem"]  # fmt: skip
    frame = pd.DataFrame(list(entries), columns=columns)
    for name in ("first", "last"):
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame
