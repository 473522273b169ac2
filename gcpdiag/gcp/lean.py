"""Importing one client of a Google package without all of its others.

The packages import every client that they have, synchronous and asynchronous, when any part of them is imported: that
takes longer than the calls that a triage makes. Here a package is entered without running its ``__init__``; should
anybody ask it for a name that only the ``__init__`` gives, it is run then. This leans on how Google's generator lays
its packages out, which is no promise, so whatever goes wrong ends in the ordinary import (benchmarks/live.py measures).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType


def import_lean(name: str) -> ModuleType:
    """Return the module ``PACKAGE.services.X``, as lean as it can be had; ImportError where there is none."""
    package = name.partition(".services.")[0]
    already = package in sys.modules
    try:
        if not already:
            _enter(package)
        return importlib.import_module(name)
    except (ImportError, AttributeError):
        if already:
            raise
        for loaded in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
            del sys.modules[loaded]
        return importlib.import_module(name)


class _Entered(ModuleType):
    """A package whose ``__init__`` runs only when somebody misses one of its names."""

    def __getattr__(self, name: str) -> object:
        spec = self.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(name)
        if importlib.util.find_spec(f"{self.__name__}.{name}"):
            return importlib.import_module(f"{self.__name__}.{name}")
        object.__setattr__(self, "__class__", ModuleType)  # from now on an ordinary package
        spec.loader.exec_module(self)
        return getattr(self, name)


def _enter(package: str) -> None:
    """Make a package importable from without running it."""
    parent, _, own = package.rpartition(".")
    importlib.import_module(parent)
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(package)
    module = _Entered(package)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
    module.__package__, module.__path__ = package, list(spec.submodule_search_locations)
    sys.modules[package] = module
    setattr(sys.modules[parent], own, module)
