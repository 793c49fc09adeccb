"""Pod names from log paths: kubelet's folders, container links, and folders named after pods."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

# /var/log/pods/<namespace>_<pod>_<uid>/<container>/N.log: none of the three holds an underscore.
_POD_FOLDER = re.compile(r"(?P<namespace>[^_]+)_(?P<pod>[^_]+)_(?P<uid>[^_]+)")
# /var/log/containers/<pod>_<namespace>_<container>-<64 hex>.log
_CONTAINER_LINK = re.compile(r"(?P<pod>[^_]+)_(?P<namespace>[^_]+)_(?P<container>.+)-[0-9a-f]{64}\.log.*")
# What a pod's name looks like: a Deployment's or a StatefulSet's.
_POD_NAME = re.compile(r"[a-z0-9.-]+-[a-z0-9]{6,10}-[a-z0-9]{5}|[a-z0-9.-]+-[0-9]{1,5}")
_ENDINGS = re.compile(r"(\.(log|txt|json|jsonl|out|gz|bz2|xz|zst|[0-9]+))+$")
_CONTAINERS = (
    "istio-proxy",
    "istio-text",
    "istio-json",
    "istio-2018",
    "envoy",
    "access",
    "access-log",
    "proxy",
)
_ENVOY_FOLDERS = ("envoy", "istio", "sidecars", "mesh", "pods")


@dataclass(frozen=True)
class LogOwner:
    """The pod whose Envoy wrote a log, as far as its path tells."""

    pod: str
    namespace: str | None = None


def owner_of(path: str) -> LogOwner | None:
    """The pod named by a path; None where the path names none.

    In order: kubelet's pod folders and container links, a part shaped like a pod's name, and the
    folder (or file) name itself where it is not a general word such as ``envoy``.
    """
    parts = [part for part in path.split(os.sep) if part not in ("", ".", "..")]
    for part in reversed(parts):
        if match := _CONTAINER_LINK.fullmatch(part) or _POD_FOLDER.fullmatch(part):
            return LogOwner(match["pod"], match["namespace"])
    names = [*parts[:-1], stem(parts[-1])] if parts else []
    for index in range(len(names) - 1, -1, -1):
        if _POD_NAME.fullmatch(names[index]) and names[index] not in _CONTAINERS:
            return LogOwner(names[index], _namespace_before(names, index))
    return _by_folder(names)


def stem(name: str) -> str:
    """A file name without its log, rotation and compression endings."""
    return _ENDINGS.sub("", name)


def _namespace_before(names: list[str], index: int) -> str | None:
    """logs/envoy/<namespace>/<pod>/...: the folder before the pod's, below a general one."""
    below = names[index - 2] if index >= 2 else None
    return names[index - 1] if below in _ENVOY_FOLDERS else None


def _by_folder(names: list[str]) -> LogOwner | None:
    """A name right below a folder of Envoy logs, or below a namespace in one; others are not guessed at."""
    for index in range(len(names) - 1, 0, -1):
        if names[index] in _CONTAINERS:
            continue
        namespace = _namespace_before(names, index)
        below = names[index - 2] if namespace else names[index - 1]
        return LogOwner(names[index], namespace) if below in _ENVOY_FOLDERS else None
    return None
