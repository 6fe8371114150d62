"""An open MCP server: its tools, calls to them, and a new connection where one was lost."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mcp import Client, MCPError
from mcp import Tool as Offered
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    PaginatedRequestParams,
    ResourceLink,
    TextContent,
)

from stateflow.conversation.file import File
from stateflow.errors import BadReply, BadRequest, Unreachable
from stateflow.tools.base import ToolReply
from stateflow.tools.mcp import McpSource, Which
from stateflow.tools.mcp_connection import Connection
from stateflow.value import Json, canonical_json

__all__ = ["McpSession", "McpTool"]

_MOST_PAGES: Final = 100
_OF_NAMES: Final = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of an MCP server, on the terms of its source."""

    session: McpSession = field(repr=False)
    name: str
    description: str
    parameters: Mapping[str, Json] = field(repr=False)
    approve: bool
    repeat: bool
    timeout_s: float | None

    async def call(self, arguments: Mapping[str, Any], /) -> ToolReply:
        """Call it; see :meth:`McpSession.call`."""
        return await self.session.call(self.name, arguments)


class McpSession:
    """A server in use.

    A connection that was lost is told once, to the calls that were under way: nobody knows how far
    the server came.  The next call opens a new one.
    """

    def __init__(self, source: McpSource) -> None:
        """Open nothing yet."""
        self._source = source
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def connect(self) -> Connection:
        """Return the connection; open one where there is none, or none any more.

        Raises:
            FaultError: see :meth:`stateflow.tools.mcp.McpSource.open`.
        """
        async with self._connecting:
            if self._closed:
                raise Unreachable(f"{self._source} was closed with the run that opened it")
            if self._connection is None or self._connection.over:
                if self._connection is not None:
                    await self._connection.aclose()
                self._connection = Connection(self._source)
                await self._connection.opened()
            return self._connection

    async def tools(self) -> Sequence[McpTool]:
        """Return what the server offers now, filtered.

        Raises:
            BadRequest: ``only``, ``approve`` or ``repeat`` names a tool that it does not offer.
            FaultError: it cannot be asked.
        """
        connection = await self.connect()
        try:
            offered = await connection.ask(_listed)
        except MCPError as error:
            said = connection.redactor.text(error.message)
            raise BadReply(f"{self._source} does not list its tools: {said}") from None
        source, names = self._source, [tool.name for tool in offered]
        terms = {"only": source.only, "approve": source.approve, "repeat": source.repeat}
        for word, given in terms.items():
            self._check(word, given, names)
        return [
            McpTool(
                self,
                tool.name,
                connection.redactor.text(tool.description or ""),
                connection.redactor.json(tool.input_schema),
                _holds(source.approve, tool.name),
                _holds(source.repeat, tool.name),
                source.timeout_s,
            )
            for tool in offered
            if source.only is None or tool.name in source.only
        ]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        """Call the tool *name*.

        An error that the server answers with is a reply that is not ok.

        Raises:
            TimedOut: no answer came in time.
            Unreachable: the server was lost; what it had done by then is not known.
            AuthFailed: the server refuses us now.
            BadReply: the answer is not what the protocol promises.
        """
        connection = await self.connect()
        connection.forget_stderr()
        try:
            result = await connection.ask(lambda client: client.call_tool(name, dict(arguments)))
        except MCPError as error:
            return ToolReply(connection.redactor.text(error.message), ok=False)
        reply = self._reply(name, result)
        files = [replace(one, name=connection.redactor.text(one.name)) for one in reply.files]
        return replace(reply, text=connection.redactor.text(reply.text), files=tuple(files))

    async def aclose(self) -> None:
        """Close it for good; a process that was started is ended."""
        self._closed = True
        if self._connection is not None:
            await self._connection.aclose()

    def _check(self, word: str, given: Which | None, names: Sequence[str]) -> None:
        """Refuse a name that the server does not offer: misspelt, it would protect nothing."""
        for name in given if isinstance(given, tuple) else ():
            if name not in names:
                raise BadRequest(
                    f"{self._source} offers no tool {name!r}, which {word}= names; "
                    f"it offers: {', '.join(map(repr, names)) or 'none'}"
                )

    def _reply(self, name: str, result: CallToolResult) -> ToolReply:
        texts: list[str] = []
        files: list[File] = []
        for block in result.content:
            part = _part(block, f"{name}-{len(files) + 1}")
            if isinstance(part, str):
                texts.append(part)
                continue
            try:
                files.append(_file(*part))
            except binascii.Error as error:
                raise BadReply(
                    f"{self._source}: the tool {name!r} gave a file that is no base64"
                ) from error
        text = "\n".join(texts)
        if not text and result.structured_content is not None:
            text = canonical_json(result.structured_content)
        return ToolReply(text, ok=not result.is_error, files=tuple(files))


async def _listed(client: Client) -> list[Offered]:
    """Return all tools, from all pages; a server that never ends is asked so often and no more."""
    tools: list[Offered] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    return tools


def _holds(which: Which, name: str) -> bool:
    return which if isinstance(which, bool) else name in which


def _part(block: ContentBlock, name: str) -> str | tuple[str, str, str]:
    """Return a block as text; or as a file: its name, media type and content in base64."""
    match block:
        case TextContent():
            return block.text
        case ResourceLink():
            return f"{block.name}: {block.uri}"
        case ImageContent() | AudioContent():
            kind = _OF_NAMES.sub("", block.mime_type.rpartition("/")[2])
            return f"{name}.{kind}", block.mime_type, block.data
        case EmbeddedResource(resource=BlobResourceContents() as blob):
            last = _OF_NAMES.sub("_", blob.uri.rstrip("/").rpartition("/")[2])
            return last or name, blob.mime_type or "application/octet-stream", blob.blob
        case EmbeddedResource(resource=resource):
            return resource.text  # type: ignore[union-attr]  # blobs are above  # pyright: ignore[reportAttributeAccessIssue]


def _file(name: str, media_type: str, data: str) -> File:
    content = base64.b64decode(data, validate=True)
    digest = hashlib.sha256(content).hexdigest()
    return File(name, media_type, digest, len(content), content)
