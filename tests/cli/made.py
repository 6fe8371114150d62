"""Flow files that the tests of the command line share, and how they call it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

HEAD = """
import asyncio
from stateflow import *
"""

DONE = (
    HEAD
    + """
writer = Scripted("writer", ["draft [bold]\\x1b[31mone", "final"])
critic = Scripted("critic", ["too long", "APPROVED"])
flow = Flow(
    "tagline",
    State("write", writer, to("review"), visits=4, prompt="Write."),
    State("review", critic, to(None, when=says("APPROVED")), to("write")),
    Final("gave_up", ok=False),
    on_error="gave_up",
    description="Write and review.",
)
"""
)

ASKS = (
    HEAD
    + """
class Person:
    name = "maintainer"
    kind = "human"
    composed = True

    async def reply(self, turn):
        return Message(await turn.ask("Accept it?", ["accept", "reject"]))

flow = Flow(
    "approval",
    State("write", Scripted("writer", ["a", "b"]), to("approve")),
    State("approve", Person(), to(None, when=says("accept")), to("write")),
)
"""
)

STUCK = (
    HEAD
    + """
flow = Flow("stuck", State("a", Scripted("x", ["no"]), to(None, when=says("yes"))))
"""
)

FAILS = (
    HEAD
    + """
flow = Flow("fails", State("a", Scripted("x", [ValueError("boom")]), to(None)))
"""
)

GIVES_UP = (
    HEAD
    + """
flow = Flow("gives_up", State("a", Scripted("x", ["no"]), to("no")), Final("no", ok=False))
"""
)

SLOW = (
    HEAD
    + """
async def slow(view):
    await asyncio.sleep(1.5 if view.turns else 0)
    return f"turn {view.turns}"

flow = Flow("slow", State("a", FunctionAgent("x", slow), to("a")))
"""
)

NESTED = (
    HEAD
    + """
child = Flow("child", State("c", Scripted("kid", ["inner"]), to(None)))

class Parent:
    name = "parent"
    composed = True

    async def reply(self, turn):
        return (await turn.child(child)).text

flow = Flow("outer", State("p", Parent(), to(None)))
"""
)

MODEL = (
    HEAD
    + """
from pydantic import BaseModel

class Data(BaseModel):
    topic: str = ""

writer = Assistant("writer", model="scripted:Hello there, dear reader.", prompt="Write.")
flow = Flow("model", State("write", writer, to(None)), data=Data)
"""
)

FLAWED = (
    HEAD
    + """
flow = Flow(
    "flawed",
    State("a", Scripted("x", ["1"]), to(None)),
    State("nobody", Scripted("y", ["1"]), to(None)),
)
"""
)


@dataclass(frozen=True)
class Came:
    """What a command came to."""

    code: int
    out: str
    err: str


Call: TypeAlias = Callable[..., Came]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a command that runs as a process of its own."""
    return {
        **{k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR"}},
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "STATEFLOW_STORE": str(folder / "runs.db"),
    }


def command(*words: str) -> list[str]:
    """Return the command line of a process."""
    return [sys.executable, "-m", "stateflow", *words]


def begun(folder: Path, *words: str) -> tuple[subprocess.Popen[str], IO[str]]:
    """Start a process in *folder*; return it and its stderr once ``turn 0`` was told there."""
    process = subprocess.Popen(
        command(*words),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "turn 0" in line:
            break
    return process, process.stderr


ODD = (
    HEAD
    + """
one, two = Scripted("one", ["x" * 300]), Scripted("two", ["2\\u202e\\n" * 20])
flow = Flow(
    "odd",
    State("pass", Scripted("quiet", [PASS]), to("both")),
    State("both", steps(one, two), to("fork")),
    Junction("fork", to("raise", when=visited("both", at_least=1)), to(None)),
    State("raise", Scripted("bad", [RateLimited("slow down")]), to("pass")),
    Final("gave_up", ok=False),
    on_error="gave_up",
)
"""
)

TOOLS = (
    HEAD
    + """
import os

@tool(approve=True)
def delete(path: str) -> str:
    "Delete a file."
    return f"{path} is\\x1b[31m gone\\n" + "x" * 300

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

def fail(why: str) -> str:
    "Fail."
    raise ValueError(why)

patient = Model(os.environ.get("MODEL", "scripted:hi"), retry=Retry(attempts=2, wait_s=0.001))
writer = Assistant("writer", model=patient, tools=[add, delete, fail])
flow = Flow("tools", State("write", writer, to(None)))
"""
)

CHAT = (
    HEAD
    + """
worse = FallbackModel("scripted:never", Model("scripted:heard"))
one, two = Assistant("one", model=worse), Assistant("two", model=Model("scripted:said"))
deaf = Scripted("deaf", ["what?"])
flow = Flow(
    "chat",
    State("a", one, to("b")),
    State("b", two, to("c"), to("d"), choose=by_model("scripted:c")),
    State("c", deaf, to(None)),
    State("d", deaf, to(None)),
)
"""
)

OPAQUE = (
    HEAD
    + """
def look(view):
    sent = File.from_bytes(b"%PDF-1.7", name="b\\x1b[2Jill.pdf")
    calls = (ToolCall("1", "look\\x9b", "{}", "so\\x07 many", ok=False),)
    return Message("seen", calls=calls, files=(sent,))

flow = Flow("opaque", State("look", FunctionAgent("eye", look), to(None)))
"""
)

CODE = (
    HEAD
    + """
import os

code = "```python\\nprint('hello from code')\\n```"
coder = Scripted("coder", [code])
runner = CodeRunner("runner", approve=os.environ.get("APPROVE", "never"))
flow = Flow("code", State("write", coder, to("run")), State("run", runner, to(None)))
"""
)
