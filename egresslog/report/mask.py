"""Secrets in raw lines and URLs -> ``***``, before they are kept in a run.

Patterns run in Arrow's RE2, whose time is linear in the text whatever a client sends. Masking twice
changes nothing, and masking too much is preferred to too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from egresslog.parse.credentials import PATTERNS

if TYPE_CHECKING:
    import pyarrow as pa

MASKED_COLUMNS = ("raw", "excerpt", "url", "path")


def mask(texts: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Replace credentials by ``***``: authorization and cookie headers, userinfo, secret parameters."""
    import pyarrow.compute

    pc: Any = pyarrow.compute
    for pattern, replacement in PATTERNS:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=replacement)
    return texts


def masked(table: pa.Table) -> pa.Table:
    """The table with the columns that quote a client (raw, excerpt, url, path) masked."""
    for name in MASKED_COLUMNS:
        if name in table.column_names:
            index = table.column_names.index(name)
            table = table.set_column(index, table.schema.field(index), mask(table.column(index)))
    return table
