"""Menus: what an agent may well say in a state, made from the guards that are asked there.

First what takes each transition, as the algebra of guards has it; then what each word of a guard
can be turned into; then plain talk.  Everything is such that the agent's kind can say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from pydantic import BaseModel

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.conversation.message import NO_USAGE, PASS, Message, Outcome, Pass
from stateflow.conversation.view import View
from stateflow.machine.algebra.fields import fields_of
from stateflow.machine.algebra.speech import Speech, speech_of
from stateflow.machine.algebra.value import Asked, asked_of, choices
from stateflow.machine.algebra.witness import view_taking
from stateflow.machine.check.asked import args, asked_in, word
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.testing.exploring.line import Line, line_of, plainly, printed, raising
from stateflow.value import Json

__all__ = ["Menu", "starts"]

_TALK: Constant = "Go on."
_MOST: Constant = 40
"""So many lines a menu has."""
_VALUES: Constant = 8
"""So many values of a field are tried."""
_SEVERAL: Constant = 3
"""So many things are in a list that holds more than one."""
_TEXTS: Constant = ("", "yes", "no", "0", "1", "5", "10", "DONE", "I would not say so.")

_Atom: TypeAlias = Mapping[str, Json]
"""A simple question of a guard."""


class Menu:
    """What is said in a flow and in those nested in it; worked out when it is first asked for."""

    def __init__(self, flow: Flow) -> None:
        """Look at who runs code: whatever is said before may have to hold some."""
        self.code = ""
        for agent in (agent for one in flow.flows for agent in one.agents):
            if isinstance(agent, CodeRunner):
                self.code = f"\n\n{_block(agent)}"
        self._witnesses: dict[tuple[int, str, int], View | None] = {}
        self._lines: dict[tuple[int, str, str, bool], tuple[Line, ...]] = {}

    def witness(self, flow: Flow, place: str, index: int) -> View | None:
        """Return a view that takes a transition of *flow*; ``None``: none is known."""
        key = (id(flow), place, index)
        if key not in self._witnesses:
            self._witnesses[key] = view_taking(flow, flow.places[place], index)
        return self._witnesses[key]

    def lines(self, flow: Flow, state: State, agent: Agent) -> tuple[Line, ...]:
        """Return what *agent* may say in *state* of *flow*, the likeliest first."""
        last = agent is state.agents[-1]
        key = (id(flow), state.name, agent.name, last)
        found = self._lines.get(key)
        if found is None:
            unlike: dict[str, Line] = {}
            for line in self._all(flow, state, agent, last=last):
                if len(unlike) < _MOST:
                    unlike.setdefault(printed(line), line)
            self._lines[key] = found = tuple(unlike.values())
        return found

    def _all(self, flow: Flow, state: State, agent: Agent, *, last: bool) -> Iterator[Line]:
        kind = _Kind(agent, state, self.code, _atoms(flow, state))
        if last:
            for view in self._views(flow, state):
                yield from kind.fitted(line_of(view), view)
        yield from kind.usual()
        yield from kind.worded(flow)
        yield from kind.faults()
        yield from kind.odd()

    def _views(self, flow: Flow, state: State) -> Iterator[View]:
        """Yield the views that a turn in *state* can come out as, its own transitions first."""
        places: list[Place] = [state]
        places += [one for one in flow.places.values() if isinstance(one, Junction)]
        for place in places:
            for index in range(len(place.transitions)):
                view = self.witness(flow, place.name, index)
                if view is not None and view.state == state.name and not view.exhausted:
                    yield view


class _Kind:
    """What one agent can say, by its kind."""

    def __init__(self, agent: Agent, state: State, code: str, atoms: Iterable[_Atom]) -> None:
        self.agent: Any = agent
        self.speech: Speech = speech_of(agent)
        self.state = state
        self.code = code
        self.atoms = tuple(atoms)
        self.human = isinstance(agent, Human)
        self.runs = isinstance(agent, CodeRunner)
        self.schema = getattr(agent, "schema", None) is not None
        self.tools = bool(getattr(agent, "toolbox", ()) or getattr(agent, "sources", ()))

    def fitted(self, line: Line, view: View) -> Iterator[Line]:
        """Yield *line*, as a witness has it, in words of this agent; with code where some runs."""
        if isinstance(line, Pass):
            if self.speech.passes:
                yield line
            return
        if not isinstance(line, Message):
            if self._can_raise(line):
                yield line
            return
        if line.speaker not in {"", self.agent.name}:
            return
        if view.usage != NO_USAGE and not (self.human or self.runs):
            yield replace(line.by(""), usage=view.usage)
        yield from self._with_code(plainly(line, self.agent))

    def _with_code(self, line: Line) -> Iterator[Line]:
        if self.code and not (self.runs or self.speech.options or self.schema):
            if isinstance(line, str):
                yield f"{line}{self.code}".strip()
            elif isinstance(line, Message):
                yield replace(line, text=f"{line.text}{self.code}".strip())
        if not (self.human and line == ""):
            yield line

    def usual(self) -> Iterator[Line]:
        """Yield what is said when nothing is meant by it."""
        if self.runs:
            yield from (Outcome.exited(0), Outcome.exited(1))
            yield Outcome(ok=False, timed_out=True, fault="TimedOut")
        elif self.speech.options:
            yield from self.speech.options
        elif self.schema:
            yield from islice(self._typed(), _MOST // 2)
        else:
            yield from self._with_code(_TALK)
        if self.tools or not (self.human or self.runs or self._built_in()):
            for outcome in (Outcome.passed(), Outcome.failed()):
                yield self._whole(Message(_TALK, outcome=outcome))

    def _whole(self, message: Message) -> Message:
        """Return *message* with the structured reply that this agent has to give."""
        reply = next(self._typed(), None) if self.schema else None
        return message if reply is None else replace(message, text="", reply=cast("Json", reply))

    def _typed(self) -> Iterator[Mapping[str, Any]]:
        """Yield structured replies: one, and one for each value that guards can tell apart."""
        fields = self.speech.fields
        if fields is None:
            return
        first = fields.filled({})
        if first is not None:
            yield first
        known: Mapping[str, Any] = getattr(fields, "known", {})
        asked = _asked(self.atoms, "replied")
        for name, domain in sorted(known.items(), key=lambda one: one[0] not in asked):
            values = list(islice(choices(domain, asked.get(name, ())), _VALUES))
            values += [one * _SEVERAL for one in values if isinstance(one, list)]
            for made in (fields.filled({name: value}) for value in values):
                if made is not None:
                    yield made

    def worded(self, flow: Flow) -> Iterator[Line]:
        """Yield what the words of guards make: said in passing, handed over, called."""
        if self.runs:
            yield from (Outcome.exited(code) for code in self._given("exit_code"))
            return
        if self.human and (self.speech.options or self.schema):
            return
        for one in () if self.schema else self._given("says", "equals", "answered"):
            yield f"Somebody said {one}, and so on."
            yield str(one)
        if self.speech.hands:
            for target in flow.targets(self.state.name):
                yield Message(_TALK, handoff=target)

    def _given(self, *words: str) -> Iterator[Any]:
        """Yield what the guards called *words* are given."""
        return (one for atom in self.atoms if word(atom) in words for one in args(atom))

    def faults(self) -> Iterator[Line]:
        """Yield what goes wrong: the faults that guards name, and one that none does."""
        for name in (*self._given("raised"), "RateLimited", "TimedOut", "BadReply"):
            fault = raising(str(name))
            if self._can_raise(fault):
                yield fault
        if self.state.deadline is not None:
            yield raising("DeadlinePassed")

    def _can_raise(self, line: Line) -> bool:
        late = printed(line).startswith("DeadlinePassed")
        if late:
            return self.state.deadline is not None
        return not self.human and "Exhausted" not in printed(line)

    def odd(self) -> Iterator[Line]:
        """Yield what nobody expects: silence, a single word, a reply that is no reply."""
        if self.speech.passes:
            yield PASS
        if self.runs or self.speech.options or (self.human and self.schema):
            return
        texts = _TEXTS[-1:] if self.schema else _TEXTS
        yield from (text for text in texts if text or not self.human)

    def _built_in(self) -> bool:
        return isinstance(self.agent, Assistant | Human | CodeRunner | FlowAgent)


def _atoms(flow: Flow, state: State) -> Iterator[_Atom]:
    """Yield what is asked in *state*, and in the junctions and choices behind it."""
    seen = {state.name}
    ahead = [state.name]
    while ahead:
        place = flow.places[ahead.pop()]
        for _, atom in asked_in(place):
            yield atom
        for row in place.transitions:
            target = row.target
            if target is None or target in seen:
                continue
            if not isinstance(flow.places[target], State | Final):
                seen.add(target)
                ahead.append(target)


def _asked(atoms: Iterable[_Atom], name: str) -> Mapping[str, list[Asked]]:
    """Return what the guards called *name* ask of each field."""
    found: dict[str, list[Asked]] = {}
    for atom in atoms:
        if word(atom) == name:
            field, *given = args(atom)
            found.setdefault(field, []).append(asked_of(given, atom))
    return found


def _block(agent: CodeRunner) -> str:
    languages: Sequence[str] = agent.languages or agent.sandbox.languages
    code = "print(1)" if languages[0] == "python" else "echo 1"
    return f"```{languages[0]}\n{code}\n```"


def starts(flow: Flow) -> list[dict[str, Any]]:
    """Return data that a run of *flow* may start with, the plainest first."""
    if flow.data is None:
        return [{}]
    fields = fields_of(flow.data)
    plain = fields.instance({})
    found = [] if plain is None else [plain]
    places = flow.places.values()
    asked = _asked((atom for place in places for _, atom in asked_in(place)), "data_is")
    for name, domain in fields.known.items():
        for value in islice(choices(domain, asked.get(name, ())), _VALUES):
            made = fields.instance({name: value})
            if made is not None and made not in found:
                found.append(made)
    return [_dumped(one) for one in found] or [{}]


def _dumped(data: BaseModel) -> dict[str, Any]:
    return data.model_dump(mode="json")
