"""A project of somebody who tests a flow: what its files hold, and how its tests are run."""

from __future__ import annotations

import importlib
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["FLOW", "INI", "MODEL", "REPLAYS", "Project"]

for _name in (
    "genai_prices",
    "stateflow.engine.calling",
    "stateflow.engine.finding",
    "stateflow.engine.replaying",
    "stateflow.models.anthropic",
    "stateflow.models.openai",
    "stateflow.models.price_list",
    "stateflow.testing.cassette.cassette",
    "stateflow.testing.plugin.marked",
    "stateflow.testing.plugin.replaying",
):
    # A session in a session forgets what it was the first to import, which costs time; and
    # compiled modules mind it.
    importlib.import_module(_name)

INI = """
[pytest]
addopts = --strict-markers -p no:cacheprovider
asyncio_default_fixture_loop_scope = function
"""
FLOW = """
from stateflow import Assistant, Budget, Flow, Scripted, State, says, to

writer = Assistant("writer", model="openai:gpt-5", prompt="Write a slogan.")
critic = Scripted("critic", ["too long", "GOOD"])
flow = Flow(
    "slogan",
    State("write", writer, to("review")),
    State("review", critic, to(None, when=says("GOOD")), to("write")),
    budget=Budget(turns=9),
)
"""
"""``talk.py``."""
MODEL = '''
from stateflow import Usage
from stateflow.models.base import ModelReply
from stateflow.models.gate import check_live
from stateflow.models.price import FREE


class Ready:
    """Stands in for a model that costs money: it asks at the gate, and says its texts in order."""

    name = "openai:gpt-5"
    price = FREE

    def __init__(self, *texts):
        self.texts = texts
        self.asked = 0

    async def complete(self, request, /, *, on_delta):
        check_live(self.name)
        text = self.texts[self.asked]
        self.asked += 1
        on_delta(text)
        return ModelReply(text, stop="stop", usage=Usage(1, 5, 5))

    async def count(self, request, /):
        return None

    async def aclose(self):
        pass
'''
"""``ready.py``."""
REPLAYS = """
from ready import Ready

def test_slogan(replay):
    models = {"writer": Ready("Tea!", "Better tea!")}
    result = replay("x.yaml", "talk.py:flow", task="Sell tea.", models=models)
    assert result.path == ("write", "review", "write", "review")
"""
"""A test that replays the cassette ``x.yaml``, and can record it."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a flow and tests."""

    pytester: pytest.Pytester

    @property
    def cassette(self) -> Path:
        """Where ``x.yaml`` is recorded to."""
        return self.pytester.path / "cassettes" / "x.yaml"

    def write(self, **files: str) -> None:
        """Write Python files by their names."""
        self.pytester.makepyfile(**{name: textwrap.dedent(text) for name, text in files.items()})

    def change(self, old: str, new: str, file: str = "talk.py") -> None:
        """Replace a text in one of its files."""
        path = self.pytester.path / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def run(self, *options: str) -> pytest.RunResult:
        """Run its tests in this process."""
        return self.pytester.runpytest_inprocess("-p", "no:randomly", *options)

    def told(self, *options: str) -> str:
        """Run its tests, one of which fails; return what was told of it."""
        result = self.run(*options)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        return result.stdout.str()

    def passes(self, *options: str) -> str:
        """Run its tests, which all pass; return what was told."""
        result = self.run(*options)
        assert result.ret == pytest.ExitCode.OK, result.stdout.str()
        return result.stdout.str()

    def recorded(self, test: str = REPLAYS) -> Path:
        """Record the cassette ``x.yaml`` of *test*; return its path."""
        self.write(test_it=test)
        self.passes("--stateflow-record=once")
        assert self.cassette.is_file()
        return self.cassette
