"""Prints: what moves one and what does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from stateflow.conversation.agent import Turn
from stateflow.conversation.view import View
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.flow import Flow
from stateflow.machine.guards import data_is, exit_code, failed, says
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import to

ROOT = Path(__file__).parents[2]


class Agent:
    kind = "llm"

    def __init__(self, name: str, prompt: str = "") -> None:
        self.name = name
        self.prompt = prompt
        self.model = "openai:gpt-5"

    async def reply(self, turn: Turn) -> str:
        return ""


class Brief(BaseModel):
    topic: str = ""


def patch(view: View) -> dict[str, str]:
    return {"topic": view.last.text}


def brief(view: View) -> str:
    return "Be brief."


A = Agent("a")
FIRST, SECOND = to("s", when=failed), to(None, when=says("DONE"))
PLAIN = Flow("f", State("s", A, FIRST, SECOND))
PROMPTED = State("s", Agent("a", "Be kind."), FIRST, SECOND, prompt="Be brief.")


def test_a_prompt_keeps_the_print() -> None:
    """Prompts are told apart by the print of each request; the table shows them."""
    flow = Flow("f", PROMPTED, description="A chat.")

    assert flow.fingerprint() == PLAIN.fingerprint()
    assert flow.table() != PLAIN.table()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(State("s", A, FIRST, to(None, when=says("OVER"))), id="guard"),
        pytest.param(State("s", A, SECOND, FIRST), id="order"),
        pytest.param(State("s", A, FIRST, SECOND, visits=3), id="visits"),
        pytest.param(State("s", A, FIRST, to("s", when=says("DONE"))), id="target"),
        pytest.param(State("s", A, FIRST, to(None, when=says("DONE"), do=patch)), id="action"),
        pytest.param(State("s", A, FIRST, SECOND, entry=patch), id="entry"),
        pytest.param(State("s", A, FIRST, SECOND, exit=patch), id="exit"),
        pytest.param(State("s", A, FIRST, SECOND, choose=chooser_of(patch)), id="chooser"),
        pytest.param(State("s", Agent("b"), FIRST, SECOND), id="speaker"),
    ],
)
def test_what_decides_moves_the_print(place: Place) -> None:
    """Names, order, guards, caps, actions."""
    assert Flow("f", place).fingerprint() != PLAIN.fingerprint()


def test_all_of_a_guard_decides() -> None:
    """A field of the data may well be called prompt."""
    flows = [
        Flow("f", State("s", A, to(None, when=data_is("brief", {"prompt": text}))))
        for text in ("one", "two")
    ]

    assert flows[0].fingerprint() != flows[1].fingerprint()


def test_the_table_holds_the_whole_flow_as_json() -> None:
    """Places and transitions in definition order."""
    flow = Flow(
        "f",
        State("s", A, to("j", when=exit_code(1)), prompt=brief, save="topic"),
        Junction("j", to("end")),
        Final("end", ok=False),
        data=Brief,
        on_error="end",
        budget=Budget(turns=UNLIMITED, usd=2.0),
    )

    table = json.loads(json.dumps(flow.table()))

    assert [next(iter(place)) for place in table["places"]] == ["state", "junction", "final"]
    assert table["places"][0]["to"] == [
        {"to": "j", "when": {"guard": "exit_code", "args": [1]}, "name": "exit_code(1)"}
    ]
    assert table["budget"] == {"turns": "inf", "usd": 2.0, "depth": 5}
    assert (table["on_error"], table["data"]["model"]) == ("end", "Brief")
    assert table["agents"] == [{"name": "a", "kind": "llm", "model": "openai:gpt-5"}]


def test_a_journaled_table_has_the_same_print() -> None:
    """JSON and back changes nothing that decides."""
    from stateflow.machine.fingerprint import fingerprint

    assert fingerprint(json.loads(json.dumps(PLAIN.table()))) == PLAIN.fingerprint()


PROGRAM = """
from stateflow.machine.flow import Flow
from stateflow.machine.guard import guard
from stateflow.machine.state import State
from stateflow.machine.transition import to
class Agent:
    name = "a"
    async def reply(self, turn): return ""
late = guard(lambda view: view.last.text in {"a", "b", "c", "d"})
print(Flow("f", State("s", Agent(), to(None, when=late), to("s"))).fingerprint())
"""


def test_the_print_is_the_same_under_another_hash_seed() -> None:
    """Nothing iterates over a set."""
    prints = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(prints) == 1
    assert len(prints.pop().strip()) == 16
