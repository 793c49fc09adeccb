"""Secrets in raw lines and URLs -> ``***``, before they are kept in a run.

Patterns run in Arrow's RE2, whose time is linear in the text whatever a client sends. Masking twice
changes nothing, and masking too much is preferred to too little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MASKED_COLUMNS = ("raw", "excerpt", "url", "path")

# Logs escape what stands in a header: a blank may read %20 or +, a line end %0D or \r, a quote \" or %22.
_BLANK = r"(?:\s|%20|\+)"
_HEADERS = "(?:proxy-)?authorization|cookie2?|x-[a-z-]*(?:key|token|auth|secret)"
# Parts of a name, and whole names: authority=, bypass= and response_code= are evidence and stay.
_NAME = r"[\w.%\[\]-]*"
_SECRET = (
    f"(?:{_NAME}(?:token|passw|pwd|secret|key|credential|signature|session){_NAME}"
    f"|{_NAME}auth|pass|sig|c?nonce|response)"
)
_PATTERNS = (
    # Authorization: Basic dXNlcjpwYXNz, as text, as JSON or within Squid's log of all headers.
    (rf'(?i)((?:{_HEADERS})(?:%22|\\?")?{_BLANK}*[:=]{_BLANK}*(?:%22|\\?")?)'
     r"[^\s\"\\\]*%]+.*?(%0[ad]|%22|\\+[nr\"]|[\r\n\"\]]|$)", r"\1***\2"),
    # Credentials after their scheme, wherever they stand.
    (rf"(?i)\b((?:basic|bearer|negotiate|ntlm){_BLANK}+)[a-z0-9_~./+=-]{{4,}}", r"\1***"),
    # scheme://user:password@host
    (r"(?i)([a-z][a-z0-9+.-]*(?:://|%3a%2f%2f))[^\s/?#\"'<>]*@", r"\1***@"),
    # ?access_token=..., also where & is written as an escape.
    (rf"(?i)((?:[?&;,\s]|\\u0026|%3f|%26|%20){_SECRET}(?:=|%3d)(?:%22|\\?\")?)"
     r"[^&;,\s\"'#\\]+", r"\1***"),
    # A JSON web token says who it is by itself.
    (r"\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*", "***"),
)  # fmt: skip


def mask(texts: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """Replace credentials by ``***``: authorization and cookie headers, userinfo, secret parameters."""
    import pyarrow.compute

    pc: Any = pyarrow.compute
    for pattern, replacement in _PATTERNS:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=replacement)
    return texts


def masked(table: pa.Table) -> pa.Table:
    """The table with the columns that quote a client (raw, excerpt, url, path) masked."""
    for name in MASKED_COLUMNS:
        if name in table.column_names:
            index = table.column_names.index(name)
            table = table.set_column(index, table.schema.field(index), mask(table.column(index)))
    return table
