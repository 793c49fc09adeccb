"""Why a record is not linked: one reason each, from schema.REASONS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egresslog.arrow import values_of
from egresslog.correlation.attribution import is_masked
from egresslog.identity.inventory import Inventory
from egresslog.identity.pods import Pod

if TYPE_CHECKING:
    import pyarrow as pa

Span = tuple[int, int]


@dataclass(frozen=True)
class Coverage:
    """The time that logs cover: per address of an Envoy, and of all Squid logs together (us)."""

    addresses: dict[str, Span]
    squid: Span | None
    has_envoy: bool

    def holds(self, address: str, moment: int | None) -> bool:
        """True where a log of this address covers the moment."""
        first, last = self.addresses[address]
        return moment is None or first <= moment <= last


def coverage(squid: pa.Table, envoy: pa.Table, offset: int) -> Coverage:
    """Coverage of both sides, Squid's moved by the clock ``offset`` onto Envoy's clock."""
    return Coverage(_by_address(envoy), _squid_span(squid, offset), len(envoy) > 0)


def _by_address(envoy: pa.Table) -> dict[str, Span]:
    """From the first start to the last end in the logs in which an address appears as Envoy's own."""
    spans: dict[str, Span] = {}
    owners: dict[str, set[str]] = {}
    columns = [values_of(envoy, name) for name in ("file", "upstream_local_address", "start", "end")]
    for file, address, first, last in zip(*columns, strict=True):
        if first is not None and last is not None:
            low, high = spans.get(file, (first, last))
            spans[file] = (min(low, first), max(high, last))
        if address is not None:
            owners.setdefault(address, set()).add(file)
    found = {address: [spans[file] for file in files if file in spans] for address, files in owners.items()}
    return {a: (min(s[0] for s in spans), max(s[1] for s in spans)) for a, spans in found.items() if spans}


def _squid_span(squid: pa.Table, offset: int) -> Span | None:
    ends = [end for end in values_of(squid, "end") if end is not None]
    return (min(ends) - offset, max(ends) - offset) if ends else None


def why_not_linked(row: dict[str, Any], moment: int | None, covered: Coverage, inventory: Inventory) -> str:
    """The reason of a transaction without candidates; ``moment`` is its start on Envoy's clock."""
    address = row["client_address"]
    if "doubtful" in row["flags"] and (address is None or row["end"] is None):
        return "doubtful_line"
    if address is None:
        return "client_unknown"
    if address in covered.addresses:
        return _covered_address(row, address, moment, covered)
    if is_masked(address):
        return "masked_address"
    return _unseen_address(address, moment, inventory)


def _covered_address(row: dict[str, Any], address: str, moment: int | None, covered: Coverage) -> str:
    if not covered.holds(address, moment):
        return "outside_coverage"
    return "log_lost" if row["client_port"] is not None else "no_candidate"


def _unseen_address(address: str, moment: int | None, inventory: Inventory) -> str:
    holders: Sequence[Pod] = inventory.holders(address, moment)
    if holders and all(pod.has_sidecar is False for pod in holders):
        return "not_injected"
    if holders or inventory.is_node(address) or not inventory.is_listed:
        return "no_sidecar_log"
    return "not_a_pod"


def why_unmatched(end: int | None, covered: Coverage) -> str:
    """The reason of a connection to the proxy that no transaction was linked to."""
    if covered.squid is None:
        return "no_squid_log"
    if end is not None and not covered.squid[0] <= end <= covered.squid[1]:
        return "outside_coverage"
    return "no_candidate"
