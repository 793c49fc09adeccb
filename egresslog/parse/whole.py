"""Files that are read as a whole and not line by line: told by their beginning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from egresslog.parse.content import Kind
from egresslog.unwrap.document import (
    MAX_DOCUMENT,
    Document,
    may_be_document,
    may_be_yaml,
    read_document,
    read_yaml,
)
from egresslog.unwrap.table import Table, may_be_table, read_table

_KUBERNETES = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:apiVersion|kind|items|metadata)"\s*:')

_SHAPES: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Document | Table | None]], ...] = (
    (may_be_document, read_document),
    (may_be_table, read_table),
    (may_be_yaml, read_yaml),
)


def may_be_whole(beginning: bytes) -> bool:
    """True where a file begins like a document or a table that holds log lines."""
    return any(may_be(beginning) for may_be, _ in _SHAPES)


def read_whole(data: bytes) -> Document | Table | None:
    """The document or table; None where it is none after all, or too large to be read as one."""
    read = next((read for may_be, read in _SHAPES if may_be(data)), None)
    return read(data) if read is not None and len(data) < MAX_DOCUMENT else None


def up_to(blocks: Iterator[bytes], size: int) -> bytes:
    """The next blocks as one, until they are as large as this."""
    data = bytearray()
    for block in blocks:
        data += block
        if len(data) >= size:
            break
    return bytes(data)


def kubernetes(beginning: bytes) -> Kind | None:
    """A whole-file Kubernetes document, told by its first key; None for logs, which may speak of one."""
    text = beginning[:65_536]
    if not _KUBERNETES.match(text) or b'"apiVersion"' not in text:
        return None
    return "pods" if b'"podIP"' in text or b'"Pod"' in text else "other"
