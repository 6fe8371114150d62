"""A server on loopback that answers with any bytes at all, and stops, hangs or resets at will.

It knows no HTTP beyond finding the end of a request, so nothing mends what a test makes it say.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

__all__ = ["Hostile", "Script", "Step", "chunked", "head", "hostile", "sized", "until_closed"]

_GUARD_S = 10.0
_FORCE_RESET: Final = struct.pack("ii", 1, 0)


class Step(enum.Enum):
    """What the server does instead of writing bytes."""

    SILENCE = enum.auto()
    """Say nothing more until the client goes away."""
    RESET = enum.auto()
    """End the connection with a reset instead of an orderly close."""
    DEAF = enum.auto()
    """As the first step: do not read the request."""


Script: TypeAlias = Sequence[bytes | Step]
"""What is done for one connection, in order; then it is closed."""


class Hostile:
    """The server; its scripts are used up one by one, and the last one stays.

    Args:
        scripts: what to do for the first connection, the second, ...
    """

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.requests: list[bytes] = []
        """What clients sent, one after the other."""
        self.written = 0
        """What was handed to the network in all [bytes]."""
        self.port = 0
        self._open = 0
        self._quiet = asyncio.Event()

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def quiet(self) -> None:
        """Wait until no connection is left."""
        while self._open:
            self._quiet.clear()
            await self._quiet.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play the next script on one connection."""
        self._open += 1
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            with suppress(OSError, EOFError):  # the client may leave when it likes
                await self._play(script, reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._open -= 1
            self._quiet.set()

    async def _play(
        self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if Step.DEAF not in script[:1]:
            self.requests.append(await _request(reader))
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                self.written += len(step)
                await writer.drain()
            elif step is Step.SILENCE:
                await reader.read()
            elif step is Step.RESET:
                _raw(writer).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FORCE_RESET)
                writer.transport.abort()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Return one request, read to its end."""
    start = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in start.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return start + await reader.readexactly(length)


def _raw(writer: asyncio.StreamWriter) -> socket.socket:
    found: socket.socket = writer.get_extra_info("socket")
    return found


@asynccontextmanager
async def hostile(*scripts: Script) -> AsyncGenerator[Hostile]:
    """Run a server; no connection and no task of what the test did may outlast it."""
    before = asyncio.all_tasks()
    server = Hostile(*scripts)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server
        async with asyncio.timeout(_GUARD_S):
            await server.quiet()
            for task in asyncio.all_tasks() - before:  # generators that nobody closed, at most
                await task


def head(status: str = "200 OK", *fields: str, kind: str = "text/event-stream") -> bytes:
    """Return the start of an answer, with the blank line that ends it.

    Args:
        status: the number and its words.
        fields: further header lines.
        kind: the content type.
    """
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", "connection: close", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def until_closed(body: bytes) -> bytes:
    """Return a stream that ends where the connection does."""
    return head() + body


def sized(
    body: bytes, status: str = "200 OK", *fields: str, kind: str = "text/event-stream"
) -> bytes:
    """Return an answer that tells its length first."""
    return head(status, f"content-length: {len(body)}", *fields, kind=kind) + body


def chunked(body: bytes, *, size: int = 40) -> bytes:
    """Return a stream in chunks of at most *size* [bytes]."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head("200 OK", "transfer-encoding: chunked") + framed + b"0\r\n\r\n"
