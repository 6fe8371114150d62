"""From names to models."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stateflow.errors import AuthFailed, ModelNotFound
from stateflow.models.base import ModelRequest
from stateflow.models.names import ModelPool, open_model
from stateflow.models.scripted import ScriptedModel


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("gpt-5", "openai:NAME", id="no-prefix"),
        pytest.param("mistral:x", "openai:NAME", id="unknown-prefix"),
        pytest.param("openai:", "openai:NAME", id="no-name"),
        pytest.param("anthropic:claude", "not available in this version", id="anthropic"),
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
    ("name", "shown"),
    [
        ("openai:gpt-5", "openai:gpt-5"),
        ("openai+http://h:1/v1#m", "openai+http://h:1/v1#m"),
        ("openai+https://u:secret@h/v1#m", "openai+https://h/v1#m"),
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


def test_a_missing_sdk_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to guess the name of the extra."""
    monkeypatch.setitem(sys.modules, "stateflow.models.openai", None)

    with pytest.raises(ModelNotFound, match=r"stateflow-agents\[openai\]"):
        open_model("openai:gpt-5")


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
