"""Foresight: what a line would lead to if it was said now.

The step is made as the engine makes it, on the run's own data and counts, and nothing is recorded:
guards and actions are pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human, option_of
from stateflow.conversation.execution import Execution, tell
from stateflow.conversation.message import Message, Outcome
from stateflow.engine.choosers import ByHuman, ByModel
from stateflow.engine.choosing import chat_of
from stateflow.engine.stepping import Spoken, Stepping
from stateflow.journal.event import Step
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Decision, Event
from stateflow.machine.state import Final, Junction, State
from stateflow.testing.exploring.line import Line, fault_in, message_in
from stateflow.testing.exploring.stage import Ask
from stateflow.value import Json

__all__ = ["Ahead", "foreseen"]

_MOST_STEPS = 50

Pick = Callable[[str, list[int]], int]
"""Which of several enabled transitions is taken, where somebody picks."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a line leads to."""

    rows: tuple[tuple[str, int], ...] = ()
    """Places and indices of the transitions that are taken."""
    target: str | None = None
    """Where the run stands then; ``None``: it is done."""
    stuck: bool = False
    """It leads nowhere: the run stops."""


def foreseen(ask: Ask, line: Line, pick: Pick) -> Ahead:
    """Return what *line* leads to, where the engine is at *ask*."""
    try:
        return _foreseen(ask, line, pick)
    except Exception:  # noqa: BLE001 - guards and actions are anybody's; the run will tell
        return Ahead(stuck=True)


def _foreseen(ask: Ask, line: Line, pick: Pick) -> Ahead:
    flow, state = ask.flow, ask.state
    spoken = Spoken(fault=fault_in(line), at_once=False)
    message = None if spoken.fault is not None else message_in(line)
    if message is not None:
        spoken.messages.append(_as_said(ask, message))
    data = None if flow.data is None else flow.typed(ask.fold.data)
    stepping = Stepping(flow, ask.fold, data, spoken, _same)
    stepping.save(state)
    event: Event = "said" if spoken.fault is None else "raised"
    return _steps(flow, state, event, stepping, pick)


def _same(value: Json) -> Json:
    return value


def _as_said(ask: Ask, message: Message) -> Message:
    """Return *message* as its agent puts it on the record."""
    agent = ask.agent
    message = message.by(agent.name)
    if isinstance(agent, CodeRunner):
        outcome = message.outcome or Outcome.exited(0)
        code = outcome.exit_code if outcome.fault or outcome.exit_code is not None else 0
        ran = Execution("python", code, message.text, fault=outcome.fault)
        return replace(message, text=tell([ran]), outcome=outcome)
    if isinstance(agent, Human) and message.answer is None:
        return replace(message, answer=option_of(message.text, agent.options))
    return message


def _steps(flow: Flow, state: State, event: Event, stepping: Stepping, pick: Pick) -> Ahead:
    rows: list[tuple[str, int]] = []
    at: State | Junction = state
    for _ in range(_MOST_STEPS):
        decision = _decided(flow, at, event, stepping, pick)
        if decision.taken is None:
            return _way_out(flow, at, event, rows)
        rows.append((at.name, decision.taken))
        taken = at.transitions[decision.taken]
        stepping.take(at, Step(at.name, decision.tried, decision.taken, decision.target), taken.do)
        if decision.target is None:
            return Ahead(tuple(rows), None)
        place = flow.places[decision.target]
        if isinstance(place, State | Final):
            return Ahead(tuple(rows), place.name)
        at, event = place, "said"
    return Ahead(tuple(rows), stuck=True)


def _decided(
    flow: Flow, at: State | Junction, event: Event, stepping: Stepping, pick: Pick
) -> Decision:
    if event == "said" and isinstance(at, State) and at.choose is not None:
        tried = flow.kernel.verdicts(at.name, stepping.view)
        enabled = [index for index, verdict in enumerate(tried) if verdict]
        if not enabled:
            return Decision(tried, None)
        decision = flow.kernel.take(at.name, _picked(flow, at, enabled, stepping, pick), tried)
    else:
        decision = flow.kernel.step(at.name, event, stepping.view)
    if decision.taken is not None and stepping.used_up(decision.target):
        stepping.exhaust(f"visits of {decision.target!r}")
        decision = flow.kernel.step(at.name, "exhausted", stepping.view)
    return decision


def _picked(flow: Flow, at: State, enabled: list[int], stepping: Stepping, pick: Pick) -> int:
    """Return which is taken: as the chooser says that needs nobody for it, else as *pick* says."""
    chooser: Any = at.choose
    if len(enabled) == 1 or not chooser.composed or isinstance(chooser, ByModel | ByHuman):
        return pick(at.name, enabled)
    chat = chat_of(flow, at, enabled, stepping.view)
    try:
        chooser.choose(chat, None).send(None)
    except StopIteration as answer:
        return next(one for one in enabled if at.transitions[one].target == answer.value)
    return pick(at.name, enabled)


def _way_out(flow: Flow, at: State | Junction, event: Event, rows: list[tuple[str, int]]) -> Ahead:
    """Return where a turn goes that no transition takes."""
    on_error = flow.on_error
    if event != "said" and on_error is not None and on_error != at.name:
        return Ahead(tuple(rows), on_error)
    return Ahead(tuple(rows), at.name, stuck=True)
