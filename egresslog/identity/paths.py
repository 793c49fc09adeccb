"""Pod names from log paths: kubelet's folders, container links, and names below a folder of Envoy logs.

Only the trail of a file is looked at (see ``Source.trail``): folders above what was given are the
user's own, and name no pod.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from egresslog.identity.names import likeness
from egresslog.unwrap.origin import origin_of_path

_ENDINGS = re.compile(r"(\.(log|txt|json|jsonl|out|gz|bz2|xz|zst|[0-9]+))+$")
_ENVOY_FOLDERS = ("envoy", "sidecar", "sidecars")
# Of these, numbers and dates are made the names of files and folders that stand for no pod.
_GENERAL = frozenset((
    "access", "archive", "container", "current", "envoy", "error", "istio", "json", "log", "logs", "old",
    "out", "previous", "proxy", "sidecar", "sidecars", "stderr", "stdout", "text",
))  # fmt: skip
_LOOKED_AT = 4  # last parts of an absolute path: envoy/<namespace>/<pod>/<file>


@dataclass(frozen=True)
class LogOwner:
    """The pod whose Envoy wrote a log, as far as its path tells."""

    pod: str
    namespace: str | None = None


def owner_of(trail: str) -> LogOwner | None:
    """The pod that the trail of a log names; None where it names none.

    In order: kubelet's pod folders and container links, a name right below a folder of Envoy logs or
    below a namespace in one, a name with a template hash. Where only the file was given its folders
    are the user's, so that names without the shape of a pod's do not count.
    """
    names, kubelet = names_in(trail), origin_of_path(trail)
    if kubelet.pod is not None:
        return LogOwner(kubelet.pod, kubelet.namespace)
    owner = _below_envoy_folder(names) or _by_hash(names)
    return owner if owner is not None and (likeness(owner.pod) or not os.path.isabs(trail)) else None


def names_in(trail: str) -> list[str]:
    """The folders of a trail and the file's name without endings; of an absolute one the last parts."""
    parts = [part for part in trail.split(os.sep) if part not in ("", ".", "..")]
    names = [*parts[:-1], _ENDINGS.sub("", parts[-1])] if parts else []
    return names[-_LOOKED_AT:] if os.path.isabs(trail) else names


def is_general(name: str) -> bool:
    """True for a name made of numbers and words such as ``istio-proxy`` or ``access``."""
    return all(not word or word.isdigit() or word in _GENERAL for word in re.split("[-_.]", name))


def _below_envoy_folder(names: list[str]) -> LogOwner | None:
    """<envoy>/<pod> or <envoy>/<namespace>/<pod>, each a folder or the file; general names left out."""
    for index in reversed(range(len(names))):
        below = [name for name in names[index + 1 :] if not is_general(name)]
        if names[index] in _ENVOY_FOLDERS and below:
            return _pod_among(below, ends_in_file=not is_general(names[-1]))
    return None


def _pod_among(below: list[str], ends_in_file: bool) -> LogOwner | None:
    """Of the first two names the one more like a pod's; alike, a folder in a folder is in its namespace."""
    first = below[0]
    if len(below) == 1 or likeness(first) == 2:
        return LogOwner(first)
    second, is_folder = below[1], len(below) > 2 or not ends_in_file
    if likeness(first) != likeness(second):
        return LogOwner(first) if likeness(first) > likeness(second) else LogOwner(second, first)
    nested = is_folder and (likeness(second) or len(below) == 2)
    return LogOwner(second, first) if nested else None


def _by_hash(names: list[str]) -> LogOwner | None:
    return next((LogOwner(name) for name in reversed(names) if likeness(name) == 2), None)
