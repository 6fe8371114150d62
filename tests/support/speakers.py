"""Agents of every kind, and what they may say: for what is proved of them, and what is shown."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, field_validator

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.function import FunctionAgent
from stateflow.agents.human import Human
from stateflow.machine.flow import Flow
from stateflow.machine.guards import failed
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to


class Verdict(BaseModel):
    grade: Literal["good", "bad"]
    score: int = Field(ge=1, le=10)
    sure: bool = False


class Shouted(BaseModel):
    word: Literal["yes"]

    @field_validator("word")
    @classmethod
    def shout(cls, word: str) -> str:
        return word.upper()


class Data(BaseModel):
    kind: Literal["a", "b"] = "a"
    count: int = 0
    items: list[Verdict] = []


ECHO = FunctionAgent("echo", lambda view: view.last.text)
BOSS = Human("boss", options=["yes", "no", "no, but"])
PERSON = Human("person", may_pass=True)
CLERK = Human("clerk", form=Verdict)
RUNNER = CodeRunner("runner")
MODEL = Assistant("model", "test:model")
JUDGE = Assistant("judge", "test:model", reply=Verdict)
INNER = Flow(
    "inner", State("s", ECHO, to("lost", when=failed), to(None)), Final("lost", ok=False), data=Data
)
