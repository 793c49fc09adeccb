"""Why a record is not linked: one reason each, from schema.REASONS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from egresslog.arrow import values_of
from egresslog.correlation.groups import Groups
from egresslog.identity.inventory import Inventory
from egresslog.identity.pods import Pod

if TYPE_CHECKING:
    import pyarrow as pa

Span = tuple[int, int]


@dataclass(frozen=True)
class Coverage:
    """The time that logs cover (us, Envoy's clock): by key of the connections, and of each Squid instance."""

    connections: Mapping[str, Span] = field(default_factory=dict)
    squid: Sequence[Span] = ()


def coverage(
    squid: pa.Table, envoy: pa.Table, to_proxy: Sequence[int], groups: Groups, offsets: Mapping[str, int]
) -> Coverage:
    """Coverage of both sides; ``offsets`` move each Squid instance onto Envoy's clock."""
    spans = _by_file(envoy)
    files = values_of(envoy, "file")
    logs: defaultdict[str, set[str]] = defaultdict(set)
    passes = (each.connections for each in (groups.plain, *groups.hidden))
    for row, *keys in zip(to_proxy, *passes, strict=True):
        for key in filter(None, keys):
            logs[key].add(files[row])
    known = {key: [spans[file] for file in sorted(some) if file in spans] for key, some in logs.items()}
    return Coverage({key: _union(some) for key, some in known.items() if some}, _squid_spans(squid, offsets))


def _by_file(envoy: pa.Table) -> dict[str, Span]:
    """From the first start to the last end of each log."""
    spans: dict[str, Span] = {}
    columns = [values_of(envoy, name) for name in ("file", "start", "end")]
    for file, first, last in zip(*columns, strict=True):
        if first is not None and last is not None:
            spans[file] = _union([spans.get(file, (first, last)), (first, last)])
    return spans


def _squid_spans(squid: pa.Table, offsets: Mapping[str, int]) -> list[Span]:
    ends: defaultdict[str, list[int]] = defaultdict(list)
    for proxy, end in zip(values_of(squid, "proxy"), values_of(squid, "end"), strict=True):
        if end is not None:
            ends[proxy].append(end - offsets.get(proxy, 0))
    return [(min(some), max(some)) for _, some in sorted(ends.items())]


def _union(spans: Iterable[Span]) -> Span:
    firsts, lasts = zip(*spans, strict=True)
    return min(firsts), max(lasts)


@dataclass(frozen=True)
class Case:
    """An unlinked transaction: its record, start on Envoy's clock, and the key its candidates have."""

    record: dict[str, Any]
    moment: int | None
    key: str | None
    is_plain: bool  # no address translation is known, so a logged port would have to be found
    through_gateway: bool = False
    is_masked: bool = False


def why_not_linked(case: Case, covered: Coverage, inventory: Inventory) -> str:
    """The reason of a transaction that has no link."""
    address = case.record["client_address"]
    if case.through_gateway:
        return "gateway_only"
    if "doubtful" in case.record["flags"] and (address is None or case.record["end"] is None):
        return "doubtful_line"
    if address is None:
        return "client_unknown"
    if case.is_masked:
        return "masked_address"
    if case.key is not None and case.key in covered.connections:
        return _covered(case, covered.connections[case.key])
    return _unseen(address, case.moment, inventory)


def _covered(case: Case, span: Span) -> str:
    if case.moment is not None and not span[0] <= case.moment <= span[1]:
        return "outside_coverage"
    return "log_lost" if case.is_plain and case.record["client_port"] is not None else "no_candidate"


def _unseen(address: str, moment: int | None, inventory: Inventory) -> str:
    holders: Sequence[Pod] = inventory.holders(address, moment)
    if holders and all(pod.has_sidecar is False for pod in holders):
        return "not_injected"
    if holders or inventory.is_node(address) or not inventory.is_listed:
        return "no_sidecar_log"
    return "not_a_pod"


def why_unmatched(end: int | None, covered: Coverage) -> str:
    """The reason of a connection to the proxy that no transaction was linked to."""
    if not covered.squid:
        return "no_squid_log"
    if end is not None and not any(first <= end <= last for first, last in covered.squid):
        return "outside_coverage"
    return "no_candidate"
