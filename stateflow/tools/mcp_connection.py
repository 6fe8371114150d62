"""A connection to an MCP server, in a task of its own.

The SDK's context managers must be left by the task that entered them, and calls come from many.
So one task opens the connection, waits until it is over, and closes it; requests only pass through
the streams it holds.  However it ends (asked to, the process dies, the network fails), that one
task cleans up, and whoever waits is told.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self, TypeVar

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CONNECTION_CLOSED, Implementation

from stateflow.errors import AuthFailed, BadReply, FaultError, TimedOut, Unreachable
from stateflow.journal.redact import Redactor
from stateflow.tools.mcp import Http, McpSource, Stdio
from stateflow.value import plain

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, TransportStreams
    from mcp.shared.message import SessionMessage

__all__ = ["Connection"]

T = TypeVar("T")

_ME: Final = Implementation(name="stateflow", version="1")
_LEAVING_S: Final = 5.0
"""For a goodbye that the other side may not answer [s]; a process gets its own limits."""
_MOST_STDERR: Final = 1_000_000
_LAST_STDERR: Final = 4_000
_LONGEST_QUOTE: Final = 300
_QUIET: Final = logging.NullHandler()

for _logger in ("mcp", "client"):  # what they log is told in our errors, not on the terminal
    logging.getLogger(_logger).addHandler(_QUIET)


class Connection:
    """One connection, from the first byte to the last."""

    def __init__(self, source: McpSource) -> None:
        """Begin to connect."""
        self._source = source
        server = source.server
        self.redactor = Redactor(
            dict(server.env)
            if isinstance(server, Stdio)
            else {name: max(value.split(), key=len, default="") for name, value in server.headers}
        )
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._leave = asyncio.Event()
        self._scope = anyio.CancelScope()
        self._garbage = False
        self._fault: FaultError = Unreachable(f"{source} was closed")
        # A task of its own is the point: see the module's docstring.  aclose() waits for its end.
        self._task = asyncio.get_running_loop().create_task(self._live(), name=str(source))

    @property
    def over(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._leave.is_set()

    async def opened(self) -> None:
        """Wait until requests can be made.

        Raises:
            FaultError: they never can; it is closed.
        """
        try:
            await self._ready.wait()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if self._client is None:
            await self.aclose()
            raise self._fault

    async def ask(self, request: Callable[[Client], Awaitable[T]]) -> T:
        """Return what *request* comes to.

        Raises:
            TimedOut: nothing came in time; the connection stands.
            Unreachable: the connection was lost, or this request's part of it.
            AuthFailed: the server refuses us now.
            BadReply: the answer is not what the protocol or the tool's own schema promises.
            MCPError: the server answers with an error.
        """
        assert self._client is not None  # noqa: S101 - whoever asks has waited for opened()
        limit_s = self._source.timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await request(self._client)
        except TimeoutError as error:
            raise TimedOut(f"{self._source} did not answer within {limit_s:g} s") from error
        except MCPError as error:
            if error.code != CONNECTION_CLOSED:
                raise
            if not self.over:
                raise Unreachable(f"{self._source}: {self._quoted(error.message)}") from error
            await self.aclose()
            raise self._fault from error
        except (ValueError, RuntimeError) as error:
            raise BadReply(f"{self._source}: {self._quoted(str(error))}") from error

    def forget_stderr(self) -> None:
        """Keep what a talkative process writes to stderr from filling the disk."""
        if not self.over and os.fstat(self._stderr.fileno()).st_size > _MOST_STDERR:
            os.ftruncate(self._stderr.fileno(), 0)

    async def aclose(self) -> None:
        """Close it; a process that was started is ended."""
        self._leave.set()
        if not self._ready.is_set():
            self._scope.cancel()
        await asyncio.wait([self._task])

    async def _live(self) -> None:
        with tempfile.TemporaryFile("a+b") as stderr:
            self._stderr = stderr
            try:
                with self._scope:
                    self._scope.deadline = anyio.current_time() + self._source.timeout_s
                    await self._connected(stderr)
                self._fault = self._ended()
            except Exception as error:  # noqa: BLE001 - the seam: whatever it is, it becomes a fault
                self._fault = self._fault_of(error)
                self._fault.__cause__ = error
            finally:
                self._leave.set()
                self._ready.set()

    async def _connected(self, stderr: IO[bytes]) -> None:
        transport = _heard_out(self._transport(stderr), self._leave.set)
        client = Client(transport, client_info=_ME, message_handler=self._hear, cache=None)
        async with client:
            self._client = client
            self._scope.deadline = math.inf
            self._ready.set()
            try:
                await self._leave.wait()
            finally:
                self._leave.set()  # before those who wait for an answer are told that none comes
            self._scope.deadline = anyio.current_time() + _LEAVING_S

    def _transport(self, stderr: IO[bytes]) -> AbstractAsyncContextManager[TransportStreams]:
        server = self._source.server
        if isinstance(server, Http):
            return self._http(server)
        command, *arguments = server.command
        parameters = StdioServerParameters(
            command=command,
            args=arguments,
            env=dict(server.env),
            cwd=server.cwd,
            encoding_error_handler="replace",
        )
        return stdio_client(parameters, errlog=stderr)  # type: ignore[arg-type]  # only its descriptor is used  # pyright: ignore[reportArgumentType]

    @asynccontextmanager
    async def _http(self, server: Http) -> AsyncGenerator[TransportStreams]:
        client = httpx2.AsyncClient(
            headers=dict(server.headers),
            timeout=httpx2.Timeout(30, read=None),  # ask() limits what is read
            event_hooks={"response": [self._look]},
        )
        async with client, streamable_http_client(server.url, http_client=client) as streams:
            yield streams

    async def _look(self, response: httpx2.Response) -> None:
        """End the connection where a status leaves nothing to hope for; the SDK hides it."""
        status = response.status_code
        if status in {401, 403}:
            raise AuthFailed(
                f"{self._source} refused us ({status}); give mcp_http(..., headers=...) a valid key"
            )
        if status == HTTPStatus.NOT_FOUND and "mcp-session-id" in response.request.headers:
            raise Unreachable(f"{self._source} does not know our session any more ({status})")
        told = response.headers.get("content-type", "").startswith("application/json")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not told:
            raise Unreachable(f"{self._source} cannot serve now ({status}); try later")

    async def _hear(self, message: IncomingMessage) -> None:
        """Remember that a line was no message; a banner before the first one is forgiven."""
        self._garbage = self._garbage or isinstance(message, Exception)

    def _ended(self) -> FaultError:
        """Return why it is over, where nothing was raised."""
        if self._client is not None:
            return Unreachable(f"{self._source} ended{self._last_words()}")
        if self._garbage:
            return Unreachable(
                f"{self._source} wrote to its stdout what is no MCP{self._last_words()}; "
                "check the command"
            )
        limit = f"{self._source.timeout_s:g} s"
        return TimedOut(f"{self._source} did not answer within {limit}{self._last_words()}")

    def _fault_of(self, error: Exception) -> FaultError:
        found = list(_leaves(error))
        faults = [one for one in found if isinstance(one, FaultError)]
        if faults:
            return faults[0]
        first = found[0]
        if isinstance(first, OSError) and isinstance(self._source.server, Stdio):
            where = f": {first.filename!r}" if first.filename else ""
            return Unreachable(
                f"{self._source} cannot be started: {first.strerror or first}{where}; "
                "check the command"
            )
        if isinstance(first, httpx2.TransportError | httpx2.InvalidURL | OSError):
            said = self._quoted(str(first) or type(first).__name__)
            return Unreachable(f"{self._source} cannot be reached: {said}; check the address")
        if isinstance(first, MCPError):
            if isinstance(self._source.server, Stdio) and first.code == CONNECTION_CLOSED:
                return Unreachable(
                    f"{self._source} ended before it answered{self._last_words()}; "
                    "check the command"
                )
            return Unreachable(
                f"{self._source} refused the connection: {self._quoted(first.message)}; "
                "check the address"
            )
        said = self._quoted(f"{type(first).__name__}: {first}")
        return BadReply(f"{self._source} does not speak MCP as it should: {said}")

    def _last_words(self) -> str:
        """Return the last line of the process's stderr as the end of a sentence."""
        if not isinstance(self._source.server, Stdio):
            return ""
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - _LAST_STDERR))
        lines = self._stderr.read().decode("utf-8", "replace").split("\n")
        said = [line for line in map(str.strip, lines) if line]
        return f"; its stderr ends: {self._quoted(said[-1])}" if said else "; its stderr is empty"

    def _quoted(self, text: str) -> str:
        """Return what the server said on one line, without secrets, as much as an error needs."""
        said = " ".join(plain(self.redactor.text(text)).split())
        return said if len(said) <= _LONGEST_QUOTE else f"{said[:_LONGEST_QUOTE]} …"


def _leaves(error: BaseException) -> Generator[BaseException]:
    """Yield what lies in groups of errors, in order."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - of any kind
            yield from _leaves(inner)  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield error


@asynccontextmanager
async def _heard_out(
    transport: AbstractAsyncContextManager[TransportStreams], tell: Callable[[], None]
) -> AsyncGenerator[TransportStreams]:
    """Enter *transport*, and call *tell* when the other side has closed it: the SDK is silent."""
    async with transport as (read, write):
        yield _Ears(read, tell), write


class _Ears:
    """The reading end of a connection; tells when nothing more will come."""

    def __init__(
        self, stream: ReadStream[SessionMessage | Exception], tell: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._tell = tell

    async def receive(self) -> SessionMessage | Exception:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._tell()
            raise

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc_val, exc_tb)
