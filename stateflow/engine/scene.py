"""The scene: what an operation needs to know of the turn it is made in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from stateflow.conversation.agent import Agent
from stateflow.conversation.effect import Attempt, Effect
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.journal.redact import Redactor
from stateflow.machine.choose import Chat, Chooser
from stateflow.models.cache import ReplyCache
from stateflow.models.names import ModelPool
from stateflow.stores.base import Store
from stateflow.value import Json

if TYPE_CHECKING:
    from stateflow.engine.sandboxes import Sandboxes
    from stateflow.engine.sessions import Sessions
    from stateflow.engine.turn import EngineTurn

__all__ = ["Operation", "Scene", "Tally", "deaf"]


@dataclass(slots=True, eq=False)
class Tally:
    """What the failed tries of an effect were, and what they cost."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    usage: Usage = NO_USAGE

    def told(self, clean: Redactor) -> tuple[Attempt, ...]:
        """Return the failed tries without secrets."""
        if not self.attempts:
            return ()
        return tuple(
            replace(one, fault=replace(one.fault, text=clean.text(one.fault.text)))
            for one in self.attempts
        )


_QUIET = Tally()
"""Of effects that are tried once."""


@dataclass(slots=True)
class Scene:
    """What an operation needs to know of the present turn."""

    turn: EngineTurn
    agent: Agent
    models: ModelPool
    on_delta: Callable[[str], None]
    chooser: Chooser | None = None
    chat: Chat | None = None
    tally: Tally = _QUIET
    store: Store | None = None
    """Where the content of files is."""
    cache: ReplyCache | None = None
    sessions: Sessions | None = None
    sandboxes: Sandboxes | None = None
    run: str = ""
    """Name of the run, in its store."""
    redactor: Redactor | None = None


Operation: TypeAlias = Callable[[Effect, Scene], Awaitable[tuple[Json, Usage]]]
"""Makes an effect: a JSON value, and what it cost."""


def deaf(text: str) -> None:
    """Hear a piece of text that nobody wants to hear."""
    del text
