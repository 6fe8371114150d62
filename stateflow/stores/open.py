"""Which store a path means."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore

__all__ = ["open_store"]


def open_store(where: str | Path | None, clock: Callable[[], float] = time.time) -> Store:
    """Return the store at *where*: an SQLite file, or memory for ``None``.

    It stamps events with *clock* [s since the epoch].  Nothing is opened yet: a broken file is
    told at the first use.

    Example:
        >>> type(open_store(None)).__name__
        'MemoryStore'
    """
    if where is None:
        return MemoryStore(clock)
    from stateflow.stores.sqlite import SqliteStore

    return SqliteStore(where, clock=clock)
