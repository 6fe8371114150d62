"""OpenAI's chat completions, at OpenAI or at any server that speaks them.

The only module that imports ``openai``.  What it raises leaves here as a fault of our tree, told
in one sentence that never holds the key.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httpx2
import openai

from stateflow.conversation.message import Usage
from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    ContextTooLong,
    FaultError,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from stateflow.models.base import ModelReply, ModelRequest, estimate_text, estimate_tokens
from stateflow.models.price import Price
from stateflow.models.render import to_openai
from stateflow.models.stream import Reading, count, whole
from stateflow.value import Json, plain

__all__ = ["OpenAIModel"]

_OFFICIAL = "https://api.openai.com/v1"
_LONGEST_QUOTE = 300
_SHORTEST_SECRET = 8
_TOO_LONG: Final = {"context_length_exceeded", "exceed_context_size_error"}
_DECLINED: Final = {"content_filter", "content_policy_violation"}
_BY_STATUS: Final[Mapping[int, tuple[type[FaultError], str]]] = {
    401: (AuthFailed, "the key was refused; export a valid OPENAI_API_KEY"),
    403: (AuthFailed, "the key may not do this; use one that may, or another model"),
    404: (ModelNotFound, "the server has no such model; check its name and the address"),
    408: (TimedOut, "the server gave up waiting; try again"),
    413: (ContextTooLong, "the request is too large; let the state see less, as in sees=last(20)"),
    429: (RateLimited, "the server asks to slow down; try later, or check the quota"),
}


class OpenAIModel:
    """A model behind OpenAI's chat completions.

    Args:
        model: what the server calls it.
        base_url: another server than OpenAI's.
        api_key: otherwise OPENAI_API_KEY, which only OpenAI's own server needs.
        price: what it costs; ``None``: not known.
        extra_body: fields that the server wants beyond OpenAI's.
        http_client: the way to the server; closed with the model.
        name: what error sentences call it; made up from the rest by default.
    """

    def __init__(  # noqa: PLR0913 - all but the model are keywords with defaults
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        price: Price | None = None,
        extra_body: Mapping[str, Json] | None = None,
        http_client: httpx2.AsyncClient | None = None,
        name: str = "",
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._api_key = api_key
        self._extra_body = dict(extra_body or {})
        self._http_client = http_client
        self._sdk: openai.AsyncOpenAI | None = None
        self.name = name or (
            f"openai+{_shown(base_url)}#{model}" if base_url else f"openai:{model}"
        )
        self.price = price

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the reply, streamed; see ``Model``.

        Raises:
            FaultError: there is no reply; the subclass says why.
        """
        reading = Reading()
        async with aclosing(self._pieces(request, reading)) as pieces:
            async for piece in pieces:
                on_delta(piece)
        return self._reply(request, reading)

    async def aclose(self) -> None:
        """Close the connections."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()
        elif self._http_client is not None:
            await self._http_client.aclose()

    def _client(self) -> openai.AsyncOpenAI:
        """Return the SDK's client, made on first use: it belongs to one event loop."""
        if self._sdk is None:
            try:
                _host(self._base_url or _OFFICIAL)
                self._sdk = openai.AsyncOpenAI(
                    base_url=self._base_url or _OFFICIAL,
                    api_key=self._key(),
                    max_retries=0,  # our own policy decides
                    http_client=self._http_client,
                )
            except (ValueError, httpx2.InvalidURL) as error:
                sentence = (
                    f"{self.name}: the address of its server is malformed; "
                    "write it as http://localhost:8000/v1"
                )
                raise Unreachable(sentence) from error
        return self._sdk

    def _key(self) -> str:
        key = (self._api_key or os.environ.get("OPENAI_API_KEY") or "").strip()
        if not key and self._base_url is None:
            sentence = f"{self.name} needs a key: export OPENAI_API_KEY=..."
            raise AuthFailed(sentence)
        if not (key.isascii() and key.isprintable()):
            sentence = (
                f"{self.name}: the key holds characters that no key has; "
                "export OPENAI_API_KEY again, without them"
            )
            raise AuthFailed(sentence)
        return key or "none"

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        settings = request.settings.json()
        limit = settings.pop("max_tokens")
        official = _host(self._base_url or _OFFICIAL) == _host(_OFFICIAL)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": to_openai(request),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_completion_tokens" if official else "max_tokens": limit,
            **settings,
        }
        if request.schema is not None:
            schema = {"name": "reply", "schema": request.schema, "strict": _strict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self._extra_body:
            body["extra_body"] = self._extra_body
        return body

    async def _pieces(self, request: ModelRequest, reading: Reading) -> AsyncGenerator[str, None]:
        """Yield the pieces of text; what the SDK raises leaves here as a fault."""
        stream = await self._open(request)
        try:
            async with stream:
                if "json" in stream.response.headers.get("content-type", ""):
                    raise self._not_streamed(await stream.response.aread())
                reading.request_id = stream.response.headers.get("x-request-id", "")
                async for chunk in stream:
                    if piece := reading.take(chunk):
                        yield piece
        except openai.OpenAIError as error:
            raise self._fault(error) from error
        except httpx2.HTTPError as error:
            raise self._fault(openai.APIConnectionError(request=stream.response.request)) from error
        except (ValueError, RecursionError) as error:
            sentence = (
                f"{self.name} sent something that is not a chat completion; "
                "check that the address is that of an OpenAI-compatible server"
            )
            raise BadReply(sentence) from error

    async def _open(self, request: ModelRequest) -> openai.AsyncStream[Any]:
        create = cast("Any", self._client().chat.completions.create)
        try:
            stream: openai.AsyncStream[Any] = await create(**self._body(request))
        except openai.OpenAIError as error:
            raise self._fault(error) from error
        except (ValueError, TypeError, RecursionError) as error:
            sentence = (
                f"{self.name}: the request cannot be written as JSON ({type(error).__name__}); "
                "look for broken unicode in its messages"
            )
            raise BadRequest(sentence) from error
        return stream

    def _reply(self, request: ModelRequest, reading: Reading) -> ModelReply:
        """Return what was read, if it is whole and what was asked for."""
        text = whole("".join(reading.text))
        if any(reading.refusal) or reading.stop == "content_filter":
            why = self._quote("".join(reading.refusal)) or "its content filter stepped in"
            sentence = f"{self.name} declined: {why}; change the task or the prompt"
            raise Refused(sentence)
        if not reading.stop:
            sentence = f"{self.name}: the reply broke off before its end; try again"
            raise BadReply(sentence)
        if request.schema is not None and not reading.calls:
            self._check_json(text, reading.stop)
        return ModelReply(
            text,
            calls=reading.tool_calls(),
            reasoning=whole("".join(reading.reasoning)),
            stop=reading.stop,
            usage=self._usage(request, reading, text),
            request_id=reading.request_id,
        )

    def _check_json(self, text: str, stop: str) -> None:
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            cure = "raise max_tokens" if stop == "length" else "try again, or simplify the schema"
            sentence = (
                f"{self.name}: the reply is not the JSON that was asked for (it ended with "
                f"{stop!r}); {cure}"
            )
            raise BadReply(sentence) from error

    def _usage(self, request: ModelRequest, reading: Reading, text: str) -> Usage:
        """Return what the server counted, or our estimate where it did not count."""
        counted = reading.usage
        read = count(counted, "prompt_tokens") or estimate_tokens(request)
        written = count(counted, "completion_tokens") or estimate_text(text)
        return Usage(
            calls=1,
            input_tokens=read,
            output_tokens=written,
            cached_tokens=count(getattr(counted, "prompt_tokens_details", None), "cached_tokens"),
            reasoning_tokens=count(
                getattr(counted, "completion_tokens_details", None), "reasoning_tokens"
            ),
            usd=None if self.price is None else self.price.cost(read, written),
        )

    def _fault(self, error: openai.OpenAIError) -> FaultError:
        """Return what *error* of the SDK is in our tree."""
        if isinstance(error, openai.APITimeoutError):
            return TimedOut(f"{self.name}: nothing came within the time allowed; try again")
        if isinstance(error, openai.APIConnectionError):
            return Unreachable(
                f"{self.name}: no connection to its server could be made or kept; "
                "check the address and the network"
            )
        if isinstance(error, openai.APIStatusError):
            return self._status_fault(error)
        said = error.message if isinstance(error, openai.APIError) else ""
        return BadReply(f"{self.name} sent an error instead of a reply: {self._quote(said)}")

    def _status_fault(self, error: openai.APIStatusError) -> FaultError:
        said, status = self._quote(_said(error)), error.status_code
        marks = {error.code, cast("object", error.type)}
        if marks & _TOO_LONG or "maximum context length" in said:
            return ContextTooLong(
                f"{self.name}: the request holds more than it can read; "
                "let the state see less, as in sees=last(20)"
            )
        if marks & _DECLINED:
            return Refused(f"{self.name} declined: {said}; change the task or the prompt")
        if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
            return Overloaded(f"{self.name}: the server cannot serve now ({status}); try later")
        if status in _BY_STATUS:
            fault, cure = _BY_STATUS[status]
            return fault(f"{self.name}: {cure} ({status})")
        return BadRequest(f"{self.name}: the server calls the request wrong ({status}): {said}")

    def _not_streamed(self, body: bytes) -> BadReply:
        said = body.decode("utf-8", "replace")
        return BadReply(
            f"{self.name} sent one JSON text instead of a stream of them: {self._quote(said)}"
        )

    def _quote(self, text: str) -> str:
        """Return the start of what a server said: one line, harmless, and never with the key."""
        key = (self._api_key or os.environ.get("OPENAI_API_KEY") or "").strip()
        if len(key) >= _SHORTEST_SECRET:
            text = text.replace(key, "***")
        return " ".join(plain(whole(text)).split())[:_LONGEST_QUOTE]


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    said = cast("Mapping[str, object]", body).get("message") if isinstance(body, dict) else None
    return said if isinstance(said, str) else error.message


def _shown(url: str) -> str:
    """Return *url* without a user and password."""
    return re.sub(r"//[^/]*@", "//", url)


def _host(url: str) -> str | None:
    """Return the host of *url*.

    Raises:
        ValueError: there cannot be such an address.
    """
    parts = urlsplit(url)
    return parts.hostname if parts.port != 0 else None


def _strict(schema: Json) -> bool:
    """Tell whether every object in *schema* is closed, as OpenAI's strict mode demands."""
    if isinstance(schema, Mapping):
        if "properties" in schema:
            properties = cast("Mapping[str, Json]", schema["properties"])
            required = cast("Sequence[str]", schema.get("required", ()))
            if schema.get("additionalProperties") is not False or {*properties} != {*required}:
                return False
        return all(map(_strict, schema.values()))
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return all(map(_strict, schema))
    return True
