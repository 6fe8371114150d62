"""How many tokens a call can be at most, and what they cost.

Input is the prompts and as much of the transcript as a call can be shown; output is what the
model's settings allow.  What has no size beforehand is told by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from stateflow.agents.assistant import Assistant
from stateflow.agents.code import CodeRunner
from stateflow.agents.human import Human
from stateflow.agents.scripted import Scripted
from stateflow.conversation.agent import Agent
from stateflow.conversation.message import Message, Pass
from stateflow.conversation.summary import last_message
from stateflow.conversation.tokens import estimate_message, estimate_text
from stateflow.conversation.window import SUMMARISE, Last, Only, Summarised, Window, Within
from stateflow.engine.choosers import ByModel
from stateflow.machine.bound.bound import Most
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import State
from stateflow.models.model import AnyModel, Model, models_of
from stateflow.models.price import Price
from stateflow.models.price_list import price_of
from stateflow.value import canonical_json

__all__ = ["Ask", "Sizes"]

_OVERHEAD: Final = 8
"""Of a message beside its text and its speaker [tokens]."""
_COMPLAINT: Final = 600
"""Of what a model is told of a reply that does not fit, beside what it wrote itself [tokens]."""
_PER: Final = 1_000_000
_NAMED: Final = 3
"""So often a candidate is named: in the prompt, in its description, and in the schema."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Calls of one turn that are alike."""

    asker: object
    calls: int
    sure: bool
    """Whether any turn that says something makes as many."""
    model: object = None
    """Who is asked, where it is not the asker's own model."""
    heard: Flow | None = None
    """The nested flow that is summarised."""


class _Size(NamedTuple):
    """Tokens, and what keeps them from being counted."""

    tokens: float
    why: str = ""


def _add(parts: Iterable[_Size]) -> _Size:
    known = list(parts)
    why = next((one.why for one in known if math.isinf(one.tokens)), "")
    return _Size(sum(one.tokens for one in known), why)


def _most(parts: Iterable[_Size]) -> _Size:
    return max(parts, key=lambda one: one.tokens, default=_Size(0))


def _times(times: float, size: _Size) -> _Size:
    if not times or not size.tokens:
        return _Size(0)
    return _Size(times * size.tokens, size.why)  # of endless turns the cycle is to blame


class Sizes:
    """What is said in a flow and in all that are nested in it, by size."""

    def __init__(self, flow: Flow, task_tokens: int) -> None:
        """Measure everybody once."""
        self._task = _Size(task_tokens + _OVERHEAD)
        self._said: dict[int, _Size] = {}
        self._names: dict[str, _Size] = {}
        agents = flow.everybody
        for agent in sorted(agents, key=lambda one: isinstance(one, FlowAgent)):
            size = self._size(agent)
            self._said[id(agent)] = size
            self._names[agent.name] = _most([size, self._names.get(agent.name, _Size(0))])
        restarts = [self._restarted(one) for one in _restarts(flow)]
        self._any = _most([*self._said.values(), *restarts])
        given = [_most([self._task, self._any]), *map(self._given, agents)]
        self._task_below = _most(given)
        self._below = {id(agent) for one in flow.flows[1:] for agent in one.agents}
        self._candidates = {id(s): _candidates(one, s) for one in flow.flows for s in one.states}

    def written(self, model: object) -> int:
        """Return the most that a reply may hold, whichever of the models answers [tokens]."""
        return max(one.settings.max_tokens for one in _models(model))

    def cost(self, ask: Ask, state: State | None, said: float) -> tuple[Most, Most]:
        """Return the most tokens and money of *ask*, with up to *said* messages before it."""
        models = _models(_model_of(ask))
        written = self.written(_model_of(ask))
        read = _add([self._fixed(ask, state, written), self._shown(ask, state, said)])
        told = read.why
        if math.isinf(read.tokens):
            return Most(math.inf, told, sure=False), Most(*self._money(models, math.inf, told))
        tokens = ask.calls * (read.tokens + written)
        usd, why = self._money(models, read.tokens, told)
        return Most(tokens, sure=False), Most(ask.calls * usd if usd else usd, why, sure=False)

    def _money(self, models: Sequence[Model], read: float, why: str) -> tuple[float, str]:
        """Return what one call can cost [USD], whichever of *models* answers."""
        dearest = 0.0
        for model in models:
            price = model.price if model.price is not None else price_of(model.name)
            if price is None:
                return math.inf, f"unknown price of model {model.name!r}"
            into, out = _rates(price)
            asked = into * read if into else 0.0  # endless input may be free
            dearest = max(dearest, (asked + out * model.settings.max_tokens) / _PER)
        return dearest, why

    def _fixed(self, ask: Ask, state: State | None, written: int) -> _Size:
        """Return what is told beside the transcript."""
        asker = ask.asker
        if isinstance(asker, ByModel):
            return self._choosing(asker, state, written)
        if not isinstance(asker, Assistant):  # a window, of all that was said: it may be the first
            told = asker.prompt if isinstance(asker, Summarised) else SUMMARISE
            return _Size(estimate_text(told) + written + _OVERHEAD)
        parts = [_text(asker.prompt), _Size(_OVERHEAD)]
        if state is not None:
            if callable(state.prompt):
                why = f"the prompt of {state.name!r} is a function, whose text has no limit"
                parts.append(_Size(math.inf, why))
            else:
                parts.append(_text(state.prompt))
        if asker.schema is not None:
            parts.append(_text(canonical_json(asker.schema)))
        if asker.reply_type is not None:
            parts.append(_Size(asker.repairs * (6 * written + _COMPLAINT)))
        if asker.toolbox or asker.sources:
            parts.append(_Size(math.inf, f"what tools give {asker.name!r} has no limit"))
        return _add(parts)

    def _choosing(self, asker: ByModel, state: State | None, written: int) -> _Size:
        """Return what a model is told that picks, or sums up."""
        prompt = _text(asker.prompt or SUMMARISE)
        words = 0 if state is None else self._candidates[id(state)]
        return _add([prompt, _Size(words + written + 100 + _OVERHEAD)])

    def _shown(self, ask: Ask, state: State | None, said: float) -> _Size:
        """Return how much of the transcript a call can be shown."""
        task, one = self._task_below, self._any
        if ask.heard is not None:
            return _Size(math.inf, f"all of the nested chat {ask.heard.name!r} is summed up")
        if state is not None and id(state.agent) not in self._below:
            task = self._task
        sees = state.sees if state is not None and isinstance(ask.asker, Assistant) else None
        return self._through(sees, task, one, said)

    def _through(self, sees: Window | None, task: _Size, one: _Size, said: float) -> _Size:
        """Return what of a *task* and *said* messages, *one* at most each, *sees* lets through."""
        widest = _most([task, one])
        match sees:
            case Last():
                return _times(min(sees.count, said + 1), widest)
            case Within():
                return _most([_Size(sees.tokens), widest])
            case Only():
                named = [self._names.get(name, _Size(0)) for name in sees.speakers]
                first = [task] if "user" in sees.speakers else []
                return _add([*first, _times(said, _most(named))])
            case Summarised():
                return _times(min(sees.beyond + 1, said + 2), widest)
            case _:
                return _add([task, _times(said, one)])

    def _size(self, agent: Agent) -> _Size:
        """Return the size of what *agent* says in one message."""
        name = _Size(estimate_text(agent.name) + _OVERHEAD)
        return _add([name, self._words(agent)])

    def _words(self, agent: Agent) -> _Size:
        if isinstance(agent, FlowAgent):
            return self._summary(agent)
        if isinstance(agent, Scripted):
            return _most(_line(agent, line) for line in agent.lines)
        if isinstance(agent, Assistant) and not (agent.toolbox or agent.sources):
            return _Size(self.written(agent.model))
        told: dict[type[object], str] = {
            Assistant: f"what tools give {agent.name!r} has no limit",
            Human: f"what {agent.name!r}, a person, says has no limit",
            CodeRunner: f"what code of {agent.name!r} prints has no limit",
        }
        return _Size(math.inf, told.get(type(agent), f"what {agent.name!r} says has no limit"))

    def _summary(self, agent: FlowAgent) -> _Size:
        """Return the size of what a nested chat comes to; who speaks there was measured before."""
        if agent.summary is last_message:
            return _most(
                self._said[id(one)] for one in agent.flow.everybody if id(one) in self._said
            )
        if isinstance(agent.summary, ByModel):
            return _Size(self.written(agent.summary.model))
        return _Size(math.inf, f"the summary of {agent.name!r} is a function")

    def _restarted(self, summary: object) -> _Size:
        if summary is last_message:
            return _Size(0)
        if isinstance(summary, ByModel):
            return _Size(self.written(summary.model) + _OVERHEAD)
        return _Size(math.inf, "a transcript restarts with what a function returns")

    def _given(self, agent: Agent) -> _Size:
        """Return what a nested chat starts from beside what was said."""
        if isinstance(agent, Assistant):
            return _Size(self.written(agent.model) + _OVERHEAD)
        if not isinstance(agent, FlowAgent):
            return _Size(0)
        carried = _Size(0)
        if isinstance(agent.carryover, Last):
            carried = _times(agent.carryover.count, _most([self._task, self._any]))
        elif agent.carryover is not None:
            carried = _Size(math.inf, f"what {agent.name!r} carries over has no limit")
        if agent.input is None:
            return _add([carried, _most([self._task, self._any])])
        if isinstance(agent.input, str):
            return _add([carried, _text(agent.input)])
        return _Size(math.inf, f"the input of {agent.name!r} is a function")


def _model_of(ask: Ask) -> object:
    return ask.model if ask.model is not None else getattr(ask.asker, "model", None)


def _models(model: object) -> tuple[Model, ...]:
    asked: AnyModel = model  # type: ignore[assignment]  # checked when the flow was built
    return models_of(asked)


def _text(text: str) -> _Size:
    return _Size(estimate_text(text))


def _line(agent: Scripted, line: object) -> _Size:
    if isinstance(line, str):
        return _text(line)
    if isinstance(line, Message):
        return _Size(estimate_message(line))
    if line is None or isinstance(line, Pass | BaseException):
        return _Size(0)
    return _Size(math.inf, f"what {agent.name!r} says has no limit")


def _candidates(flow: Flow, state: State) -> int:
    """Return the size of what is told of those who may be next: names, and what they do."""
    if not isinstance(state.choose, ByModel):
        return 0
    told = list[str]()
    for name in dict.fromkeys(one.target for one in state.transitions):
        place = None if name is None else flow.places[name]
        agents = place.agents if isinstance(place, State) else ()
        described = [str(getattr(one, "description", "") or "") for one in agents]
        told += [*[str(name)] * _NAMED, *described]
    return sum(estimate_text(one) + 1 for one in told)


def _restarts(flow: Flow) -> Iterator[object]:
    places = (place for one in flow.flows for place in one.places.values())
    return (one.restart for place in places for one in place.transitions if one.restart)


def _rates(price: Price) -> tuple[float, float]:
    """Return the dearest price of input and of output, whatever is cached and however long."""
    tiers = [price, *(tier for _, tier in price.above)]
    return (
        max(max(one.input, one.written or 0.0) for one in tiers),
        max(one.output for one in tiers),
    )
