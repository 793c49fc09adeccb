"""What Kubernetes hangs on a workload's name to make a pod's: one home for its shapes."""

from __future__ import annotations

import re

# <workload>-<pod-template-hash>-<5 characters>. A word of 8 to 10 letters is no hash: real ones hold a
# digit almost always. Digits alone on both sides are a date and a number.
_HASHED = re.compile(r"(?P<workload>[a-z0-9.-]+)-(?![0-9]+-[0-9]+$)(?=[a-z]*[0-9])[a-z0-9]{8,10}-[a-z0-9]{5}")
# A StatefulSet's <workload>-<number>; a DaemonSet's <workload>-<5 characters>, a digit among them.
_SUFFIXED = re.compile(r"(?P<workload>[a-z0-9.-]+)-(?:[0-9]{1,5}|(?=[a-z]*[0-9])[a-z0-9]{5})")


def workload_from_name(pod: str) -> str:
    """A pod's name without what its Deployment, StatefulSet or DaemonSet hung on it."""
    match = _HASHED.fullmatch(pod) or _SUFFIXED.fullmatch(pod)
    return match["workload"] if match else pod


def likeness(name: str) -> int:
    """How much a name looks like a pod's: 2 with a template hash, 1 with a suffix only, else 0."""
    if _HASHED.fullmatch(name):
        return 2
    return 1 if _SUFFIXED.fullmatch(name) else 0


def names_gateway(name: str) -> bool:
    """True for a pod named as Istio names its egress gateways: it is no mesh client."""
    return "egressgateway" in name
