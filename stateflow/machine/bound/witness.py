"""Proof that a figure is reached: what is said at each turn, with the kernel asked every time.

A walk is followed turn by turn.  Of all that could be said in a state, the first thing counts with
which the real kernel goes where the walk goes, on a view that is just what the engine would build
there: the visits, turns and messages of this very run.  Data does not move in it, so a walk past
an action or ``save=`` proves nothing; neither does one past a nested run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from typing import Final as Constant

from stateflow.conversation.agent import Agent
from stateflow.conversation.message import SILENCE, Fault, Message, Usage
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.algebra.witness import view_taking
from stateflow.machine.bound.figure import Move
from stateflow.machine.check.asked import asked_in, word
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Decision, Event, GuardRaised
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition

__all__ = ["walked"]

_TASK: Constant = Message("task", "user")
_SAID: Constant = "Go on."
_FAULTS: Constant = ("FaultError", "RunError", "StateflowError")
_UNREACHABLE: Constant = Fault("Unreachable", "the model cannot be reached", _FAULTS)
_STUCK: Constant = "\0stuck"
_MOST_STATES: Constant = 300
"""Longer proofs are not looked for."""


def walked(
    flow: Flow, walk: Sequence[str], *, may_raise: Collection[str]
) -> tuple[Move, ...] | None:
    """Return the turns of *walk*, if the kernel takes them all; the last leads anywhere.

    Args:
        flow: whose kernel is asked.
        walk: the states, in order; it ends with the last turn that counts.
        may_raise: states in which a turn counts also where it raises.
    """
    if flow.rules or len(set(walk)) > _MOST_STATES or not _still(flow, walk):
        return None  # a rule may stop a run that the kernel would let go on
    try:
        data = flow.typed(None)
    except DefinitionError:
        return None  # nobody can say what it starts with
    run = _Run(flow, data)
    if not run.starts(walk[0]):
        return None
    for at, name in enumerate(walk):
        to = walk[at + 1] if at + 1 < len(walk) else None
        if not run.turn(name, to, last=at + 1 == len(walk), may_raise=name in may_raise):
            return None
    return tuple(run.moves)


def _still(flow: Flow, walk: Sequence[str]) -> bool:
    """Tell whether nothing on the way of *walk* changes data, nests a run, or restarts."""
    junctions = [place for place in flow.places.values() if isinstance(place, Junction)]
    return (
        bool(walk)
        and all(_plain(flow, name) for name in dict.fromkeys(walk))
        and all(_quiet(place.transitions) and not _asks_money(place) for place in junctions)
    )


def _can_say(agent: Agent, message: Message) -> bool:
    """Tell whether *agent* can say *message*: one that has a model and no tools says a text."""
    if getattr(agent, "model", None) is None or not getattr(agent, "composed", False):
        return True
    if getattr(agent, "toolbox", ()) or getattr(agent, "sources", ()):
        return True
    return message == Message(message.text, message.speaker, reply=message.reply)


def _asks_money(place: Place) -> bool:
    """Tell whether a guard of *place* asks what was spent, which nobody knows beforehand."""
    return any(word(atom) == "spent" for _, atom in asked_in(place))


def _anywhere(_: str | None) -> bool:
    return True


def _plain(flow: Flow, name: str) -> bool:
    state = flow.places[name]
    if not isinstance(state, State) or any(isinstance(one, FlowAgent) for one in state.agents):
        return False
    acts = (state.entry, state.exit, state.save, state.output)
    quiet = acts == (None, None, None, None) and _quiet(state.transitions)
    return quiet and not _asks_money(state)


def _quiet(transitions: Sequence[Transition]) -> bool:
    return all(one.do is None and one.restart is None for one in transitions)


@dataclass(slots=True)
class _Run:
    """A run as far as it was walked."""

    flow: Flow
    data: Any
    """The flow's typed data; ``None`` where it declares none."""
    moves: list[Move] = field(default_factory=list[Move])
    visits: dict[str, int] = field(default_factory=dict[str, int])
    spoken: dict[str, int] = field(default_factory=dict[str, int])
    transcript: Transcript = field(default_factory=lambda: Transcript().append(_TASK))
    _known: dict[str, dict[int, View | None]] = field(
        default_factory=dict[str, dict[int, View | None]]
    )

    def starts(self, name: str) -> bool:
        """Enter the first state, and tell whether that is *name*."""
        self.visits[self.flow.initial] = 1
        first = self.flow.places[self.flow.initial]
        if not isinstance(first, Junction):
            return first.name == name
        entered = dict[str, int]()
        came = self._along(first, "said", replace(self._view(first.name), last=SILENCE), entered)
        self._enter(entered)
        return came == name

    def turn(self, name: str, to: str | None, *, last: bool, may_raise: bool) -> bool:
        """Take a turn in *name* that leads to *to*; tell whether one does."""
        state = self.flow.places[name]
        assert isinstance(state, State)  # noqa: S101 - walks are made of states
        goes = self._goes(to) if not last else _anywhere
        for message, fault in self._sayings(state, goes, may_raise=may_raise):
            view = self._seen(state, message, fault)
            event: Event = "said" if fault is None else "raised"
            entered = dict[str, int]()
            came = self._along(state, event, view, entered)
            if came == _STUCK or (not last and came != to):
                continue
            self.moves.append(Move(name, message, fault, came))
            self._enter(entered)
            self.transcript = view.transcript
            for agent in state.agents:
                self.spoken[agent.name] = self.spoken.get(agent.name, 0) + 1
            return True
        return False

    def _sayings(
        self, state: State, goes: Callable[[str | None], bool], *, may_raise: bool
    ) -> Iterator[tuple[Message | None, Fault | None]]:
        """Yield what may be said in *state* so that it *goes* on, and what may be raised."""
        raising = list[Fault]()
        for view in self._taking(state, goes):
            if view.fault is not None:
                raising.append(view.fault)
            elif not view.exhausted and _can_say(state.agent, view.last):
                yield view.last, None
        if not getattr(state.agent, "composed", False):
            yield Message(_SAID, state.agent.name), None  # who is opaque may say anything
        if may_raise:
            yield None, _UNREACHABLE
            yield from ((None, fault) for fault in raising)

    def _taking(self, state: State, goes: Callable[[str | None], bool]) -> Iterator[View]:
        """Yield a view for each transition of *state* that *goes* the way; each is looked for once.

        A target with a cap may send the turn on, so it may lead anywhere.
        """
        known = self._known.setdefault(state.name, {})
        for index, row in enumerate(state.transitions):
            if not goes(row.target):
                continue
            if index not in known:
                known[index] = view_taking(self.flow, state, index)
            view = known[index]
            if view is not None:
                yield view

    def _goes(self, to: str | None) -> Callable[[str | None], bool]:
        """Return what tells whether a transition's target may come to *to*."""

        def may(target: str | None) -> bool:
            place = None if target is None else self.flow.places[target]
            return not isinstance(place, State) or target == to or place.visits is not None

        return may

    def _view(self, name: str) -> View:
        turns = len(self.moves)
        return View(
            name,
            transcript=self.transcript,
            data=self.data,
            visits=dict(self.visits),
            turns=turns,
            usage=Usage(),
            spoken=dict(self.spoken),
        )

    def _seen(self, state: State, message: Message | None, fault: Fault | None) -> View:
        """Return the view that the guards of *state* read."""
        transcript = self.transcript
        if message is not None and message is not SILENCE:
            for agent in state.agents[:-1]:
                transcript = transcript.append(Message(_SAID, agent.name))
            transcript = transcript.append(message)
        last = SILENCE if message is None else message
        return replace(self._view(state.name), last=last, fault=fault, transcript=transcript)

    def _enter(self, entered: Mapping[str, int]) -> None:
        for name, times in entered.items():
            self.visits[name] = self.visits.get(name, 0) + times

    def _along(
        self, place: State | Junction, event: Event, view: View, entered: dict[str, int]
    ) -> str | None:
        """Return the next state, ``None`` for an end; just as the engine goes."""
        at: Place = place
        for _ in range(len(self.flow.places) + 1):
            if isinstance(at, Final):
                return None
            try:
                target = self._decided(at, event, view, entered)
            except GuardRaised:
                return _STUCK
            if target is None or target == _STUCK:
                return target
            entered[target] = entered.get(target, 0) + 1
            at, event = self.flow.places[target], "said"
            if isinstance(at, State):
                return at.name
        return _STUCK  # junctions that lead to one another by on_error

    def _decided(
        self, at: State | Junction, event: Event, view: View, entered: Mapping[str, int]
    ) -> str | None:
        """Return where the kernel goes from *at*."""
        kernel = self.flow.kernel
        if event == "said" and isinstance(at, State) and at.choose is not None:
            decision = self._chosen(at, view)
        else:
            decision = kernel.step(at.name, event, view)
        if decision.taken is not None and self._used_up(decision.target, entered):
            event = "exhausted"
            spent = replace(view, exhausted=f"visits of {decision.target!r}")
            decision = kernel.step(at.name, event, spent)
        if decision.taken is not None:
            return decision.target
        on_error = self.flow.on_error
        may = on_error is not None and on_error != at.name and not self._used_up(on_error, entered)
        return on_error if may and event != "said" else _STUCK

    def _chosen(self, at: State, view: View) -> Decision:
        """Return the decision where at most one way is open; who chooses is not asked."""
        tried = self.flow.kernel.verdicts(at.name, view)
        enabled = [index for index, verdict in enumerate(tried) if verdict]
        if len({at.transitions[index].target for index in enabled}) != 1:
            return Decision(tried, None)
        return self.flow.kernel.take(at.name, enabled[0], tried)

    def _used_up(self, target: str | None, entered: Mapping[str, int]) -> bool:
        place = None if target is None else self.flow.places[target]
        if not isinstance(place, State) or place.visits is None:
            return False
        return self.visits.get(place.name, 0) + entered.get(place.name, 0) >= place.visits
