"""Who can speak: anything with a name and ``async def reply(turn)``.

An agent is *opaque* unless it says ``composed = True``: the whole reply of an opaque agent is
one effect, recorded and not run again on replay.  The code of a composed agent runs on replay
too; its effects are answered from the journal, so it must do nothing else that is not
deterministic, and keep nothing between turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from stateflow.conversation.effect import Call, ChildResult, Given, Made, Result
from stateflow.conversation.message import Fault, Message, Pass
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.view import View
from stateflow.conversation.window import Window
from stateflow.value import Json

__all__ = ["Agent", "Kind", "Reply", "Turn"]

Kind: TypeAlias = Literal["llm", "human", "code", "tool", "flow"]
"""How an agent is drawn: round thinks, thick waits for a person, square computes, a frame is a
flow of its own."""

Reply: TypeAlias = Message | str | Pass | None
"""What ``reply`` may return; ``None`` is refused with a sentence that names ``PASS``."""


class Turn(Protocol):
    """What an agent gets when it is its turn: the view, and the way to the door."""

    @property
    def view(self) -> View:
        """The conversation so far."""
        ...

    @property
    def state(self) -> str:
        """Name of the state that is speaking."""
        ...

    @property
    def role(self) -> str:
        """The state's prompt, or ``""``."""
        ...

    @property
    def sees(self) -> Window | None:
        """What the state sees of the transcript; ``None``: all of it."""
        ...

    @property
    def agent(self) -> str:
        """Name of the agent that is speaking."""
        ...

    @property
    def next_ordinal(self) -> int:
        """The ordinal of the effect that is made next."""
        ...

    @property
    def targets(self) -> Sequence[str]:
        """Names of the states that transitions lead to from here, and of the agents in them."""
        ...

    def made(self) -> Mapping[int, Made]:
        """Return what this turn's effects came to so far, by ordinal, in order."""
        ...

    def kept(self, name: str) -> Made | None:
        """Return the last effect of an earlier turn of this run whose args say ``keep: name``."""
        ...

    def model_for(self, model: str) -> str:
        """Return the model that this run gives the agent in place of *model*."""
        ...

    def given_sandbox(self) -> Mapping[str, str] | None:
        """Return the place where this run has the agent's code run instead, if there is one.

        ``sandbox`` is its name, ``settings`` a print of its settings.
        """
        ...

    async def perform(self, *calls: Call) -> Sequence[Result]:
        """Make the calls as one batch; results come in the order asked."""
        ...

    async def ask(
        self,
        text: str,
        options: Sequence[str] = (),
        *,
        form: Json = None,
        default: str | None = None,
    ) -> str:
        """Ask a person.  The run may pause here for days."""
        ...

    async def child(self, flow: Any, given: Given = ...) -> ChildResult:  # noqa: ANN401 - a Flow, a layer up
        """Run *flow* as a nested run with a journal of its own."""
        ...

    async def children(
        self,
        branches: Sequence[tuple[Any, Given]],
        *,
        need: int,
        keep: bool = False,
    ) -> Sequence[ChildResult | Fault | None]:
        """Run flows as nested runs at once, until *need* of them ended; see ``Parallel``.

        Returns:
            What each came to; ``None`` for those that nobody needed any more.
        """
        ...

    async def hear(self, ordinal: int) -> Transcript:
        """Read what was said in the nested run that effect *ordinal* of this turn was."""
        ...

    def heard(self, ordinal: int) -> Transcript:
        """Return the same, once it was read."""
        ...

    async def now(self) -> float:
        """Return the time [s since the epoch], recorded."""
        ...

    async def random(self) -> float:
        """Return a number in [0, 1), recorded."""
        ...


@runtime_checkable
class Agent(Protocol):
    """Anything that can take a turn.  Optional: ``kind``, ``composed``, ``description``."""

    @property
    def name(self) -> str:
        """What transcripts, drawings and guards call it."""
        ...

    async def reply(self, turn: Turn, /) -> Reply:
        """Say something, or raise."""
        ...
