"""From names to models."""

from __future__ import annotations

import socket
import subprocess
import sys

import httpx2
import openai
import pytest

from stateflow.errors import AuthFailed, BadRequest, ModelNotFound, Unreachable
from stateflow.models.base import ModelRequest
from stateflow.models.names import ModelPool, open_model
from stateflow.models.scripted import ScriptedModel
from tests.support.openai_wire import ASK, KEY, Sent, refused


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("gpt-5", "openai:NAME", id="no-prefix"),
        pytest.param("mistral:x", "openai:NAME", id="unknown-prefix"),
        pytest.param("openai:", "openai:NAME", id="no-name"),
        pytest.param("anthropic+ftp://host#m", "anthropic\\+http", id="anthropic-url"),
        pytest.param("ollama:", "ollama:NAME", id="no-ollama"),
        pytest.param("llama+http://host/v1#m", "no known kind", id="kind-without-url"),
        pytest.param("llama:foo", "llama:smollm2", id="not-embedded"),
        pytest.param("openai+http://host/v1", "#NAME", id="url-without-model"),
        pytest.param("openai+ftp://host/v1#m", "#NAME", id="url-of-another-kind"),
        pytest.param("openai+http://host:99999999/v1#m", "#NAME", id="impossible-port"),
    ],
)
def test_a_name_that_leads_nowhere_says_where_to_go(name: str, says: str) -> None:
    """The sentence holds the name and a form that works."""
    with pytest.raises(ModelNotFound, match=says) as caught:
        open_model(name)
    assert name in str(caught.value) or name.partition("#")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("openai+localhost:8000/v1#x", "lacks http.*openai\\+http://localhost:8000/v1#x$"),
        ("anthropic+localhost:8000", "lacks http.*anthropic\\+http://localhost:8000#NAME$"),
        ("openai+u:secret@h/v1#x", "openai\\+http://h/v1#x$"),
        ("openai+https://u:secret@h/v1", "names no model"),
        ("anthropic+http://h", "anthropic\\+http://localhost:8000#NAME$"),
    ],
)
def test_an_address_that_is_not_whole_says_what_it_lacks(name: str, says: str) -> None:
    """What cannot be read is no reason to show a password."""
    with pytest.raises(ModelNotFound, match=says) as caught:
        open_model(name)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("openai:gpt-5", "openai:gpt-5"),
        ("openai+http://h:1/v1#m", "openai+http://h:1/v1#m"),
        ("openai+https://u:secret@h/v1#m", "openai+https://h/v1#m"),
        ("openai-responses:gpt-5", "openai-responses:gpt-5"),
        ("openai-responses+http://h:1/v1#m", "openai-responses+http://h:1/v1#m"),
        ("ollama:qwen3:8b", "ollama:qwen3:8b"),
        ("anthropic:claude", "anthropic:claude"),
        ("anthropic+https://h#m", "anthropic+https://h#m"),
        ("llama:smollm2", "llama:smollm2"),
        ("scripted:a|b", "scripted:a|b"),
    ],
)
def test_a_model_is_called_by_its_name_without_secrets(name: str, shown: str) -> None:
    """A password in an address is not repeated."""
    assert open_model(name).name == shown


async def test_openai_without_a_key_says_which_to_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    with pytest.raises(AuthFailed, match="export OPENAI_API_KEY"):
        await open_model("openai:gpt-5").complete(ModelRequest("m"), on_delta=lambda _: None)


@pytest.mark.parametrize(
    ("name", "base_url", "path"),
    [
        ("openai:gpt-5", None, "/v1/chat/completions"),
        ("openai:gpt-5-codex", None, "/v1/responses"),
        ("openai:gpt-5-codex", "http://h/v1", "/v1/chat/completions"),
        ("openai-responses:gpt-5", None, "/v1/responses"),
        ("openai-responses+http://h/v1#m", None, "/v1/responses"),
        ("openai+http://h/v1#m", None, "/v1/chat/completions"),
        ("ollama:qwen3", None, "/v1/chat/completions"),
    ],
)
async def test_a_model_is_reached_through_the_api_that_it_needs(
    name: str, base_url: str | None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only OpenAI itself has models that need the newer one."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    if base_url is not None:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    sent = Sent(refused(400))
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(sent))
    monkeypatch.setattr(openai, "DefaultAsyncHttpxClient", lambda: client)
    model = open_model(name)

    with pytest.raises(BadRequest):
        await model.complete(ASK, on_delta=lambda _: None)
    await model.aclose()

    (request,) = sent.requests
    secret = name.startswith(("openai:", "openai-responses:"))
    assert (request.url.path, KEY in request.headers.get("authorization", "")) == (path, secret)


async def test_an_ollama_that_does_not_run_says_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is the first thing that goes wrong."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{port}")
    model = open_model("ollama:qwen3")

    with pytest.raises(Unreachable, match=r"ollama serve.*ollama pull"):
        await model.complete(ASK, on_delta=lambda _: None)
    await model.aclose()


@pytest.mark.parametrize("name", ["openai:gpt-5", "openai-responses+https://h/v1#m"])
def test_a_missing_sdk_is_a_sentence_with_the_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to guess the name of the extra."""
    monkeypatch.setitem(sys.modules, "stateflow.models.openai", None)

    with pytest.raises(ModelNotFound, match=r"stateflow-agents\[openai\]") as caught:
        open_model(name)
    assert repr(name) in str(caught.value)


def test_names_import_no_sdk() -> None:
    """Importing costs nothing until a model is opened."""
    code = (
        "import sys; from stateflow.models.names import open_model; open_model('scripted:a'); "
        "open_model('llama:smollm2'); sys.exit(bool({'openai', 'xllamacpp'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Closing(ScriptedModel):
    """Counts how often it was closed, and fails when told to."""

    closed = 0

    async def aclose(self) -> None:
        """Close."""
        self.closed += 1
        if self.name == "bad":
            raise OSError("cannot close")


async def test_a_pool_opens_once_and_closes_all_even_when_one_fails() -> None:
    """One bad connection does not keep the others open."""
    good, bad = Closing(["x"], name="good"), Closing(["x"], name="bad")
    pool = ModelPool({"good": good, "bad": bad})

    assert pool.get("good") is good
    assert pool.get("scripted:a") is pool.get("scripted:a")
    with pytest.raises(OSError, match="cannot close"):
        await pool.aclose()

    assert (good.closed, bad.closed) == (1, 1)
