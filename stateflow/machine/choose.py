"""Choosers: who picks where several transitions are enabled.

A chooser only ever picks among the enabled transitions; where one is enabled nobody is asked.
The choosers themselves live in the engine, because some of them roll dice or ask a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stateflow.conversation.agent import Agent, Turn
from stateflow.conversation.message import Message
from stateflow.conversation.view import View
from stateflow.value import Json

__all__ = ["Chat", "Chooser"]


@dataclass(frozen=True, slots=True)
class Chat:
    """What a chooser may look at; made to read like AutoGen's group chat."""

    view: View
    candidates: tuple[str | None, ...]
    """States that enabled transitions lead to, in table order; ``None`` is done."""
    agents: tuple[Agent | None, ...]
    """The agent of each candidate; ``None`` for done and for places where nobody speaks."""
    last_speaker: Agent | None
    describe: tuple[str, ...] = ()
    """A line about each candidate, for a model that picks; ``""`` where nobody wrote one."""
    places: tuple[str, ...] = ()
    """Every place of the flow, enabled or not."""

    @property
    def messages(self) -> Sequence[Message]:
        """Everything said so far, the last message included."""
        return self.view.transcript

    def next_agent(self, agent: Agent | None = None) -> Agent | str | None:
        """Return the first enabled candidate in table order, whoever *agent* is.

        It is the state's name where its agent serves another candidate too: who names only the
        agent would not have said which.
        """
        del agent
        first = self.agents[0]
        return self.candidates[0] if first is None or first in self.agents[1:] else first


class Chooser(Protocol):
    """Picks one of the candidates of a chat."""

    @property
    def name(self) -> str:
        """What drawings and journals call it."""
        ...

    @property
    def form(self) -> Json:
        """What tells it from another chooser."""
        ...

    @property
    def composed(self) -> bool:
        """Its code runs on replay, and its effects are answered from the journal."""
        ...

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Return a state name, an agent, or ``None`` for done."""
        ...
