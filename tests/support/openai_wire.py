"""OpenAI's wire, for tests: what servers send, and a model whose server sends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2

from stateflow.models.base import ChatMessage, ModelReply, ModelRequest
from stateflow.models.openai import Api, OpenAIModel
from stateflow.value import Json

__all__ = ["ASK", "KEY", "Sent", "ask", "chunk", "event", "model", "refused", "streamed"]

KEY = "sk-very-secret-key"
ASK = ModelRequest("m", "Be brief.", (ChatMessage("user", "user: hi"),))
Answer = httpx2.Response | Callable[[httpx2.Request], httpx2.Response]


def chunk(delta: Json = None, finish: str | None = None, **more: Json) -> bytes:
    """Return one event of a chat completion."""
    choices: Json = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    said = {"id": "x", "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(said)}\n\n".encode()


def event(kind: str, **more: Json) -> bytes:
    """Return one event of a response."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def streamed(*events: bytes) -> httpx2.Response:
    """Return a stream of events, as a server sends it."""
    headers = {"content-type": "text/event-stream", "x-request-id": "req-7"}
    return httpx2.Response(200, headers=headers, content=b"".join(events))


def refused(status: int, code: Json = "", message: str = f"bad key {KEY}") -> httpx2.Response:
    """Return an error as OpenAI words it."""
    body = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return httpx2.Response(status, json=body)


def model(
    answer: Answer, *, base_url: str | None = None, api_key: str = KEY, api: Api = "chat"
) -> OpenAIModel:
    """Return a model whose server always gives *answer*."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        return answer(request) if callable(answer) else answer

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    return OpenAIModel("m", base_url=base_url, api_key=api_key, http_client=client, api=api)


async def ask(
    asked: OpenAIModel, request: ModelRequest = ASK, pieces: list[str] | None = None
) -> ModelReply:
    """Ask once and close."""
    try:
        return await asked.complete(request, on_delta=([] if pieces is None else pieces).append)
    finally:
        await asked.aclose()


class Sent:
    """A server that keeps what it was sent, and gives one answer."""

    def __init__(self, answer: httpx2.Response | None = None) -> None:
        """Keep the *answer*; by default a reply that says ``{}``."""
        self.requests: list[httpx2.Request] = []
        self._answer = answer or streamed(chunk({"content": "{}"}, "stop"))

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer *request*."""
        self.requests.append(request)
        return self._answer

    @property
    def body(self) -> dict[str, Any]:
        """The body of the only request."""
        (request,) = self.requests
        body: dict[str, Any] = json.loads(request.content)
        return body
