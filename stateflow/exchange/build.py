"""From a document to its flow, through the same doors as a flow that is written in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.exchange.build_agents import agent_of
from stateflow.exchange.chooser import chooser_of, summary_of, window_of
from stateflow.exchange.data_class import model_of
from stateflow.exchange.document import (
    AssistantForm,
    BudgetForm,
    Document,
    FinalForm,
    FlowAgentForm,
    FlowForm,
    JunctionForm,
    NestedForm,
    ParallelForm,
    PlaceForm,
    StateForm,
    TransitionForm,
    speaking,
)
from stateflow.exchange.forms import ChooserForm, FlowToolForm
from stateflow.exchange.shape import classes
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.choose import Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guard_form import guard_of
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.rule.rule import rule_of
from stateflow.machine.state import Final, Junction, Place, State, steps
from stateflow.machine.transition import Transition, to
from stateflow.value import Json, canonical_json

__all__ = ["flow_of", "ordered"]

T = TypeVar("T")


def flow_of(document: Document) -> Flow:
    """Return the flow that *document* describes.

    Raises:
        DefinitionError: it does not make sense; the sentence begins with the place in the JSON.
    """
    builder = _Builder(document)
    for key, form in document.models.items():
        builder.models[key] = _at(f"$.models.{key}", partial(model_of, key, form))
    _at("$.models", partial(classes, document.models))
    for key in ordered(document):
        builder.flows[key] = builder.flow(key, document.flows[key])
    return builder.flows[document.flow]


def _at(place: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except DefinitionError as error:
        if str(error).startswith("$"):
            raise
        raise DefinitionError(f"{place}: {error}") from error


def ordered(document: Document) -> Iterator[str]:
    """Yield the keys of the flows that are needed, each after those that are nested in it."""
    done: set[str] = set()
    begun: set[str] = set()
    ahead: list[tuple[str, str, bool]] = [(document.flow, "$.flow", False)]
    while ahead:
        key, asking, leaving = ahead.pop()
        if key not in document.flows:
            raise DefinitionError(f"{asking}: there is no flow {key!r} in $.flows")
        if leaving:
            done.add(key)
            yield key
        if key in done:
            continue
        if key in begun:
            raise DefinitionError(
                f"{asking}: flow {key!r} is nested in a flow that is nested in it; only a flow in "
                "itself can be"
            )
        begun.add(key)
        needed = [one for one in _needed(document, key) if one[0] not in {*done, key}]
        ahead += [(key, asking, True), *((one, where, False) for one, where in reversed(needed))]


def _needed(document: Document, key: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of flows that flow *key* needs, itself perhaps, and where it says so."""
    for place in document.flows[key].places:
        for agent in speaking(place):
            form = document.agents.get(agent)
            where = f"$.agents.{agent}"
            if isinstance(form, FlowAgentForm):
                yield form.flow, f"{where}.flow"
            if isinstance(form, AssistantForm):
                for number, tool in enumerate(form.tools):
                    if isinstance(tool, FlowToolForm):
                        yield tool.flow, f"{where}.tools[{number}].flow"


@dataclass(slots=True)
class _Builder:
    """Builds the flows of one document."""

    document: Document
    flows: dict[str, Flow] = field(default_factory=dict[str, Flow])
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    models: dict[str, type[BaseModel]] = field(default_factory=dict[str, type[BaseModel]])
    choosers: dict[str, Chooser] = field(default_factory=dict[str, Chooser])

    def flow(self, key: str, form: FlowForm) -> Flow:
        """Return the flow *key*; those nested in it are built."""
        where = f"$.flows.{key}"
        places = [
            _at(f"{where}.places[{number}]", partial(self._place, one, key, number))
            for number, one in enumerate(form.places)
        ]
        rules = [
            _at(f"{where}.rules[{number}]", partial(rule_of, one))
            for number, one in enumerate(form.rules)
        ]

        def whole() -> Flow:
            flow = Flow(
                form.name,
                *places,
                budget=_budget(form.budget),
                on_error=form.on_error,
                data=None if form.data is None else self._model(form.data),
                choose=self._chooser(form.choose),
                description=form.description,
                accept=form.accept,
                rules=rules,
            )
            _forget_origins(flow)
            return flow

        return _at(where, whole)

    def _model(self, key: str) -> type[BaseModel]:
        if key not in self.models:
            raise DefinitionError(f"there is no model {key!r} in $.models")
        return self.models[key]

    def _chooser(self, form: ChooserForm | None) -> Chooser | None:
        """Return the chooser; one that is written twice is one, as a flow's is."""
        if form is None:
            return None
        text = form if isinstance(form, str) else form.model_dump_json()
        if text not in self.choosers:
            self.choosers[text] = chooser_of(form)
        return self.choosers[text]

    def _agent(self, key: str) -> Agent:
        if key not in self.agents:
            form = self.document.agents.get(key)
            if form is None:
                raise DefinitionError(f"there is no agent {key!r} in $.agents")
            made = _at(f"$.agents.{key}", lambda: agent_of(form, self.flows, self._model))
            self.agents[key] = made
        return self.agents[key]

    def _place(self, form: PlaceForm, flow: str, number: int) -> Place:
        if isinstance(form, FinalForm):
            return Final(form.name, ok=form.ok, phase=form.phase)
        here = f"$.flows.{flow}.places[{number}]"
        rows = [_at(f"{here}.to[{n}]", partial(_transition, one)) for n, one in enumerate(form.to)]
        if isinstance(form, JunctionForm):
            return Junction(form.name, *rows, phase=form.phase)
        given: dict[str, Any] = {"visits": form.visits, "save": form.save, "phase": form.phase}
        if form.timeout_s is not None:
            given["timeout_s"] = form.timeout_s
        if isinstance(form, NestedForm):
            return self._nested(form, flow, rows, given)
        if isinstance(form, ParallelForm):
            return self._parallel(form, flow, rows, given)
        return self._state(form, rows, given, flow)

    def _state(
        self, form: StateForm, rows: list[Transition], given: dict[str, Any], flow: str
    ) -> State:
        if not form.agents:
            raise DefinitionError(f"state {form.name!r} names no agent")
        if any(self._recursive(key, flow) for key in form.agents):
            raise DefinitionError(
                f"state {form.name!r} runs its own flow; write its kind as nested or parallel"
            )
        speaking = [self._agent(key) for key in form.agents]
        return State(
            form.name,
            steps(*speaking) if len(speaking) > 1 else speaking[0],
            *rows,
            prompt=form.prompt,
            choose=self._chooser(form.choose),
            sees=None if form.sees is None else window_of(form.sees),
            **given,
        )

    def _nested(
        self, form: NestedForm, flow: str, rows: list[Transition], given: dict[str, Any]
    ) -> Nested:
        given["output"] = form.output
        if not self._recursive(form.agent, flow):
            agent: Any = self._agent(form.agent)
            return Nested(form.name, agent, *rows, **given)
        inner = self._how(form.agent)
        name = self.document.flows[flow].name
        if inner.name != name or inner.description:
            raise DefinitionError(
                f"$.agents.{form.agent}: a flow in itself is called {name!r} there, and has no "
                "description of its own"
            )
        return Nested(form.name, itself(), *rows, **_how(inner), **given)

    def _parallel(
        self, form: ParallelForm, flow: str, rows: list[Transition], given: dict[str, Any]
    ) -> Parallel:
        given |= {"join": form.join, "others": form.others, "output": form.output}
        if not any(self._recursive(key, flow) for key in form.agents):
            agents: Any = [self._agent(key) for key in form.agents]
            return Parallel(form.name, agents, *rows, **given)
        inner = [self._how(key) for key in form.agents]
        if any(_told(one) != _told(inner[0]) for one in inner):
            raise DefinitionError(
                f"parallel state {form.name!r} runs its own flow, so all its branches have the "
                "same input, carryover and summary"
            )
        branches = {
            one.name: itself() if one.flow == flow else self.flows[one.flow] for one in inner
        }
        if len(branches) < len(inner):
            raise DefinitionError(f"parallel state {form.name!r} has two branches of one name")
        return Parallel(form.name, branches, *rows, **_how(inner[0]), **given)

    def _recursive(self, key: str, flow: str) -> bool:
        form = self.document.agents.get(key)
        return isinstance(form, FlowAgentForm) and form.flow == flow

    def _how(self, key: str) -> FlowAgentForm:
        form = self.document.agents.get(key)
        if not isinstance(form, FlowAgentForm):
            raise DefinitionError(f"agent {key!r} is no flow, and only flows are nested")
        return form


def _forget_origins(flow: Flow) -> None:
    """Let nothing of *flow* point to a line of Python: none of them wrote it."""
    flow.origin = None
    for place in flow.places.values():
        for one in (place, *place.transitions):
            object.__setattr__(one, "origin", None)


def _how(form: FlowAgentForm) -> dict[str, Any]:
    return {
        "input": form.input,
        "carryover": None if form.carryover is None else window_of(form.carryover),
        "summary": None if form.summary == "last_message" else summary_of(form.summary),
    }


def _told(form: FlowAgentForm) -> str:
    told: Mapping[str, Json] = form.model_dump(include={"input", "carryover", "summary"})
    return canonical_json(told)


def _transition(form: TransitionForm) -> Transition:
    return to(
        form.to,
        when=None if form.when is None else _guard(form.when),
        after=form.after,
        restart=None if form.restart is None else summary_of(form.restart),
    )


def _guard(form: Json) -> Guard:
    guard = guard_of(form)
    if '"guard":"after"' in canonical_json(form):
        raise DefinitionError("a deadline is no guard; write after: 3600.0 beside to and when")
    return guard


def _budget(form: BudgetForm) -> Budget:
    given = form.model_dump(exclude_defaults=True)
    limits: dict[str, Any] = {
        name: UNLIMITED if part == "unlimited" else part for name, part in given.items()
    }
    return Budget(**limits)
