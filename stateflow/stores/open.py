"""Which store a path means."""

from __future__ import annotations

from pathlib import Path

from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore

__all__ = ["open_store"]


def open_store(where: str | Path | None) -> Store:
    """Return the store at *where*: an SQLite file, or memory for ``None``.

    Nothing is opened yet: a broken file is told at the first use.

    Example:
        >>> type(open_store(None)).__name__
        'MemoryStore'
    """
    if where is None:
        return MemoryStore()
    from stateflow.stores.sqlite import SqliteStore

    return SqliteStore(where)
