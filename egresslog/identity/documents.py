"""Parts of a Kubernetes document, which may be damaged: what is no object counts as empty."""

from __future__ import annotations

from typing import Any


def mapping(item: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key; empty where there is none."""
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def objects(item: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list; what is none is skipped."""
    value = item.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
