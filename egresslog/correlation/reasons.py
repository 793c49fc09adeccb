"""Why a record is not linked: one reason each, from schema.REASONS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from egresslog.correlation.coverage import Coverage
from egresslog.identity.inventory import Inventory
from egresslog.identity.pods import Pod


@dataclass(frozen=True)
class Case:
    """An unlinked transaction: its record, start and end on reference time, and its candidates' key."""

    record: dict[str, Any]
    moment: int | None
    ended: int | None
    key: str | None
    is_plain: bool  # no address translation is known, so a logged port would have to be found
    broken: str | None = None  # why the chain behind a gateway ends there
    is_masked: bool = False
    is_killed: bool = False  # its sidecar was killed before it wrote the line


def why_not_linked(case: Case, covered: Coverage, inventory: Inventory) -> str:
    """The reason of a transaction that has no link."""
    address = case.record["client_address"]
    if case.broken is not None:
        return case.broken
    if "doubtful" in case.record["flags"] and (address is None or case.record["end"] is None):
        return "doubtful_line"
    if address is None:
        return "client_unknown"
    if case.is_masked:
        return "masked_address"
    if case.key is not None and case.key in covered.pods:
        return _covered(case, case.key, covered)
    return _unseen(address, case.moment, inventory)


def _covered(case: Case, key: str, covered: Coverage) -> str:
    """Of the logs that there are: do they hold the line's end, and is it sure that they lack it?"""
    if case.is_killed:
        return "log_lost"
    holds = covered.of_address if case.is_plain else covered.of_all
    if case.ended is not None and not holds(key, case.ended):
        return "outside_coverage"
    return "log_lost" if case.is_plain and case.record["client_port"] is not None else "no_candidate"


def _unseen(address: str, moment: int | None, inventory: Inventory) -> str:
    holders: Sequence[Pod] = inventory.holders(address, moment)
    if holders and all(pod.has_sidecar is False for pod in holders):
        return "not_injected"
    if holders or inventory.is_node(address) or not inventory.is_listed:
        return "no_sidecar_log"
    return "not_a_pod"


@dataclass(frozen=True)
class Unmatched:
    """A connection to the proxy without a transaction: its end, and what of Squid's log is known."""

    end: int | None  # on reference time
    is_contended: bool  # a transaction could have used it, though none is likely enough to have
    is_ported: bool  # Squid saw its address, and logs ports


def why_unmatched(case: Unmatched, covered: Coverage) -> str:
    """The reason of a connection to the proxy that no transaction was linked to."""
    if not covered.squids:
        return "no_squid_log"
    if case.end is not None and not covered.of_squids(case.end):
        return "outside_coverage"
    if case.is_ported:
        return "log_lost"
    return "weak_candidates" if case.is_contended else "no_candidate"
