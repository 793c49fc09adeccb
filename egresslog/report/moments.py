"""Moments as JSON says them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: int | None) -> str | None:
    """A moment (us) in ISO 8601, UTC; None when unknown."""
    if moment is None:
        return None
    whole, fraction = divmod(moment, 1_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:06d}Z"
