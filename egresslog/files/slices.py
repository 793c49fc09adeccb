"""Parts of large plain files: whole lines between two byte offsets, with the number of lines before."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from egresslog.files.lines import BLOCK, MAGIC, MAX_LINE, utf_16
from egresslog.files.sources import STDIN, Slice

HEAD = 1 << 16


@dataclass(frozen=True)
class Plain:
    """A regular file that is neither compressed nor UTF-16: its size, and how it begins."""

    size: int
    beginning: bytes


def plain(path: str) -> Plain | None:
    """What a file is that can be read in part; None where it can be read only from its start."""
    try:
        if path == STDIN or not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            beginning = file.read(HEAD)
            size = file.seek(0, os.SEEK_END)
    except OSError:  # reading it names the problem
        return None
    return None if beginning.startswith(tuple(MAGIC)) or utf_16(beginning) else Plain(size, beginning)


def line_start(path: str, offset: int) -> int:
    """Where the first line begins that starts at or behind ``offset``."""
    if offset <= 0:
        return 0
    with open(path, "rb") as file:
        at = file.seek(offset - 1)
        while block := file.read(MAX_LINE):
            found = block.find(b"\n")
            if found >= 0:
                return at + found + 1
            at += len(block)
    return at


def slice_of(path: str, start: int, stop: int) -> Slice:
    """The lines that begin between the two offsets, numbered as in the whole file."""
    first = line_start(path, start)
    return Slice(first, max(first, line_start(path, stop)), lines_before(path, first))


def lines_before(path: str, offset: int) -> int:
    """How many lines end before ``offset``."""
    count = 0
    with open(path, "rb") as file:
        while offset > 0 and (block := file.read(min(BLOCK, offset))):
            count += block.count(b"\n")
            offset -= len(block)
    return count


def line_slice(path: str, number: int, around: int) -> Slice | None:
    """A line by its number, and ``around`` bytes of lines behind it; None where the file has fewer."""
    count, offset = 1, 0
    with open(path, "rb") as file:
        while count < number and (block := file.read(BLOCK)):
            here = block.count(b"\n")
            if count + here >= number:
                at = _nth(block, number - count)
                offset += at
                count = number
                break
            count, offset = count + here, offset + len(block)
        size = file.seek(0, os.SEEK_END)
    if count < number or offset >= size:
        return None
    return Slice(offset, line_start(path, min(size, offset + 1 + around)), number - 1)


def _nth(block: bytes, wanted: int) -> int:
    """Behind the line end of this number in the block."""
    at = 0
    for _ in range(wanted):
        at = block.index(b"\n", at) + 1
    return at
