"""The registered operations: what each effect does when it is really made.

An operation takes an effect and the scene it is made in, and returns a JSON value with what it
cost.  It runs only live; on replay the journal answers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from stateflow.conversation.agent import Reply
from stateflow.conversation.effect import Effect
from stateflow.conversation.message import NO_USAGE, Message, Pass, Usage, message_json
from stateflow.engine.scene import Operation, Scene
from stateflow.errors import DefinitionError, NoReply, OffTable
from stateflow.machine.choose import Chat
from stateflow.value import Json

__all__ = ["OPERATIONS", "pick", "said_by"]


def said_by(agent: str, reply: Reply) -> Message | Pass:
    """Return what *agent* replied as a message, or ``PASS``.

    Raises:
        NoReply: it returned nothing, or something that is no message.
    """
    if isinstance(reply, str):
        return Message(reply, agent)
    if isinstance(reply, Message):
        return reply.by(agent)
    if isinstance(reply, Pass):
        return reply
    got = {type(None): "nothing"}.get(type(reply), f"a {type(reply).__name__}")
    raise NoReply(
        f"agent {agent!r} returned {got}; return a text or a Message, or PASS to say nothing"
    )


async def _agent_reply(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect
    reply = await scene.agent.reply(scene.turn)
    if isinstance(reply, str):
        return {"text": reply}, NO_USAGE
    message = said_by(scene.agent.name, reply)
    if isinstance(message, Pass):
        return None, NO_USAGE
    await scene.turn.door.keep(*message.files)
    usage = message.usage
    if usage is not NO_USAGE:
        message = replace(message, usage=NO_USAGE)
    return message_json(message), usage


def _later(module: str, name: str) -> Operation:
    """Return the operation *name* of *module*, which is imported when it is first made."""

    async def make(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        operation: Operation = getattr(import_module(f"stateflow.engine.{module}"), name)
        return await operation(effect, scene)

    return make


async def _speaker_choose(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    chooser, chat = scene.chooser, scene.chat
    if chooser is None or chat is None:
        raise DefinitionError(f"{effect.key}: nobody is there to choose")
    picked = pick(chooser.name, await chooser.choose(chat, scene.turn), chat)
    return {"to": picked}, NO_USAGE


def pick(chooser: str, answer: object, chat: Chat) -> str | None:
    """Return the candidate that *answer* means: a state's name, an agent, or ``None``.

    A state's name counts before the name of an agent.

    Raises:
        OffTable: it means none of the candidates, or an agent that serves several of them.
    """
    if answer is None and None in chat.candidates:
        return None
    name: object = answer if isinstance(answer, str) else getattr(answer, "name", None)
    pairs = list(zip(chat.candidates, chat.agents, strict=True))
    same = [state for state, agent in pairs if agent is not None and agent is answer]
    found = same or [state for state in chat.candidates if state is not None and state == name]
    found = found or [state for state, agent in pairs if agent is not None and agent.name == name]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(map(repr, found or chat.candidates))
    what = repr(answer if name is None else name)[:80]
    told = f"chooser {chooser!r} answered {what}, "
    if found:
        raise OffTable(f"{told}an agent that several states have; answer with one of: {shown}")
    method = _METHODS.get(name.lower()) if isinstance(name, str) else None
    if method is not None:
        raise OffTable(
            f"{told}which names a method of choosing and no state; a state has one chooser: give "
            f"{chat.view.state!r} choose={method}, or return one of: {shown}"
        )
    raise OffTable(
        f"{told}which no enabled transition of state {chat.view.state!r} leads to; enabled: {shown}"
    )


_METHODS: Mapping[str, str] = {
    "auto": "by_model('openai:gpt-5-mini')",
    "manual": "by_human()",
    "random": "at_random(seed=7)",
    "round_robin": "in_turn()",
}
"""Ways to choose that a function may fall back to elsewhere, and what they are here."""


async def _clock_now(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect
    return time.time() if scene.store is None else scene.store.now(), NO_USAGE


async def _human_ask(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Nobody answers here: a question is only made, and at once too late, past its deadline."""
    del scene
    raise DefinitionError(f"{effect.key}: a person answers, not this process")


async def _random_draw(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect, scene
    return random.SystemRandom().random(), NO_USAGE


OPERATIONS: Mapping[str, Operation] = {
    "agent.reply": _agent_reply,
    "model.call": _later("calling", "model_call"),
    "model.count": _later("calling", "count_tokens"),
    "tool.list": _later("tooling", "tool_list"),
    "tool.call": _later("tooling", "tool_call"),
    "code.approve": _later("coding", "code_approve"),
    "code.open": _later("coding", "code_open"),
    "code.run": _later("coding", "code_run"),
    "speaker.choose": _speaker_choose,
    "human.ask": _human_ask,
    "clock.now": _clock_now,
    "random.draw": _random_draw,
}
