"""Random flows that run: what is said in them is anything that their guards ask about.

Everybody in a talk has one mouth.  It says what it is told to, and else whatever a message can
hold: words, outcomes, codes, typed replies, handoffs, nothing at all, or an error that is raised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from stateflow import (
    PASS,
    UNLIMITED,
    Agent,
    Budget,
    Flow,
    FunctionAgent,
    Guard,
    Message,
    Outcome,
    RateLimited,
    Refused,
    State,
    TimedOut,
    ToolCall,
    Usage,
    View,
    to,
)
from stateflow import Final as End
from stateflow.conversation.agent import Reply
from stateflow.machine.check.asked import asked, shown
from stateflow.machine.check.check import check
from stateflow.machine.check.finding import Finding
from stateflow.machine.check.guards import shadowed
from stateflow.machine.choose import Chat, Chooser
from stateflow.machine.kernel import Decision, Event, Kernel, Verdicts
from stateflow.machine.state import Place
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import Transition
from tests.support.random_flows import RandomFlow
from tests.support.random_parts import Topics, a_guard, few
from tests.support.walking import dice

__all__ = ["SAID", "Mouth", "Spy", "Talk", "a_sound_talk", "a_talk", "cured"]

WORDS: Final = ("A", "B", "A B", "no")
TOPICS: Final = Topics(
    words=WORDS,
    patterns=("^A", "B$"),
    faults=("RateLimited", "Refused", "TimedOut"),
    codes=(0, 1, 2),
    most=3,
)
SAID: Final = replace(TOPICS, only_said=True)
_FAULTS: Final = (RateLimited, Refused, TimedOut, ValueError)
_OUTCOMES: Final = (
    *(None, None, None, Outcome.passed(), Outcome.failed()),
    *(Outcome.exited(0), Outcome.exited(1), Outcome.exited(2)),
    Outcome(ok=False, timed_out=True, fault="TimedOut"),
    Outcome(ok=False, fault="OutOfMemory"),
)


class Mouth:
    """Says what the plan has for a turn, else anything; picks whomever."""

    def __init__(self) -> None:
        self.chance = dice(0)
        self.plan: Callable[[View, str], Reply | BaseException | None] | None = None
        self.liked: Sequence[str] = ()

    def agent(self, name: str) -> Agent:
        """Return an agent called *name* who speaks with this mouth."""
        return FunctionAgent(name, lambda view: self.reply(view, name))

    def pick(self, last: object, chat: Chat) -> object:
        """Return anybody who may be next, those who are liked first."""
        liked = [one for one in chat.candidates if one in self.liked]
        return self.chance.choice(liked or chat.candidates)

    def reply(self, view: View, name: str) -> Reply:
        """Return what *name* says."""
        said = None if self.plan is None else self.plan(view, name)
        if isinstance(said, BaseException):
            raise said
        return self.anything() if said is None else said

    def anything(self) -> Reply:
        """Return whatever a turn can come to."""
        chance = self.chance
        kind = chance.random()
        if kind < 0.1:
            raise chance.choice(_FAULTS)("no")
        if kind < 0.15:
            return PASS
        rest: dict[str, Any] = {}
        if chance.random() < 0.3:
            word = chance.choice(WORDS)
            rest = chance.choice(
                [
                    {"calls": (ToolCall("1", word, "{}"),)},
                    {"answer": word},
                    {"ended": word},
                    {"handoff": f"s{chance.randint(0, 3)}"},
                    {"reply": {"score": chance.randint(0, 9), "ok": chance.random() < 0.5}},
                    {"usage": Usage(chance.randint(0, 3), 1, 2, usd=chance.choice([1.0, None]))},
                ]
            )
        text = " ".join(few(chance, 0, 2, lambda: chance.choice(WORDS)))
        return Message(text, outcome=chance.choice(_OUTCOMES), **rest)


@dataclass
class Talk:
    """A flow, and who speaks in it."""

    flow: Flow
    mouth: Mouth


def a_talk(chance: Random, *, depth: int = 1, topics: Topics = TOPICS) -> Talk:
    """Return a flow of up to five places in which everybody can speak.

    Args:
        chance: what decides.
        depth: so deep may flows be nested in it [flows].
        topics: what its guards ask about.
    """
    mouth = Mouth()
    return Talk(_flow(chance, mouth, depth, topics, sound=False), mouth)


def a_sound_talk(chance: Random) -> Talk:
    """Return the same, of which ``check`` finds no error: what it found was cured as it says."""
    mouth = Mouth()
    return Talk(_flow(chance, mouth, 1, TOPICS, sound=True), mouth)


def _flow(chance: Random, mouth: Mouth, depth: int, topics: Topics, *, sound: bool) -> Flow:
    while True:
        inner: list[Flow] = []
        if depth and chance.random() < 0.3:
            inner.append(_flow(chance, mouth, depth - 1, topics, sound=sound))
        made = _Talking(chance, mouth, inner, topics, sound=sound).flow()
        kept = cured(made) if sound else made
        if kept is not None:
            return kept


def cured(flow: Flow) -> Flow | None:
    """Return *flow* with every error cured; ``None``: that takes more than a change of rows."""
    for _ in range(12):
        errors = [one for one in check(flow) if one.severity == "error"]
        if not errors:
            return flow
        itself = any(getattr(one, "flow", None) is flow for one in flow.agents)
        if itself or {one.code for one in errors} - _CURABLE:
            return None
        flow = _with_cures(flow, errors)
    return None


_CURABLE: Final = frozenset({"SF101", "SF102", "SF103", "SF104", "SF105", "SF110", "SF119"})


def _with_cures(flow: Flow, errors: Sequence[Finding]) -> Flow:
    at: dict[str, dict[str, Finding]] = {}
    for one in errors:
        at.setdefault(one.place, {})[one.code] = one
    lost = {name for name, codes in at.items() if "SF101" in codes}
    places: list[Place] = []
    for name, place in flow.places.items():
        codes = at.get(name, {})
        if name in lost:
            continue
        if isinstance(place, End):
            places.append(place)
            continue
        idle = {index for index, one in shadowed(flow, place).items() if one.severity == "error"}
        unknown = codes["SF119"].text if "SF119" in codes else ""
        rows = [
            row
            for index, row in enumerate(place.transitions)
            if index not in idle
            and row.target not in lost
            and not any(shown(atom) in unknown for atom in asked(row.when))
        ]
        rows += [to(None)] if {"SF102", "SF103"} & codes.keys() else []
        more: dict[str, object] = {"visits": 2} if "SF105" in codes else {}
        if isinstance(place, State) and not any(row.after is not None for row in rows):
            more["deadline"] = None
        places.append(place.changed(transitions=tuple(rows), **more))
    return Flow(flow.name, *places, budget=flow.budget, on_error=flow.on_error, data=flow.data)


class _Talking(RandomFlow):
    """One talk in the making."""

    kinds = ("nested", "nested", "agent", "parallel", "itself")
    accepted = ({},)

    def __init__(
        self, chance: Random, mouth: Mouth, inner: list[Flow], topics: Topics, *, sound: bool
    ) -> None:
        self.mouth, self.topics, self.sound = mouth, topics, sound
        self.strangers = not (sound or topics.only_said)
        super().__init__(chance, inner, plain=True)

    def agent(self) -> Agent:
        return self.mouth.agent(self.chance.choice(("ann", "bob", "cid")))

    def chooser(self) -> Chooser | None:
        return chooser_of(self.mouth.pick) if self.chance.random() < 0.1 else None

    def sight(self) -> None:
        return None

    def summary(self) -> None:
        return None

    def budget(self) -> Budget:
        chance = self.chance
        turns = chance.choice((UNLIMITED, UNLIMITED, UNLIMITED, 2, 3, 8, 20, 100))
        return Budget(turns=turns, depth=chance.choice((1, 2, 3)))

    def guard(self) -> Guard | None:
        chance = self.chance
        if chance.random() < (0.5 if self.sound else 0.3):
            return None
        speakers = [*(one.name for one in self.agents), *(["nobody"] if self.strangers else [])]
        return a_guard(chance, self.states, speakers, topics=self.topics, leaves=3)

    def same(self) -> dict[str, Any]:
        return {**super().same(), **({"save": None} if self.topics.only_said else {})}

    def transitions(self, *, waits: bool) -> list[Transition]:
        return super().transitions(waits=waits and not self.topics.only_said)


class Spy(Kernel):
    """A kernel that keeps what came to it and what was taken."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow.places)
        self.taken: Counter[tuple[str, int]] = Counter()
        self.entered: set[str | None] = {flow.initial}
        self.events: set[tuple[str, Event]] = set()
        self.views: dict[str, list[View]] = {}

    def step(self, state: str, event: Event, view: View) -> Decision:
        self._see(state, event, view)
        return self._keep(state, super().step(state, event, view))

    def verdicts(self, state: str, view: View) -> Verdicts:
        self._see(state, "said", view)
        return super().verdicts(state, view)

    def take(self, state: str, index: int, tried: Verdicts) -> Decision:
        return self._keep(state, super().take(state, index, tried))

    def _see(self, state: str, event: Event, view: View) -> None:
        self.entered.add(state)
        self.events.add((state, event))
        self.views.setdefault(state, []).append(view)

    def _keep(self, state: str, decision: Decision) -> Decision:
        if decision.taken is not None:
            self.taken[state, decision.taken] += 1
            self.entered.add(decision.target)
        return decision
