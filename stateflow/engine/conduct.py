"""The core: speak, step, record, again.

It reads the table and asks the door; it knows nothing of stores, clocks or networks, so live
runs, resumed runs and replays are this one coroutine behind different doors.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

from pydantic import BaseModel

from stateflow.conversation.agent import Agent
from stateflow.conversation.message import (
    NO_USAGE,
    SILENCE,
    Fault,
    Usage,
)
from stateflow.conversation.summary import Summariser, Summary
from stateflow.engine.choosing import chat_of, choose
from stateflow.engine.door import Door, Parked
from stateflow.engine.faults import fault_of
from stateflow.engine.observing import OBSERVERS
from stateflow.engine.scene import Scene, deaf
from stateflow.engine.speaking import Speaking
from stateflow.engine.spending import over
from stateflow.engine.steady import steady
from stateflow.engine.stepping import ActionRaised, Spoken, Stepping, view_of
from stateflow.engine.stopping import retry_of, stop_failed, stop_final, way_out
from stateflow.engine.turn import EngineTurn
from stateflow.engine.watching import Watch, broken
from stateflow.errors import StoreError
from stateflow.journal.event import (
    RunEnded,
    RunPaused,
    Step,
    TurnTaken,
)
from stateflow.journal.stop import Stop, StopKind
from stateflow.machine.budget import Budget
from stateflow.machine.choose import Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Decision, Event, GuardRaised
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.models.names import ModelPool

__all__ = ["Conductor"]

_FAIR = 16
"""Turns that a run with instant agents may take before others get theirs."""


class Conductor:
    """Takes one run through its flow until it stops."""

    def __init__(
        self, flow: Flow, door: Door, budget: Budget, models: ModelPool, *, twice: bool = False
    ) -> None:
        """Stand where the door's fold stands.

        Args:
            flow: what may happen.
            door: what it all passes through.
            budget: limits of the run.
            models: opens the models.
            twice: ask Python functions of the flow twice, and refuse those that differ.
        """
        self.flow = flow
        self.door = door
        self.budget = budget
        self.models = models
        self._typed: BaseModel | None = None
        self._typed_from: object = None
        self._watch = Watch(flow.automata)
        self._twice = twice
        self._kernel = steady(flow) if twice else flow.kernel

    async def until_stop(self, pausing: Any) -> Stop:  # noqa: ANN401 - anything with a flag `pausing`
        """Take turns until the run stops; the stop is journaled."""
        fold = self.door.fold
        while True:
            if fold.stop is not None:
                for observer in OBSERVERS:
                    observer.stopped(self.flow, fold.stop)
                return fold.stop
            if pausing.pausing:
                stop = Stop("paused", fold.state, "asked to pause after this turn")
                await self.door.commit(RunPaused(stop))
                continue
            try:
                await self._turn(self.flow.places[fold.state])
            except Parked as parked:
                kind: StopKind = "waiting" if parked.questions else "paused"
                why = "a person has to answer" if parked.questions else "a nested run was paused"
                stop = Stop(kind, fold.state, why, questions=parked.questions)
                await self.door.commit(RunPaused(stop))
            if pausing.publish is not None or not fold.turns % _FAIR:
                await asyncio.sleep(0)  # others, and Ctrl-C, get their time

    async def _turn(self, place: Place) -> None:
        if isinstance(place, Final):  # only where a flow was changed under a paused run
            await self.door.commit(RunEnded(stop_final(place, "reached")))
            return
        spoken = await self._speak(place) if isinstance(place, State) else Spoken()
        stepping = Stepping(
            self.flow, self.door.fold, self.data(), spoken, self.door.redact, twice=self._twice
        )
        try:
            if isinstance(place, State):
                stepping.save(place)
            stop = await self._step(place, stepping, spoken)
        except GuardRaised as error:
            stop = stop_failed(self.flow, self._fault(error), error.state, error.tried)
        except ActionRaised as error:
            stop = stop_failed(self.flow, self._fault(error), place.name, ())
        turn = self._taken(place, stepping, spoken)
        for observer in OBSERVERS:
            observer.turned(self.flow, self.door.fold, turn, stop)
        if stop is None:
            await self.door.commit(turn)
        elif stop.resumable:
            await self.door.commit(RunPaused(stop, turn, retry_of(stop)))
        else:
            await self.door.commit(turn, RunEnded(stop))

    async def _speak(self, state: State) -> Spoken:
        fold = self.door.fold
        spoken = Spoken([], [], exhausted=over(self.budget, fold))
        if spoken.exhausted:
            return spoken
        deadline = state.deadline
        self.door.due = None if deadline is None else fold.entered_at + deadline
        speaking = Speaking(self.flow, self.door, self.models, state, spoken)
        await speaking.speak(view_of(fold, self.data()))
        self.door.due = None  # it was said in time; who is next may be chosen later
        return spoken

    async def _step(
        self, place: State | Junction, stepping: Stepping, spoken: Spoken
    ) -> Stop | None:
        """Step until a place where somebody speaks, or an end.  Returns the stop, if any."""
        self._watch.begin(self.door.fold.entered)
        event = _event_of(stepping, spoken)
        at: Place = place
        why = ""
        while not isinstance(at, Final):
            decision = await self._allowed(at, event, stepping, spoken)
            if isinstance(decision, Stop):
                return decision
            taken = at.transitions[decision.taken] if decision.taken is not None else None
            cause = spoken.fault or stepping.view.exhausted
            why = taken.guard_name if taken is not None else f"on_error: {cause}"
            step = Step(at.name, decision.tried, decision.taken, decision.target)
            if taken is not None and taken.restart is not None:
                stop = await self._restart(at, taken.restart, stepping, spoken)
                if stop is not None:
                    return stop
            stepping.take(at, step, taken.do if taken is not None else None)
            if decision.target is None:
                return Stop("done", place.name, why, ok=True)
            at = self.flow.places[decision.target]
            if isinstance(at, State):
                return None
            event = "said"  # the fault was taken by name; from a junction on, all ways are open
        return stop_final(at, why)

    async def _allowed(
        self, at: State | Junction, event: Event, stepping: Stepping, spoken: Spoken
    ) -> Decision | Stop:
        """Return the transition to take from *at* that no rule forbids, or why the run stops.

        A turn that a rule holds back is offered as any that raised: with a fault, and with no
        message for guards to read.
        """
        decision = await self._decide(at, event, stepping, spoken)
        stop = self._forbidden(at, decision)
        if stop is None:
            return decision
        if event != "said" or stepping.view.exhausted or not isinstance(at, State):
            return stop
        spoken.fault = stop.fault
        stepping.view = replace(stepping.view, fault=stop.fault, last=SILENCE, others=())
        decision = await self._decide(at, "raised", stepping, spoken)
        held_back = isinstance(decision, Stop) or self._forbidden(at, decision) is not None
        return stop if held_back else decision

    def _forbidden(self, at: Place, decision: Decision | Stop) -> Stop | None:
        """Enter the target of *decision*, or return the stop of a rule that this would break."""
        if isinstance(decision, Stop):
            return None
        rule = self._watch.enter(decision.target)
        if rule is None:
            return None
        fault = self.door.clean(broken(rule, at.name, decision.target))
        return stop_failed(self.flow, fault, at.name, decision.tried)

    async def _decide(
        self, at: State | Junction, event: Event, stepping: Stepping, spoken: Spoken
    ) -> Decision | Stop:
        """Return the transition to take from *at*, or why the run stops there."""
        if event == "said" and isinstance(at, State) and at.choose is not None:
            decision = await self._chosen(at, at.choose, stepping, spoken)
        else:
            decision = self._kernel.step(at.name, event, stepping.view)
        if isinstance(decision, Stop):
            return decision
        if decision.taken is not None and stepping.used_up(decision.target):
            event = "exhausted"
            stepping.exhaust(f"visits of {decision.target!r}")
            decision = self._kernel.step(at.name, event, stepping.view)
        if decision.taken is None:
            return way_out(self.flow, at, event, decision, stepping, spoken)
        return decision

    async def _chosen(
        self, at: State, chooser: Chooser, stepping: Stepping, spoken: Spoken
    ) -> Decision | Stop:
        """Try all guards; where several hold, ask the chooser once."""
        tried = self._kernel.verdicts(at.name, stepping.view)
        enabled = [index for index, verdict in enumerate(tried) if verdict]
        if not enabled:
            return Decision(tried, None)
        chat = chat_of(self.flow, at, enabled, stepping.view)
        if len(chat.candidates) == 1:
            return self._kernel.take(at.name, enabled[0], tried)
        turn = self._between(at, chooser.name, stepping, spoken)
        self.door.scene = Scene(turn, at.agent, self.models, deaf, chooser, chat)
        try:
            picked = await choose(chooser, chat, turn)
        finally:
            spoken.next_ordinal = turn.next_ordinal
        if isinstance(picked, Fault):
            return self._stopped(picked, at, tried)
        index = next(i for i in enabled if at.transitions[i].target == picked)
        return self._kernel.take(at.name, index, tried)

    async def _restart(
        self, at: State | Junction, summary: Summary, stepping: Stepping, spoken: Spoken
    ) -> Stop | None:
        """Summarise the transcript, to go on with that alone; return why that was not possible."""
        if not isinstance(summary, Summariser):
            stepping.clear(at.name, summary)
            return None
        turn = self._between(at, str(getattr(summary, "name", at.name)), stepping, spoken)
        self.door.scene = Scene(turn, cast("Agent", summary), self.models, deaf)
        try:
            text = await summary.summarise(turn, None)
            stepping.restart = str(self.door.redact(text))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a summary is the user's; its error is a fault
            return self._stopped(fault_of(error), at, ())
        finally:
            spoken.next_ordinal = turn.next_ordinal
        return None

    def _between(
        self, at: State | Junction, who: str, stepping: Stepping, spoken: Spoken
    ) -> EngineTurn:
        """Return what *who* makes effects with after the turn was spoken; its ordinals follow."""
        return EngineTurn(
            self.door,
            at.name,
            self.door.fold.visit,
            stepping.view,
            who,
            timeout_s=at.timeout_s if isinstance(at, State) else None,
            next_ordinal=spoken.next_ordinal,
        )

    def _stopped(self, fault: Fault, at: Place, tried: tuple[bool | None, ...]) -> Stop:
        """Return the stop of a fault between speaking and the next state."""
        fault = self.door.clean(fault)
        stop = stop_failed(self.flow, fault, at.name, tried)
        if fault.which:  # a call that the budget refused
            return replace(stop, kind="budget", why=fault.text, which=fault.which)
        return stop

    def _taken(self, place: Place, stepping: Stepping, spoken: Spoken) -> TurnTaken:
        usage: Usage = NO_USAGE
        answers = self.door.answers()
        for ordinal in sorted(answers) if len(answers) > 1 else answers:  # whichever came first
            spent = getattr(answers[ordinal], "usage", NO_USAGE)
            if spent is not NO_USAGE:
                usage += spent
        return TurnTaken(
            place.name,
            self.door.fold.visit,
            tuple(spoken.said),
            spoken.fault,
            stepping.view.exhausted,
            tuple(stepping.steps),
            stepping.patch or None,
            usage,
            spoken=isinstance(place, State) and not spoken.exhausted,
            restart=stepping.restart,
        )

    def _fault(self, error: Exception) -> Fault:
        """Return what a guard or an action raised, without secrets."""
        return self.door.clean(Fault(type(error).__name__, str(error)))

    def data(self) -> BaseModel | None:
        """Return the run's data as the flow's model."""
        if self.flow.data is None:
            return None
        if self._typed_from is not self.door.fold.data:
            self._typed_from = self.door.fold.data
            self._typed = self.flow.typed(self.door.fold.data)
        return self._typed


def _event_of(stepping: Stepping, spoken: Spoken) -> Event:
    """Return how the turn comes to its step."""
    if spoken.exhausted:
        return "exhausted"
    if spoken.fault is None:
        return "said"
    if spoken.fault.is_a("Exhausted"):
        stepping.exhaust(spoken.fault.which)
        return "exhausted"
    return "raised"
