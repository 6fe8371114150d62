"""Flows put together by chance, and agents that say and do things by chance.

They are for what must hold whatever a flow looks like and whoever speaks.  A generator with a
seed makes both, so a run that shows something can be made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal

from pydantic import BaseModel

from stateflow import (
    PASS,
    UNLIMITED,
    Assistant,
    BadReply,
    Budget,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Journal,
    Junction,
    Message,
    Model,
    Nested,
    Outcome,
    Parallel,
    Price,
    Settings,
    State,
    ToolCall,
    Usage,
    View,
    by_model,
    exhausted,
    failed,
    in_turn,
    itself,
    last,
    raised,
    says,
    steps,
    summarised,
    to,
    tool,
    turns_at_least,
    visited,
)
from stateflow.conversation.agent import Reply
from stateflow.conversation.tokens import estimate_text
from stateflow.journal.event import ChildStarted, EffectDone, EffectFailed
from stateflow.machine.state import Place, Steps
from stateflow.machine.transition import Transition
from stateflow.models.base import ModelReply, ModelRequest, estimate_tokens
from stateflow.models.model import Model as NamedModel

__all__ = ["Dice", "counted", "wild_flow"]

_WORDS = ("A", "B", "A B", "no")
_WRITES = 16
"""Most that the model writes [tokens]."""


class _Grade(BaseModel):
    mark: Literal["good", "bad"]


@tool
def look(word: str) -> str:
    """Look a word up."""
    return word


def model() -> NamedModel:
    return Model("scripted:dice", Settings(max_tokens=_WRITES), price=Price(1.0, 3.0))


class Dice:
    """A model that says anything, as much as it may, and bills what it read and wrote."""

    name = "scripted:dice"
    price = Price(1.0, 3.0)

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        if self.rng.random() < 0.05:
            raise BadReply("nothing came")
        calls = self._calls(request) if request.tools and self.rng.random() < 0.6 else ()
        text = "" if calls else self._text(request)
        usage = Usage(
            1, estimate_tokens(request), max(estimate_text(text), _WRITES if calls else 0)
        )
        return ModelReply(text, calls, usage=usage)

    def _calls(self, request: ModelRequest) -> tuple[ToolCall, ...]:
        flows = [one.name for one in request.tools if one.name != "look"]
        many = 1 if flows else self.rng.randint(1, 3)  # several flows at once share by themselves
        names = [self.rng.choice([one.name for one in request.tools]) for _ in range(many)]
        arguments = json.dumps({"task": "t"} if flows else {"word": "w"})
        return tuple(ToolCall(f"c{n}", name, arguments) for n, name in enumerate(names))

    def _text(self, request: ModelRequest) -> str:
        schema: Any = request.schema
        if schema is not None and "next" in schema["properties"] and self.rng.random() < 0.7:
            words: list[str] = schema["properties"]["next"]["enum"]
            return json.dumps({"next": self.rng.choice(words)})
        if schema is not None and self.rng.random() < 0.5:
            return json.dumps({"mark": self.rng.choice(["good", "bad"])})
        return self.rng.choice([*_WORDS, "A " * (_WRITES * 2)])

    async def count(self, request: ModelRequest, /) -> int | None:
        return estimate_tokens(request)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""


def wild_flow(rng: Random, name: str = "wild", level: int = 0) -> Flow:
    """Return a flow of up to five places and of up to two levels more; no run of it is endless."""
    while True:
        try:
            return _Wild(rng, name, level).flow()
        except DefinitionError:
            continue  # junctions that only lead to each other, and the like


class _Wild:
    def __init__(self, rng: Random, name: str, level: int) -> None:
        self.rng, self.name, self.level = rng, name, level
        self.states = [f"s{n}" for n in range(rng.randint(1, 4))]
        self.junctions = ["j"] if rng.random() < 0.3 else []
        self.places = [*self.states, *self.junctions]

    def flow(self) -> Flow:
        states: list[Place] = [self._state(name) for name in self.states]
        junctions = [Junction(name, *self._ways(2), to(None)) for name in self.junctions]
        turns = self.rng.choice([0, 1, 2, 4, 9, 20, 2.5])
        if self._capped(states) and self.level == 0 and self.rng.random() < 0.5:
            turns = UNLIMITED
        return Flow(
            self.name,
            *states,
            *junctions,
            Final("gave_up", ok=False),
            budget=Budget(
                turns=turns,
                calls=self.rng.choice([None, None, None, 0, 5]),
                tokens=self.rng.choice([None, None, None, 2_000]),
                depth=self.rng.choice([0, 1, 2, 3]),
            ),
            on_error=self.rng.choice([None, "gave_up", *self.states]),
            description="does something",
        )

    def _capped(self, states: Sequence[Place]) -> bool:
        return all(isinstance(one, State) and one.visits is not None for one in states)

    def _state(self, name: str) -> State:
        visits = self.rng.choice([None, 1, 2, 3])
        ways = self._ways(3)
        kind = self.rng.random()
        if self.level < 2 and kind < 0.2:
            inner = itself() if self.rng.random() < 0.2 else self._inner(name)
            summary = by_model(model()) if self.rng.random() < 0.3 else None
            return Nested(name, inner, *ways, visits=visits, summary=summary)
        if self.level < 2 and kind < 0.3:
            branches = {f"{name}{n}": self._inner(f"{name}{n}") for n in range(2)}
            need: Literal["any", "all"] = self.rng.choice(["any", "all"])
            others: Literal["cancel", "keep"] = self.rng.choice(["cancel", "keep"])
            return Parallel(name, branches, *ways, visits=visits, join=need, others=others)
        choose = self.rng.choice([None, None, in_turn(), by_model(model(), retries=1)])
        sees = self.rng.choice([None, None, last(2), summarised(beyond=3, keep=1)])
        return State(name, self._speaker(name), *ways, visits=visits, choose=choose, sees=sees)

    def _inner(self, name: str) -> Flow:
        return wild_flow(self.rng, f"{self.name}-{name}", self.level + 1)

    def _speaker(self, name: str) -> Assistant | FunctionAgent | Steps:
        kind = self.rng.random()
        who = f"{name} speaks"
        if kind < 0.4:
            return FunctionAgent(who, self._said)
        if kind < 0.5:
            return steps(FunctionAgent(who, self._said), Assistant(f"{name} too", model()))
        if kind < 0.7:
            return Assistant(who, model())
        if kind < 0.8:
            return Assistant(who, model(), reply=_Grade, repairs=1)
        if kind < 0.9 or self.level > 1:
            return Assistant(who, model(), tools=[look], rounds=2)
        flow = self._inner(f"{name} tool").as_tool("inner")
        return Assistant(who, model(), tools=[flow], rounds=2)

    def _said(self, view: View) -> Reply:
        dice = self.rng.random()
        if dice < 0.1:
            raise BadReply("no")
        if dice < 0.2:
            return PASS
        text = self.rng.choice(_WORDS)
        outcome = self.rng.choice([None, None, Outcome.passed(), Outcome.failed()])
        return Message(text, outcome=outcome)

    def _ways(self, most: int) -> list[Transition]:
        return [self._way() for _ in range(self.rng.randint(0, most))]

    def _way(self) -> Transition:
        if self.rng.random() < 0.1:
            return to("gave_up", when=exhausted)
        target = self.rng.choice([None, "gave_up", *self.places, *self.places])
        restart = by_model(model()) if self.rng.random() < 0.05 else None
        return to(target, when=self._guard(), restart=restart)

    def _guard(self) -> Guard | None:
        number = self.rng.randint(1, 4)
        place = self.rng.choice(self.places)
        guards = [
            says("A"),
            says("B"),
            failed,
            raised("BadReply"),
            visited(place, at_least=number),
            turns_at_least(number),
            says("A") & ~says("B"),
        ]
        return None if self.rng.random() < 0.4 else self.rng.choice(guards)


def counted(journal: Journal) -> dict[str, int]:
    """Return how many tools were called and how much code was run, nested runs included."""
    found = {"tools": 0, "code": 0}
    for recorded in journal.events:
        event = recorded.event
        if isinstance(event, EffectDone | EffectFailed):
            found["tools"] += event.op == "tool.call"
            found["code"] += event.op == "code.run"
        elif isinstance(event, ChildStarted) and isinstance(event.args, dict):
            found["tools"] += "tool" in event.args
    for child in journal.children.values():
        below = counted(child)
        found = {name: found[name] + below[name] for name in found}
    return found
