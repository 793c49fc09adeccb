"""The library, loaded when a command needs it, without pandas."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType


@cache
def library() -> ModuleType:
    """``egresslog.api``; no command shows a DataFrame, so pandas stays unloaded.

    pyarrow looks for pandas whenever it converts a Python value (PandasObjectIsNull), and importing
    it costs a small log more than all the rest.
    """
    sys.meta_path.insert(0, _WithoutPandas())
    from egresslog import api

    return api


class _WithoutPandas:
    """A finder for which pandas is not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)
