"""Replies that were paid for once: how they are kept, and under which key."""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from stateflow.models.base import ChatMessage, ModelRequest
from stateflow.value import Json, canonical_json

__all__ = ["ReplyCache", "request_key"]

_VERSION: Final = 1
"""Raised when the same request is to be answered anew by a later version of this package."""


class ReplyCache(Protocol):
    """Keeps replies by the key of their request.  Any number of runs may share one.

    A value is ``{"reply": ModelReply.to_json(), "usage": usage_json(...)}``.
    """

    async def get(self, key: str, /) -> dict[str, Json] | None:
        """Return what was put under *key*; ``None`` if nothing was, or nobody can read it.

        Raises:
            StoreError: the cache cannot be read.
        """
        ...

    async def put(self, key: str, value: dict[str, Json], /) -> None:
        """Keep *value* under *key*, in place of what was there.

        Raises:
            StoreError: the cache cannot be written.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what is open.  What was put stays."""
        ...


def request_key(request: ModelRequest, /) -> str:
    """Return the SHA-256 of everything that decides how *request* is answered.

    Files count by the hash of their content, settings only as far as they are set.

    Example:
        >>> request_key(ModelRequest("openai:gpt-5"))[:16]
        '08ff326a8e2ed136'
    """
    asked: Json = {
        "version": _VERSION,
        "model": request.model,
        "system": request.system,
        "messages": [_message(message) for message in request.messages],
        "settings": request.settings.json(),
        "schema": request.schema,
        "tools": [tool.json() for tool in request.tools],
        "tool_choice": request.tool_choice,
    }
    text = canonical_json(asked).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()


def _message(message: ChatMessage) -> Json:
    return {
        "role": message.role,
        "text": message.text,
        "calls": [[call.id, call.name, call.arguments] for call in message.calls],
        "call_id": message.call_id,
        "ok": message.ok,
        "files": [file.to_json() for file in message.files],
        "native": message.native,
    }
