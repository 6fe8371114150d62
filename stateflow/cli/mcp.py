"""``stateflow mcp``: flows as tools of an MCP server, over stdio or on loopback.

stdout belongs to the protocol; whatever a flow prints goes to stderr.
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from cyclopts import Parameter

from stateflow.cli.find import Found, find_flows, store_path
from stateflow.cli.trouble import BadInput, Misused, explained
from stateflow.conversation.message import SILENCE
from stateflow.engine.result import Result
from stateflow.engine.runner import Live, Runner
from stateflow.journal.event import Recorded, TurnTaken
from stateflow.machine.flow import Flow

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolRequestParams, CallToolResult, Tool

__all__ = ["mcp", "server_of"]

_LONGEST_NAME: Final = 64
_CLOSING_S: Final = 5
"""How long open connections may take to end once the server is told to stop [s]."""
_OUTPUT: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "run": {"type": "string", "description": "Name of the run."},
        "stop": {"type": "string", "description": "Why it stopped: done, final, waiting, ..."},
        "ok": {"type": "boolean", "description": "Whether it came to a good end."},
        "text": {
            "type": "string",
            "description": "What was said last, what is asked, or why it failed.",
        },
    },
    "required": ["run", "stop", "ok", "text"],
}


def mcp(
    flows: list[str],
    /,
    *,
    store: Annotated[Path | None, Parameter(help="SQLite file that keeps the runs.")] = None,
    http: Annotated[
        str | None, Parameter(help="Serve at HOST:PORT of this machine instead of over stdio.")
    ] = None,
) -> int:
    """Offer flows as the tools of an MCP server.

    Parameters
    ----------
    flows
        path.py[:attr], pkg.mod:attr, or a folder of them
    """
    with redirect_stdout(sys.stderr):
        found = find_flows(flows)
    address = None if http is None else _address(http)
    if find_spec("mcp") is None:
        raise BadInput(
            "`stateflow mcp` needs a package that is not installed (mcp): "
            "pip install 'stateflow-agents[mcp]'"
        )
    asyncio.run(_serve(found, store_path(store), address))
    return 0


def server_of(found: Sequence[Found], runner: Runner, store: Path) -> Server:
    """Return the server whose tools are the flows *found*; *runner* runs them, over *store*.

    Raises:
        BadInput: two flows would be the same tool.
    """
    return _Tools(_by_name(found), runner, store).server()


async def _serve(found: Sequence[Found], store: Path, address: tuple[str, int] | None) -> None:
    async with Runner(store=store) as runner:
        server = server_of(found, runner, store)
        if address is None:
            await _over_stdio(server)
        else:
            await _over_http(server, address)


async def _over_stdio(server: Server) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _over_http(server: Server, address: tuple[str, int]) -> None:
    import uvicorn

    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server(address, family=family)
    except OSError as error:
        raise BadInput(
            f"--http {host}:{port}: {error.strerror}; choose another port, or 0 for a free one"
        ) from error
    with listening:
        config = uvicorn.Config(
            server.streamable_http_app(),
            log_config=None,
            timeout_graceful_shutdown=_CLOSING_S,
        )
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"serving at http://{shown}:{listening.getsockname()[1]}/mcp\n")
        sys.stderr.flush()
        await uvicorn.Server(config).serve(sockets=[listening])


def _address(given: str) -> tuple[str, int]:
    """Return host and port; only loopback will do, for nobody is asked who they are."""
    host, _, port = given.rpartition(":")
    host = "127.0.0.1" if host in {"", "localhost"} else host.strip("[]")
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise Misused(f"--http {given!r}: write 127.0.0.1:PORT; it serves this machine only")
    return host, int(port)


def _by_name(found: Sequence[Found]) -> dict[str, Found]:
    """Return the flows by the names of their tools."""
    named: dict[str, Found] = {}
    for one in found:
        name = _tool_name(one.flow.name)
        if name in named:
            raise BadInput(
                f"{named[name].source} and {one.source} would both be the tool {name!r}; "
                "rename one flow"
            )
        named[name] = one
    return named


def _version() -> str:
    try:
        return version("stateflow-agents")
    except PackageNotFoundError:  # run from its sources
        return "unknown"


def _tool_name(name: str) -> str:
    """Return *name* as every client and model accepts it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:_LONGEST_NAME] or "flow"


@dataclass(frozen=True, slots=True)
class _Tools:
    """What the server offers, and how it is done."""

    offered: Mapping[str, Found]
    runner: Runner
    store: Path

    def server(self) -> Server:
        from mcp.server.lowlevel import Server
        from mcp.types import ListToolsResult, PaginatedRequestParams

        tools = [_tool(name, one) for name, one in self.offered.items()]

        async def listed(
            ctx: ServerRequestContext, params: PaginatedRequestParams | None
        ) -> ListToolsResult:
            del ctx, params
            return ListToolsResult(tools=tools)

        return Server("stateflow", version=_version(), on_list_tools=listed, on_call_tool=self.call)

    async def call(
        self, ctx: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult:
        """Run the flow that *params* names, to its stop."""
        found = self.offered.get(params.name)
        if found is None:
            known = ", ".join(self.offered)
            return _refused(f"there is no tool {params.name!r}; there are: {known}")
        try:
            live = self._started(found, params.arguments or {})
            return self._told(await _finished(live, ctx))
        except Exception as error:  # noqa: BLE001 - the seam: nobody else would tell the client
            return _refused(explained(error))

    def _started(self, found: Found, given: Mapping[str, Any]) -> Live:
        """Start the run.

        Raises:
            BadInput: the arguments are not those of the schema.
            DefinitionError: the data does not fit.
        """
        known = ("task",) if found.flow.data is None else ("task", "data")
        for name in given:
            if name not in known:
                raise BadInput(f"there is no argument {name!r}; there are: {', '.join(known)}")
        task, data = given.get("task", found.task), given.get("data")
        if not isinstance(task, str) or ("task" not in given and not found.task):
            raise BadInput("the argument 'task' is missing or no text; say what is to be done")
        if data is not None and not isinstance(data, dict):
            raise BadInput("the argument 'data' is no JSON object")
        typed = cast("dict[str, Any] | None", data)
        return self.runner.start(found.flow, task, data=typed, source=found.source)

    def _told(self, result: Result) -> CallToolResult:
        from mcp.types import CallToolResult, TextContent

        stop = result.stop
        last = result.messages[-1] if result.messages else SILENCE
        text = "" if last.speaker == "user" else last.text  # the task is no answer
        waiting = stop.kind == "waiting"
        told = self._waits(result) if waiting else text if stop.ok else f"{text}\n\n{stop}".strip()
        structured = {"run": result.run, "stop": stop.kind, "ok": stop.ok, "text": told}
        return CallToolResult(
            content=[TextContent(text=told)],
            structured_content=structured,
            is_error=not stop.ok and not waiting,  # asked again, it would only begin another run
        )

    def _waits(self, result: Result) -> str:
        """Return what a person is asked, and the command that answers."""
        from stateflow.cli.drive import Driving, resume_command

        questions = [
            f"{question.text} ({' / '.join(question.options)})"
            if question.options
            else question.text
            for question in result.stop.questions
        ]
        command = resume_command(result, Driving(store=self.store.resolve()))
        asked = "\n".join(questions)
        return f"The run waits for a person to answer:\n{asked}\nThe answer is given by: {command}"


async def _finished(live: Live, ctx: ServerRequestContext) -> Result:
    """Take the run to its stop, and tell the client of each turn if it wants to know."""
    import anyio

    turns = 0
    try:
        async for event in live:
            if isinstance(event, Recorded) and isinstance(event.event, TurnTaken):
                turns += 1
                await ctx.session.report_progress(turns, message=event.event.state)
        return await live
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await live.aclose()  # paused, and that is on the record
        raise


def _tool(name: str, found: Found) -> Tool:
    from mcp.types import Tool

    flow = found.flow
    return Tool(
        name=name,
        title=flow.name,
        description=_about(flow),
        input_schema=_schema(found),
        output_schema=dict(_OUTPUT),
    )


def _about(flow: Flow) -> str:
    """Return the description of *flow*, else the docstring of the module that defines it."""
    if flow.description:
        return flow.description
    for module in reversed(list(sys.modules.values())):  # imported last
        if any(value is flow for value in getattr(module, "__dict__", {}).values()):
            return (module.__doc__ or "").strip() or f"Runs the flow {flow.name!r}."
    return f"Runs the flow {flow.name!r}."


def _schema(found: Found) -> dict[str, Any]:
    """Return the JSON schema of the arguments; what its parts refer to lies at its root."""
    task: dict[str, Any] = {"type": "string", "description": "What is to be done."}
    properties = {"task": {**task, "default": found.task} if found.task else task}
    required = [] if found.task else ["task"]
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if found.flow.data is not None:
        data = found.flow.data.model_json_schema()
        if definitions := data.pop("$defs", None):
            schema["$defs"] = definitions
        properties["data"] = data
        if data.get("required"):
            required.append("data")
    return {**schema, "additionalProperties": False}


def _refused(sentence: str) -> CallToolResult:
    from mcp.types import CallToolResult, TextContent

    return CallToolResult(content=[TextContent(text=sentence)], is_error=True)
