"""The turn an agent gets: the view, and numbered places at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from stateflow.conversation.effect import (
    Call,
    ChildResult,
    Effect,
    FaultRaised,
    Given,
    Key,
    Made,
    Result,
)
from stateflow.conversation.message import Fault
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.view import View
from stateflow.conversation.window import Window
from stateflow.engine.branch import Branch, Join
from stateflow.engine.door import Door
from stateflow.errors import DefinitionError
from stateflow.journal.said import made_of
from stateflow.machine.flow import Flow
from stateflow.value import Json

__all__ = ["EngineTurn"]

_NOTHING = Given()


@dataclass(slots=True)
class EngineTurn:
    """One turn of one run; ordinals follow from the order in which it asks."""

    door: Door
    state: str
    visit: int
    view: View
    agent: str
    role: str = ""
    sees: Window | None = None
    timeout_s: float | None = None
    next_ordinal: int = 0
    composed: bool = True
    flow: Flow | None = None
    first_ordinal: int = 0
    _heard: dict[int, Transcript] | None = None

    @property
    def targets(self) -> Sequence[str]:
        """Return who can be handed the floor from here."""
        return () if self.flow is None else self.flow.targets(self.state)

    def made(self) -> Mapping[int, Made]:
        """Return what this turn's effects came to so far."""
        answers = self.door.answers()
        return {
            ordinal: made_of(answers[ordinal])
            for ordinal in sorted(answers)
            if ordinal >= self.first_ordinal  # those before are of another agent in this turn
        }

    def kept(self, name: str) -> Made | None:
        """Return what an earlier turn kept under *name*, or an earlier agent of this turn."""
        answers = self.door.answers()
        for ordinal in sorted((n for n in answers if n < self.first_ordinal), reverse=True):
            made = made_of(answers[ordinal])
            args: object = made.args
            if isinstance(args, dict) and args.get("keep") == name:  # pyright: ignore[reportUnknownMemberType] - JSON
                return made
        return self.door.fold.kept.get(name)

    def model_for(self, model: str) -> str:
        """Return the model that this run gives the agent in place of *model*."""
        started = self.door.fold.started
        models = started.models if started is not None else None
        return model if models is None else models.get(self.agent, model)

    def given_sandbox(self) -> Mapping[str, str] | None:
        """Return the place where this run has the agent's code run instead, if there is one."""
        started = self.door.fold.started
        sandboxes = started.sandboxes if started is not None else None
        return None if sandboxes is None else sandboxes.get(self.agent)

    async def perform(self, *calls: Call) -> Sequence[Result]:
        """Make the calls as one batch; keys are reserved in order before any begins."""
        self._may_ask()
        return await self.door.perform([Effect(self.key(), call) for call in calls])

    async def ask(
        self,
        text: str,
        options: Sequence[str] = (),
        *,
        form: Json = None,
        default: str | None = None,
    ) -> str:
        """Ask a person; the run waits, for days if need be."""
        args: dict[str, Json] = {"text": text, "options": list(options)}
        if form is not None:
            args["form"] = form
        if default is not None:
            args["default"] = default
        call = Call("human.ask", args)
        (result,) = await self.perform(call)
        return str(result.unwrap())

    async def child(self, flow: Any, given: Given = _NOTHING) -> ChildResult:  # noqa: ANN401 - a Flow
        """Run *flow* as a nested run."""
        self._may_ask()
        if not isinstance(flow, Flow):
            raise DefinitionError(f"child({flow!r}): not a flow")
        (came_to,) = await self.children([(flow, given)], need=1)
        if isinstance(came_to, ChildResult):
            return came_to
        raise FaultRaised(cast("Fault", came_to))  # one that is alone is always needed

    async def children(
        self, branches: Sequence[tuple[Any, Given]], *, need: int, keep: bool = False
    ) -> Sequence[ChildResult | Fault | None]:
        """Run flows as nested runs at once, until *need* of them ended."""
        self._may_ask()
        for flow, given in branches:
            if not isinstance(flow, Flow):
                raise DefinitionError(f"child({flow!r}): not a flow")
            flow.typed(cast("Any", given.data))  # refused here, so that a replay refuses it too
        wanted = [Branch(self.key(), flow, given) for flow, given in branches]
        ended = await self.door.children(wanted, Join(need, keep=keep))
        came_to = [ended.get(one.key.ordinal) for one in wanted]
        return [None if one is None else one.result or one.fault for one in came_to]

    async def hear(self, ordinal: int) -> Transcript:
        """Read what was said in the nested run that effect *ordinal* was."""
        if self._heard is None:
            self._heard = {}
        if ordinal not in self._heard:
            self._heard[ordinal] = await self.door.heard(Key(self.state, self.visit, ordinal))
        return self._heard[ordinal]

    def heard(self, ordinal: int) -> Transcript:
        """Return the same, once it was read."""
        return (self._heard or {})[ordinal]

    async def now(self) -> float:
        """Return the time [s since the epoch]."""
        (result,) = await self.perform(Call("clock.now"))
        return float(result.unwrap())

    async def random(self) -> float:
        """Return a number in [0, 1)."""
        (result,) = await self.perform(Call("random.draw"))
        return float(result.unwrap())

    def key(self) -> Key:
        """Reserve the next place."""
        key = Key(self.state, self.visit, self.next_ordinal)
        self.next_ordinal += 1
        return key

    def _may_ask(self) -> None:
        if not self.composed:
            raise DefinitionError(
                f"agent {self.agent!r} is opaque, so its whole reply is one effect; set "
                "`composed = True` on its class to let it make effects of its own"
            )
