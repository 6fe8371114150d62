"""The door: the one seam through which everything passes that is not deterministic.

Live, the door performs an effect and journals what it came to; an effect that the journal
holds is never performed again.  What came back is committed before the next effect begins; the
last of a turn shares its transaction with the turn itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from stateflow.conversation.effect import Effect, Key, Question, Result
from stateflow.conversation.file import File
from stateflow.conversation.transcript import Transcript
from stateflow.engine.branch import Branch, Join
from stateflow.engine.faults import Said
from stateflow.engine.scene import Scene
from stateflow.journal.event import ChildEnded, Event
from stateflow.journal.fold import Fold
from stateflow.journal.said import Answer
from stateflow.value import Json

__all__ = ["Delta", "Door", "OnDelta", "Parked"]

OnDelta: TypeAlias = Callable[[Key, str, int], None]
"""Hears a piece of text as it streams, and of which attempt.  Deltas are never journaled."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text, as a model streams it."""

    run: str
    key: Key
    text: str
    attempt: int = 1
    """Which try of the effect it belongs to; a later one takes back what earlier ones said."""


class Parked(BaseException):
    """The turn cannot go on now.  Not an ``Exception``, so that no agent swallows it."""

    def __init__(self, questions: tuple[Question, ...] = ()) -> None:
        """Carry the open questions; none if somebody asked for a pause."""
        self.questions = questions


class Door(Protocol):
    """What the core asks of the world."""

    fold: Fold
    scene: Scene
    due: float | None
    """When the present state must have been left [s since the epoch]; ``None``: never."""

    async def perform(
        self, effects: Sequence[Effect], /, *, on_delta: OnDelta | None = None
    ) -> Sequence[Result]:
        """Make *effects* as one batch; results come in the order asked."""
        ...

    async def children(self, branches: Sequence[Branch], join: Join, /) -> Mapping[int, ChildEnded]:
        """Run *branches* as nested runs until they are joined, or answer for them.

        Returns:
            What they came to by ordinal, those included that were cancelled.
        """
        ...

    async def heard(self, key: Key, /) -> Transcript:
        """Return what was said in the nested run at *key*."""
        ...

    async def commit(self, *events: Event) -> None:
        """Put *events* on the record, with whatever is still held back."""
        ...

    async def keep(self, *files: File) -> None:
        """Put the content of *files*, where they bring it, beside the record."""
        ...

    def answers(self) -> Mapping[int, Answer]:
        """Return what the open turn's effects came to so far, by ordinal."""
        ...

    def redact(self, value: Json, /) -> Json:
        """Return *value* without secrets."""
        ...

    def clean(self, value: Said, /) -> Said:
        """Return a message or a fault without secrets, and without what no journal can hold.

        Raises:
            BadReply: it holds something that is no JSON.
        """
        ...
