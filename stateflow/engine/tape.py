"""Tapes: a recording that answers for the effects of a live run.

The run is live in all else: it has a store, it can be paused, answered and forked.  Where the tape
answers, nothing is done, and the journal holds what the tape said.  No run has a tape unless
somebody stands in ``PLAYERS``, as a test does that repeats what was recorded.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final, Protocol

from stateflow.conversation.effect import Effect
from stateflow.engine.door import OnDelta
from stateflow.engine.scene import Scene
from stateflow.journal.event import EffectDone, EffectFailed, Journal
from stateflow.journal.fold import Fold
from stateflow.machine.flow import Flow
from stateflow.stores.base import Store
from stateflow.value import Json

__all__ = ["PLAYERS", "Asking", "Player", "Tape", "apart", "tape_of", "taped"]


class Asking(Protocol):
    """The door of a run that asks."""

    path: str
    """Keys from the root run down to it, each with a ``/`` behind."""
    fold: Fold
    scene: Scene


class Tape(Protocol):
    """What one root run and its nested runs are answered from.

    What it raises should be no ``Exception``: those become faults, and a flow goes on with a fault.
    """

    async def answer(
        self, asking: Asking, effect: Effect, args: Json
    ) -> EffectDone | EffectFailed | None:
        """Return what *effect* came to; ``None``: it is to be made.

        Args:
            asking: who asks, and where that run stands.
            effect: what is asked for.
            args: its arguments, without secrets.
        """
        ...

    async def stopped(self, journal: Journal, store: Store) -> None:
        """Hear that the root run stopped, paused or over, with *journal* in *store*."""
        ...


class Player(Protocol):
    """Has the tapes."""

    def tape(self, flow: Flow, run: str, *, begins: bool) -> Tape | None:
        """Return the tape of the root run *run*, which *begins* or goes on; ``None``: no tape."""
        ...


PLAYERS: Final[list[Player]] = []
"""Of every run in this process; the last one put in decides."""
_APART: Final[ContextVar[bool]] = ContextVar("stateflow_apart", default=False)


def tape_of(flow: Flow, run: str, *, begins: bool) -> Tape | None:
    """Return the tape of *run*; a run that is part of an effect of another has none."""
    if not PLAYERS or _APART.get():
        return None
    return PLAYERS[-1].tape(flow, run, begins=begins)


@contextmanager
def apart() -> Generator[None]:
    """Give no tape to runs that begin inside: the effect that they are part of is recorded."""
    before = _APART.set(True)
    try:
        yield
    finally:
        _APART.reset(before)


def taped(
    known: EffectDone | EffectFailed, effect: Effect, args: Json, on_delta: OnDelta
) -> EffectDone | EffectFailed:
    """Return what a tape holds of *effect* as what it came to now; its text is one delta."""
    result: Any = known.result if isinstance(known, EffectDone) else None
    if known.op == "model.call" and isinstance(result, dict) and result.get("text"):  # pyright: ignore[reportUnknownMemberType]
        on_delta(effect.key, str(result["text"]), 1)  # pyright: ignore[reportUnknownArgumentType]
    return replace(known, args=args)
