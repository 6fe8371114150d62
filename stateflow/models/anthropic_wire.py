"""From a request to what Anthropic's messages API is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.errors import BadRequest
from stateflow.models.base import ChatMessage, ModelRequest, Settings, ToolSpec
from stateflow.models.stream import whole
from stateflow.value import Json

__all__ = ["SIGNED", "counted", "to_anthropic", "to_body"]

SIGNED: Final = {"thinking", "redacted_thinking"}
"""Blocks that must come back unchanged while tools are used: the vendor signed them."""

_COUNTED: Final = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
)
_CHOICES: Final = {"auto": "auto", "required": "any", "none": "none"}


def to_body(model: str, request: ModelRequest) -> dict[str, Any]:
    """Return all that is sent: what is set, and nothing else.

    Args:
        model: what the server calls the model.
        request: what is asked.

    Raises:
        BadRequest: it holds a file that Anthropic does not read.
    """
    settings = request.settings
    system, messages = to_anthropic(request)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": settings.max_tokens,
        "stream": True,
        "messages": messages,
    }
    if system:
        body["system"] = system
    for name in ("temperature", "top_p", "seed"):
        if (value := getattr(settings, name)) is not None:
            body[name] = value
    body.update(_tools(request))
    body.update(_thinking(settings))
    if request.schema is not None:
        form = {"type": "json_schema", "schema": request.schema}
        body["output_config"] = {**body.get("output_config", {}), "format": form}
    return _with_extra(body, settings.extra)


def counted(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return those fields of *body* that take part in counting its tokens."""
    return {name: body[name] for name in _COUNTED if name in body}


def _tools(request: ModelRequest) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if request.tools:
        said["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice == "required" or (request.tools and request.tool_choice != "auto"):
        said["tool_choice"] = {"type": _CHOICES[request.tool_choice]}
    return said


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": dict(tool.parameters),
    }


def _thinking(settings: Settings) -> dict[str, Any]:
    """Return how hard to think: newer models think only when told, and hide it by default."""
    if settings.effort is None:
        return {}
    if settings.effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": settings.effort},
    }


def _with_extra(body: dict[str, Any], extra: Mapping[str, Json]) -> dict[str, Any]:
    """Return *body* with the vendor's own fields, which win."""
    ours, theirs = body.get("output_config"), extra.get("output_config")
    if ours is not None and isinstance(theirs, Mapping):
        return {**body, **extra, "output_config": {**ours, **theirs}}
    return {**body, **extra}


def to_anthropic(request: ModelRequest) -> tuple[str, list[dict[str, Any]]]:
    """Return the system text and the messages of *request* as Anthropic takes them.

    There the first message must be the user's, roles alternate, and what tools gave stands in
    the next message of the user.

    Raises:
        BadRequest: it holds a file that Anthropic does not read.
    """
    turns: list[dict[str, Any]] = []
    for message in request.messages:
        role = "assistant" if message.role == "assistant" else "user"
        if not turns and role == "assistant":
            turns.append({"role": "user", "content": [{"type": "text", "text": "Begin."}]})
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"].extend(_blocks(message))
    return request.system, turns


def _blocks(message: ChatMessage) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield _result(message)
        return
    yield from _signed(message.native)
    yield from map(_file, message.files)  # the vendor reads a picture best before the question
    if message.text.strip():
        yield {"type": "text", "text": message.text}
    for call in message.calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": _object(call)}


def _result(message: ChatMessage) -> dict[str, Any]:
    content: str | list[dict[str, Any]] = message.text
    if message.files:
        said = [{"type": "text", "text": message.text}] if message.text.strip() else []
        content = [*said, *map(_file, message.files)]
    block = {"type": "tool_result", "tool_use_id": message.call_id, "content": content}
    return block if message.ok else {**block, "is_error": True}


def _signed(native: Json) -> Iterable[dict[str, Any]]:
    """Return the blocks that Anthropic signed; another vendor's means nothing to it."""
    if not isinstance(native, Sequence) or isinstance(native, str):
        return
    for block in native:
        if isinstance(block, Mapping) and block.get("type") in SIGNED:
            yield dict(block)


def _file(file: File) -> dict[str, Any]:
    kind = file.media_type.partition(";")[0].strip().lower()
    if file.content is None:
        raise BadRequest(f"file {file.name!r} came without its content; attach it again")
    data = {"type": "base64", "media_type": kind, "data": base64.b64encode(file.content).decode()}
    if kind.startswith("image/"):
        return {"type": "image", "source": data}
    if kind.startswith("text/"):  # all that is text is plain there
        text = file.content.decode("utf-8", "replace")
        data = {"type": "text", "media_type": "text/plain", "data": text}
    elif kind != "application/pdf":
        raise BadRequest(
            f"file {file.name!r} is {kind!r}, which Anthropic does not read; "
            "attach an image, a PDF or a text"
        )
    return {"type": "document", "source": data, "title": file.name}


def _object(call: ToolCall) -> dict[str, Any]:
    """Return the arguments as the object that Anthropic demands, whatever the model wrote.

    Half characters and numbers that JSON has not could not be sent.
    """
    try:
        said: object = json.loads(call.arguments)
        text = whole(json.dumps(said, ensure_ascii=False, allow_nan=False))
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    return {"arguments": whole(call.arguments)}
