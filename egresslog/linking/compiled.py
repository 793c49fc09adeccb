"""Kernels by numba where there is much to do, by CPython where there is little.

A kernel is a module of plain functions over sequences. For much work it is loaded a second time with
every function compiled; for little, the start of numba would take longer than the work.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANY = 1_000_000  # steps (about 1 us each) from which on compiling, or loading what was compiled, pays


def run(module: ModuleType, name: str, steps: int, *arguments: NDArray[Any] | float) -> None:
    """Call ``module.name`` with arrays that it may change in place, compiled if there are many ``steps``."""
    if steps >= MANY:
        getattr(_compiled(module.__name__), name)(*arguments)
        return
    plain = [one.tolist() if isinstance(one, np.ndarray) else one for one in arguments]
    getattr(module, name)(*plain)
    for array, values in zip(arguments, plain, strict=True):
        if isinstance(array, np.ndarray) and isinstance(values, Sequence):
            array[:] = values


@cache
def _compiled(name: str) -> ModuleType:
    """A second copy of a module whose functions numba compiles on first use, cached on disk."""
    import numba

    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for key, value in list(vars(module).items()):
        if isinstance(value, FunctionType) and value.__module__ == name:
            setattr(module, key, numba.njit(value, cache=True))
    return module
