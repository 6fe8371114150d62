"""The stage: a flow runs in the real engine, and a voice says what would cost money or time.

Models, tools, code, people and agents of one's own are answered where their effects are made, the
one seam that all of them pass.  Everything else (guards, actions, budgets, nesting, the journal)
is the engine's own, and so are choosers that follow from a seed or take turns.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast
from typing import Final as Constant

from stateflow.conversation.agent import Agent
from stateflow.conversation.effect import Effect, FaultRaised
from stateflow.conversation.execution import Execution
from stateflow.conversation.message import (
    NO_USAGE,
    SILENCE,
    Fault,
    Message,
    Outcome,
    ToolCall,
    Usage,
    message_json,
)
from stateflow.engine.live_door import LiveDoor
from stateflow.engine.naming import words_of
from stateflow.engine.operations import OPERATIONS
from stateflow.engine.pricing import asker_of, price_for, priced
from stateflow.engine.scene import Operation, Scene
from stateflow.journal.fold import Fold
from stateflow.machine.check.asked import args, asked_in, word
from stateflow.machine.choose import Chat
from stateflow.machine.flow import Flow
from stateflow.machine.flow_tool import FlowTool
from stateflow.machine.state import State
from stateflow.models.base import ModelReply
from stateflow.testing.exploring.line import Line, message_in
from stateflow.tools.handoff import Handoff
from stateflow.value import Json

__all__ = ["Ask", "Speechless", "Stage", "Voice", "calls_of"]

_WORDS: Constant = 10
"""What a reply costs where nobody says else [tokens]."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """Somebody's turn to speak."""

    agent: Agent
    flow: Flow
    state: State
    fold: Fold
    """The run so far, or the nested run."""
    run: str
    """Name of the run; of a nested one it goes on with the keys that lead to it."""


class Voice(Protocol):
    """Says what everybody says."""

    def line(self, ask: Ask) -> Line:
        """Return what is said in a turn, or what is raised."""
        ...

    def pick(self, state: str, candidates: Sequence[str | None], run: str) -> str | None:
        """Return which of *candidates* is next, where a model or a person picks."""
        ...


class Speechless(BaseException):
    """A voice has nothing to say.  No fault of the flow: no transition may take it."""


class Stage:
    """The operations of one run, answered by a voice."""

    def __init__(self, flow: Flow, voice: Voice, real: Collection[str] = ()) -> None:
        """Stand ready; a turn of several effects asks the voice once.

        Args:
            flow: that is run.
            voice: who says what.
            real: names of agents who speak for themselves, whatever that costs.
        """
        self.flow = flow
        self.real = frozenset(real)
        self.voice = voice
        self._lines: dict[object, Line] = {}
        self.operations: Mapping[str, Operation] = {
            "agent.reply": self._agent_reply,
            "model.call": self._model_call,
            "model.count": _count,
            "tool.list": self._tool_list,
            "tool.call": self._tool_call,
            "code.approve": _approve,
            "code.open": _code_open,
            "code.run": self._code_run,
            "speaker.choose": self._speaker_choose,
            "random.draw": _draw,
        }

    def line_for(self, ask: Ask, turn: object) -> Line:
        """Return what is said in *turn*, asked for once."""
        key = (ask.run, ask.state.name, ask.fold.visit, turn)
        if key not in self._lines:
            try:
                self._lines[key] = self.voice.line(ask)
            except Exception as error:
                raise Speechless(f"{ask.agent.name!r} has no line: {error!r}") from error
        return self._lines[key]

    def _message(self, scene: Scene) -> Message | None:
        """Return what is said in the turn of *scene*; ``None``: nothing.

        Raises:
            Exception: what the line raises.
        """
        turn, door = scene.turn, cast("LiveDoor", scene.turn.door)
        flow = turn.flow or self.flow
        state = cast("State", flow.places[turn.state])
        ask = Ask(scene.agent, flow, state, door.fold, door.run)
        line = self.line_for(ask, turn.first_ordinal)
        if isinstance(line, Fault):
            raise FaultRaised(line)
        if isinstance(line, Exception):
            raise line
        return message_in(line)

    async def _agent_reply(self, effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        if scene.agent.name in self.real:
            return await OPERATIONS["agent.reply"](effect, scene)
        message = self._message(scene)
        if message is None:
            return None, NO_USAGE
        said = message_json(message)
        said.pop("usage", None)
        return said, message.usage

    async def _model_call(self, effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        asked: Any = effect.call.args
        message, calls = SILENCE, tuple[ToolCall, ...]()
        if scene.chat is not None:
            picked = self._picked(scene, scene.chat)
            text = words_of(scene.chat)[scene.chat.candidates.index(picked)]
        elif "summarise" in asked:
            text = "In short: it goes on."
        else:
            message = self._message(scene) or SILENCE
            calls = () if _has_called(scene) else calls_of(scene.agent, message)
            text = "" if calls else message.text or _reply_text(message)
        said = ModelReply(text, calls, stop="stop").to_json()
        if "keep" in asked:
            said["estimate"] = said["read"] = _WORDS
        return said, _cost(effect, scene, message)

    async def _speaker_choose(self, effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        if scene.chat is None or (scene.chooser is not None and scene.chooser.name in self.real):
            return await OPERATIONS["speaker.choose"](effect, scene)
        return {"to": self._picked(scene, scene.chat)}, NO_USAGE

    def _picked(self, scene: Scene, chat: Chat) -> str | None:
        run = cast("LiveDoor", scene.turn.door).run
        return self.voice.pick(chat.view.state, chat.candidates, run)

    async def _tool_list(self, effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        """Offer what guards ask about and the agent has no tool of its own for."""
        asked: Any = effect.call.args
        agent: Any = scene.agent
        first = agent.sources[0].name == asked["source"]
        known = {tool.name for tool in agent.toolbox}
        names = [name for name in _called_in(self.flow) if name not in known] if first else []
        empty: Json = {"type": "object", "properties": {}}
        return {"tools": [_offer(name, empty) for name in names or ["look"]]}, NO_USAGE

    async def _tool_call(self, effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        asked: Any = effect.call.args
        agent: Any = scene.agent
        tool = next((one for one in agent.toolbox if one.name == asked["tool"]), None)
        if "refused" in asked or isinstance(tool, Handoff):
            return await OPERATIONS["tool.call"](effect, scene)
        message = self._message(scene) or SILENCE
        calls = calls_of(scene.agent, message)
        number = int(asked["call"])
        call = calls[number] if number < len(calls) else ToolCall("", "", "{}")
        said: dict[str, Json] = {"text": call.result or ("done" if call.ok else "it failed")}
        if message.handoff is not None and call.ok:
            said["handoff"] = message.handoff
        return said if call.ok else {**said, "ok": False}, NO_USAGE

    async def _code_run(self, effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        asked: Any = effect.call.args
        message = self._message(scene) or SILENCE
        outcome = message.outcome or Outcome.exited(0)
        fault = outcome.fault or ("TimedOut" if outcome.timed_out else "")
        code = outcome.exit_code
        if code is None and not fault:
            code = 0 if outcome.ok else 1
        ran = Execution(asked["language"], code, message.text, fault=fault)
        return ran.to_json(), NO_USAGE


def calls_of(agent: Agent, message: Message) -> tuple[ToolCall, ...]:
    """Return the tool calls that *agent* makes for its turn to come out as *message*."""
    box: Sequence[Any] = getattr(agent, "toolbox", ())
    wanted = list(message.calls)
    hands = [one for one in box if isinstance(one, Handoff) and one.target == message.handoff]
    hands_by_tool = message.handoff is not None and not hands
    if message.outcome is not None or hands_by_tool:
        plain = next((one.name for one in box if not isinstance(one, Handoff | FlowTool)), "look")
        plain = "" if not box and not getattr(agent, "sources", ()) else plain
        wanted = wanted or ([ToolCall("", plain, "{}")] if plain else [])
        ok = message.outcome is None or message.outcome.ok
        wanted = [_came_out(one, ok=ok) for one in wanted]
    wanted += [ToolCall("", one.name, "{}") for one in hands[:1]]
    flows = {one.name for one in box if isinstance(one, FlowTool)}
    return tuple(
        ToolCall(
            f"call-{number}",
            one.name,
            '{"task": "Do your part."}' if one.name in flows else one.arguments,
            one.result,
            one.ok,
        )
        for number, one in enumerate(wanted, 1)
    )


def _came_out(call: ToolCall, *, ok: bool) -> ToolCall:
    return ToolCall(call.id, call.name, call.arguments, call.result, ok)


def _has_called(scene: Scene) -> bool:
    """Tell whether the agent has called its tools in this turn."""
    made = scene.turn.made().values()
    values: list[Any] = [one.result.value for one in made if one.op == "model.call"]
    return any(value and value.get("calls") for value in values)


def _reply_text(message: Message) -> str:
    return "" if message.reply is None else json.dumps(message.reply, ensure_ascii=False)


def _cost(effect: Effect, scene: Scene, message: Message) -> Usage:
    """Return what a reply cost: what the line says, else a little, never more than it may."""
    if message.usage != NO_USAGE:
        return message.usage
    budget = cast("LiveDoor", scene.turn.door).budget
    if budget.tokens is None and budget.usd is None:
        return Usage(1, _WORDS, _WORDS)
    ceiling = effect.call.ceiling
    most = ceiling() if callable(ceiling) else ceiling
    usage = Usage(1, min(_WORDS, most.input_tokens), min(_WORDS, most.output_tokens))
    if budget.usd is None:
        return usage
    model = asker_of(scene).asks(scene.turn, effect.call.args)[0]
    return priced(usage, price_for(model, scene.models))


def _called_in(flow: Flow) -> list[str]:
    """Return the tools that guards ask about."""
    found: dict[str, None] = {}
    for one in flow.flows:
        for place in one.places.values():
            for _, atom in asked_in(place):
                if word(atom) == "called":
                    found.update(dict.fromkeys(map(str, args(atom))))
    return list(found)


def _offer(name: str, parameters: Json) -> Json:
    return {"name": name, "description": "", "parameters": parameters}


async def _count(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect, scene
    return {"tokens": _WORDS}, NO_USAGE


async def _approve(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect, scene
    return True, NO_USAGE


async def _code_open(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect
    agent: Any = scene.agent
    return {"identity": {}, "languages": list(agent.sandbox.languages)}, NO_USAGE


async def _draw(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect, scene
    return 0.5, NO_USAGE
