"""Records that stand again in another file count once, the richest kept.

Two files repeat each other when at least half of what either holds, within the time both cover, stands
in the other: line for line in the same format (a copy, an overlapping rotation, other wrapping), or
field for field in a second format. What one file holds of several pods is told apart, where its
wrapper names them. Two identical records in one file stay two; so do identical records at the seam of
two files that follow each other in time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from egresslog.formats.codes import Dialect
from egresslog.parse.content import FileContent
from egresslog.parse.records import Record

# What tells that records of two formats are the same transaction or connection, besides the time.
SAME: dict[Dialect, tuple[str, ...]] = {
    "squid": (
        "client_address", "client_port", "method", "host", "port", "url", "result", "status",
        "bytes_down", "bytes_up",
    ),
    "envoy": (
        "duration", "bytes_received", "bytes_sent", "upstream_local_address", "upstream_local_port",
        "downstream_remote_address", "downstream_remote_port", "upstream_address", "method",
        "response_code", "response_flags",
    ),
}  # fmt: skip

# What tells one log of a file from another.
ONE_LOG = ("format", "proxy", "namespace", "pod", "container")

# The time that both proxies print in every format, and the columns that make a format rich.
TIME: dict[Dialect, str] = {"squid": "end", "envoy": "start"}
SHARED_ENOUGH = 0.5


@dataclass
class _Part:
    """The records of one file in one format."""

    file: int
    dialect: Dialect
    scope: str | None
    path: str
    rows: list[Record]
    first: int = field(init=False)
    last: int = field(init=False)

    def __post_init__(self) -> None:
        times = [self.time(row, 1) for row in self.rows if row[TIME[self.dialect]] is not None]
        self.first, self.last = min(times, default=0), max(times, default=0)

    @property
    def log(self) -> tuple[str | None, ...]:
        """Whose it is: the values of ONE_LOG, the format left out."""
        return tuple(self.rows[0].get(name) for name in ONE_LOG[1:])

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(row["record_id"] for row in self.rows)

    @cached_property
    def is_certain(self) -> bool:
        """True where no row is cut: then a copy of it is the same line."""
        return not any("truncated" in row["flags"] for row in self.rows)

    @property
    def format(self) -> str:
        return str(self.rows[0]["format"])

    @property
    def resolution(self) -> int:
        return int(self.rows[0]["resolution"])

    def time(self, row: Record, resolution: int) -> int:
        return int(row[TIME[self.dialect]] or 0) // resolution * resolution


def drop_duplicates(contents: Sequence[FileContent]) -> tuple[dict[Dialect, list[Record]], Counter[int]]:
    """The records that count, by dialect, and how many of each file (by index) were duplicates.

    The result does not depend on the order of the files, except for which of two identical copies
    gives its path.
    """
    kept: dict[Dialect, list[Record]] = {"squid": [], "envoy": []}
    dropped: Counter[int] = Counter()
    accepted: list[_Part] = []
    for part in sorted(_parts(contents), key=_richest_first):
        twins = _repeated(part, accepted)
        dropped[part.file] += len(twins)
        part.rows = [row for index, row in enumerate(part.rows) if index not in twins]
        kept[part.dialect].extend(part.rows)
        if part.rows:
            accepted.append(part)
    for dialect, rows in kept.items():
        _number(rows, dialect)
    return kept, dropped


def _parts(contents: Sequence[FileContent]) -> Iterator[_Part]:
    for index, content in enumerate(contents):
        for dialect, rows in content.records.items():
            logs: defaultdict[tuple[str | None, ...], list[Record]] = defaultdict(list)
            for row in rows:
                logs[tuple(row.get(name) for name in ONE_LOG)].append(row)
            for group in logs.values():
                yield _Part(index, dialect, content.source.name, content.report.path, group)


def _richest_first(part: _Part) -> tuple[object, ...]:
    known = sum(value is not None for row in part.rows[:50] for value in row.values())
    richness = known / min(50, len(part.rows))
    unsure = sum(bool(row["flags"]) for row in part.rows)
    order = (part.format, -len(part.rows), part.first, part.path)
    return part.dialect, part.resolution, -round(richness), unsure, *order


def _repeated(part: _Part, accepted: Sequence[_Part]) -> set[int]:
    """Indices of the part's rows that stand in an accepted file already."""
    twins: set[int] = set()
    for other in accepted:
        if _comparable(part, other):
            shared, overlap = _shared(part, other, twins)
            enough = SHARED_ENOUGH * min(overlap, _within(other, part))
            if shared and len(shared) >= enough and not _is_seam(part, other, shared):
                twins |= shared
    return twins


def _comparable(part: _Part, other: _Part) -> bool:
    return (
        part.dialect == other.dialect
        and part.file != other.file
        and part.scope == other.scope
        and not _are_apart(part, other)
        and part.first // _SECOND <= other.last // _SECOND
        and other.first // _SECOND <= part.last // _SECOND
    )


_SECOND = 1_000_000


def _are_apart(part: _Part, other: _Part) -> bool:
    """True where both are known to be logs of somebody, and not of the same one; or share no line."""
    names = zip(part.log, other.log, strict=True)
    if any(a is not None and b is not None and a != b for a, b in names):
        return True
    return part.format == other.format and part.is_certain and part.ids.isdisjoint(other.ids)


def _shared(part: _Part, other: _Part, known: set[int]) -> tuple[set[int], int]:
    """Rows of ``part`` with a partner of their own in ``other``, and how many fall in its time."""
    resolution = max(part.resolution, other.resolution)
    columns = None if part.format == other.format else _common(part, other)
    partners: defaultdict[Hashable, list[Record]] = defaultdict(list)
    for row in other.rows:
        partners[_key(other, row, columns, resolution)].append(row)
    low, high = other.first // resolution * resolution, other.last
    times = (part.time(row, resolution) for row in part.rows)
    within = [index for index, time in enumerate(times) if low <= time <= high and index not in known]
    alone = [i for i in within if not _taken(partners[_key(part, part.rows[i], columns, resolution)])]
    left = [row for rows in partners.values() for row in rows]
    unsure = _unsure(part, other, alone, left, resolution)
    return set(within) - set(alone) | unsure, len(within)


def _within(part: _Part, other: _Part) -> int:
    """How many of the part's rows fall in the other's time."""
    resolution = max(part.resolution, other.resolution)
    low, high = other.first // resolution * resolution, other.last
    return sum(low <= part.time(row, resolution) <= high for row in part.rows)


def _taken(partners: list[Record]) -> bool:
    """Take one of the partners; False where none is left."""
    return bool(partners and partners.pop())


def _key(part: _Part, row: Record, columns: tuple[str, ...] | None, resolution: int) -> Hashable:
    if columns is None:
        return str(row["record_id"])
    return (part.time(row, resolution), *(row[column] for column in columns))


def _common(part: _Part, other: _Part) -> tuple[str, ...]:
    return tuple(c for c in SAME[part.dialect] if _gives(part, c) and _gives(other, c))


def _gives(part: _Part, column: str) -> bool:
    return any(row[column] is not None for row in part.rows)


def _unsure(part: _Part, other: _Part, alone: list[int], left: list[Record], resolution: int) -> set[int]:
    """Rows whose partner among what is left differs only where one of the two is cut or in doubt."""
    columns, found = _common(part, other), set()
    same = part.format == other.format
    partners: defaultdict[tuple[int, bool], list[Record]] = defaultdict(list)
    for row in left:
        partners[part.time(row, resolution), _is_unsure(row, same)].append(row)
    for index in alone:
        row, time = part.rows[index], part.time(part.rows[index], resolution)
        kinds = (True, False) if _is_unsure(row, same) else (True,)
        if any(_take_agreeing(row, partners[time, kind], columns) for kind in kinds):
            found.add(index)
    return found


def _take_agreeing(row: Record, twins: list[Record], columns: tuple[str, ...]) -> bool:
    """Take the first twin that agrees; False where none does."""
    for position, twin in enumerate(twins):
        if _agree(row, twin, columns):
            del twins[position]
            return True
    return False


def _is_unsure(row: Record, same_format: bool) -> bool:
    """In the same format only a cut line can differ from its copy."""
    return "truncated" in row["flags"] if same_format else bool(row["flags"])


def _agree(row: Record, twin: Record, columns: tuple[str, ...]) -> bool:
    """Equal wherever both know."""
    return all(row[c] == twin[c] or row[c] is None or twin[c] is None for c in columns)


def _is_seam(part: _Part, other: _Part, shared: set[int]) -> bool:
    """True where two files follow each other and meet in one instant: no row is a repetition."""
    meets = part.first == other.last or other.first == part.last
    follows = part.first != part.last and other.first != other.last
    return meets and follows and part.format == other.format and len(shared) < len(part.rows)


def _number(rows: list[Record], dialect: Dialect) -> None:
    """Sort by end and id, and make the ids of identical records in one log distinct."""
    rows.sort(key=lambda row: (row["end"] is None, row["end"] or 0, row["record_id"], row["line"]))
    seen: Counter[str] = Counter()
    prefix = "t" if dialect == "squid" else "c"
    for row in rows:
        seen[row["record_id"]] += 1
        ordinal = seen[row["record_id"]]
        row["record_id"] = f"{prefix}{row['record_id']}" + (f"-{ordinal}" if ordinal > 1 else "")
