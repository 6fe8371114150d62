"""A sandbox for tests of what is around one: its programs are a few words, and it can be broken.

A program's lines: ``say TEXT``, ``complain TEXT``, ``write NAME TEXT``, ``read NAME``, ``exit N``,
``count`` (says another number each time, as a clock does), ``slow``, ``bomb``, ``reset``, ``die``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stateflow import CodeRunner, Flow, Result, Scripted, State, run, succeeded, to
from stateflow.agents.code import Approve
from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.blocks import Block
from stateflow.value import Json


@dataclass(slots=True)
class Ledger:
    """What happened at a bench."""

    opened: int = 0
    closed: int = 0
    ran: list[str] = field(default_factory=list[str])
    put: list[str] = field(default_factory=list[str])
    counted: int = 0
    image: str = "sha256:1"
    down: bool = False
    """Whether nobody can open it."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A sandbox made of words."""

    ledger: Ledger = field(hash=False, compare=False)
    name: str = "bench"
    keeps: bool = True
    risk: str = ""
    allowed: bool = False

    @property
    def languages(self) -> Sequence[str]:
        return ("python", "sh")

    @property
    def form(self) -> Json:
        return {"sandbox": self.name}

    async def open(self) -> BenchSession:
        if self.ledger.down:
            raise SandboxUnavailable("the bench is down; set it up again")
        self.ledger.opened += 1
        return BenchSession(self)


@dataclass(slots=True)
class BenchSession:
    """An open way to a bench."""

    bench: Bench
    folder: dict[str, str] = field(default_factory=dict[str, str])
    languages: Sequence[str] = ("python", "sh")
    _said: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def identity(self) -> Mapping[str, Json]:
        return {"image": self.bench.ledger.image}

    async def put(self, files: Sequence[File], /) -> None:
        for file in files:
            assert file.content is not None
            self.bench.ledger.put.append(file.name)
            self.folder[file.name] = file.content.decode()

    async def run(self, block: Block, /) -> Execution:
        await asyncio.sleep(0)
        self.bench.ledger.ran.append(block.code.strip())
        if block.language == "file":
            self.folder[block.name] = block.code
            return Execution("file", 0)
        self._said = {"exit_code": 0, "stdout": "", "stderr": "", "files": ()}
        for line in block.code.splitlines():
            word, _, rest = line.partition(" ")
            if word == "wait":
                await asyncio.sleep(float(rest))
            elif word in _WORDS:
                _WORDS[word](self, rest)
        return Execution(block.language, **self._said)

    def say(self, text: str) -> None:
        self._said["stdout"] += f"{text}\n"

    def complain(self, text: str) -> None:
        self._said["stderr"] += f"{text}\n"

    def write(self, rest: str) -> None:
        name, _, text = rest.partition(" ")
        self.folder[name] = text
        self._said["files"] = (
            *self._said["files"],
            File.from_bytes(text.encode(), name=name),
        )

    def read(self, name: str) -> None:
        self.say(self.folder.get(name, "nothing"))

    def exit(self, code: str) -> None:
        self._said["exit_code"] = int(code)

    def count(self, rest: str) -> None:
        self.bench.ledger.counted += 1
        self.say(str(self.bench.ledger.counted))

    def slow(self, rest: str) -> None:
        self._said |= {"exit_code": 137, "fault": "TimedOut"}

    def bomb(self, rest: str) -> None:
        self._said |= {"exit_code": 137, "fault": "OutOfMemory"}

    def reset(self, rest: str) -> None:
        self._said["reset"] = True

    def die(self, rest: str) -> None:
        raise SandboxUnavailable("the bench broke down")

    async def aclose(self) -> None:
        self.bench.ledger.closed += 1


_WORDS: Mapping[str, Callable[[BenchSession, str], None]] = {
    word.__name__: word
    for word in (
        BenchSession.say,
        BenchSession.complain,
        BenchSession.write,
        BenchSession.read,
        BenchSession.exit,
        BenchSession.count,
        BenchSession.slow,
        BenchSession.bomb,
        BenchSession.reset,
        BenchSession.die,
    )
}


def code(*programs: str, language: str = "python") -> str:
    """Return a message that holds *programs*, a block each."""
    return "Here you are.\n\n" + "\n\n".join(f"```{language}\n{one}\n```" for one in programs)


def looped(bench: Bench, *texts: str, approve: Approve = "never") -> Flow:
    """Return a flow in which a coder is sent back until the code runs."""
    return Flow(
        "loop",
        State("write", Scripted("coder", list(texts)), to("run")),
        State(
            "run",
            CodeRunner("runner", sandbox=bench, approve=approve),
            to(None, when=succeeded),
            to("write"),
        ),
    )


async def ran(bench: Bench, *texts: str, approve: Approve = "never") -> Result:
    return await run(looped(bench, *texts, approve=approve), "go")
