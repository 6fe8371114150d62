"""Azure, as a real server on this machine that keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import NamedTuple, Self

import azure.identity
import pytest
from azure.core.credentials import AccessToken

from stateflow.errors import AuthFailed, ModelNotFound, Unreachable
from stateflow.models.base import ModelReply
from stateflow.models.names import open_model
from tests.support.openai_wire import ASK, chunk

KEY = "azure-secret-key"
TOKEN = "eyJ-secret-token"
HELLO = chunk({"content": "Hello"}, "stop")


class Heard(NamedTuple):
    """What the server was sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, object]


@asynccontextmanager
async def server(heard: list[Heard], answer: bytes = HELLO) -> AsyncGenerator[str, None]:
    """Yield the address of a server that answers with *answer* and keeps what it *heard*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        pairs = (line.partition(": ") for line in lines if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        heard.append(Heard(first.split()[1], headers, json.loads(body)))
        head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"


class Credential:
    """Stands for what Azure's own tools have on a machine."""

    asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def get_token(self, scope: str) -> object:
        """Return a token for *scope*."""
        type(self).asked += 1
        assert scope == "https://cognitiveservices.azure.com/.default"
        return AccessToken(TOKEN, int(time.time()) + 3600)


class NoCredential(Credential):
    """A machine where nobody has signed in."""

    def get_token(self, scope: str) -> object:
        """Fail, and tell a secret."""
        raise azure.identity.CredentialUnavailableError(f"no {TOKEN}")


@pytest.fixture(autouse=True)
def _nothing_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own comes in."""
    for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


async def ask(name: str, times: int = 1) -> list[ModelReply]:
    """Ask the model called *name* and close it."""
    model = open_model(name)
    try:
        return [await model.complete(ASK, on_delta=lambda _: None) for _ in range(times)]
    finally:
        await model.aclose()


@pytest.mark.parametrize("tail", ["", "/", "/openai/v1/"])
async def test_a_key_is_sent_to_the_deployment(tail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At Azure's v1 address, which takes OpenAI's own requests."""
    heard: list[Heard] = []
    async with server(heard) as url:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", url + tail)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        (reply,) = await ask("azure:my-gpt")

    (sent,) = heard
    assert (reply.text, sent.path) == ("Hello", "/openai/v1/chat/completions")
    assert sent.headers["api-key"] == KEY
    assert "authorization" not in sent.headers
    assert (sent.body["model"], sent.body["max_completion_tokens"]) == ("my-gpt", 1024)


async def test_without_a_key_a_token_is_fetched_once_and_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is good for an hour."""
    heard: list[Heard] = []
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Credential)
    monkeypatch.setattr(Credential, "asked", 0)
    async with server(heard) as url:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", url)
        await ask("azure:my-gpt", times=2)

    assert [sent.headers["authorization"] for sent in heard] == [f"Bearer {TOKEN}"] * 2
    assert "api-key" not in heard[0].headers
    assert Credential.asked == 1


async def test_the_responses_api_is_reached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some deployments have no other."""
    heard: list[Heard] = []
    done = {"type": "response.completed", "response": {"status": "completed"}}
    async with server(heard, f"data: {json.dumps(done)}\n\n".encode()) as url:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", url)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
        await ask("azure-responses:my-codex")

    assert heard[0].path == "/openai/v1/responses"


def test_without_an_address_it_says_what_to_export() -> None:
    """Nothing can be guessed here."""
    with pytest.raises(ModelNotFound, match="export AZURE_OPENAI_ENDPOINT="):
        open_model("azure:my-gpt")


async def test_without_a_credential_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's own words are not repeated: they may hold anything."""
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", NoCredential)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://h.openai.azure.com")

    with pytest.raises(AuthFailed, match=r"az login.*export AZURE_OPENAI_API_KEY") as caught:
        await ask("azure:my-gpt")
    assert TOKEN not in repr(caught.value) + repr(caught.value.__context__)


def test_what_azure_logs_of_its_tries_is_not_put_on_the_terminal() -> None:
    """Our sentence tells it; whoever configures logging still gets them."""
    code = (
        "import logging, stateflow.models.azure; "
        "logging.getLogger('azure.identity._internal').warning('one of ten lines')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert done.stderr == b""


async def test_a_missing_package_is_a_sentence_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key would do as well."""
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://h.openai.azure.com")

    with pytest.raises(AuthFailed, match=r"stateflow-agents\[azure\]"):
        await ask("azure:my-gpt")


async def test_a_server_that_is_down_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address comes from there."""
    async with server([]) as url:
        pass
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", url)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)

    with pytest.raises(Unreachable, match="AZURE_OPENAI_ENDPOINT") as caught:
        await ask("azure:my-gpt")
    assert KEY not in str(caught.value)
