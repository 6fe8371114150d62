"""Walks through a flow's own kernels, with guards whose answers are given.

What a statechart tool does with an exported flow is held against this: real kernels, in the order
of nesting, told by the table alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from stateflow import Final as End
from stateflow import (
    Flow,
    Guard,
    Junction,
    Nested,
    Parallel,
    Scripted,
    State,
    View,
    exhausted,
    failed,
    in_turn,
    raised,
    says,
    succeeded,
    timed_out,
    to,
    visited,
)
from stateflow.machine.kernel import Event, Kernel
from stateflow.machine.nested import FlowAgent
from stateflow.machine.transition import Transition
from stateflow.value import Json, canonical_json

__all__ = ["Truth", "Walk", "atoms", "dice", "drawn", "holds", "laid_out", "stubbed", "truths"]

Truth = Mapping[str, bool]
"""Answers, by the question's JSON."""

CHOSEN: Final = "chosen"


def holds(form: Any, truth: Truth) -> bool:  # noqa: ANN401 - JSON
    """Return the verdict of a guard's *form*."""
    if "and" in form:
        return all(holds(part, truth) for part in form["and"])
    if "or" in form:
        return any(holds(part, truth) for part in form["or"])
    return not holds(form["not"], truth) if "not" in form else truth[canonical_json(form)]


def atoms(flow: Flow) -> list[str]:
    """Return every question that *flow* and the flows in it ask, as JSON."""
    found: dict[str, None] = {}
    for one in flow.flows:
        for place in one.places.values():
            for order, transition in enumerate(place.transitions):
                ahead: list[Any] = [asked(place, order, transition)]
                while ahead:
                    form = ahead.pop()
                    if form is None:
                        continue
                    parts = [*form.get("and", []), *form.get("or", [])]
                    parts += [form["not"]] if "not" in form else []
                    ahead += parts
                    if not parts:
                        found[canonical_json(form)] = None
    return list(found)


def asked(place: object, order: int, transition: Transition) -> Json:
    """Return what must hold for *transition*, the chooser's word included."""
    form = None if transition.when is None else transition.when.form
    if not isinstance(place, State) or place.choose is None or transition.after is not None:
        return form
    chosen: Json = {"guard": CHOSEN, "args": [order]}
    return chosen if form is None else {"and": [form, chosen]}


def stubbed(flow: Flow) -> Kernel:
    """Return the kernel of *flow*, its guards answered by the view's data."""
    places: dict[str, Any] = {}
    for name, place in flow.places.items():
        rows = [
            replace(row, when=_stub(row.when, asked(place, order, row)))
            for order, row in enumerate(place.transitions)
        ]
        places[name] = place if isinstance(place, End) else place.changed(transitions=tuple(rows))
    return Kernel(places)


def _stub(guard: Guard | None, form: Json) -> Guard | None:
    if form is None:
        return None
    faults, exhausts = (guard.faults, guard.exhausts) if guard is not None else (False, False)

    def test(view: View) -> bool:
        return holds(form, view.data)

    return Guard("stub", test, form, faults=faults, exhausts=exhausts)


def laid_out(place: object, flow: Flow) -> Flow | None:
    """Return the flow that runs in *place*, where it is one other than *flow* itself."""
    agents = place.agents if isinstance(place, State) else ()
    agent = agents[0] if len(agents) == 1 else None
    return agent.flow if isinstance(agent, FlowAgent) and agent.flow is not flow else None


@dataclass
class Frame:
    """One flow under way."""

    flow: Flow
    kernel: Kernel
    at: str


class Walk:
    """A walk; it stands still where nothing holds."""

    def __init__(self, flow: Flow) -> None:
        self.kernels: dict[int, Kernel] = {id(one): stubbed(one) for one in flow.flows}
        self.frames: list[Frame] = []
        self.ended: list[str] = []
        """The end it came to; of a nested flow, where nothing leads on from there."""
        self.stuck = False
        self._push(flow, {})

    @property
    def path(self) -> list[str]:
        """Names of the places it stands in, from the outside in; of the end it came to."""
        return [*(frame.at for frame in self.frames), *self.ended]

    @property
    def waits(self) -> bool:
        """Whether the innermost state has a deadline."""
        frame = self.frames[-1]
        place = frame.flow.places[frame.at]
        return isinstance(place, State) and place.deadline is not None

    def step(self, event: str, truth: Truth) -> None:
        """Offer *event*, from the innermost flow out, as a statechart does."""
        kind: Event = "raised" if event == "after" else event  # type: ignore[assignment]
        for depth in range(len(self.frames) - 1, -1, -1):
            if depth < len(self.frames) - 1 and event in {"said", "after"}:
                return  # what runs there has not ended, and its deadline is another
            frame = self.frames[depth]
            found, target = self._decided(frame, kind, truth, after=event == "after")
            if found:
                del self.frames[depth + 1 :]
                self.ended = []
                self._go(target, truth)
                return

    def _decided(
        self, frame: Frame, kind: Event, truth: Truth, *, after: bool
    ) -> tuple[bool, str | None]:
        rows = frame.flow.places[frame.at].transitions
        late = {**truth, **{key: after for key in truth if '"guard":"after"' in key}}
        decision = frame.kernel.step(frame.at, kind, View(data=late))
        if decision.taken is not None:
            assert after or rows[decision.taken].after is None
            return True, decision.target
        on_error = frame.flow.on_error
        way = kind == "raised" and on_error not in {None, frame.at}
        return way, on_error

    def _go(self, target: str | None, truth: Truth) -> None:
        frame = self.frames[-1]
        place = None if target is None else frame.flow.places[target]
        if target is None or isinstance(place, End):
            self.frames.pop()
            self.ended, self.stuck = [target or "done"], True
            if self.frames:
                self.step("said", truth)
            return
        frame.at = target
        self.stuck = False
        self._enter(truth)

    def _push(self, flow: Flow, truth: Truth) -> None:
        self.frames.append(Frame(flow, self.kernels[id(flow)], flow.initial))
        self._enter(truth)

    def _enter(self, truth: Truth) -> None:
        frame = self.frames[-1]
        place = frame.flow.places[frame.at]
        if isinstance(place, Junction):
            found, target = self._decided(frame, "said", truth, after=False)
            self.stuck = not found
            if found:
                self._go(target, truth)
            return
        inner = None if isinstance(place, Parallel) else laid_out(place, frame.flow)
        if inner is not None:
            self._push(inner, truth)


def dice(seed: int) -> random.Random:
    """Return chance that is the same in every run."""
    return random.Random(seed)  # noqa: S311 - no secret


def truths(flow: Flow, chance: random.Random) -> Truth:
    """Return an answer to every question of *flow*."""
    return {key: chance.random() < 0.4 for key in atoms(flow)}


def drawn(chance: random.Random, depth: int = 2, name: str = "whole") -> Flow:
    """Return a flow of every kind of place and transition, as *chance* has it."""
    agent = Scripted("bob", ["x"])
    states = [f"s{number}" for number in range(chance.randint(2, 4))]
    targets = [None, *states, "j", "good", "bad"]

    def guards() -> Guard | None:
        asks = [failed, timed_out, raised("Refused"), succeeded, says("A b", by=agent)]
        one, two = chance.sample([*asks, says("C"), visited("s1", at_least=2)], 2)
        return chance.choice([None, one, ~one, one & two, ~(one | two), one | ~two])

    def rows(*, waits: bool) -> list[Transition]:
        made = [to(chance.choice(targets), when=guards()) for _ in range(chance.randint(1, 3))]
        if waits and chance.random() < 0.4:
            made.insert(chance.randint(0, 2), to(chance.choice(targets), after=90, when=guards()))
        if chance.random() < 0.4:
            made.append(to(chance.choice([None, "bad"]), when=exhausted))
        return made

    def place(state: str) -> State:
        if depth and chance.random() < 0.4:
            return Nested(state, drawn(chance, depth - 1, f"{name} {state}"), *rows(waits=False))
        choose = in_turn() if chance.random() < 0.3 else None
        return State(state, agent, *rows(waits=True), choose=choose)

    return Flow(
        name,
        *[place(state) for state in states],
        Junction("j", *[to(chance.choice([None, *states, "bad"]), when=guards()) for _ in "ab"]),
        End("good"),
        End("bad", ok=False),
        on_error=chance.choice([None, "bad", "s1"]),
    )
