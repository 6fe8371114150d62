"""Flows as MCP tools: our own process, driven by the official client."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult

from stateflow.cli.find import find_flows
from stateflow.cli.mcp import server_of
from stateflow.engine.runner import Runner
from stateflow.stores.base import Summary
from stateflow.stores.open import open_store
from tests.cli.made import HEAD, Call, command, environment

GALLERY = Path(__file__).parents[2] / "flows"
LIMIT_S = 60
"""For one request [s], so that nothing can hang."""

CHATTY = (
    HEAD
    + """
print("imported")

def speak(view):
    print("speaking")
    return "said"

flow = Flow("chatty one", State("a", FunctionAgent("x", speak), to(None)))
"""
)

ENDLESS = (
    HEAD
    + """
async def reply(view):
    return "first" if not view.turns else await asyncio.Event().wait()

flow = Flow("endless", State("a", FunctionAgent("x", reply), to("a")))
"""
)

TYPED = (
    HEAD
    + """
from pydantic import BaseModel

class Point(BaseModel):
    x: int

class Brief(BaseModel):
    where: Point

def tell(view):
    return f"{view.transcript[0].text} at {view.data.where.x}"

flow = Flow("typed", State("a", FunctionAgent("x", tell), to(None)), data=Brief)
"""
)


@asynccontextmanager
async def served(folder: Path, *flows: str) -> AsyncGenerator[Client]:
    """Return a client of ``stateflow mcp FLOWS`` over stdio."""
    program, *words = command("mcp", *flows)
    parameters = StdioServerParameters(
        command=program, args=words, cwd=folder, env=environment(folder)
    )
    async with Client(stdio_client(parameters), read_timeout_seconds=LIMIT_S) as client:
        yield client


@asynccontextmanager
async def inside(folder: Path, *flows: str) -> AsyncGenerator[Client]:
    """Return a client of the same server in this process."""
    store = folder / "runs.db"
    async with Runner(store=store) as runner:
        server = server_of(find_flows(flows), runner, store)
        async with Client(server, read_timeout_seconds=LIMIT_S) as client:
            yield client


async def kept(folder: Path) -> list[Summary]:
    """Return the runs that the store has."""
    store = open_store(folder / "runs.db")
    try:
        return await store.runs()
    finally:
        await store.aclose()


def said(result: CallToolResult) -> str:
    """Return the one text of *result*."""
    (block,) = result.content
    assert block.type == "text"
    return block.text


async def test_a_flow_of_the_gallery_runs_as_a_tool_and_tells_its_turns(folder: Path) -> None:
    told: list[tuple[float, str | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async with served(folder, str(GALLERY / "plan_execute_review.py")) as client:
        server = client.server_info
        (tool,) = (await client.list_tools()).tools
        result = await client.call_tool(
            "plan_execute_review", {"task": "Print them."}, progress_callback=heard
        )

    assert server is not None
    assert (server.name, server.version) == ("stateflow", version("stateflow-agents"))
    assert tool.name == "plan_execute_review"
    assert (tool.description or "").startswith("AutoGen's own table of speakers")
    assert tool.input_schema["properties"]["task"]["default"] == "Print the sales by region."
    assert tool.input_schema["required"] == []
    assert said(result) == "The totals agree with the ledger. APPROVED"
    assert not result.is_error
    (run,) = await kept(folder)
    assert result.structured_content == {
        "run": run.run,
        "stop": "done",
        "ok": True,
        "text": said(result),
    }
    states = ["planner", "executor", "planner", "executor", "reviewer"]
    assert told == list(enumerate(states, 1))


@pytest.mark.parametrize(
    ("flow", "words"),
    [("gives_up", "no\n\nfinal 'no': "), ("stuck", "no\n\nstuck at 'a': "), ("fails", "boom")],
)
async def test_a_run_that_does_not_end_well_is_an_error(
    folder: Path, flow: str, words: str
) -> None:
    async with inside(folder, f"{flow}.py") as client:
        result = await client.call_tool(flow, {"task": "go"})
    assert result.is_error
    assert words in said(result)
    assert result.structured_content["ok"] is False
    assert result.structured_content["text"] == said(result)


async def test_a_run_that_waits_gives_its_question_and_the_command_that_answers(
    folder: Path, sf: Call
) -> None:
    async with inside(folder, "asks.py") as client:
        result = await client.call_tool("approval", {"task": "go"})
    assert not result.is_error
    assert "Accept it? (accept / reject)" in said(result)
    assert result.structured_content["text"] == said(result)
    found = re.search(
        r"stateflow (resume \w+ --answer) 'accept\|reject' --question '(\S+)' (--store \S+)",
        said(result),
    )
    assert found is not None
    words = [*found[1].split(), "accept", "--question", found[2], *found[3].split()]
    came = await asyncio.to_thread(sf, *words)
    assert came.code == 0


async def test_typed_data_is_an_argument_and_its_schema_resolves(folder: Path) -> None:
    (folder / "typed.py").write_text(TYPED, "utf-8")
    async with inside(folder, "typed.py") as client:
        (tool,) = (await client.list_tools()).tools
        given = {"task": "meet", "data": {"where": {"x": 7}}}
        result = await client.call_tool("typed", given)
    schema = tool.input_schema
    assert schema["required"] == ["task", "data"]
    assert schema["properties"]["data"]["properties"]["where"] == {"$ref": "#/$defs/Point"}
    assert "Point" in schema["$defs"]
    assert tool.description == "Runs the flow 'typed'."
    assert said(result) == "meet at 7"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "'task' is missing"),
        ({"task": 3}, "'task' is missing or no text"),
        ({"task": "go", "data": "x"}, "'data' is no JSON object"),
        ({"task": "go", "data": {"where": {"x": "?"}}}, "does not fit Brief: where.x"),
        ({"task": "go", "dat": {}}, "no argument 'dat'; there are: task, data"),
    ],
)
async def test_wrong_arguments_are_told_and_begin_no_run(
    folder: Path, arguments: dict[str, Any], words: str
) -> None:
    (folder / "typed.py").write_text(TYPED, "utf-8")
    async with inside(folder, "typed.py") as client:
        result = await client.call_tool("typed", arguments)
    assert result.is_error
    assert words in said(result)
    assert await kept(folder) == []


async def test_several_flows_are_several_tools_and_what_they_print_harms_nobody(
    folder: Path,
) -> None:
    (folder / "chatty.py").write_text(CHATTY, "utf-8")
    async with served(folder, "chatty.py", "done.py") as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("chatty_one", {"task": "go"})
        unknown = await client.call_tool("other", {"task": "go"})
    assert [(tool.name, tool.description) for tool in tools] == [
        ("chatty_one", "Runs the flow 'chatty one'."),
        ("tagline", "Write and review."),
    ]
    assert said(result) == "said"
    assert said(unknown) == "there is no tool 'other'; there are: chatty_one, tagline"


async def test_a_client_that_leaves_in_mid_call_leaves_a_paused_run(folder: Path) -> None:
    (folder / "endless.py").write_text(ENDLESS, "utf-8")
    turned = asyncio.Event()

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        turned.set()

    async with served(folder, "endless.py") as client, asyncio.TaskGroup() as group:
        calling = client.call_tool("endless", {"task": "go"}, progress_callback=heard)
        call = group.create_task(calling)
        async with asyncio.timeout(LIMIT_S):
            await turned.wait()
        call.cancel()
    (run,) = await kept(folder)
    assert run.stop == "paused"


def listening(folder: Path) -> subprocess.Popen[str]:
    """Return a server process on loopback."""
    return subprocess.Popen(
        command("mcp", "done.py", "--http", "localhost:0"),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_flows_are_served_over_http_until_ctrl_c(folder: Path) -> None:
    process = listening(folder)
    assert process.stderr is not None
    first = process.stderr.readline()
    found = re.fullmatch(r"serving at (http://127\.0\.0\.1:\d+/mcp)\n", first)
    assert found is not None, first
    async with Client(found[1], read_timeout_seconds=LIMIT_S) as client:
        result = await client.call_tool("tagline", {"task": "go"})
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT_S)

    assert said(result) == "APPROVED"
    assert (process.returncode, out, err) == (130, "", "")


def test_stdout_holds_nothing_but_the_protocol(folder: Path) -> None:
    (folder / "chatty.py").write_text(CHATTY, "utf-8")
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    done = subprocess.run(
        command("mcp", "chatty.py"),
        cwd=folder,
        env=environment(folder),
        input=json.dumps(hello) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["result"]["serverInfo"]["name"] == "stateflow"
    assert (done.returncode, done.stderr) == (0, "imported\n")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["gone.py"], 1, "there is no file 'gone.py'"),
        (["done.py", "done.py:flow"], 1, "done.py and done.py:flow would both be the tool"),
        (["done.py", "--http", "0.0.0.0:80"], 2, "write 127.0.0.1:PORT; it serves this machine"),
        (["done.py", "--http", "127.0.0.1:many"], 2, "write 127.0.0.1:PORT"),
        ([], 2, "FLOWS"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(
    sf: Call, words: list[str], code: int, sentence: str
) -> None:
    came = sf("mcp", *words)
    assert (came.code, came.out) == (code, "")
    assert sentence in came.err


def test_a_port_in_use_is_one_sentence(sf: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        came = sf("mcp", "done.py", "--http", f"127.0.0.1:{taken.getsockname()[1]}")
    assert came.code == 1
    assert "Address already in use" in came.err
    assert "choose another port, or 0 for a free one" in came.err


def test_a_missing_package_is_a_sentence_with_the_command(
    sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    came = sf("mcp", "done.py")
    assert came.code == 1
    assert "pip install 'stateflow-agents[mcp]'" in came.err
