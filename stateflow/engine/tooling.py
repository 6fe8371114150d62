"""Making tool calls: finding the tool, reading the arguments, and turning errors into results.

Whatever goes wrong is told to the model and kept as the call's outcome; only what nobody could
act on, such as a full disk of ours, ends the turn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol, cast

from stateflow.agents.rounds import listed
from stateflow.conversation.effect import Effect
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.engine.faults import fault_of
from stateflow.engine.scene import Scene
from stateflow.engine.sessions import Sessions
from stateflow.errors import BadReply, StoreError
from stateflow.tools.base import Tool, ToolReply, ToolSource
from stateflow.value import Json

__all__ = ["tool_call", "tool_list"]


class _Toolbox(Protocol):
    """An agent that has tools."""

    toolbox: Sequence[Tool]
    sources: Sequence[ToolSource]


async def tool_list(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Ask a source of tools what it offers."""
    args: Any = effect.call.args
    source = next(one for one in _box(scene).sources if one.name == args["source"])
    tools = await _sessions(scene).tools(source)
    return {
        "tools": [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
                **({"approve": True} if tool.approve else {}),
                **({} if tool.repeat else {"repeat": False}),
                **({} if tool.timeout_s is None else {"timeout_s": tool.timeout_s}),
            }
            for tool in tools
        ]
    }, NO_USAGE


async def tool_call(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
    """Make one call that a model asked for."""
    args: Any = effect.call.args
    asked: Any = scene.turn.made()[args["of"]].result.value
    call = asked["calls"][args["call"]]
    if "refused" in args:
        return _failed(f"A person refused this call: {args['refused']}"), NO_USAGE
    try:
        reply = await _reply(scene, call["name"], call["arguments"])
        return await _journaled(reply, scene), NO_USAGE
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - the tool is the user's; its error is a result
        return _failed(str(fault_of(error))), NO_USAGE


async def _reply(scene: Scene, name: str, arguments: str) -> ToolReply:
    tool = await _tool(scene, name)
    try:
        given: object = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        return ToolReply(f"The arguments are no JSON ({error}); send one object.", ok=False)
    if not isinstance(given, dict):
        return ToolReply("The arguments are no JSON object; send one.", ok=False)
    reply = await tool.call(cast("dict[str, Any]", given))
    return _along_the_table(reply, scene)


async def _tool(scene: Scene, name: str) -> Tool:
    """Return the tool called *name*.

    Raises:
        LookupError: there is none; the model reads who there is.
    """
    box = _box(scene)
    known: list[str] = []
    for tool in box.toolbox:
        if tool.name == name:
            return tool
        known.append(tool.name)
    for source in box.sources:
        names = [offer.spec.name for offer in listed(scene.turn, source)]
        if name in names:
            return await _of_source(scene, source, name)
        known += names
    raise LookupError(f"there is no tool {name!r}; there are: {', '.join(known) or 'none'}")


async def _of_source(scene: Scene, source: ToolSource, name: str) -> Tool:
    tools = await _sessions(scene).tools(source)
    for tool in tools:
        if tool.name == name:
            return tool
    raise LookupError(f"{source.name!r} no longer offers the tool {name!r}")


def _sessions(scene: Scene) -> Sessions:
    if scene.sessions is None:
        raise BadReply("tools of a source need a run")  # pragma: no cover - the door's
    return scene.sessions


def _along_the_table(reply: ToolReply, scene: Scene) -> ToolReply:
    """Refuse a handoff that no transition of this state allows."""
    targets = scene.turn.targets
    if reply.handoff is None or reply.handoff in targets:
        return reply
    shown = ", ".join(targets) or "nobody"
    return ToolReply(
        f"{reply.handoff!r} cannot be handed to from here; those who can: {shown}", ok=False
    )


async def _journaled(reply: ToolReply, scene: Scene) -> Json:
    """Return *reply* as JSON; its files go to the store."""
    said: dict[str, Json] = {"text": reply.text}
    if not reply.ok:
        said["ok"] = False
    if reply.handoff is not None:
        said["handoff"] = reply.handoff
    if reply.files:
        await scene.turn.door.keep(*reply.files)
        said["files"] = [file.to_json() for file in reply.files]
    return said


def _failed(text: str) -> Json:
    return {"text": text, "ok": False}


def _box(scene: Scene) -> _Toolbox:
    return cast("_Toolbox", scene.agent)
