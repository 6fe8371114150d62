"""A flow with one of everything that can be covered, and talks that take it one way or another."""

from __future__ import annotations

from stateflow import (
    Assistant,
    Budget,
    Final,
    Flow,
    Human,
    Junction,
    Message,
    Nested,
    Parallel,
    RateLimited,
    Scripted,
    State,
    ToolCall,
    answered,
    exhausted,
    in_turn,
    says,
    to,
    tool,
)
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.testing.coverage.coverage import Coverage
from stateflow.testing.coverage.outline import Item, Kind
from stateflow.testing.home import home_of

__all__ = ["Calls", "asking", "calling", "counts", "essay", "reading", "turns"]


def essay(*said: str | Message | Exception) -> Flow:
    """Return a flow in which one writer says all of *said*, two guards are asked, errors caught."""
    writer = Scripted("writer", list(said))
    return Flow(
        "essay",
        State("write", writer, to("gave_up", when=exhausted), to("judge"), visits=2),
        Junction("judge", to(None, when=says("DONE")), to("write")),
        Final("gave_up", ok=False),
        on_error="gave_up",
    )


def turns() -> Flow:
    """Return a flow in which a chooser picks among two states."""
    a, b = Scripted("a", ["x", "x"]), Scripted("b", ["STOP"])
    return Flow(
        "turns",
        State("a", a, to("a", when=says("never")), to("b"), to("a"), choose=in_turn()),
        State("b", b, to(None)),
    )


def reading(*, flaw: bool = False) -> Flow:
    """Return a flow in which another runs alone, and two at once."""
    said: list[str | Exception] = [RateLimited("busy")] if flaw else ["fine"]
    critic = Flow("critic", State("read", Scripted("c", said), to(None)))
    editor = Flow("editor", State("edit", Scripted("e", ["good"] * 9), to(None)))
    return Flow(
        "reading",
        Nested("alone", editor, to("both")),
        Parallel("both", {"one": editor, "two": critic}, to(None, when=says("good")), to(None)),
        on_error="alone",
        budget=Budget(turns=9),
    )


def asking() -> Flow:
    """Return a flow that asks a person first."""
    owner = Human("owner", "Shall it be?", options=["yes", "no"])
    return Flow("asking", State("ask", owner, to(None, when=answered("yes")), to("ask")))


@tool
def look(word: str) -> str:
    """Look a word up."""
    if word == "bad":
        raise ValueError("there is no such word")
    return word


@tool
def rest() -> str:
    """Do nothing."""
    return ""


def calling() -> Flow:
    """Return a flow whose assistant has two tools."""
    reader = Assistant("reader", "scripted:calls", tools=[look, rest])
    return Flow("calling", State("read", reader, to(None)))


class Calls:
    """A model that looks up the words it was given, one after the other, and is done."""

    name = "scripted:calls"
    price = None

    def __init__(self, *words: str) -> None:
        self.words = list(words)

    async def complete(self, request: ModelRequest, /, *, on_delta: object) -> ModelReply:
        if not self.words:
            return ModelReply("done")
        word = self.words.pop(0)
        return ModelReply("", (ToolCall("1", "look", f'{{"word": "{word}"}}'),))

    async def count(self, request: ModelRequest, /) -> int | None:
        return None

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""


def counts(coverage: Coverage, flow: Flow, kind: Kind) -> dict[str, int]:
    """Return how often each item of one kind was seen, by its name."""
    found = coverage.counted(home_of(flow)).items()
    return {_name(item): times for item, times in found if item.kind == kind}


def _name(item: Item) -> str:
    return f"{item.at}/{item.to}" if item.kind == "branch" else str(item)
