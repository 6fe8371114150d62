"""From many speakers to provider roles, by one rule that has a version.

The agent's own messages are ``assistant``, all others are ``user`` with the speaker's name in
front.  The agent's own tool calls stay native, those of others become text.  The prefixes are
for the model only: nothing ever parses them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final

from stateflow.conversation.file import File
from stateflow.conversation.message import Message, ToolCall
from stateflow.models.base import ChatMessage

__all__ = ["RENDER_VERSION", "attached", "render"]

RENDER_VERSION: Final = 1
"""Part of every request's print; raise it when the rule changes."""


def render(
    transcript: Iterable[Message], *, me: str, state: str, prompt: str, role: str
) -> tuple[str, tuple[ChatMessage, ...]]:
    """Return the system text and the messages that *me*, speaking in *state*, is shown.

    Example:
        >>> said = [Message("hi", "user")]
        >>> render(said, me="bot", state="talk", prompt="Be kind.", role="")[1][0].text
        'user: hi'
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
    for _, calls in groupby(message.calls, key=lambda call: call.round):
        together = tuple(calls)
        yield ChatMessage("assistant", "", together)
        for call in together:
            yield ChatMessage("tool", call.result, call_id=call.id, ok=call.ok)
    if message.files:  # no provider takes files of an assistant
        yield attached(message.files)
    if message.text.strip():  # providers refuse an empty one
        yield ChatMessage("assistant", message.text)


def attached(files: tuple[File, ...]) -> ChatMessage:
    """Return *files* that a tool gave as the message that shows them."""
    names = ", ".join(file.name or file.media_type for file in files)
    return ChatMessage("user", f"Given by the tools: {names}", files=files)


def _others(message: Message) -> Iterator[ChatMessage]:
    lines = [_told(message.speaker, call) for call in message.calls]
    if message.text.strip() or not lines:
        lines.append(f"{message.speaker}: {message.text}" if message.speaker else message.text)
    yield ChatMessage("user", "\n".join(lines), files=message.files)


def _told(speaker: str, call: ToolCall) -> str:
    verdict = "gave" if call.ok else "failed"
    return f"{speaker} called {call.name} with {call.arguments}, which {verdict}: {call.result}"


def _append(merged: list[ChatMessage], part: ChatMessage) -> None:
    last = merged[-1] if merged else None
    if last is None or last.role != part.role or part.role == "tool" or last.calls:
        merged.append(part)
        return
    text = "\n\n".join(text for text in (last.text, part.text) if text)
    merged[-1] = replace(last, text=text, calls=part.calls, files=(*last.files, *part.files))
