"""Origin: whose line it is, as far as what was wrapped around it tells; and what log paths tell."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from functools import lru_cache

_UID = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})"
# /var/log/pods/<namespace>_<pod>_<uid>/<container>/N.log: none of the three holds an underscore.
_POD_FOLDER = re.compile(
    rf"(?:^|[/.])(?P<namespace>[^_/.]+)_(?P<pod>[^_/]+)_{_UID}(?:[/.](?P<container>[^/.]+)(?=[/.]|$))?"
)
# /var/log/containers/<pod>_<namespace>_<container>-<64 hex>.log; stream names have dots for slashes.
_CONTAINER_LINK = re.compile(
    r"^(?:.*(?:/|containers\.))?(?P<pod>[^_/]+)_(?P<namespace>[^_/]+)_(?P<container>[^_/]+)-[0-9a-f]{64}(?=\.|$)"
)


@dataclass(frozen=True)
class Origin:
    """Who wrote a line: a container of a pod, or a program on a host. None: not told."""

    cluster: str | None = None
    namespace: str | None = None
    pod: str | None = None
    container: str | None = None
    node: str | None = None
    host: str | None = None

    def around(self, inner: Origin) -> Origin:
        """What this wrapper tells, and what one further in adds.

        Nothing, where this one names a container and that one another: what is further in is then the
        container's own text, and an application can print whatever it likes.
        """
        told = [name for name in ("namespace", "pod", "container") if getattr(self, name)]
        if told and any(getattr(inner, name) not in (None, getattr(self, name)) for name in told):
            return self
        return self.within(inner)

    def within(self, outer: Origin) -> Origin:
        """This origin, completed from another source."""
        gaps = (field.name for field in fields(self) if getattr(self, field.name) is None)
        return replace(self, **{name: getattr(outer, name) for name in gaps})


NOWHERE = Origin()


@lru_cache(4_096)
def origin_of_path(path: str) -> Origin:
    """What kubelet's pod folders and container links tell; NOWHERE for other paths."""
    for shape in (_CONTAINER_LINK, _POD_FOLDER):
        found = list(shape.finditer(path))
        if found:
            return Origin(**found[-1].groupdict())
    return NOWHERE
