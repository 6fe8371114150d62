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

    Raises:
        OffTable: it means none of the candidates.
    """
    if answer is None and None in chat.candidates:
        return None
    name: object = answer if isinstance(answer, str) else getattr(answer, "name", None)
    for candidate, agent in zip(chat.candidates, chat.agents, strict=True):
        if candidate is None:
            continue
        if name == candidate or (agent is not None and (answer is agent or name == agent.name)):
            return candidate
    shown = ", ".join("None" if name is None else repr(name) for name in chat.candidates)
    what = repr(name if name is not None else answer)[:80]
    raise OffTable(
        f"chooser {chooser!r} answered {what}, which no enabled transition of state "
        f"{chat.view.state!r} leads to; enabled: {shown}"
    )


async def _clock_now(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    del effect, scene
    return time.time(), NO_USAGE


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
    "clock.now": _clock_now,
    "random.draw": _random_draw,
}
