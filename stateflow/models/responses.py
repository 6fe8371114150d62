"""OpenAI's Responses API: a request as it takes it, and what comes back.

Nothing is kept at the server (``store`` is false): what a reasoning model thought goes back
encrypted, as :attr:`ModelReply.native`, so that it can think on after its tools have answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from stateflow.conversation.message import ToolCall, Usage
from stateflow.models.base import ChatMessage, ModelRequest, ToolSpec
from stateflow.models.openai_wire import Part, closed, mapped, sampling
from stateflow.models.stream import (
    ErrorSent,
    Reading,
    counted,
    field,
    free_input,
    mapping,
    rows,
    string,
    unique_calls,
)
from stateflow.value import Json

__all__ = ["ResponsesReading", "counted_body", "responses_body"]

_NATIVE = "openai-responses"
_COUNTED: Final = {"input", "instructions", "reasoning", "text", "tool_choice", "tools"}
_THOUGHTLESS: Final = re.compile(r"^(chatgpt|gpt-[34])|^gpt-[\d.]+-chat")
"""Models that refuse a request which asks for their encrypted thoughts."""
_DELTAS: Final = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
}
_ENDED: Final = {"response.completed", "response.incomplete", "response.failed"}
_GOING_ON: Final = {"queued", "in_progress", "cancelled"}
"""What a response is called that does not hold all that was to be said."""
_CALLS: Final = {"function_call", "custom_tool_call"}
"""Items that call a tool of ours."""


def responses_body(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """Return the body of a response to *request*.

    Raises:
        BadRequest: a file is of a kind that cannot be sent.
    """
    settings = request.settings
    body: dict[str, Any] = {
        "model": model,
        "input": list(mapped(request, _told, _shown)),
        "stream": True,
        "store": False,
        "max_output_tokens": settings.max_tokens,
        **sampling(request),
    }
    if not _THOUGHTLESS.search(model):
        body["include"] = ["reasoning.encrypted_content"]
    if request.system:
        body["instructions"] = request.system
    if settings.effort is not None:
        body["reasoning"] = {"effort": settings.effort}
    if request.tools:
        body["tools"] = list(map(_tool, request.tools))
        if request.tool_choice != "auto":
            body["tool_choice"] = request.tool_choice
    if request.schema is not None:
        strict = closed(request.schema)
        schema = {"type": "json_schema", "name": "reply", "schema": request.schema}
        body["text"] = {"format": {**schema, "strict": strict}}
    return body


def counted_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a response's *body* that is counted as input."""
    return {name: value for name, value in body.items() if name in {"model", *_COUNTED}}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    # strict is the default here, and refuses most schemas; the arguments are checked anyway
    return {"type": "function", **tool.json(), "strict": False}


def _told(message: ChatMessage) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        output = {"call_id": message.call_id, "output": message.text}
        yield {"type": "function_call_output", **output}
    elif message.role == "user":
        yield {"role": "user", "content": message.text}
    elif native := _own_items(message):
        yield from native
    else:
        yield from _assistant_items(message)


def _assistant_items(message: ChatMessage) -> Iterator[dict[str, Any]]:
    if message.text or not message.calls:
        said = [{"type": "output_text", "text": message.text}]
        yield {"type": "message", "role": "assistant", "content": said}
    for call in message.calls:
        arguments = {"name": call.name, "arguments": call.arguments}
        yield {"type": "function_call", "call_id": call.id, **arguments}


def _own_items(message: ChatMessage) -> Sequence[dict[str, Any]]:
    """Return the items that the model itself sent, if they are these calls and from this API."""
    items = cast("list[dict[str, Any]]", rows(message.native, _NATIVE))
    calls = [item.get("call_id") for item in items if item.get("type") == "function_call"]
    return items if calls == [call.id for call in message.calls] else ()


def _shown(parts: Sequence[Part]) -> dict[str, Any]:
    return {"role": "user", "content": [_content(*part) for part in parts]}


def _content(kind: str, value: str, name: str) -> dict[str, Any]:
    if kind == "image":
        return {"type": "input_image", "image_url": value, "detail": "auto"}
    if kind == "file":
        return {"type": "input_file", "filename": name, "file_data": value}
    return {"type": "input_text", "text": value}


def _call(item: object) -> tuple[str, str, str]:
    """Return the id, name and arguments of an item that is a call."""
    key = string(item, "call_id") or string(item, "id")
    if field(item, "type") == "custom_tool_call":
        return key, string(item, "name"), free_input(string(item, "input"))
    return key, string(item, "name"), string(item, "arguments")


class ResponsesReading(Reading):
    """A response: its events, or the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[int, Mapping[str, Json]] = {}
        """By their place in the output, for they may be done in any order."""
        self._usage: object = None
        self._lists = {"text": self.text, "refusal": self.refusal, "reasoning": self.reasoning}
        self._told: set[tuple[int, str]] = set()
        """Which of the lists the deltas of the item at a place have already filled."""

    def take(self, event: object) -> str:
        """See :meth:`Reading.take`."""
        if field(event, "object") == "response":
            return self._take_response(event)
        kind = string(event, "type")
        if kind == "error":
            raise ErrorSent(event)
        if not kind:
            raise ValueError("type")
        if kind == "response.output_item.done":
            return self._take_item(self._place(event), field(event, "item"))
        if kind in _ENDED:
            return self._take_response(field(event, "response"))
        if kind not in _DELTAS:
            return ""
        what = _DELTAS[kind]
        self._told.add((self._place(event), what))
        piece = self.keep(self._lists[what], string(event, "delta"))
        return piece if what == "text" else ""

    def _take_response(self, response: object) -> str:
        """Take in how it ended, and those of its items that were not streamed."""
        self._usage = field(response, "usage")
        status = string(response, "status")
        error = field(response, "error")
        if error or status == "failed":
            raise ErrorSent(error)
        why = string(field(response, "incomplete_details"), "reason")
        self.stop = "" if status in _GOING_ON else why or status
        output = enumerate(rows(response, "output"))
        rest = [(place, item) for place, item in output if place not in self._items]
        return "".join([self._take_item(place, item) for place, item in rest])

    def _place(self, event: object) -> int:
        """Return the place of the item that *event* is about; some servers do not say it."""
        said = field(event, "output_index")
        if isinstance(said, int) and said not in self._items:
            return said
        return max(self._items, default=-1) + 1

    def _take_item(self, place: int, item: object) -> str:
        """Take in one item of the output and return its text, where no delta has told it."""
        self._items[place] = cast("Mapping[str, Json]", mapping(item))
        kind, content = string(item, "type"), rows(item, "content")
        said = ""
        if kind == "reasoning":
            thought = (*rows(item, "summary"), *content)
            self._take_parts(place, "reasoning", thought)
        elif kind == "message":
            self._take_parts(place, "refusal", content)
            said = self._take_parts(place, "text", content)
        elif kind in _CALLS:
            self.size += sum(map(len, _call(item)))
        return said

    def _take_parts(self, place: int, what: str, content: Sequence[object]) -> str:
        if (place, what) in self._told:
            return ""
        name = "refusal" if what == "refusal" else "text"
        return self.keep(self._lists[what], "".join(string(part, name) for part in content))

    @property
    def cut(self) -> bool:
        """See :attr:`Reading.cut`."""
        return self.stop == "max_output_tokens"

    def calls(self) -> tuple[ToolCall, ...]:
        """See :meth:`Reading.calls`."""
        return unique_calls(_call(item) for item in self._output() if item.get("type") in _CALLS)

    def usage(self) -> Usage | None:
        """See :meth:`Reading.usage`."""
        return counted(self._usage, "input_tokens", "output_tokens")

    def native(self) -> Json:
        """Return all items, where there is more in them than text and calls."""
        items = self._output()
        if all(item.get("type") in {"message", *_CALLS} for item in items):
            return None
        keys = iter(self.calls())
        return {
            _NATIVE: [
                {**item, "call_id": next(keys).id} if item.get("type") in _CALLS else item
                for item in items
            ]
        }

    def _output(self) -> Sequence[Mapping[str, Json]]:
        return [item for _, item in sorted(self._items.items())]
