"""Anthropic's messages, at Anthropic or at any server that speaks them.

The only module that imports ``anthropic``.  What it raises leaves here as a fault of our tree, told
in one sentence that never holds the key.  The SDK's own error is not kept as its cause: it holds
the request, and with it the key.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, cast

import anthropic
import httpx2

from stateflow.conversation.message import Usage
from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    ContextTooLong,
    FaultError,
    ModelNotFound,
    Refused,
    TimedOut,
    Unreachable,
)
from stateflow.models.anthropic_stream import MessageReading
from stateflow.models.anthropic_wire import counted, to_body
from stateflow.models.base import ModelReply, ModelRequest, estimate_text, estimate_tokens
from stateflow.models.gate import check_live
from stateflow.models.http import (
    MOST_TEXT,
    bare,
    check_uncut,
    checked_key,
    guarded,
    host_of,
    is_json,
    quoted,
    retry_after_s,
    shown,
    status_fault,
    terminated,
    too_long,
)
from stateflow.models.price import Price
from stateflow.models.stream import ErrorSent, count, field, whole
from stateflow.value import Json

__all__ = ["AnthropicModel"]

_OFFICIAL = "https://api.anthropic.com"
_KEY = "ANTHROPIC_API_KEY"
_STATUS_OF: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "timeout_error": 408,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
    "server_error": 500,  # llama.cpp's word
}
"""What an error would have been, had it not come after the status 200."""
_TOO_LONG = re.compile(
    "(prompt|input) is too long|exceeds? (the )?(available )?context|maximum context length",
    re.IGNORECASE,
)


class AnthropicModel:
    """A model behind Anthropic's messages.

    Args:
        model: what the server calls it.
        base_url: another server than Anthropic's, without ``/v1``.
        api_key: otherwise ANTHROPIC_API_KEY, which only Anthropic's own server needs, and which
            is never sent in clear text over ``http:``.
        price: what it costs; ``None``: not known.
        http_client: the way to the server; closed with the model.
        name: what error sentences call it; made up from the rest by default.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        price: Price | None = None,
        http_client: httpx2.AsyncClient | None = None,
        name: str = "",
    ) -> None:
        self._model = model
        self._base_url = base_url
        self._api_key = api_key
        self._http_client = http_client
        self._sdk: anthropic.AsyncAnthropic | None = None
        self.name = name or (
            f"anthropic+{shown(base_url)}#{model}" if base_url else f"anthropic:{model}"
        )
        self.price = price

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the reply, streamed; see ``ModelClient``.

        Raises:
            FaultError: there is no reply; the subclass says why.
        """
        reading = MessageReading()
        try:
            async with aclosing(self._pieces(request, reading)) as pieces:
                async for piece in pieces:
                    on_delta(piece)
            return self._reply(request, reading)
        except FaultError as fault:
            if reading.begun:
                fault.usage = _usage(request, reading)
            raise

    async def count(self, request: ModelRequest, /) -> int | None:
        """Return how many tokens *request* is; ``None``: the server does not count.

        Raises:
            FaultError: it does, and could not now.
        """
        try:
            said = await self._post("/v1/messages/count_tokens", counted(self._body(request)))
        except ModelNotFound:  # the way to count; a model that is missing shows when it is asked
            return None
        if found := count(said, "input_tokens"):
            return found
        raise self._garbage()

    async def aclose(self) -> None:
        """Close the connections."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()
        elif self._http_client is not None:
            await self._http_client.aclose()

    def _client(self) -> anthropic.AsyncAnthropic:
        """Return the SDK's client, made on first use: it belongs to one event loop."""
        if self._sdk is None:
            key = self._key()
            http_client = self._http_client or anthropic.DefaultAsyncHttpxClient()
            try:
                host_of(self._base_url or _OFFICIAL)
                self._sdk = anthropic.AsyncAnthropic(
                    base_url=bare(self._base_url or _OFFICIAL, http_client),
                    api_key=key,
                    max_retries=0,  # our own policy decides
                    http_client=guarded(http_client, self.name),
                )
            except (ValueError, httpx2.InvalidURL) as error:
                raise Unreachable(
                    f"{self.name}: the address of its server is malformed; "
                    "write it as http://localhost:8000"
                ) from error
        return self._sdk

    def _key(self) -> str:
        key = checked_key(self._secret(), name=self.name, variable=_KEY)
        if not key and self._base_url is None:
            raise AuthFailed(f"{self.name} needs a key: export {_KEY}=...")
        return key or "none"

    def _secret(self) -> str:
        """Return the key, if there is one; the environment's is not for clear text."""
        if self._api_key is None and (self._base_url or "").lower().startswith("http:"):
            return ""
        return self._api_key or os.environ.get(_KEY) or ""

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        if isinstance(request.schema, Mapping):
            request = replace(request, schema=_closed(request.schema))
        return to_body(self._model, request)

    async def _pieces(
        self, request: ModelRequest, reading: MessageReading
    ) -> AsyncGenerator[str, None]:
        """Yield the pieces of text; what the SDK raises leaves here as a fault."""
        stream = await self._post("/v1/messages", self._body(request), stream=True)
        try:
            response = cast("anthropic.AsyncStream[object]", stream).response
            async with aclosing(response), aclosing(_events(response)) as events:
                reading.request_id = response.headers.get("request-id", "")
                async for event in events:
                    if piece := reading.take(event):
                        yield piece
                    if reading.size > MOST_TEXT:
                        raise too_long(self.name)
        except (anthropic.AnthropicError, httpx2.HTTPError) as error:
            fault = self._fault(error)
        except ErrorSent as error:
            status = _STATUS_OF.get(_word(field(error.error, "type")), HTTPStatus.OK)
            fault = self._told(status, _word(field(error.error, "message")))
        except (ValueError, RecursionError):
            fault = self._broken() if reading.begun else self._garbage()
        else:
            return
        raise fault

    async def _post(self, path: str, body: dict[str, Any], *, stream: bool = False) -> object:
        """Return the answer, or the stream of it.

        The whole body is ours, for the SDK's own method knows no temperature, and warns of models
        that its authors consider old.
        """
        check_live(self.name)
        post = cast("Any", self._client().post)
        try:
            return cast(
                "object",
                await post(
                    path,
                    cast_to=object,
                    body=body,
                    stream=stream,
                    stream_cls=anthropic.AsyncStream[object],
                ),
            )
        except (anthropic.AnthropicError, httpx2.HTTPError) as error:
            fault = self._fault(error)
        except (json.JSONDecodeError, UnicodeDecodeError):
            fault = self._garbage()
        except (ValueError, TypeError, RecursionError) as error:
            fault = BadRequest(
                f"{self.name}: the request cannot be written as JSON ({type(error).__name__}); "
                "look for broken unicode in its messages"
            )
        raise fault

    def _reply(self, request: ModelRequest, reading: MessageReading) -> ModelReply:
        """Return what was read, if it is whole."""
        if not reading.begun:
            raise self._garbage()
        if reading.stop == "refusal":
            why = self._quote("".join(reading.refusal)) or "it does not say why"
            raise Refused(f"{self.name} declined: {why}; change the task or the prompt")
        if not (reading.ended and reading.stop):
            raise self._broken()
        text, calls = whole("".join(reading.text)), reading.calls()
        if reading.cut:
            check_uncut(request, text, calls, self.name)
        return ModelReply(
            text,
            calls=calls,
            reasoning=whole("".join(reading.reasoning)),
            stop=reading.stop,
            usage=_usage(request, reading),
            request_id=reading.request_id,
            native=reading.native(),
        )

    def _fault(self, error: anthropic.AnthropicError | httpx2.HTTPError) -> FaultError:
        """Return what *error* of the SDK is in our tree."""
        if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
            return TimedOut(f"{self.name}: nothing came within the time allowed; try again")
        if isinstance(error, httpx2.DecodingError):
            return self._garbage()
        if isinstance(error, anthropic.APIConnectionError | httpx2.HTTPError):
            return Unreachable(
                f"{self.name}: no connection to its server could be made or kept; "
                "check the address and the network"
            )
        if not isinstance(error, anthropic.APIStatusError):
            return self._told(HTTPStatus.OK, str(error))
        fault = self._told(error.status_code, _word(error.api_message) or error.message)
        fault.retry_after_s = retry_after_s(error.response.headers)
        return fault

    def _told(self, status: int, said: str) -> FaultError:
        """Return the fault of a server that answered with *status*, or could have."""
        if status == HTTPStatus.OK:
            return BadReply(
                f"{self.name} sent an error instead of a reply: {self._quote(said)}; try again"
            )
        if status == HTTPStatus.BAD_REQUEST and _TOO_LONG.search(said):
            return ContextTooLong(
                f"{self.name}: the request holds more than it can read; "
                "let the state see less, as in sees=last(20)"
            )
        return status_fault(self.name, status, self._quote(said))

    def _garbage(self) -> BadReply:
        return BadReply(
            f"{self.name} sent something that is not a message of Anthropic's; "
            "check that the address is that of a server which speaks them"
        )

    def _broken(self) -> BadReply:
        return BadReply(f"{self.name}: the reply broke off, or is garbled; try again")

    def _quote(self, text: str) -> str:
        return quoted(text, self._secret())


async def _events(response: httpx2.Response) -> AsyncGenerator[object]:
    """Yield the events, or the whole message where a server does not stream."""
    if await is_json(response):
        yield json.loads(await response.aread())
        return
    async for event in anthropic.AsyncStream.raw_events(terminated(response)):
        if event.data:
            said: object = event.json()
            if event.event == "error":
                raise ErrorSent(field(said, "error") or said)
            yield said


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(request: ModelRequest, reading: MessageReading) -> Usage:
    """Return what the server counted, or our estimate where it did not count."""
    counted = reading.usage() or Usage(calls=1)
    return replace(
        counted,
        input_tokens=counted.input_tokens or estimate_tokens(request),
        output_tokens=counted.output_tokens or estimate_text("".join(reading.text)),
    )


def _closed(schema: Mapping[str, Json]) -> Json:
    """Return *schema* as Anthropic takes it: closed objects, other bounds told in words."""
    try:
        return cast("Json", anthropic.transform_schema(dict(schema)))
    except (ValueError, TypeError, AssertionError):  # the vendor says better what is wrong with it
        return schema
