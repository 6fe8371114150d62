"""What a stream of chat completion chunks has said so far.

The SDK builds its values without checking them, so whatever a server sends is looked at here,
field by field, before anybody believes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from stateflow.conversation.message import ToolCall

__all__ = ["Reading", "count", "whole"]


class Reading:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.calls: dict[int, list[str]] = {}
        self.stop = ""
        self.usage: object = None
        self.request_id = ""

    def take(self, chunk: object) -> str:
        """Take one chunk in and return its piece of text.

        Raises:
            ValueError: it does not look like a chunk.
        """
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self.usage = usage
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            raise ValueError("choices")  # noqa: TRY004 - told as garbage by our caller
        if not choices:
            return ""
        choice = cast("object", choices[0])
        self.stop = _string(choice, "finish_reason") or self.stop
        delta = getattr(choice, "delta", None)
        text = _string(delta, "content")
        self.text.append(text)
        self.refusal.append(_string(delta, "refusal"))
        self.reasoning.append(_string(delta, "reasoning_content") or _string(delta, "reasoning"))
        for call in cast("Sequence[object]", getattr(delta, "tool_calls", None) or ()):
            self._take_call(call)
        return text

    def _take_call(self, call: object) -> None:
        index = getattr(call, "index", None)
        if not isinstance(index, int):
            raise ValueError("tool_calls")  # noqa: TRY004 - told as garbage by our caller
        parts = self.calls.setdefault(index, ["", "", ""])
        function = getattr(call, "function", None)
        parts[0] = parts[0] or _string(call, "id")
        parts[1] = parts[1] or _string(function, "name")
        parts[2] += _string(function, "arguments")

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Return the calls in the order of their index."""
        return tuple(
            ToolCall(key or f"call_{index}", name, whole(arguments))
            for index, (key, name, arguments) in sorted(self.calls.items())
        )


def _string(value: object, name: str) -> str:
    """Return a field that is a text, or nothing."""
    found = getattr(value, name, None)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise ValueError(name)  # noqa: TRY004 - told as garbage by our caller
    return found


def count(value: object, name: str) -> int:
    """Return a field that is a number of something, or 0."""
    found = getattr(value, name, None)
    return found if isinstance(found, int) and found > 0 else 0


def whole(text: str) -> str:
    """Return *text* without half characters, which no store can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
