"""Replay as a test, and what follows from it: cassettes, coverage, exploring, mutants.

Everything here is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

__all__: list[str] = []

_LATER: dict[str, str] = {}
"""Where each public name is defined."""


def __getattr__(name: str) -> object:
    """Import *name* from the module that defines it."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
