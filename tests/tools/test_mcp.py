"""MCP servers as a source of tools: what they offer and what calls give."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from stateflow.conversation.file import File
from stateflow.errors import (
    BadReply,
    BadRequest,
    DefinitionError,
    Unreachable,
)
from stateflow.tools.base import Tool, ToolReply
from stateflow.tools.mcp import McpSource, mcp_http, mcp_stdio
from stateflow.tools.mcp_session import McpTool
from tests.support.mcp_server import TOOLS
from tests.support.mcp_use import SECRET, call, opened, server


async def test_a_server_offers_all_pages_of_its_tools_on_the_terms_of_the_source() -> None:
    source = server(approve=["die"], repeat=["add", "pid"])
    async with opened(source) as session:
        tools = await session.tools()

    assert [tool.name for tool in tools] == list(TOOLS)
    assert tools[0].description == "The tool add."
    assert tools[0].parameters["properties"] == {"a": {"type": "integer"}}
    assert {tool.name for tool in tools if tool.approve} == {"die"}
    assert {tool.name for tool in tools if tool.repeat} == {"add", "pid"}
    assert {tool.timeout_s for tool in tools} == {20}


async def test_only_the_named_tools_are_offered() -> None:
    async with opened(server(only=["pid", "add"], approve=True, repeat=False)) as session:
        tools: Sequence[Tool] = await session.tools()
    assert [(t.name, t.approve, t.repeat) for t in tools] == [
        ("add", True, False),
        ("pid", True, False),
    ]


@pytest.mark.parametrize("word", ["only", "approve", "repeat"])
async def test_a_name_that_is_not_offered_is_told_with_those_that_are(word: str) -> None:
    names = ["add", "delet"]
    sources = {
        "only": server(only=names),
        "approve": server(approve=names),
        "repeat": server(repeat=names),
    }
    async with opened(sources[word]) as session:
        with pytest.raises(BadRequest, match=f"no tool 'delet', which {word}= names") as caught:
            await session.tools()
    assert "'add', 'fail'" in str(caught.value)


async def test_a_call_gives_text() -> None:
    async with opened(server()) as session:
        assert await call(session, "add", a=2, b=3) == ToolReply("5")


async def test_an_error_of_the_tool_is_a_reply_that_is_not_ok() -> None:
    async with opened(server()) as session:
        assert await call(session, "fail") == ToolReply("no such file", ok=False)


async def test_an_error_of_the_protocol_is_a_reply_that_is_not_ok() -> None:
    async with opened(server()) as session:
        tool = (await session.tools())[0]
        assert isinstance(tool, McpTool)
        assert await replace(tool, name="gone").call({}) == ToolReply("unknown tool gone", ok=False)


async def test_structured_content_is_json_where_there_is_no_text() -> None:
    async with opened(server()) as session:
        assert (await call(session, "facts")).text == '{"legs":4,"sky":"blue"}'


async def test_images_and_blobs_are_files_and_embedded_texts_are_text() -> None:
    async with opened(server()) as session:
        reply = await call(session, "picture")

    digest = hashlib.sha256(b"hello").hexdigest()
    assert reply.text == "Here.\nA note.\nmore: https://example.org/more"
    assert reply.files == (
        File("picture-1.png", "image/png", digest, 5),
        File("b.pdf", "application/pdf", digest, 5),
    )
    assert [file.content for file in reply.files] == [b"hello", b"hello"]


async def test_a_file_that_is_no_base64_is_a_bad_reply() -> None:
    async with opened(server()) as session:
        with pytest.raises(BadReply, match="'broken' gave a file that is no base64"):
            await call(session, "broken")


async def test_an_answer_that_breaks_the_schema_of_its_tool_is_a_bad_reply() -> None:
    async with opened(server()) as session:
        with pytest.raises(BadReply, match="'four' is not of type 'integer'"):
            await call(session, "liar")


async def test_a_server_may_talk_as_much_as_it_likes() -> None:
    async with opened(server()) as session:
        assert (await call(session, "noise")).text == "done"
        assert (await call(session, "noise")).text == "done"
        with pytest.raises(Unreachable, match="stderr ends: out of memory"):
            await call(session, "die")


async def test_the_process_gets_the_given_variables_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHER", "mine alone")
    async with opened(server()) as session:
        assert (await call(session, "env", variable="TOKEN")).text == "[TOKEN]"  # it echoed it
        assert (await call(session, "env", variable="OTHER")).text == "not set"


async def test_a_missing_package_is_a_sentence_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "stateflow.tools.mcp_session", raising=False)
    monkeypatch.delitem(sys.modules, "stateflow.tools.mcp_connection", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(Unreachable, match=r"pip install 'stateflow-agents\[mcp\]'"):
        await server().open()


def test_sources_are_values_that_hide_secrets() -> None:
    one = mcp_http("https://me:pw@host/mcp?k=x", headers={"Authorization": f"Bearer {SECRET}"})
    two = server()
    assert hash(two) == hash(server())
    assert two == server()
    assert one.name == "host mcp"
    assert mcp_stdio("npx", "-y", "@mcp/files", "/data").name == "npx -y files data"
    for shown in (repr(one), str(one), repr(two), str(two)):
        assert SECRET not in shown
        assert "pw" not in shown


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: mcp_stdio(" "), "needs a command"),
        (lambda: mcp_stdio("a", timeout_s=0), "timeout_s=0 is not above zero"),
        (lambda: mcp_stdio("a", only="add"), r"only='add' is one text; write only=\['add'\]"),
        (lambda: mcp_http("host/mcp"), "is no address of HTTP; write it as 'https://host/mcp'"),
        (lambda: mcp_http("http://h", name="a/b"), "cannot name a source of tools"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Callable[[], McpSource], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        make()
