"""The way to a pool of sessions at Azure: its REST API, version 2025-10-02-preview.

The token goes to the pool's own address and nowhere else: no redirect is followed.  Neither it nor
the identifier of a session, which is as good as a key to it, stands in any sentence or log.  What
the service says is read within a limit.

Source: specification/app/data-plane/DynamicSessions in https://github.com/Azure/azure-rest-api-specs
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias, cast

import httpx2

from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.azure_token import Token
from stateflow.value import Json, plain

__all__ = ["API_VERSION", "SERVICE_LIMIT_S", "Late", "Pool"]

API_VERSION: Final = "2025-10-02-preview"
SERVICE_LIMIT_S: Final = 220
"""Longest that the service lets one execution take [s]."""

_ATTEMPTS: Final = 3
_WAITS_S: Final = (1.0, 2.0)
_LONGEST_WAIT_S: Final = 10.0
_CONNECT_S: Final = 10.0
_MOST_JSON: Final = 1_000_000
_LONGEST_QUOTE: Final = 300
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_LATE: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT)
_CURES: Final[Mapping[int, str]] = {
    401: "Azure does not take the token; run `az login` in the tenant of the pool",
    403: (
        "Azure does not let you run code in the pool; get the role 'Azure ContainerApps Session "
        "Executor' on it, which takes some minutes to work, or run `az login` as who has it"
    ),
    404: (
        "Azure has no such pool, or the pool has no session free; check its address, or raise its "
        "maximum of concurrent sessions"
    ),
    413: "Azure does not take so large a file; give a smaller one",
    429: "Azure asks to slow down, still after some waiting; try later, or raise the pool's limits",
}
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class _Mask(logging.Filter):
    """Takes the identifiers of sessions out of the lines that the HTTP library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                re.sub(r"identifier=\w+", "identifier=***", str(arg))
                if isinstance(arg, httpx2.URL) and "identifier=" in str(arg)
                else arg
                for arg in record.args
            )
        return True


logging.getLogger("httpx2").addFilter(_Mask())


class Late(Exception):
    """No answer came within the time allowed; what was asked may go on at Azure."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, to be made as often as it takes."""

    method: str
    path: str
    identifier: str
    time_s: float
    """Longest that its answer may take [s]."""
    most: int = _MOST_JSON
    """Most that its answer may hold [bytes]."""
    body: Mapping[str, Json] | None = None
    upload: tuple[str, bytes] | None = field(default=None, repr=False)


_Answer: TypeAlias = tuple[int, Mapping[str, str], bytes]


class Pool:
    """Speaks to one pool.

    Args:
        endpoint: its management endpoint.
        name: what error sentences call it.
        token: fetches what the service lets us in with.
        client: the way there; ours to close if none is given.
        answer_limit_s: longest that an answer may take, beside the code that runs [s].
    """

    def __init__(
        self,
        endpoint: str,
        *,
        name: str,
        token: Token,
        client: httpx2.AsyncClient | None,
        answer_limit_s: float,
    ) -> None:
        self._endpoint = endpoint
        self._name = name
        self._token = token
        self._owned = client is None
        self._client = client or httpx2.AsyncClient()
        self._answer_limit_s = answer_limit_s

    async def execute(
        self, identifier: str, code: str, *, time_limit_s: float, most_said: int
    ) -> str:
        """Run *code* in the session's interpreter, and return what it printed.

        Args:
            identifier: of the session; one that is not there is made.
            code: in Python.
            time_limit_s: longest that it may take [s].
            most_said: most that it prints [characters].

        Raises:
            Late: it did not end in time.
            SandboxUnavailable: the service could not run it.
        """
        body: dict[str, Json] = {
            "codeInputType": "Inline",
            "executionType": "Synchronous",
            "code": code,
            "timeoutInSeconds": min(math.ceil(time_limit_s), SERVICE_LIMIT_S),
            "outputStreamsMaxLength": most_said,
        }
        time_s = time_limit_s + self._answer_limit_s
        ask = _Ask("POST", "executions", identifier, time_s, 2 * most_said + _MOST_JSON, body=body)
        return self._printed(await self._answer(ask), identifier)

    async def upload(self, identifier: str, name: str, content: bytes) -> None:
        """Put *content* into the session's ``/mnt/data`` as *name*.

        Raises:
            SandboxUnavailable: the service did not take it.
        """
        await self._timely(
            _Ask("POST", "files", identifier, self._answer_limit_s, upload=(name, content))
        )

    async def download(self, identifier: str, name: str, size: int) -> bytes:
        """Return the content of the file *name* in ``/mnt/data``, which has *size* [bytes].

        Raises:
            SandboxUnavailable: the service did not give it, or it is not of that size.
        """
        content = await self._timely(
            _Ask("GET", f"files/{name}/content", identifier, self._answer_limit_s, size)
        )
        if len(content) != size:
            raise self._strange("sent a file of another size than the session said")
        return content

    async def end(self, identifier: str) -> None:
        """End the session, and all that is in it.

        Raises:
            SandboxUnavailable: the service did not.
        """
        await self._timely(_Ask("DELETE", "session", identifier, self._answer_limit_s))

    async def aclose(self) -> None:
        """Close the way there."""
        if self._owned:
            await self._client.aclose()

    async def _timely(self, ask: _Ask) -> bytes:
        try:
            return await self._answer(ask)
        except Late:
            raise SandboxUnavailable(
                f"{self._name}: Azure did not answer within {ask.time_s:g} s; try again, or raise "
                "answer_limit_s"
            ) from None

    async def _answer(self, ask: _Ask) -> bytes:
        """Return what the service answers to *ask*, asked anew where it was surely not heard."""
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            wait_s = 0.0 if last else _WAITS_S[attempt - 1]
            token = await self._token.fetch()
            try:
                status, headers, content = await self._once(ask, token)
            except _NEVER_SENT as error:
                if last:
                    raise self._unreachable(error) from None
            else:
                if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                    return content
                self._check(ask, status)
                if status == HTTPStatus.UNAUTHORIZED and attempt == 1:
                    self._token.forget()
                    continue
                if last or status not in _BUSY:
                    raise self._refused(status, _scrubbed(content, token, ask.identifier))
                wait_s = _asked_wait_s(headers, wait_s)
            await asyncio.sleep(wait_s)
        raise AssertionError  # the last attempt returns or raises

    def _check(self, ask: _Ask, status: int) -> None:
        if status in _LATE and ask.path == "executions":
            raise Late
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise self._strange(
                f"sends us elsewhere ({status}), where no token is sent; give the address it leads "
                "to",
                cure="",
            )

    async def _once(self, ask: _Ask, token: str) -> _Answer:
        files = None if ask.upload is None else {"file": (*ask.upload, "application/octet-stream")}
        try:
            async with (
                asyncio.timeout(ask.time_s),
                self._client.stream(
                    ask.method,
                    f"{self._endpoint}/{ask.path}",
                    params={"api-version": API_VERSION, "identifier": ask.identifier},
                    headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
                    json=ask.body,
                    files=files,
                    follow_redirects=False,
                    timeout=httpx2.Timeout(ask.time_s, connect=_CONNECT_S),
                ) as response,
            ):
                content = await self._read(response, ask.most)
                return response.status_code, response.headers, content
        except _NEVER_SENT:
            raise
        except (TimeoutError, httpx2.TimeoutException):
            raise Late from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise SandboxUnavailable(
                f"{self._name}: the connection to Azure broke ({type(error).__name__}), so what "
                "became of the code is not known; try again"
            ) from None

    async def _read(self, response: httpx2.Response, most: int) -> bytes:
        most = most if response.is_success else _MOST_JSON
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > most:
                raise self._strange(f"sent more than the {most:,} bytes that it may")
        return bytes(content)

    def _printed(self, content: bytes, identifier: str) -> str:
        """Return what the interpreter printed, from what the service says of an execution."""
        said = _object(content)
        result = said.get("result")
        if not isinstance(result, dict):
            result = {}
        status, printed = said.get("status"), result.get("stdout")
        if not isinstance(status, str) or not isinstance(printed, str | None):
            raise self._strange("sent an answer that is not in the form of its API")
        if status.casefold() in {"succeeded", "success", "0"}:
            return printed or ""
        why = f"{_quoted(said.get('error'))} {_quoted(result.get('stderr'))}"
        if "timeout" in why.casefold() or "timed out" in why.casefold():
            raise Late
        why = " ".join(why.replace(identifier, "***").split())
        raise SandboxUnavailable(
            f"{self._name}: the session could not run the code ({plain(status)[:20]}"
            f"{': ' if why else ''}{why}); try again in a new one"
        )

    def _refused(self, status: int, said: str) -> SandboxUnavailable:
        cure = _CURES.get(status, "Azure does not accept the request; update stateflow")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            cure = "Azure cannot serve now; try later"
        return SandboxUnavailable(f"{self._name}: {cure} ({status}{': ' if said else ''}{said})")

    def _unreachable(self, error: Exception) -> SandboxUnavailable:
        return SandboxUnavailable(
            f"{self._name}: no connection to Azure ({type(error).__name__}); check the pool's "
            "address, and the network and its proxy"
        )

    def _strange(self, what: str, cure: str = "; check the pool's address") -> SandboxUnavailable:
        return SandboxUnavailable(f"{self._name}: Azure {what}{cure}")


def _asked_wait_s(headers: Mapping[str, str], else_s: float) -> float:
    """Return how long the service asks us to wait [s], within reason."""
    try:
        wait_s = float(headers.get("retry-after", ""))
    except ValueError:  # a date, or nothing
        return else_s
    return min(wait_s, _LONGEST_WAIT_S) if wait_s >= 0 else else_s


def _object(content: bytes) -> dict[str, Json]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Json]", said) if isinstance(said, dict) else {}


def _scrubbed(content: bytes, *secrets: str) -> str:
    """Return what an error of the service says, without *secrets*."""
    said = _quoted(_object(content).get("error"))
    for secret in secrets:
        said = said.replace(secret, "***")
    return said


def _quoted(said: Json) -> str:
    """Return an error as one short harmless line."""
    if isinstance(said, dict):
        inner = said.get("error")
        if isinstance(inner, dict):
            said = inner
        said = ": ".join(str(said[part]) for part in ("code", "message") if said.get(part))
    return " ".join(plain(said).split())[:_LONGEST_QUOTE] if isinstance(said, str) else ""
