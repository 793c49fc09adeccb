"""egresslog: which mesh client tunnelled to which external host through the proxy.

import egresslog

found = egresslog.correlate("sample_logs/lab")
found.matrix()        # workload x host
found.transactions    # every Squid line, with the client that sent it and how sure that is
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from egresslog.api import Correlation, correlate, load, read_envoy, read_squid
    from egresslog.errors import EgresslogError, FormatError, UsageError

__version__ = "0.1.0"

__all__ = [
    "Correlation",
    "EgresslogError",
    "FormatError",
    "UsageError",
    "__version__",
    "correlate",
    "load",
    "read_envoy",
    "read_squid",
]


def __getattr__(name: str) -> Any:
    """Load the library on first use, so that ``egresslog --help`` does not pay for it."""
    if name not in __all__:
        raise AttributeError(f"module 'egresslog' has no attribute {name!r}")
    home = "egresslog.errors" if name.endswith("Error") else "egresslog.api"
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
