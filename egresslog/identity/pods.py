"""``kubectl get pods -A -o json`` -> pods, each with the addresses and the time it held them.

A finished pod keeps its address in the document although it is free again: it holds the address only
until its last container ended. A deleted pod holds it until its deletion.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from egresslog.errors import UsageError
from egresslog.files.lines import RawFile
from egresslog.identity.documents import mapping, objects
from egresslog.identity.names import names_gateway
from egresslog.identity.workloads import workload_of
from egresslog.parse.values import normal_address

SIDECAR = "istio-proxy"
ALWAYS = 2**62


@dataclass(frozen=True)
class Pod:
    """One pod; ``start``/``end`` bound the time (us) in which its addresses were its own."""

    namespace: str | None
    name: str
    workload: str
    service_account: str | None = None
    node: str | None = None
    addresses: tuple[str, ...] = ()
    node_addresses: tuple[str, ...] = ()
    start: int = -ALWAYS
    end: int = ALWAYS
    host_network: bool = False
    has_sidecar: bool | None = None  # None: not known, no pod list names it
    is_gateway: bool = False
    cluster: str | None = None  # a pod list does not tell it; the logs that show the pod do
    uid: str | None = None  # tells a pod from another that has its name before or after it

    @property
    def key(self) -> tuple[str | None, str | None, str]:
        """What tells one pod from another: equal names in two clusters are two pods."""
        return self.cluster, self.namespace, self.name

    def is_held(self, moment: int) -> bool:
        """True where its addresses were its own at that moment (us)."""
        return self.start <= moment <= self.end


def read_pods(paths: Iterable[str]) -> list[Pod]:
    """Every pod of the documents; snapshots of one pod differ where it changed.

    Raises UsageError naming the file when a document is not a Kubernetes pod list.
    """
    pods = [pod for path in paths for pod in _read(path)]
    return sorted(set(pods), key=_order)


def _order(pod: Pod) -> tuple[tuple[bool, Any], ...]:
    """Every field, what is not known first: a key without some would leave the order to chance."""
    values = (getattr(pod, field.name) for field in fields(pod))
    return tuple((value is not None, value) for value in values)


def _read(path: str) -> Iterator[Pod]:
    try:
        raw = RawFile(path)
        try:
            document = json.loads(b"".join(raw.blocks()))
        finally:
            raw.close()
    except (OSError, EOFError) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}", hint="kubectl get pods -A -o json") from error
    items = _items(document)
    if items is None:
        raise UsageError(f"{path}: not a pod list", hint="kubectl get pods -A -o json > pods.json")
    for item in items:
        yield _pod(item)


def _items(document: Any) -> list[dict[str, Any]] | None:
    """The pods of a list, or of a single pod's document; None when it is neither."""
    if not isinstance(document, dict):
        return None
    items = document.get("items", [document] if document.get("kind") == "Pod" else None)
    if not isinstance(items, list):
        return None
    return [item for item in items if isinstance(item, dict) and item.get("kind", "Pod") == "Pod"]


def _pod(item: dict[str, Any]) -> Pod:
    metadata, spec, status = (mapping(item, key) for key in ("metadata", "spec", "status"))
    labels = {str(k): str(v) for k, v in mapping(metadata, "labels").items()}
    name = str(metadata.get("name", ""))
    return Pod(
        namespace=_text(metadata, "namespace"),
        name=name,
        workload=workload_of(item),
        service_account=_text(spec, "serviceAccountName"),
        node=_text(spec, "nodeName"),
        addresses=_addresses(status, "podIP", "podIPs"),
        node_addresses=_addresses(status, "hostIP", "hostIPs"),
        start=_micros(status.get("startTime") or metadata.get("creationTimestamp"), -ALWAYS),
        end=_end(metadata, status),
        host_network=bool(spec.get("hostNetwork")),
        has_sidecar=_has_sidecar(spec),
        is_gateway=_is_gateway(name, labels),
        uid=_text(metadata, "uid"),
    )


def _text(item: dict[str, Any], key: str) -> str | None:
    value = item.get(key)
    return value if isinstance(value, str) else None


def _addresses(status: dict[str, Any], single: str, several: str) -> tuple[str, ...]:
    listed = [entry.get("ip") for entry in objects(status, several)]
    found = [status.get(single), *listed]
    return tuple(dict.fromkeys(normal_address(str(address)) for address in found if address))


def _end(metadata: dict[str, Any], status: dict[str, Any]) -> int:
    ended = ALWAYS
    if status.get("phase") in ("Succeeded", "Failed"):
        containers = objects(status, "containerStatuses")
        states = (mapping(mapping(container, "state"), "terminated") for container in containers)
        finished = [_micros(state.get("finishedAt"), -ALWAYS) for state in states]
        ended = max(finished, default=-ALWAYS)
    return min(ended, _micros(metadata.get("deletionTimestamp"), ALWAYS))


def _micros(text: str | None, default: int) -> int:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp() * 1_000_000)
    except ValueError:
        return default


def _has_sidecar(spec: dict[str, Any]) -> bool:
    containers = [*objects(spec, "containers"), *objects(spec, "initContainers")]
    return any(container.get("name") == SIDECAR for container in containers)


def _is_gateway(name: str, labels: dict[str, str]) -> bool:
    named = "gateway.networking.k8s.io/gateway-name" in labels or "gateway" in labels.get("istio", "")
    return named or names_gateway(name)
