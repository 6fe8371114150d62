"""Witnesses: a small view for which a transition is taken, and what people are told of it.

Each is what the agents of its place can say, on the shortest way there, and was put to the kernel:
that transition was taken, and no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast
from typing import Final as Constant

from pydantic import BaseModel

from stateflow.conversation.message import Message, Outcome
from stateflow.conversation.view import View
from stateflow.machine.algebra.arrival import arrivals, offered
from stateflow.machine.algebra.atom import Formula, formula, negated
from stateflow.machine.algebra.search import Found, search
from stateflow.machine.flow import Flow
from stateflow.machine.kernel import Event
from stateflow.machine.state import Place, State

__all__ = ["taken", "told", "view_taking"]

_EVENTS: Constant[tuple[Event, ...]] = ("said", "raised", "exhausted")
_LONGEST: Constant = 60
"""Of a text that is told [characters]."""


def view_taking(flow: Flow, place: str | Place, index: int) -> View | None:
    r"""Return a view for which *flow* takes transition *index* of *place*.

    Where a chooser picks, it is one for which that transition is enabled.  ``None``: there is none,
    or none was found, as where only a Python function could say.

    Args:
        flow: its kernel is asked.
        place: a state or a junction, or its name.
        index: of the transition, in the order in which they are tried.

    Example:
        >>> from stateflow import FunctionAgent, State, says, to
        >>> critic = FunctionAgent("critic", lambda view: "APPROVED")
        >>> ways = to(None, when=says("APPROVED", by=critic)), to("judge")
        >>> told(view_taking(Flow("essay", State("judge", critic, *ways)), "judge", 0))
        '\'critic\' says "APPROVED"'
    """
    at = flow.places[place] if isinstance(place, str) else place
    for event in _EVENTS:
        found = _taking(flow, at, index, event)
        if found is not None:
            return found
    return None


def _taking(flow: Flow, at: Place, index: int, event: Event) -> View | None:
    guard = at.transitions[index].when
    if not offered(guard, event):
        return None
    wanted = [formula(guard), *_passed_by(at, index, event)]
    for arrival in arrivals(flow, at, event):
        found = search(
            [*arrival.formulas, *wanted],
            arrival.setting,
            lambda view: taken(flow, at, event, view, index),
        )
        if isinstance(found, Found):
            return found.view
    return None


def _passed_by(at: Place, index: int, event: Event) -> Iterator[Formula]:
    """Yield that none of the transitions before holds, where order decides."""
    if isinstance(at, State) and at.choose is not None and event == "said":
        return
    for earlier in at.transitions[:index]:
        if offered(earlier.when, event):
            yield negated(formula(earlier.when))


def taken(flow: Flow, at: Place, event: Event, view: View, index: int | None) -> bool:
    """Tell whether the kernel takes transition *index* for *view*, or none if that is ``None``."""
    if isinstance(at, State) and at.choose is not None and event == "said":
        verdicts = flow.kernel.verdicts(at.name, view)
        return not any(verdicts) if index is None else bool(verdicts[index])
    return flow.kernel.step(at.name, event, view).taken == index


def told(view: View) -> str:
    r"""Return *view* in one line, without what goes without saying.

    Example:
        >>> told(View(last=Message("APPROVED", "reviewer"), visits={"write": 4}, turns=3))
        '\'reviewer\' says "APPROVED", visits write=4'
    """
    return ", ".join(_parts(view))


def _parts(view: View) -> Iterator[str]:
    if view.fault is not None:
        yield f"{view.fault.name} is raised"
    if view.exhausted:
        yield f"the limit of {view.exhausted} is met"
    spoken = [one for one in view.said if one.speaker]
    if not spoken and view.fault is None and not view.exhausted:
        yield "nobody says anything"
    for message in spoken:
        yield from _message(message)
    visits = ", ".join(f"{name}={count}" for name, count in view.visits.items() if count > 1)
    if visits:
        yield f"visits {visits}"
    yield from _counted(view)
    yield from _data(view.data)


def _message(message: Message) -> Iterator[str]:
    yield f"{message.speaker!r} says {_shown(message.text)}"
    if message.answer is not None and message.answer != message.text:
        yield f"the answer is {_shown(message.answer)}"
    if message.ended is not None:
        yield f"it ended in {message.ended!r}"
    elif message.outcome is not None:
        yield from _outcome(message.outcome)
    yield from _beside(message)


def _beside(message: Message) -> Iterator[str]:
    reply = json.dumps(message.reply, ensure_ascii=False)
    if message.reply is not None and reply != message.text:
        yield f"the reply is {_cut(reply)}"
    if message.calls:
        yield f"it called {', '.join(repr(one.name) for one in message.calls)}"
    if message.handoff is not None:
        yield f"it hands over to {message.handoff!r}"


def _outcome(outcome: Outcome) -> Iterator[str]:
    yield f"the outcome is {'good' if outcome.ok else 'bad'}"
    if outcome.exit_code is not None:
        yield f"exit code {outcome.exit_code}"
    if outcome.fault or outcome.timed_out:
        yield f"cut off by {outcome.fault or 'TimedOut'}"


def _counted(view: View) -> Iterator[str]:
    usual = max(sum(view.visits.values()) - 1, 0)
    if view.turns != usual:
        yield f"turn {view.turns + 1}"
    if len(view.transcript) not in {0, usual + 1, usual + 2}:
        yield f"{len(view.transcript)} messages"
    usage = view.usage
    for figure in ("calls", "input_tokens", "output_tokens"):
        if getattr(usage, figure):
            yield f"{getattr(usage, figure)} {figure.replace('_', ' ')}"
    if usage.usd is None or usage.usd:
        yield "an unknown cost" if usage.usd is None else f"${usage.usd:g} spent"


def _data(data: object) -> Iterator[str]:
    fields: Mapping[str, Any] = {}
    if isinstance(data, BaseModel):
        begins = {name: info.default for name, info in type(data).model_fields.items()}
        whole = data.model_dump(mode="json")
        fields = {
            name: value for name, value in whole.items() if getattr(data, name) != begins[name]
        }
    elif isinstance(data, Mapping):
        fields = cast("Mapping[str, Any]", data)
    if fields:
        yield f"data {', '.join(f'{name}={_json(value)}' for name, value in fields.items())}"


def _json(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _shown(text: str) -> str:
    return json.dumps(_cut(text), ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
