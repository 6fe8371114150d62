"""What a runner opens, and what it calls what it starts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.models.cache import ReplyCache
from stateflow.stores.base import Store
from stateflow.stores.open import open_store

__all__ = ["cache_of", "new_name", "store_of"]


def store_of(given: Store | str | Path | None, clock: Callable[[], float] | None) -> Store:
    """Return the store *given*, or the one at that path; nothing is opened yet.

    Raises:
        DefinitionError: a ready store keeps time itself.
    """
    if given is None or isinstance(given, str | Path):
        return open_store(given, clock or time.time)
    if clock is not None:
        raise DefinitionError(
            f"clock={clock!r} does not go with a ready store, which keeps its own time; give the "
            f"clock to {type(given).__name__}, or give the store as a path"
        )
    return given


def cache_of(given: ReplyCache | str | Path | None) -> ReplyCache | None:
    """Return the cache *given*, or the one at that path; nothing is opened yet."""
    if not isinstance(given, str | Path):
        return given
    from stateflow.stores.cache import SqliteReplyCache

    return SqliteReplyCache(given)


def new_name(flow: Flow) -> str:
    """Return a name for a run of *flow* that no other has: when, which flow, and chance."""
    when = time.strftime("%Y-%m-%dT%H-%M", time.localtime())
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    chance = "".join(secrets.choice(letters) for _ in range(6))
    return f"{when}_{flow.name.replace(' ', '-')}_{chance}"
