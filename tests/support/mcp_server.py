"""A real MCP server, for tests: ``python mcp_server.py [MODE]``.

Without a mode it serves over stdio; ``http`` serves on a free port of loopback, which it prints.
The other modes are ways to be broken from the start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

SERVER = Path(__file__)
PICTURE = "aGVsbG8="
"""``hello`` in base64."""
PAPER = {"uri": "file:///a/b.pdf", "mimeType": "application/pdf"}

Handler: TypeAlias = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def text(said: str, *, wrong: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}], "isError": wrong}


async def add(given: dict[str, Any]) -> dict[str, Any]:
    return text(str(given["a"] + given["b"]))


async def fail(given: dict[str, Any]) -> dict[str, Any]:
    return text("no such file", wrong=True)


async def facts(given: dict[str, Any]) -> dict[str, Any]:
    return {"content": [], "structuredContent": {"sky": "blue", "legs": 4}}


async def picture(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "content": [
            {"type": "text", "text": "Here."},
            {"type": "image", "data": PICTURE, "mimeType": "image/png"},
            {
                "type": "resource",
                "resource": {
                    "uri": "file:///a/b.pdf",
                    "mimeType": "application/pdf",
                    "blob": PICTURE,
                },
            },
            {"type": "resource", "resource": {"uri": "file:///notes", "text": "A note."}},
            {"type": "resource_link", "name": "more", "uri": "https://example.org/more"},
        ]
    }


async def broken(given: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "image", "data": "%%%", "mimeType": "image/png"}]}


async def env(given: dict[str, Any]) -> dict[str, Any]:
    return text(os.environ.get(given["variable"], "not set"))


async def pid(given: dict[str, Any]) -> dict[str, Any]:
    return text(str(os.getpid()))


async def hang(given: dict[str, Any]) -> dict[str, Any]:
    """Tell through the named pipe *given* that the call is under way, and never answer."""
    if "pipe" in given:
        await asyncio.to_thread(Path(given["pipe"]).write_text, str(os.getpid()), "utf-8")
    await asyncio.Event().wait()
    return {}


async def liar(given: dict[str, Any]) -> dict[str, Any]:
    """Break the promise of its own schema."""
    return {"content": [], "structuredContent": {"legs": "four"}}


async def noise(given: dict[str, Any]) -> dict[str, Any]:
    sys.stderr.write("chatter\n" * 250_000)
    sys.stderr.flush()
    return text("done")


async def cut(given: dict[str, Any]) -> dict[str, Any]:
    return text("not over HTTP")


async def die(given: dict[str, Any]) -> dict[str, Any]:
    """Be killed in the middle of the call."""
    sys.stderr.write(f"out of memory, {os.environ.get('TOKEN')}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


TOOLS: dict[str, Handler] = {
    one.__name__: one
    for one in (add, fail, facts, picture, broken, env, pid, hang, liar, noise, cut, die)
}


def made() -> Any:  # noqa: ANN401 - the SDK is imported only by the process that serves
    """Return the server: one tool a page."""
    from mcp import MCPError
    from mcp.server.lowlevel import Server
    from mcp.types import (
        INVALID_PARAMS,
        CallToolRequestParams,
        CallToolResult,
        ListToolsResult,
        PaginatedRequestParams,
        Tool,
    )

    async def listed(ctx: object, params: PaginatedRequestParams | None) -> ListToolsResult:
        names = list(TOOLS)
        at = int((params and params.cursor) or 0)
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        tool = Tool(name=names[at], description=f"The tool {names[at]}.", input_schema=schema)
        if tool.name == "liar":
            tool.output_schema = {
                "type": "object",
                "properties": {"legs": {"type": "integer"}},
            }
        after = str(at + 1) if at + 1 < len(names) else None
        return ListToolsResult(tools=[tool], next_cursor=after)

    async def call(ctx: object, params: CallToolRequestParams) -> CallToolResult:
        if params.name not in TOOLS:
            raise MCPError(INVALID_PARAMS, f"unknown tool {params.name}")
        done = await TOOLS[params.name](params.arguments or {})
        return CallToolResult.model_validate(done, by_name=False)

    return Server("test", on_list_tools=listed, on_call_tool=call)


async def over_stdio() -> None:
    from mcp.server.stdio import stdio_server

    server = made()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def over_http() -> None:
    import uvicorn

    app = made().streamable_http_app()

    async def cutting(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
        """Cut off the stream that should answer a call to ``cut``."""
        if (b"mcp-name", b"cut") not in scope.get("headers", ()):
            await app(scope, receive, send)
            return
        kind = (b"content-type", b"text/event-stream")
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        await send({"type": "http.response.body", "body": b": one moment\n\n"})

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(cutting, log_config=None)
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - the test waits for it
    await uvicorn.Server(config).serve(sockets=[listening])


def main(mode: str) -> None:
    match mode:
        case "stdio":
            asyncio.run(over_stdio())
        case "http":
            asyncio.run(over_http())
        case "banner":
            print("Welcome!", flush=True)  # noqa: T201 - the fault in question
            asyncio.run(over_stdio())
        case "dies":
            sys.exit(f"config missing\nbad token {os.environ.get('TOKEN')}\n")
        case "garbage":
            sys.stderr.write("ready to chat\n")
            sys.stderr.flush()
            print("Hello! I am no MCP server.", flush=True)  # noqa: T201 - the fault in question
            sys.stdin.read()
        case _:  # mute
            sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "stdio")
