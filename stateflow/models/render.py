"""From many speakers to provider roles, by one rule that has a version.

The agent's own messages are ``assistant``, all others are ``user`` with the speaker's name in
front.  The agent's own tool calls stay native, those of others become text.  The prefixes are
for the model only: nothing ever parses them back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, cast

from stateflow.conversation.message import Message, ToolCall
from stateflow.models.base import ChatMessage, ModelRequest

__all__ = ["RENDER_VERSION", "render", "to_anthropic", "to_openai"]

RENDER_VERSION: Final = 1
"""Part of every request's print; raise it when the rule changes."""


def render(
    transcript: Iterable[Message], *, me: str, state: str, prompt: str, role: str
) -> tuple[str, tuple[ChatMessage, ...]]:
    """Return the system text and the messages that *me*, speaking in *state*, is shown.

    Example:
        >>> render([Message("hi", "user")], me="bot", state="talk", prompt="Be kind.", role="")
        ('Be kind.', (ChatMessage(role='user', text='user: hi', calls=(), call_id=''),))
    """
    system = "\n\n".join(part for part in (prompt, role) if part)
    merged: list[ChatMessage] = []
    for message in transcript:
        for part in _own(message) if message.speaker == me else _others(message):
            _append(merged, part)
    if not merged or merged[-1].role == "assistant":
        merged.append(ChatMessage("user", f"Continue as {state}."))
    return system, tuple(merged)


def _own(message: Message) -> Iterator[ChatMessage]:
    if message.calls:
        yield ChatMessage("assistant", "", message.calls)
        for call in message.calls:
            yield ChatMessage("tool", call.result, call_id=call.id)
    if message.text.strip():  # providers refuse an empty one
        yield ChatMessage("assistant", message.text)


def _others(message: Message) -> Iterator[ChatMessage]:
    lines = [_told(message.speaker, call) for call in message.calls]
    if message.text.strip() or not lines:
        lines.append(f"{message.speaker}: {message.text}" if message.speaker else message.text)
    yield ChatMessage("user", "\n".join(lines))


def _told(speaker: str, call: ToolCall) -> str:
    verdict = "gave" if call.ok else "failed"
    return f"{speaker} called {call.name} with {call.arguments}, which {verdict}: {call.result}"


def _append(merged: list[ChatMessage], part: ChatMessage) -> None:
    last = merged[-1] if merged else None
    if last is None or last.role != part.role or part.role == "tool" or last.calls:
        merged.append(part)
        return
    text = "\n\n".join(text for text in (last.text, part.text) if text)
    merged[-1] = replace(last, text=text, calls=part.calls)


def to_openai(request: ModelRequest) -> list[dict[str, Any]]:
    """Return the messages of *request* as OpenAI's chat completions take them."""
    system = [{"role": "system", "content": request.system}] if request.system else []
    return [*system, *map(_openai_message, request.messages)]


def _openai_message(message: ChatMessage) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    if not message.calls:
        return {"role": message.role, "content": message.text}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.calls
    ]
    return {"role": message.role, "content": message.text or None, "tool_calls": calls}


def to_anthropic(request: ModelRequest) -> tuple[str, list[dict[str, Any]]]:
    """Return the system text and the messages of *request* as Anthropic takes them.

    There the first message must be the user's, roles alternate, and what tools gave stands in
    the next message of the user.
    """
    failed = {c.id for m in request.messages for c in m.calls if not c.ok}
    turns: list[dict[str, Any]] = []
    for message in request.messages:
        role = "assistant" if message.role == "assistant" else "user"
        if not turns and role == "assistant":
            turns.append({"role": "user", "content": [{"type": "text", "text": "Begin."}]})
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"].extend(_anthropic_blocks(message, failed))
    return request.system, turns


def _anthropic_blocks(message: ChatMessage, failed: set[str]) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        block = {"type": "tool_result", "tool_use_id": message.call_id, "content": message.text}
        yield {**block, "is_error": True} if message.call_id in failed else block
        return
    if message.text.strip():
        yield {"type": "text", "text": message.text}
    for call in message.calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": _object(call)}


def _object(call: ToolCall) -> dict[str, Any]:
    """Return the arguments as the object that Anthropic demands, whatever the model wrote."""
    try:
        value: object = json.loads(call.arguments)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    return {"arguments": call.arguments}
