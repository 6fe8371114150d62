"""The view: everything a guard, an action or an agent may look at, read only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stateflow.conversation.message import NO_USAGE, SILENCE, Fault, Message, Outcome, Usage
from stateflow.conversation.transcript import Transcript
from stateflow.value import quick

__all__ = ["View"]


@quick
@dataclass(frozen=True, slots=True)
class View:
    """The conversation as one state sees it.

    To an agent that is about to speak, ``last`` is what was said before.  To a guard, it is
    what this turn said: ``SILENCE`` after a turn that raised or passed, so that no text guard
    holds for words of an earlier turn.

    Example:
        >>> View(last=Message("APPROVED", "reviewer")).last.speaker
        'reviewer'
    """

    state: str = ""
    last: Message = SILENCE
    fault: Fault | None = None
    """Why this turn raised; ``None`` if it did not."""
    transcript: Transcript = field(default_factory=Transcript)
    data: Any = None
    """The flow's typed data; ``None`` where the flow declares none.  Change it by actions."""
    visits: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each state was entered so far."""
    turns: int = 0
    """Turns taken before this one."""
    usage: Usage = NO_USAGE
    spoken: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many turns each agent has had so far."""
    exhausted: str = ""
    """The limit that stands in the way now, such as ``turns``; else empty."""
    others: tuple[Message, ...] = ()
    """What the other branches of a parallel state said in this turn, in their order."""

    @property
    def outcome(self) -> Outcome | None:
        """Outcome of the last message."""
        return self.last.outcome

    @property
    def said(self) -> tuple[Message, ...]:
        """This turn's messages: one a branch after a parallel state, else only the last."""
        return (*self.others, self.last)

    @property
    def visit(self) -> int:
        """Which visit to the present state this is, from 1."""
        return self.visits.get(self.state, 0)
