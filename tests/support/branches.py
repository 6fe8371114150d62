"""Small flows and agents to nest: each does one thing, or never comes to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pydantic import BaseModel

from stateflow import (
    Flow,
    FunctionAgent,
    Message,
    Scripted,
    State,
    Turn,
    View,
    says,
    to,
    visited,
)
from stateflow.journal.event import ChildEnded, Journal

__all__ = [
    "AskedFor",
    "Asker",
    "Order",
    "Stuck",
    "after_rounds",
    "asks",
    "counts",
    "ends_of",
    "fails",
    "hangs",
    "one",
    "stuck",
]


class Order(BaseModel):
    """What a shop is asked for."""

    item: str = "nothing"
    pieces: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Asker:
    """Asks a person, and says the answer."""

    name: str = "asker"
    composed: bool = True

    async def reply(self, turn: Turn, /) -> str:
        return await turn.ask("Which one?")


@dataclass(frozen=True, slots=True, eq=False)
class Stuck:
    """Never says anything, and counts how often it was dropped."""

    name: str
    dropped: list[str]

    async def reply(self, turn: Turn, /) -> Message:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.dropped.append(turn.state)
            raise
        raise AssertionError


@dataclass(frozen=True, slots=True, eq=False)
class AskedFor:
    """A summary that a person is asked for: it takes effects of its own."""

    form: str = "asked for"

    async def summarise(self, turn: Turn, child: int | None, /) -> str:
        said = turn.view.transcript if child is None else await turn.hear(child)
        told = [await turn.ask(question) for question in ("What of it?", "And in a word?")]
        return f"{len(said)} messages; {', '.join(told)}"


def one(name: str, *lines: str) -> Flow:
    """Return a flow in which *name* says *lines*, a turn each."""
    texts = lines or (f"{name} is done",)
    return Flow(
        name,
        State("say", Scripted(name, texts), to(None, when=says(texts[-1])), to("say")),
    )


def counts(name: str, turns: int) -> Flow:
    """Return a flow that takes so many turns."""
    done = visited("count", at_least=turns)
    counter = FunctionAgent(name, lambda view: str(view.turns + 1))
    return Flow(name, State("count", counter, to(None, when=done), to("count")))


def asks(name: str = "asks") -> Flow:
    """Return a flow that asks one question."""
    return Flow(name, State("ask", Asker(), to(None)))


def after_rounds(name: str, rounds: int) -> Flow:
    """Return a flow whose one agent lets the others go first so often."""

    async def wait(view: View) -> str:
        for _ in range(rounds):
            await asyncio.sleep(0)
        return f"{name} in {view.state}"

    return Flow(name, State("say", FunctionAgent(name, wait), to(None)))


def ends_of(journal: Journal) -> list[ChildEnded]:
    """Return what the branches came to, in the order in which they did."""
    return [one.event for one in journal.events if isinstance(one.event, ChildEnded)]


def fails(name: str = "fails") -> Flow:
    """Return a flow whose one agent raises."""
    return Flow(name, State("try", Scripted(name, [ValueError("no way")]), to(None)))


def hangs(name: str, dropped: list[str]) -> Flow:
    """Return a flow that never ends, and tells *dropped* when it is left."""
    return Flow(name, State("hang", Stuck(name, dropped), to(None)))


def stuck(name: str = "stuck") -> Flow:
    """Return a flow in which no guard holds."""
    return Flow(name, State("say", Scripted(name, ["hm"]), to(None, when=says("never"))))
