"""Speaking: the half of a turn that makes effects, and may stop between them.

An opaque agent's whole reply is one effect.  A composed agent's code runs here, and makes
effects of its own.  What was said refers to the effects that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from stateflow.conversation.agent import Agent
from stateflow.conversation.effect import Call, ChildResult, Effect, FaultRaised
from stateflow.conversation.message import (
    NO_USAGE,
    Fault,
    Message,
    Pass,
    message_from,
    message_json,
)
from stateflow.conversation.view import View
from stateflow.engine.door import Door
from stateflow.engine.faults import fault_of
from stateflow.engine.operations import said_by
from stateflow.engine.scene import Scene, deaf
from stateflow.engine.stepping import Spoken
from stateflow.engine.turn import EngineTurn
from stateflow.errors import StoreError
from stateflow.journal.event import ChildEnded, EffectDone, HumanAnswered, Said
from stateflow.journal.said import Answer, ran, used
from stateflow.machine.flow import Flow
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import State
from stateflow.models.names import ModelPool

__all__ = ["Speaking"]

_REPLY = Call("agent.reply")


@dataclass(slots=True)
class Speaking:
    """The agents of one state in one turn."""

    flow: Flow
    door: Door
    models: ModelPool
    state: State
    spoken: Spoken
    """What comes of it."""

    async def speak(self, view: View) -> None:
        """Let the agents speak in order, each hearing those before; branches all at once."""
        if isinstance(self.state, Parallel):
            await self._at_once(self.state, view)
            return
        spoken, several = self.spoken, len(self.state.agents) > 1
        for agent in self.state.agents:
            turn = self._turn(agent, view)
            heard = len(spoken.messages)
            try:
                turn.role = _role(self.state, view)
            except Exception as error:  # noqa: BLE001 - the user's function; its error is a fault
                self._fault(agent.name, error)
                break
            try:
                await self._say(agent, turn)
            finally:
                spoken.next_ordinal = turn.next_ordinal
            if spoken.fault is not None:
                break
            if several:
                view = _after(view, agent, spoken.messages[heard:])

    def _turn(self, agent: Agent, view: View) -> EngineTurn:
        state, ordinal = self.state, self.spoken.next_ordinal
        turn = EngineTurn(
            self.door,
            state.name,
            self.door.fold.visit,
            view,
            agent.name,
            "",
            state.sees,
            state.timeout_s,
            ordinal,
            bool(getattr(agent, "composed", False)),
            self.flow,
            ordinal,
        )
        self.door.scene = Scene(turn, agent, self.models, deaf)
        return turn

    def _fault(self, speaker: str, error: Exception) -> None:
        """Note that the turn raised."""
        self.spoken.fault = self.door.clean(fault_of(error))
        self.spoken.said.append(Said(speaker))

    async def _at_once(self, state: Parallel, view: View) -> None:
        """Let the branches speak, and note in their order what those said that ended."""
        spoken = self.spoken
        spoken.at_once = True
        turn = self._turn(state.agent, view)
        try:
            branches = [(agent.flow, agent.given(view)) for agent in state.branches]
            keep = state.others == "keep"
            came_to = await turn.children(branches, need=state.need, keep=keep)
            _refuse_too_few(came_to, state.need)
            for ordinal, (agent, result) in enumerate(zip(state.branches, came_to, strict=True)):
                if isinstance(result, ChildResult):
                    turn.agent = agent.name
                    self.door.scene = Scene(turn, agent, self.models, deaf)
                    self._note(self.door.clean(await agent.told(turn, ordinal, result)), turn)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a branch failed, or a user's function did
            spoken.messages.clear()
            spoken.said.clear()
            self._fault(state.name, error)
        finally:
            spoken.next_ordinal = turn.next_ordinal

    async def _say(self, agent: Agent, turn: EngineTurn) -> None:
        if not turn.composed:
            await self._say_whole(agent, turn)
            return
        try:
            reply = said_by(agent.name, await agent.reply(turn))
            if isinstance(reply, Message):
                await self.door.keep(*reply.files)
                reply = self.door.clean(reply)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a composed agent's own error ends the turn raised
            self._fault(agent.name, error)
            return
        if isinstance(reply, Pass):
            self.spoken.said.append(Said(agent.name))
        else:
            self._note(reply, turn)

    async def _say_whole(self, agent: Agent, turn: EngineTurn) -> None:
        """Let an opaque agent speak: its whole reply is one effect."""
        spoken, key = self.spoken, turn.key()
        (result,) = await self.door.perform((Effect(key, _REPLY),))
        if result.fault is not None:
            spoken.fault = result.fault
            spoken.said.append(Said(agent.name))
        elif result.value is None:
            spoken.said.append(Said(agent.name))
        else:
            value: Any = result.value
            spoken.messages.append(message_from(value, agent.name, result.usage))
            spoken.said.append(Said(agent.name, key.ordinal))

    def _note(self, message: Message, turn: EngineTurn) -> None:
        self.spoken.messages.append(message)
        self.spoken.said.append(self._refer(message, turn))

    def _refer(self, message: Message, turn: EngineTurn) -> Said:
        """Return *message*, by reference to the effects that made its text, calls, and code."""
        free = message if message.usage is NO_USAGE else replace(message, usage=NO_USAGE)
        part: dict[str, Any] = message_json(free)
        if message.executions:
            ordinals, executions, text = ran(turn.made())
            if (executions, text) == (message.executions, message.text):
                del part["executions"], part["text"]
                return Said(message.speaker, None, {**part, "ran": ordinals})
        if message.calls:
            places = used(turn.made())
            if tuple(call for _, call in places) == message.calls:
                del part["calls"]
                part["used"] = [place for place, _ in places]
        for ordinal, answer in sorted(self.door.answers().items()):
            if _text_of(answer) == message.text:
                del part["text"]
                return Said(message.speaker, ordinal, part)
        return Said(message.speaker, None, part)


def _refuse_too_few(came_to: Sequence[ChildResult | Fault | None], need: int) -> None:
    """Raise what the first failed branch came to, where too few ended for the join."""
    if sum(isinstance(one, ChildResult) for one in came_to) < need:
        raise FaultRaised(next(one for one in came_to if isinstance(one, Fault)))


def _text_of(answer: Answer) -> str | None:
    """Return the text that *answer* brought, if it brought one."""
    if isinstance(answer, ChildEnded):
        return None if answer.result is None else answer.result.text
    if isinstance(answer, HumanAnswered):
        return answer.answer
    result: Any = answer.result if isinstance(answer, EffectDone) else None
    return result.get("text") if isinstance(result, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _role(state: State, view: View) -> str:
    return state.prompt if isinstance(state.prompt, str) else state.prompt(view)


def _after(view: View, agent: Agent, said: list[Message]) -> View:
    """Return what the next agent of the same turn sees: *agent* has had its turn."""
    transcript = view.transcript
    for message in said:
        transcript = transcript.append(message)
    spoken = {**view.spoken, agent.name: view.spoken.get(agent.name, 0) + 1}
    return replace(view, transcript=transcript, last=transcript.last, spoken=spoken)
