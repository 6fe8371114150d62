"""A request as OpenAI's chat completions take it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, cast

from stateflow.conversation.file import File
from stateflow.errors import BadRequest
from stateflow.models.base import ChatMessage, ModelRequest
from stateflow.value import Json

__all__ = ["Part", "chat_body", "closed", "mapped", "parts_of", "sampling", "to_openai"]

Part: TypeAlias = tuple[Literal["text", "image", "file"], str, str]
"""One thing that a message shows: what it is, its text or its data URL, and its name."""

_TEXTS: Final = {
    "application/javascript",
    "application/json",
    "application/toml",
    "application/x-sh",
    "application/xml",
    "application/yaml",
}


def chat_body(request: ModelRequest, *, limit: str) -> dict[str, Any]:
    """Return the body of a chat completion, without the model.

    Args:
        request: what the model is told.
        limit: what the server calls the most that a reply may hold.
    """
    settings = request.settings
    body: dict[str, Any] = {
        "messages": to_openai(request),
        "stream": True,
        "stream_options": {"include_usage": True},
        limit: settings.max_tokens,
        **sampling(request),
    }
    if settings.effort is not None:
        body["reasoning_effort"] = settings.effort
    if request.tools:
        body["tools"] = [{"type": "function", "function": tool.json()} for tool in request.tools]
        if request.tool_choice != "auto":  # which not all servers know by name
            body["tool_choice"] = request.tool_choice
    if request.schema is not None:
        schema = {"name": "reply", "schema": request.schema, "strict": closed(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def sampling(request: ModelRequest) -> dict[str, float]:
    """Return what the request sets of the fields that all of OpenAI's APIs name alike."""
    settings = request.settings
    fields = {"temperature": settings.temperature, "top_p": settings.top_p, "seed": settings.seed}
    return {name: value for name, value in fields.items() if value is not None}


def to_openai(request: ModelRequest) -> list[dict[str, Any]]:
    """Return the messages of *request* as OpenAI's chat completions take them.

    Only a user's message may hold files there, so those of a tool or of the model itself stand
    in a user's message of their own, behind all that its calls came to.

    Raises:
        BadRequest: a file is of a kind that cannot be sent.
    """
    system = [{"role": "system", "content": request.system}] if request.system else []
    return [*system, *mapped(request, _told, _shown)]


def mapped(
    request: ModelRequest,
    told: Callable[[ChatMessage], Iterable[dict[str, Any]]],
    shown: Callable[[Sequence[Part]], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield what *told* makes of each message, and what *shown* makes of files.

    Raises:
        BadRequest: a file is of a kind that cannot be sent.
    """
    waiting: list[Part] = []
    for message in request.messages:
        files = [part for file in message.files for part in parts_of(file, request.model)]
        if message.role != "tool" and waiting:
            yield shown(waiting)
            waiting = []
        if files and message.role == "user":
            text: list[Part] = [("text", message.text, "")] if message.text else []
            yield shown([*text, *files])
            continue
        yield from told(message)
        waiting += files
    if waiting:
        yield shown(waiting)


def parts_of(file: File, model: str) -> Iterator[Part]:
    """Yield what a model is shown of *file*.

    Raises:
        BadRequest: it is of a kind that cannot be sent, or its content is not here.
    """
    kind, content = file.media_type, file.content
    if content is None:
        raise BadRequest(f"{model}: the content of file {file.name!r} is missing; attach it anew")
    if kind.startswith("text/") or kind in _TEXTS:
        yield "text", f"{file.name}:\n\n{content.decode('utf-8', 'replace')}", file.name
    elif kind.startswith("image/") or kind == "application/pdf":
        url = f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
        yield "image" if kind.startswith("image/") else "file", url, file.name
    else:
        raise BadRequest(
            f"{model}: file {file.name!r} is {kind!r}, which cannot be sent; "
            "give an image, a PDF or a text"
        )


def _told(message: ChatMessage) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
        return
    if not message.calls:
        yield {"role": message.role, "content": message.text}
        return
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.calls
    ]
    yield {"role": message.role, "content": message.text or None, "tool_calls": calls}


def _shown(parts: Sequence[Part]) -> dict[str, Any]:
    return {"role": "user", "content": [_content(*part) for part in parts]}


def _content(kind: str, value: str, name: str) -> dict[str, Any]:
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": value}}
    if kind == "file":
        return {"type": "file", "file": {"filename": name, "file_data": value}}
    return {"type": "text", "text": value}


def closed(schema: Json) -> bool:
    """Tell whether every object in *schema* is closed, as OpenAI's strict mode demands.

    Example:
        >>> closed({"type": "object", "properties": {}, "additionalProperties": False})
        True
    """
    if isinstance(schema, Mapping):
        properties = cast("Mapping[str, Json]", schema.get("properties", {}))
        if schema.get("type") == "object" or properties:
            required = cast("Sequence[str]", schema.get("required", ()))
            if schema.get("additionalProperties") is not False or {*properties} != {*required}:
                return False
        named = cast("Mapping[str, Json]", schema.get("$defs", {}))
        rest = [part for word, part in schema.items() if word not in {"properties", "$defs"}]
        return all(map(closed, [*properties.values(), *named.values(), *rest]))
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return all(map(closed, schema))
    return True
