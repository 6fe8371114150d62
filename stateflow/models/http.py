"""What every client of a vendor's server does the same way: keys, addresses, and what went wrong.

Nothing in here imports an SDK.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx2

from stateflow.conversation.message import ToolCall
from stateflow.errors import (
    AuthFailed,
    BadReply,
    BadRequest,
    ContextTooLong,
    FaultError,
    ModelNotFound,
    Overloaded,
    RateLimited,
    TimedOut,
)
from stateflow.models.base import ModelRequest
from stateflow.models.stream import whole
from stateflow.value import plain

__all__ = [
    "MOST_TEXT",
    "STATUS",
    "bare",
    "check_uncut",
    "checked_key",
    "ended",
    "guarded",
    "host_of",
    "is_json",
    "quoted",
    "retry_after_s",
    "shown",
    "status_fault",
    "terminated",
    "too_long",
]

MOST_TEXT: Final = 20_000_000
"""Most that one reply may hold before its reader gives up [characters]."""

_MOST_BYTES = 2 * MOST_TEXT  # every piece of a stream comes in an envelope
_LONGEST_QUOTE = 300
_SHORTEST_SECRET = 8
_LONGEST_LAST = 16
_LAST: Final = re.compile(rb"[\r\n]data: ?\[DONE\]")
_LONGEST_WAIT_S = 366 * 86_400.0
STATUS: Final[Mapping[int, tuple[type[FaultError], str]]] = {
    401: (AuthFailed, "the key was refused; give a valid one"),
    402: (AuthFailed, "the account behind the key cannot pay; top it up, or use another key"),
    403: (AuthFailed, "the key may not do this; use one that may, or another model"),
    404: (ModelNotFound, "the server has no such model; check its name and the address"),
    408: (TimedOut, "the server gave up waiting; try again"),
    413: (ContextTooLong, "the request is too large; let the state see less, as in sees=last(20)"),
    429: (RateLimited, "the server asks to slow down; try later, or check the quota"),
}
"""The fault that a status of HTTP stands for, and what to do about it, the same at all vendors."""


def status_fault(name: str, status: int, said: str) -> FaultError:
    """Return the fault of the model called *name*, whose server answered with *status*.

    Args:
        name: what error sentences call the model.
        status: of HTTP, 300 or more.
        said: what the server said of it, from :func:`quoted`.

    Example:
        >>> status_fault("openai:m", 503, "")
        Overloaded('openai:m: the server cannot serve now (503); try later')
    """
    if "input is not supported" in said:  # llama.cpp's, with the status 500: images, audio
        return BadRequest(f"{name} cannot read such files: {said}; ask a model that can")
    if "Invalid diff" in said:  # llama.cpp's too, where the model lost its way in a tool call
        return BadReply(f"{name} wrote a tool call that nobody can read: {said}; try again")
    told = f"({status}: {said})" if said else f"({status})"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Overloaded(f"{name}: the server cannot serve now {told}; try later")
    if status < HTTPStatus.BAD_REQUEST:
        return BadReply(
            f"{name}: the server sends us elsewhere ({status}), where no key is sent; "
            "give the address it leads to"
        )
    if status in STATUS:
        fault, cure = STATUS[status]
        return fault(f"{name}: {cure} {told}")
    return BadRequest(f"{name}: the server calls the request wrong {told}; change what it names")


def guarded(client: httpx2.AsyncClient, name: str) -> httpx2.AsyncClient:
    """Return *client*, which from now on follows no redirect and reads no endless answer.

    A redirect could carry the key to another host.

    Args:
        client: the way to the server.
        name: what error sentences call the model.
    """

    async def bound(response: httpx2.Response) -> None:
        if not response.is_closed:  # else it has been read
            response.stream = _Bounded(response, name)
            response.headers.pop("content-encoding", None)

    client.follow_redirects = False
    client.event_hooks["response"].append(bound)
    return client


class _Bounded(httpx2.AsyncByteStream):
    """What an answer holds, unpacked, as long as it is not too much."""

    def __init__(self, response: httpx2.Response, name: str) -> None:
        self._packed = httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=response.stream,
            request=response.request,
        )
        self._name = name

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        size = line = 0
        async with aclosing(self._packed.aiter_bytes()) as pieces:
            async for piece in pieces:
                size += len(piece)
                at = piece.rfind(b"\n")
                line = line + len(piece) if at < 0 else len(piece) - at - 1
                if size > _MOST_BYTES or line > MOST_TEXT:  # an SDK copies a line as it grows
                    raise too_long(self._name)
                yield piece

    async def aclose(self) -> None:
        await self._packed.aclose()


async def is_json(response: httpx2.Response) -> bool:
    """Tell whether *response* is one JSON object instead of a stream of events.

    Where it does not say, it is read and looked at.
    """
    kind: str = response.headers.get("content-type", "")
    if "json" in kind or "event-stream" in kind:
        return "json" in kind
    return (await response.aread()).lstrip().startswith(b"{")


def terminated(response: httpx2.Response) -> httpx2.Response:
    """Return *response* with a blank line at its end, so that its last event is read.

    Servers leave it out, and then a decoder of events drops what stood before it.
    """
    return httpx2.Response(
        response.status_code, stream=_Terminated(response), request=response.request
    )


def ended(response: httpx2.Response) -> bool:
    """Tell whether what :func:`terminated` returned has said that nothing follows."""
    return isinstance(response.stream, _Terminated) and response.stream.ended


class _Terminated(httpx2.AsyncByteStream):
    """The bytes of an answer and a blank line."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.ended = False
        """OpenAI's last line has come."""

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        before = b"\n"
        async with aclosing(self._response.aiter_bytes()) as pieces:
            async for piece in pieces:
                self.ended = self.ended or _LAST.search(before + piece) is not None
                before = (before + piece)[-_LONGEST_LAST:]
                yield piece
        yield b"\n\n"

    async def aclose(self) -> None:
        await self._response.aclose()


def too_long(name: str) -> BadReply:
    """Return the fault of an answer that does not come to an end."""
    return BadReply(
        f"{name}: the reply is far longer than any model writes, so it was not read on; "
        "check the address"
    )


def check_uncut(request: ModelRequest, text: str, calls: Sequence[ToolCall], name: str) -> None:
    """Make sure that a reply which was cut off at its limit of tokens can be used all the same.

    Plain text can.  Broken JSON is otherwise handed on as it is, for its reader can ask the model
    to mend it; but not where it is only the beginning of something.

    Args:
        request: what was asked.
        text: what was said.
        calls: what was called.
        name: what error sentences call the model.

    Raises:
        BadReply: more tokens would have completed it.

    Example:
        >>> check_uncut(ModelRequest("m"), "Once upon a", (), "openai:m")
    """
    if calls:
        usable = all(_is_json_text(call.arguments) for call in calls)
    else:
        usable = bool(text.strip()) if request.schema is None else _is_json_text(text)
    if not usable:
        raise BadReply(
            f"{name}: the reply was cut off at its limit of tokens before it was whole; "
            "raise max_tokens"
        )


def _is_json_text(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def checked_key(key: str, *, name: str, variable: str) -> str:
    """Return *key* without space around it.

    Args:
        key: as it was given, or exported.
        name: what error sentences call the model.
        variable: of the environment, where the key comes from.

    Raises:
        AuthFailed: no key has such characters; the transport would tell them.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise AuthFailed(
            f"{name}: the key holds characters that no key has; "
            f"export {variable} again, without them"
        )
    return key


def quoted(text: str, key: str) -> str:
    """Return the start of what a server said: one line, harmless, and never with *key*.

    Example:
        >>> quoted("bad key:  sk-secret-key", "sk-secret-key")
        'bad key: ***'
    """
    key = key.strip()
    if len(key) >= _SHORTEST_SECRET:
        text = text.replace(key, "***")
    return " ".join(plain(whole(text)).split())[:_LONGEST_QUOTE]


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return how long a server asks us to wait [s]; ``None``: it does not say.

    Args:
        headers: of its answer, with names in lower case or found in any.
        now: what a date is counted from; the clock's by default.

    Example:
        >>> retry_after_s({"retry-after": "20"})
        20.0
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            wait_s = float(headers.get(name, "")) / per_second
        except ValueError:
            continue
        return min(wait_s, _LONGEST_WAIT_S) if wait_s >= 0 else None
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
        wait_s = (date - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def host_of(url: str) -> str | None:
    """Return the host of *url*.

    Raises:
        ValueError: there cannot be such an address.

    Example:
        >>> host_of("https://api.openai.com/v1")
        'api.openai.com'
    """
    parts = urlsplit(url)
    return parts.hostname if parts.port != 0 else None


def bare(url: str, client: httpx2.AsyncClient) -> str:
    """Return *url* without a user and password, which *client* sends from now on.

    What is not in the address is in nobody's log.

    Raises:
        ValueError: there cannot be such an address.
    """
    parts = urlsplit(url)
    if parts.username is not None:
        client.auth = httpx2.BasicAuth(unquote(parts.username), unquote(parts.password or ""))
    return shown(url)


def shown(url: str) -> str:
    """Return *url* without a user and password.

    Example:
        >>> shown("https://me:secret@host/v1")
        'https://host/v1'
    """
    return re.sub(r"//[^/]*@", "//", url)
