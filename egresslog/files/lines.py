"""Bytes of a file -> lines: decompression by magic bytes, UTF-16 as UTF-8, one pass.

Records end at ``\\n`` only (never ``str.splitlines``); one carriage return before it is removed.
"""

from __future__ import annotations

import codecs
import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from egresslog.files.sources import STDIN, Slice

BLOCK = 1 << 20
MAX_LINE = 1 << 20
BOM = b"\xef\xbb\xbf"

UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}  # byte-order marks

# First bytes of a file -> how it is compressed.
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line: 1-based number, byte offset in the decompressed file, bytes without line end."""

    number: int
    offset: int
    raw: bytes
    ended: bool = True  # False for a last line without a newline
    cut: bool = False  # longer than MAX_LINE: ``raw`` is its beginning


class RawFile:
    """A file open for one pass; knows its size and SHA-256 as stored once it has been read through.

    Of a ``part`` it knows only how many bytes were read: it has no digest.
    """

    def __init__(self, path: str, part: Slice | None = None) -> None:
        self._file: IO[bytes] = sys.stdin.buffer if path == STDIN else open(path, "rb")  # noqa: SIM115
        self._hash = hashlib.sha256()
        self._part = part
        if part is not None:
            self._file.seek(part.start)
        self._head = self._file.read(8 if part is None else 0)
        self._hash.update(self._head)
        self.size = len(self._head)
        self.compression = next((kind for magic, kind in MAGIC.items() if self._head.startswith(magic)), None)
        self.encoding: str | None = None  # where it is not UTF-8, once reading has begun

    @property
    def sha256(self) -> str | None:
        return self._hash.hexdigest() if self._part is None else None

    def read(self, size: int = -1) -> bytes:
        """The next stored bytes, hashed on the way."""
        if 0 <= size < len(self._head):
            block, self._head = self._head[:size], self._head[size:]
            return block
        block = self._file.read(size if size < 0 else size - len(self._head))
        self._hash.update(block)
        self.size += len(block)
        block, self._head = self._head + block, b""
        return block

    def blocks(self) -> Iterator[bytes]:
        """The decompressed content, in UTF-8; raises OSError where it is damaged, after all before that."""
        if self._part is not None:
            return self._of_part(self._part)
        blocks = self._decompressed()
        first = next(blocks, b"")
        self.encoding = utf_16(first)
        content = chain((first,), blocks)
        return content if self.encoding is None else _as_utf8(content, self.encoding)

    def _of_part(self, part: Slice) -> Iterator[bytes]:
        left = part.stop - part.start
        while left > 0 and (block := self._file.read(min(BLOCK, left))):
            left -= len(block)
            self.size += len(block)
            yield block

    def _decompressed(self) -> Iterator[bytes]:
        opened: Opened = (self.read, ()) if self.compression is None else OPENERS[self.compression](self)
        read = opened[0]
        damage: tuple[type[Exception], ...] = (OSError, *opened[1])
        try:
            while block := read(BLOCK):
                yield block
        except damage as error:
            self._drain()
            raise OSError(str(error)) from error
        self._drain()

    def _drain(self) -> None:
        """Read to the end: the digest covers damage and what follows the last member too."""
        while self.read(BLOCK):
            pass

    # What the decompressors ask of a file.
    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        if self._file is not sys.stdin.buffer:
            self._file.close()


# How to read the decompressed content, and what that raises besides OSError where it is damaged.
# ``read`` would drop what it had decompressed when it meets damage; ``read1`` hands it out first.
Opened = tuple[Callable[[int], bytes], tuple[type[Exception], ...]]


def _gzip(raw: Any) -> Opened:
    import gzip
    import zlib

    return gzip.GzipFile(fileobj=raw, mode="rb").read1, (EOFError, zlib.error)


def _bzip2(raw: Any) -> Opened:
    import bz2

    return bz2.BZ2File(raw, "rb").read1, (EOFError,)


def _xz(raw: Any) -> Opened:
    import lzma

    return lzma.LZMAFile(raw, "rb").read1, (EOFError, lzma.LZMAError)


def _zstd(raw: Any) -> Opened:
    """Arrow's stream has no ``read1``: small reads keep all but the last few bytes before damage."""
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
    return lambda size: stream.read(min(size, _ZSTD_READ)), ()


_ZSTD_READ = 64
OPENERS: dict[str, Callable[[RawFile], Opened]] = {"gzip": _gzip, "bzip2": _bzip2, "xz": _xz, "zstd": _zstd}


def utf_16(beginning: bytes) -> str | None:
    """UTF-16 by its byte-order mark or, without one, by the zero bytes of plain text; None: UTF-8."""
    for mark, name in UTF_16.items():
        if beginning.startswith(mark):
            return name
    some = beginning[:64]
    zeros = [some[start::2].count(0) * 2 > len(some) * 0.9 for start in (0, 1)]
    return None if len(some) < 16 or zeros[0] == zeros[1] else "utf-16-be" if zeros[0] else "utf-16-le"


def _as_utf8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-16 as UTF-8, halves of surrogate pairs kept; OSError where it ends within a character."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in blocks:  # its byte-order mark becomes that of UTF-8, which reading lines leaves out
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise OSError(f"not {encoding}: {error.reason}") from error


def lines(blocks: Iterator[bytes], part: Slice | None = None) -> Iterator[Line]:
    """The lines of a file's content, or of a part of it; a byte-order mark at its start is left out."""
    rest, number, start, dropped = b"", part.lines if part else 0, part.start if part else 0, 0
    for block in blocks:
        if number == start == 0 and not rest and block.startswith(BOM):
            block, start = block[len(BOM) :], len(BOM)
        *whole, rest = (rest + block).split(b"\n")
        for raw in whole:
            number += 1
            yield _line(number, start, raw, dropped)
            start, dropped = start + len(raw) + dropped + 1, 0
        dropped += max(0, len(rest) - MAX_LINE)
        rest = rest[:MAX_LINE]
    if rest:
        yield _line(number + 1, start, rest, dropped, ended=False)


def _line(number: int, start: int, raw: bytes, dropped: int, *, ended: bool = True) -> Line:
    if dropped or len(raw) > MAX_LINE:
        return Line(number, start, raw[:MAX_LINE], ended, cut=True)
    # Truncating a log in place leaves a hole of zero bytes before what is written next.
    return Line(number, start, raw.removesuffix(b"\r").lstrip(b"\0"), ended)
