"""The workload that owns a pod: its controller's owner, as far as the names tell."""

from __future__ import annotations

import re
from typing import Any

from egresslog.identity.documents import mapping, objects
from egresslog.identity.names import workload_from_name

# A CronJob's Job ends in its time in minutes (in seconds before 2021). Others may end in a date.
_TIMED = re.compile(r"(?P<workload>.+)-(?P<time>[0-9]{8}|[0-9]{10})")
_MINUTES = range(26_000_000, 40_000_000)  # 2019 to 2046
# A ReplicaSet's template hash: letters without vowels, and digits; digits alone before 2018.
_HASH = re.compile(r"(?P<workload>.+)-(?=[a-z]*[0-9])[a-z0-9]{6,10}")
_TEMPLATES = ("pod-template-hash", "rollouts-pod-template-hash")  # Deployment, Argo Rollout


def workload_of(item: dict[str, Any]) -> str:
    """The workload of a pod's document: from its controller, else from the shape of its name."""
    metadata = mapping(item, "metadata")
    name = str(metadata.get("name", ""))
    owners = [owner for owner in objects(metadata, "ownerReferences") if owner.get("controller", True)]
    if not owners:
        return workload_from_name(name)
    kind, owner = owners[0].get("kind"), str(owners[0].get("name", name))
    if kind == "Node":  # a static pod is named after its node
        return name.removesuffix(f"-{owner}")
    if kind == "ReplicaSet":
        return _of_replica_set(owner, mapping(metadata, "labels"))
    return _of_job(owner) if kind == "Job" else owner


def _of_replica_set(owner: str, labels: dict[str, Any]) -> str:
    """Its Deployment or Rollout, which put a template hash behind its own name; or itself."""
    hashes = [f"-{labels[name]}" for name in _TEMPLATES if labels.get(name)]
    workload = next((owner.removesuffix(end) for end in hashes if owner.endswith(end)), None)
    if workload:
        return workload
    match = _HASH.fullmatch(owner)
    return match["workload"] if match and not hashes else owner


def _of_job(owner: str) -> str:
    match = _TIMED.fullmatch(owner)
    if match and (len(match["time"]) == 10 or int(match["time"]) in _MINUTES):
        return match["workload"]
    return owner
