"""Random flows: whatever a flow may hold that is no Python function, in every mixture.

``random_flow`` makes one from a generator with a seed; ``flows()`` is the same for hypothesis.
Hypothesis draws the seed alone: drawing every part of a flow took it a hundred times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st

from stateflow import (
    Agent,
    Budget,
    Flow,
    Guard,
    Junction,
    Nested,
    Parallel,
    State,
    by_model,
    exhausted,
    hours,
    itself,
    last_message,
    steps,
    to,
)
from stateflow import Final as End
from stateflow.conversation.summary import Summary
from stateflow.conversation.window import Window
from stateflow.machine.choose import Chooser
from stateflow.machine.state import Place
from stateflow.machine.transition import Transition
from tests.support.random_parts import (
    HOSTILE,
    TEXTS,
    Grade,
    Notes,
    a_budget,
    a_chooser,
    a_guard,
    a_name,
    a_text,
    a_window,
    agents,
    few,
    sights,
)
from tests.support.walking import dice

__all__ = [
    "HOSTILE",
    "TEXTS",
    "Grade",
    "Notes",
    "RandomFlow",
    "flows",
    "guards",
    "names",
    "random_flow",
]


def seeds() -> st.SearchStrategy[Random]:
    """Return generators, each with a seed of its own."""
    return st.integers(0, 2**32 - 1).map(dice)


def flows() -> st.SearchStrategy[Flow]:
    """Return flows of every kind."""
    return st.builds(_of_seed, st.integers(0, 2**32 - 1))


def _of_seed(seed: int) -> Flow:
    return random_flow(dice(seed))


def guards() -> st.SearchStrategy[Guard]:
    """Return built-in guards, alone and joined."""
    return seeds().map(a_guard)


def names() -> st.SearchStrategy[str]:
    """Return names that a place or an agent may have."""
    return seeds().map(a_name)


def random_flow(chance: Random, *, depth: int = 1, plain: bool = False) -> Flow:
    """Return a flow of up to five places.

    Args:
        chance: what decides.
        depth: so deep may flows be nested in it [flows].
        plain: without hostile names, for where a failing example is to be read.
    """
    inner: list[Flow] = []
    if depth and chance.random() < 0.5:
        inner.append(random_flow(chance, depth=depth - 1, plain=plain))
    return RandomFlow(chance, inner, plain=plain).flow()


class RandomFlow:
    """One flow in the making."""

    kinds: ClassVar[Sequence[str]] = ("nested", "itself", "agent", "parallel", "both")
    accepted: ClassVar[Sequence[Mapping[str, str]]] = (
        {},
        {"SF106": 'It is "meant".'},
        {"SF103 at x": "Yes."},
    )

    def __init__(self, chance: Random, inner: Sequence[Flow], *, plain: bool) -> None:
        self.chance, self.inner, self.plain = chance, inner, plain
        places = list(dict.fromkeys(few(chance, 1, 5, self.name)))
        first = chance.randint(1, len(places))
        second = chance.randint(first, len(places))
        self.states, self.junctions = places[:first], places[first:second]
        self.finals = places[second:]
        self.data = chance.random() < 0.5
        self.agents: Sequence[Agent] = few(chance, 1, 3, self.agent)

    def name(self) -> str:
        return a_name(self.chance, plain=self.plain)

    def agent(self) -> Agent:
        return agents(self.chance, self.states, plain=self.plain)

    def chooser(self) -> Chooser | None:
        return a_chooser(self.chance)

    def sight(self) -> Window | None:
        return sights(self.chance)

    def summary(self) -> Summary | None:
        return self.chance.choice((None, last_message, by_model("a:b")))

    def budget(self) -> Budget:
        return a_budget(self.chance)

    def guard(self) -> Guard | None:
        speakers = [*(one.name for one in self.agents), "nobody"]
        return self.chance.choice((None, a_guard(self.chance, self.states, speakers)))

    def flow(self) -> Flow:
        chance = self.chance
        taken = {one.name for flow in self.inner for one in flow.flows}
        name = self.name()
        while name in taken:
            name += "'"
        made: list[Place] = [self.place(one) for one in self.states]
        made += [self.junction(n, one) for n, one in enumerate(self.junctions)]
        made += [End(one, ok=chance.random() < 0.5, phase=self.phase()) for one in self.finals]
        return Flow(
            name,
            *made,
            budget=self.budget(),
            on_error=chance.choice((None, *self.finals, *self.states)),
            data=Notes if self.data else None,
            choose=self.chooser(),
            description=a_text(chance),
            accept=chance.choice(self.accepted),
        )

    def place(self, name: str) -> State:
        if self.inner and self.chance.random() < 0.5:
            return self.nested(name, self.inner[0])
        return self.state(name)

    def phase(self) -> str:
        return self.chance.choice(("", "", "draft", 'ph"ase'))

    def state(self, name: str) -> State:
        """Return a state in which one agent speaks, or two do."""
        chance = self.chance
        speaking = few(chance, 1, 2, lambda: chance.choice(self.agents))
        return State(
            name,
            steps(*speaking) if len(speaking) > 1 else speaking[0],
            *self.transitions(waits=True),
            prompt=a_text(chance),
            choose=self.chooser(),
            sees=self.sight(),
            **self.same(),
        )

    def nested(self, name: str, inner: Flow) -> State:
        """Return a state in which *inner* runs, or the flow itself, or both at once."""
        chance = self.chance
        how: dict[str, Any] = {
            "input": chance.choice((None, a_text(chance))),
            "carryover": chance.choice((None, a_window(chance))),
            "summary": self.summary(),
        }
        rows, same = self.transitions(waits=False), self.same()
        kind = chance.choice(self.kinds)
        if kind == "agent":
            return Nested(name, inner.as_agent("team", **how), *rows, **same)
        if kind in {"nested", "itself"}:
            return Nested(name, inner if kind == "nested" else itself(), *rows, **how, **same)
        branches = {"one": inner, 'tw"o': inner if kind == "parallel" else itself()}
        join: Any = chance.choice(("all", "any", 2))
        return Parallel(name, branches, *rows, join=join, others="keep", **how, **same)

    def same(self) -> dict[str, Any]:
        """Return what every state has."""
        chance = self.chance
        return {
            "visits": chance.choice((None, chance.randint(1, 9))),
            "save": chance.choice((None, "text")) if self.data else None,
            "timeout_s": chance.choice((600.0, 30, 0.5)),
            "phase": self.phase(),
        }

    def transitions(self, *, waits: bool) -> list[Transition]:
        """Return the transitions of a state."""
        chance = self.chance
        targets = (None, *self.states, *self.junctions, *self.finals)

        def way(**more: Any) -> Transition:  # noqa: ANN401 - whatever a transition has
            return to(chance.choice(targets), when=self.guard(), **more)

        rows = few(chance, 1, 3, lambda: way(restart=chance.choice((None, self.summary()))))
        if waits and chance.random() < 0.5:
            rows.append(way(after=chance.choice((hours(24), 90))))
        if chance.random() < 0.5:
            rows.append(to(chance.choice((None, *self.finals)), when=exhausted))
        return rows

    def junction(self, number: int, name: str) -> Junction:
        """Return a junction that leads on, never back to one before it."""
        targets = (None, *self.states, *self.junctions[number + 1 :], *self.finals)
        rows = few(self.chance, 1, 3, lambda: to(self.chance.choice(targets), when=self.guard()))
        return Junction(name, *rows, phase=self.phase())
