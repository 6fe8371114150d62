"""A model behind one of OpenAI's APIs, at OpenAI or at any server that speaks them.

The only module that imports ``openai``.  What it raises leaves here as a fault of our tree, told
in one sentence that never holds the key; the SDK's own error is not kept as its cause, for it
holds the request, and with it the key.  The SDK opens the connection and parts the stream into
events; what is in them is read by ours, because the SDK builds its values without checking them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import httpx2
import openai
from openai.types.shared import ChatModel, ResponsesModel

from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    FaultError,
    TimedOut,
    Unreachable,
)
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.gate import check_live
from stateflow.models.http import (
    MOST_TEXT,
    checked_key,
    ended,
    guarded,
    host_of,
    is_json,
    quoted,
    retry_after_s,
    shown,
    terminated,
    too_long,
)
from stateflow.models.openai_faults import told_fault
from stateflow.models.openai_reply import reply_of
from stateflow.models.openai_server import OFFICIAL, OPENAI, Vendor, login_of, vendor_at
from stateflow.models.openai_wire import chat_body
from stateflow.models.price import Price
from stateflow.models.responses import ResponsesReading, counted_body, responses_body
from stateflow.models.stream import ChatReading, ErrorSent, Reading, count, field
from stateflow.value import Json

__all__ = ["Api", "OpenAIModel", "Token", "needs_responses"]

Api: TypeAlias = Literal["chat", "responses"]
"""Which of OpenAI's APIs: chat completions, which all servers speak, or responses."""

Token: TypeAlias = Callable[[], Awaitable[str]]
"""Fetches a token that stands for a key; asked before each request."""

_LISTED: Final = frozenset(
    name for part in get_args(ResponsesModel) for name in get_args(part)
).difference(get_args(ChatModel))
"""Models that the installed SDK lists for the Responses API, and not for chat."""
_ONLY_HERE: Final = re.compile(
    r"^o\d+-pro|^gpt-[\d.]+-pro|codex|deep-research|computer-use|-cyber|daybreak|rosalind"
)


def needs_responses(model: str) -> bool:
    """Tell whether OpenAI offers *model* through the Responses API only.

    The SDK lists such models; one that it does not know yet is told by its name.

    Example:
        >>> needs_responses("gpt-5-codex"), needs_responses("gpt-5")
        (True, False)
    """
    return model in _LISTED or _ONLY_HERE.search(model) is not None


class OpenAIModel:
    """A model behind one of OpenAI's APIs.

    Args:
        model: what the server calls it.
        base_url: another server than OpenAI's.
        api_key: otherwise the vendor's variable of the environment; ``""``: send none.
        price: what it costs; ``None``: not known.
        extra_body: fields that the server wants beyond OpenAI's.
        http_client: the way to the server; closed with the model.
        name: what error sentences call it; made up from the rest by default.
        api: which of OpenAI's APIs.
        vendor: whose server it is; told from the address by default.
    """

    def __init__(  # noqa: PLR0913 - all but the model are keywords with defaults
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | Token | None = None,
        price: Price | None = None,
        extra_body: Mapping[str, Json] | None = None,
        http_client: httpx2.AsyncClient | None = None,
        name: str = "",
        api: Api = "chat",
        vendor: Vendor | None = None,
    ) -> None:
        self._model = model
        self._url = base_url or OFFICIAL
        self._api_key = api_key
        self._extra_body = dict(extra_body or {})
        self._http_client = http_client
        self._api = api
        self._given_vendor = vendor
        self._secret = ""
        self._sdk: openai.AsyncOpenAI | None = None
        prefix = "openai" if api == "chat" else "openai-responses"
        self.name = name or (
            f"{prefix}+{shown(base_url)}#{model}" if base_url else f"{prefix}:{model}"
        )
        self.price = price

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the reply, streamed; see ``ModelClient``.

        Raises:
            FaultError: there is no reply; the subclass says why.
        """
        reading = ChatReading() if self._api == "chat" else ResponsesReading()
        try:
            async with aclosing(self._pieces(request, reading)) as pieces:
                async for piece in pieces:
                    on_delta(piece)
            return reply_of(request, reading, self.name, self._quote)
        except FaultError as fault:
            fault.usage = reading.usage()
            raise

    async def count(self, request: ModelRequest, /) -> int | None:
        """Return how many tokens *request* is, where OpenAI itself counts them, else ``None``.

        Raises:
            FaultError: it does, and could not now.
        """
        if not self._vendor.counts:
            return None
        body = counted_body(responses_body(request, model=self._model))
        counted = count(await self._post("/responses/input_tokens", body), "input_tokens")
        if not counted:
            raise self._garbage()
        return counted

    async def aclose(self) -> None:
        """Close the connections."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()
        elif self._http_client is not None:
            await self._http_client.aclose()

    @property
    def _vendor(self) -> Vendor:
        if self._given_vendor is None:
            try:
                self._given_vendor = vendor_at(self._url)
            except ValueError:
                raise self._malformed() from None
        return self._given_vendor

    def _client(self) -> openai.AsyncOpenAI:
        """Return the SDK's client, made on first use: it belongs to one event loop."""
        if self._sdk is None:
            http_client = self._http_client or openai.DefaultAsyncHttpxClient()
            try:
                host_of(self._url)
                self._sdk = openai.AsyncOpenAI(
                    base_url=shown(self._url),
                    api_key="none",  # each request brings its own header
                    max_retries=0,  # our own policy decides
                    http_client=guarded(http_client, self.name),
                )
            except (ValueError, httpx2.InvalidURL):
                raise self._malformed() from None
        return self._sdk

    def _malformed(self) -> Unreachable:
        return Unreachable(
            f"{self.name}: the address of its server is malformed; "
            "write it as http://localhost:8000/v1"
        )

    async def _headers(self) -> dict[str, str | openai.Omit]:
        """Return the headers that say who asks; the organization is for OpenAI's own eyes."""
        given, vendor = self._api_key, self._vendor
        gone = openai.Omit()
        private = {"OpenAI-Organization": gone, "OpenAI-Project": gone}
        headers: dict[str, str | openai.Omit] = {} if vendor is OPENAI else {**private}
        login, password = login_of(self._url)
        if login:
            self._secret = password
            return {**headers, "Authorization": login}
        if callable(given):
            self._secret = await given()
            return {**headers, "Authorization": f"Bearer {self._secret}"}
        if given is None:
            given = os.environ.get(vendor.variable) or ""
        self._secret = checked_key(given, name=self.name, variable=vendor.variable)
        if not self._secret:
            if vendor.needs_key:
                raise AuthFailed(f"{self.name} needs a key: {vendor.key_cure}")
            return {**headers, "Authorization": gone}
        if vendor.key_header == "api-key":
            return {**headers, "api-key": self._secret, "Authorization": gone}
        return {**headers, "Authorization": f"Bearer {self._secret}"}

    def _body(self, request: ModelRequest) -> tuple[str, dict[str, Any]]:
        """Return the path and the body of *request*."""
        if self._api == "chat":
            path, body = "/chat/completions", chat_body(request, limit=self._vendor.limit)
        else:
            path, body = "/responses", responses_body(request, model=self._model)
        ours = {"model": self._model, **body}
        return path, {**ours, **self._extra_body, **request.settings.extra}

    async def _pieces(self, request: ModelRequest, reading: Reading) -> AsyncGenerator[str, None]:
        """Yield the pieces of text; what the SDK raises leaves here as a fault."""
        path, body = self._body(request)
        stream = cast("openai.AsyncStream[object]", await self._post(path, body, stream=True))
        begun = False
        try:
            async with stream, aclosing(_events(stream, reading)) as events:
                reading.request_id = stream.response.headers.get("x-request-id", "")
                async for event in events:
                    if piece := reading.take(event):
                        yield piece
                    begun = True
                    if reading.size > MOST_TEXT:
                        raise too_long(self.name)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            fault = self._fault(error)
        except ErrorSent as sent:
            fault = self._told(sent.error)
        except (ValueError, RecursionError):
            fault = self._broken() if begun else self._garbage()
        else:
            return
        raise fault

    async def _post(self, path: str, body: Mapping[str, Any], *, stream: bool = False) -> object:
        """Return the answer, or the stream of it.

        This is the SDK's way for what it has no method for.  Its methods would build values from
        each event without checking them, which costs time and hides what a server really sent.
        """
        check_live(self.name)
        headers = await self._headers()
        post = cast("Any", self._client().post)
        try:
            return cast(
                "object",
                await post(
                    path,
                    cast_to=object,
                    body=body,
                    options={"headers": headers},
                    stream=stream,
                    stream_cls=openai.AsyncStream[object],
                ),
            )
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            fault = self._fault(error)
        except (ValueError, TypeError, RecursionError) as error:
            fault = BadRequest(
                f"{self.name}: the request cannot be written as JSON ({type(error).__name__}); "
                "look for broken unicode in its messages"
            )
        raise fault

    def _fault(self, error: openai.OpenAIError | httpx2.HTTPError) -> FaultError:
        """Return what *error* of the SDK is in our tree."""
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            return TimedOut(f"{self.name}: nothing came within the time allowed; try again")
        if isinstance(error, httpx2.DecodingError):
            return self._garbage()
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            return Unreachable(
                f"{self.name}: no connection to its server could be made or kept; "
                f"{self._vendor.down_cure}"
            )
        if not isinstance(error, openai.APIStatusError):
            return self._told(error.body if isinstance(error, openai.APIError) else None)
        if location := error.response.headers.get("location", ""):
            return BadReply(
                f"{self.name}: the server sends us on to {self._host(location)!r} "
                f"({error.status_code}), where no key is sent; give the address it leads to"
            )
        fault = self._told(error.body, error.status_code)
        fault.retry_after_s = retry_after_s(error.response.headers)
        return fault

    def _told(self, error: object, status: int = 200) -> FaultError:
        """Return the fault that the object of an *error* tells of."""
        words = field(error, "message") or (error if isinstance(error, str) else "")
        code, kind = field(error, "code"), field(error, "type")
        return told_fault(
            self.name,
            self._vendor,
            self._quote(words if isinstance(words, str) else ""),
            code="" if code is None else str(code),
            kind=kind if isinstance(kind, str) else "",
            status=status,
        )

    def _garbage(self) -> BadReply:
        return BadReply(
            f"{self.name} sent something that is not a reply of OpenAI's APIs; "
            "check that the address is that of a server which speaks them"
        )

    def _broken(self) -> BadReply:
        return BadReply(f"{self.name}: the reply broke off, or is garbled; try again")

    def _host(self, location: str) -> str:
        try:
            return self._quote(host_of(location) or "itself")
        except ValueError:
            return "nowhere"

    def _quote(self, text: str) -> str:
        return quoted(text, self._secret)


async def _events(
    stream: openai.AsyncStream[object], reading: Reading
) -> AsyncGenerator[object, None]:
    """Yield the events of *stream*, or the one reply of a server that does not stream."""
    if not await is_json(stream.response):
        stream.response = terminated(stream.response)
        async for event in stream:
            yield event
        if ended(stream.response):
            reading.stop = reading.stop or reading.unsaid
        return
    said: object = json.loads(await stream.response.aread())
    error = field(said, "error")
    if error and field(said, "object") != "response":  # a response tells of its error itself
        raise ErrorSent(error)
    yield said
