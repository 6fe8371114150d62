"""What a run finds around it: the store, models, operations, tool sessions, and its holder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stateflow.conversation.effect import Given
from stateflow.engine.door import Delta
from stateflow.engine.scene import Operation
from stateflow.engine.sessions import Sessions
from stateflow.journal.event import Recorded
from stateflow.journal.redact import Redactor
from stateflow.journal.stop import Stop
from stateflow.machine.flow import Flow
from stateflow.models.cache import ReplyCache
from stateflow.models.names import ModelPool
from stateflow.stores.base import Store

if TYPE_CHECKING:
    from stateflow.engine.live_door import LiveDoor
    from stateflow.engine.sandboxes import Sandboxes
    from stateflow.engine.tape import Tape

__all__ = ["Control", "Environment"]


@dataclass(slots=True)
class Environment:
    """What all runs of a runner share, nested runs included."""

    store: Store
    models: ModelPool
    operations: Mapping[str, Operation]
    redactor: Redactor
    overrides: dict[str, str] | None
    """Models that replace the flow's, by agent."""
    sandboxes: Sandboxes
    """Where code runs."""
    conduct: Callable[[Flow, LiveDoor, Given], Awaitable[Stop]]
    """Begins, or goes on with, a run and takes it to its stop."""
    cache: ReplyCache | None = None
    """Replies of earlier runs, where the user wants them again."""


@dataclass(slots=True)
class Control:
    """What belongs to one root run and its nested runs: the holder's wishes, open sessions."""

    pausing: bool = False
    publish: Callable[[Recorded | Delta], None] | None = None
    sessions: Sessions = field(default_factory=Sessions)
    tape: Tape | None = None
    """Answers for effects, so that they are not made."""
