"""How connections to MCP servers live and die: real processes, real pipes, real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from stateflow.errors import (
    AuthFailed,
    BadReply,
    FaultError,
    TimedOut,
    Unreachable,
)
from stateflow.tools.mcp import mcp_http, mcp_stdio
from tests.support.mcp_server import SERVER
from tests.support.mcp_use import SECRET, call, opened, server

IMPLEMENTATION = {"name": "old", "version": "1"}


def is_alive(pid: str) -> bool:
    with suppress(ProcessLookupError):
        os.kill(int(pid), 0)
        return True
    return False


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Return a named pipe: who reads it waits until the server has written."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.fixture
def address() -> Generator[str]:
    """Return where a server process listens on loopback."""
    command = [sys.executable, str(SERVER), "http"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    with process.stdout as out:
        yield f"http://127.0.0.1:{int(out.readline())}/mcp"
    process.kill()
    process.wait()


@asynccontextmanager
async def answering(response: bytes | Callable[[bytes], bytes]) -> AsyncGenerator[str]:
    """Serve *response* to every request, by its body; an empty one drops the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        sizes = [line[15:] for line in head.lower().split(b"\r\n") if b"content-length" in line]
        size = int(sizes[0]) if sizes else 0
        body = await reader.readexactly(size)
        writer.write(response if isinstance(response, bytes) else response(body))
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with serving:
        yield f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}/mcp"


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def test_calls_come_from_many_tasks_at_once_and_another_one_closes() -> None:
    session = await server().open()
    tools = {tool.name: tool for tool in await session.tools()}
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(tools["add"].call({"a": n, "b": 1})) for n in range(20)]
    assert [one.result().text for one in calls] == [str(n + 1) for n in range(20)]
    async with asyncio.TaskGroup() as group:
        group.create_task(session.aclose())
    with pytest.raises(Unreachable, match="was closed with the run"):
        await tools["add"].call({"a": 1, "b": 1})


async def test_closing_ends_the_process() -> None:
    async with opened(server()) as session:
        pid = (await call(session, "pid")).text
        assert is_alive(pid)
    assert not is_alive(pid)


async def test_a_server_killed_in_mid_call_is_told_and_the_next_call_starts_another() -> None:
    async with opened(server()) as session:
        first = (await call(session, "pid")).text
        with pytest.raises(Unreachable) as caught:
            await call(session, "die")
        assert not is_alive(first)
        second = (await call(session, "pid")).text

    assert second != first
    assert str(caught.value).startswith(f"MCP server 'test' ({sys.executable}")
    assert str(caught.value).endswith("ended; its stderr ends: out of memory, [TOKEN]")


async def test_a_server_that_died_between_two_calls_is_started_anew_unseen() -> None:
    source = server()
    async with opened(source) as session:
        first = (await call(session, "pid")).text
        living = next(task for task in asyncio.all_tasks() if task.get_name() == str(source))
        os.kill(int(first), signal.SIGKILL)
        await asyncio.wait([living])
        assert (await call(session, "pid")).text != first


async def test_a_server_that_does_not_answer_a_call_in_time_is_timed_out_and_stays() -> None:
    async with opened(server(timeout_s=8)) as session:
        pid = (await call(session, "pid")).text
        with pytest.raises(TimedOut, match="did not answer within 8 s"):
            await call(session, "hang")
        assert (await call(session, "pid")).text == pid


async def test_a_cancelled_call_leaves_the_server_in_use(pipe: Path) -> None:
    async with opened(server()) as session:
        tool = next(tool for tool in await session.tools() if tool.name == "hang")
        async with asyncio.TaskGroup() as group:
            hanging = group.create_task(tool.call({"pipe": str(pipe)}))
            pid = await asyncio.to_thread(pipe.read_text, "utf-8")
            hanging.cancel()
        assert hanging.cancelled()
        assert (await call(session, "pid")).text == pid


async def test_closing_in_mid_call_ends_the_call(pipe: Path) -> None:
    session = await server().open()
    tool = next(tool for tool in await session.tools() if tool.name == "hang")

    async def hanging() -> None:
        with pytest.raises(Unreachable):
            await tool.call({"pipe": str(pipe)})

    async with asyncio.TaskGroup() as group:
        group.create_task(hanging())
        pid = await asyncio.to_thread(pipe.read_text, "utf-8")
        await session.aclose()
    assert not is_alive(pid)


async def test_opening_can_be_cancelled() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await server("mute").open()
    assert asyncio.all_tasks() == before


async def test_a_banner_before_the_first_message_is_forgiven(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with opened(server("banner")) as session:
        assert (await call(session, "add", a=1, b=1)).text == "2"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("mode", "fault", "words"),
    [
        ("dies", Unreachable, "ended before it answered; its stderr ends: bad token [TOKEN];"),
        ("garbage", Unreachable, "to its stdout what is no MCP; its stderr ends: ready to chat;"),
        ("mute", TimedOut, "did not answer within 1.5 s; its stderr is empty"),
    ],
)
async def test_a_server_that_is_broken_from_the_start_is_told_with_its_last_words(
    mode: str, fault: type[FaultError], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(fault) as caught:
        await server(mode, timeout_s=20 if mode == "dies" else 1.5).open()
    assert words in str(caught.value)
    assert f"{SERVER} {mode})" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert capfd.readouterr() == ("", "")


async def test_a_missing_command_is_named() -> None:
    with pytest.raises(Unreachable, match=r"cannot be started: No such file.*: 'no-such-command'"):
        await mcp_stdio("no-such-command", "-v").open()


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"cannot be started: .*/nowhere'"):
        await mcp_stdio(sys.executable, cwd=tmp_path / "nowhere").open()


def legacy(version: str) -> Callable[[bytes], bytes]:
    """Return a server of the older protocol, which forgets the session it has just begun."""

    def answer(body: bytes) -> bytes:
        if b'"initialize"' in body:
            hello = {"protocolVersion": version, "capabilities": {}, "serverInfo": IMPLEMENTATION}
            reply = {"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": hello}
            told = json.dumps(reply).encode()
            head = f"Content-Length: {len(told)}\r\nConnection: close\r\nMcp-Session-Id: s1\r\n"
            kind = "Content-Type: application/json\r\n\r\n"
            return f"HTTP/1.1 200 OK\r\n{head}{kind}".encode() + told
        return status("202 Accepted" if b"notifications/" in body else "404 Not Found")

    return answer


async def test_a_forgotten_session_of_the_older_protocol_is_told() -> None:
    async with answering(legacy("2025-06-18")) as url, opened(mcp_http(url)) as session:
        with pytest.raises(Unreachable, match=r"does not know our session any more \(404\)"):
            await session.tools()


async def test_an_unknown_version_of_the_protocol_is_a_bad_reply() -> None:
    async with answering(legacy("1999-01-01")) as url:
        with pytest.raises(BadReply, match=r"does not speak MCP as it should: .*1999-01-01"):
            await mcp_http(url).open()


async def test_a_server_is_reached_over_http(address: str) -> None:
    async with opened(mcp_http(address, only=["add", "pid"])) as session:
        assert [tool.name for tool in await session.tools()] == ["add", "pid"]
        assert (await call(session, "add", a=2, b=3)).text == "5"


async def test_a_stream_cut_off_in_mid_call_is_told_and_other_calls_go_on(address: str) -> None:
    async with opened(mcp_http(address)) as session:
        with pytest.raises(Unreachable, match="SSE stream ended without a response"):
            await call(session, "cut")
        assert (await call(session, "add", a=1, b=1)).text == "2"


async def test_a_connection_dropped_in_mid_call_is_told_and_nobody_waits(address: str) -> None:
    async with opened(mcp_http(address)) as session:
        with pytest.raises(Unreachable, match="cannot be reached: Server disconnected"):
            await call(session, "die")
        with pytest.raises(Unreachable, match=r"cannot be reached: .*; check the address"):
            await call(session, "add", a=1, b=1)


@pytest.mark.parametrize(
    ("response", "fault", "words"),
    [
        (status("401 Unauthorized"), AuthFailed, "refused us (401); give mcp_http(..., headers="),
        (status("403 Forbidden"), AuthFailed, "refused us (403)"),
        (status("404 Not Found"), Unreachable, "refused the connection: Not Found; check the"),
        (status("503 Busy"), Unreachable, "cannot serve now (503); try later"),
        (b"", Unreachable, "cannot be reached: "),
        (b"SSH-2.0-nonsense\r\n", Unreachable, "cannot be reached: "),
    ],
    ids=["401", "403", "404", "503", "dropped", "no HTTP"],
)
async def test_a_server_that_cannot_be_used_is_told_without_the_key(
    response: bytes, fault: type[FaultError], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = asyncio.all_tasks()
    async with answering(response) as url:
        with pytest.raises(fault) as caught:
            await mcp_http(f"{url}?key={SECRET}", headers={"Authorization": SECRET}).open()
        assert words in str(caught.value)
        assert f"({url})" in str(caught.value)
        assert SECRET not in str(caught.value)
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()
    assert capfd.readouterr() == ("", "")


async def test_a_wrong_address_is_named() -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        await mcp_http("http://127.0.0.1:9/mcp").open()
