"""From a flow to its document: every part once, or a refusal that names all that cannot be."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from typing import Final as Constant

from pydantic import ValidationError

from stateflow.errors import DefinitionError
from stateflow.exchange.chooser import chooser_form, summary_form, window_form
from stateflow.exchange.document import (
    FORMAT,
    BudgetForm,
    Document,
    FinalForm,
    FlowForm,
    JunctionForm,
    NestedForm,
    ParallelForm,
    PlaceForm,
    StateForm,
    TransitionForm,
)
from stateflow.exchange.unwritten import Unwritable, Unwritten, no_function
from stateflow.exchange.write_agents import Models, agent_form
from stateflow.machine.budget import Budget
from stateflow.machine.choose import Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.guard_form import guard_of
from stateflow.machine.nested import FieldsOut, FlowAgent, Nested
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import DEFAULT_TIMEOUT_S, Final, Junction, Place, State
from stateflow.machine.transition import Action, Transition
from stateflow.value import Json

__all__ = ["document_of"]

_LONGEST: Constant = 100
"""So much is told of the name of a guard [characters]."""


def document_of(flow: Flow, form: str, *, agents: bool = True) -> Document:
    """Return *flow* as a document.

    Args:
        flow: what is written, with all that is nested in it.
        form: what the document is for, in sentences: ``JSON``, ``Python``.
        agents: whether they must be written; else, where one of them cannot be, none is, for an
            agent without its Python tools would be another one.

    Raises:
        DefinitionError: it holds Python functions, Python objects or secrets; all are named.

    Example:
        >>> from stateflow import Scripted, State, guard, to
        >>> @guard
        ... def long_winded(view):
        ...     return len(view.last.text) > 1000
        >>> flow = Flow("talk", State("say", Scripted("bob", []), to(None, when=long_winded)))
        >>> document_of(flow, "SCXML", agents=False)
        Traceback (most recent call last):
        stateflow.errors.DefinitionError: flow 'talk' cannot be written as SCXML, ... guard \
'long_winded', a Python function, of state 'say'; ...
    """
    try:
        unwritten, document = _read_through(flow)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise DefinitionError(
            f"flow {flow.name!r} cannot be written as {form}: {where}: {first['msg']}"
        ) from error
    unwritten.refuse(flow.name, form, agents=agents)
    return document.model_copy(update={"agents": {}}) if unwritten.found else document


def _read_through(flow: Flow) -> tuple[Unwritten, Document]:
    """Return what cannot be written of *flow*, and the document of all the rest."""
    writer = _Writer(_keys((one.name, one) for one in flow.flows))
    agents = {id(one): one for each in flow.flows for one in each.agents}
    writer.agents = _keys((one.name, one) for one in agents.values())
    flows = {writer.flows[id(one)]: writer.flow(one, top=flow) for one in flow.flows}
    forms = {
        writer.agents[key]: agent_form(one, writer.models, writer.flows, writer.unwritten)
        for key, one in agents.items()
    }
    document = Document(
        stateflow=FORMAT,
        flow=writer.flows[id(flow)],
        flows=flows,
        agents={key: form for key, form in forms.items() if form is not None},
        models=writer.models.schemas,
    )
    return writer.unwritten, document


def _keys(named: Iterator[tuple[str, object]]) -> dict[int, str]:
    """Return a key for each thing by its identity: its name, numbered where several have it."""
    things = list(named)
    free = Counter(name for name, _ in things)
    keys: dict[int, str] = {}
    taken: set[str] = set()
    for name, thing in things:
        key, number = name, 1
        while key in taken or (number > 1 and key in free):
            number += 1
            key = f"{name} ({number})"
        taken.add(key)
        keys[id(thing)] = key
    return keys


@dataclass(slots=True)
class _Writer:
    """Writes the flows of one document."""

    flows: Mapping[int, str]
    agents: Mapping[int, str] = field(default_factory=dict[int, str])
    models: Models = field(default_factory=Models)
    unwritten: Unwritten = field(default_factory=Unwritten)

    def flow(self, flow: Flow, top: Flow) -> FlowForm:
        """Return *flow* without what is nested in it."""
        tail = "" if flow is top else f" of flow {flow.name!r}"
        shared = _shared(flow)
        data = flow.data
        places = [self._place(place, flow, shared, tail) for place in flow.places.values()]
        return FlowForm(
            name=flow.name,
            description=flow.description,
            places=places,
            budget=_budget(flow.budget),
            on_error=flow.on_error,
            data=None
            if data is None
            else self.unwritten.tried(f"flow {flow.name!r}", lambda: self.models.key(data)),
            choose=None
            if shared is None
            else self.unwritten.tried(f"flow {flow.name!r}", lambda: chooser_form(shared)),
            accept=dict(flow.accept),
            rules=[rule.form for rule in flow.rules],
        )

    def _place(self, place: Place, flow: Flow, shared: Chooser | None, tail: str) -> PlaceForm:
        where = f"{_kind(place)} {place.name!r}{tail}"
        self.unwritten.tried(where, lambda: _refuse_kind(place))
        for word in ("entry", "exit"):
            self._no_action(word, getattr(place, word, None), where)
        if isinstance(place, Final):
            return FinalForm(kind="final", name=place.name, ok=place.ok, phase=place.phase)
        rows = [self._transition(one, where) for one in place.transitions]
        if isinstance(place, Junction):
            return JunctionForm(kind="junction", name=place.name, to=rows, phase=place.phase)
        same: dict[str, Any] = {
            "name": place.name,
            "to": rows,
            "visits": place.visits,
            "save": place.save,
            "timeout_s": None if place.timeout_s == DEFAULT_TIMEOUT_S else place.timeout_s,
            "phase": place.phase,
        }
        self.unwritten.tried(where, lambda: _refuse_odd(place, flow))
        if isinstance(place, Nested | Parallel):
            return self._sub_machine(place, same, where)
        return self._state(place, shared, same, where)

    def _state(
        self, place: State, shared: Chooser | None, same: dict[str, Any], where: str
    ) -> StateForm:
        self._no_action("output", place.output, where)
        choose, sees = place.choose, place.sees
        own = choose is not None and choose != shared
        return StateForm(
            kind="state",
            agents=[self.agents[id(one)] for one in place.agents],
            prompt=self.unwritten.tried(where, lambda: no_function("prompt", place.prompt)) or "",
            choose=self.unwritten.tried(where, lambda: chooser_form(cast("Chooser", choose)))
            if own
            else None,
            sees=None if sees is None else self.unwritten.tried(where, lambda: window_form(sees)),
            **same,
        )

    def _sub_machine(
        self, place: Nested | Parallel, same: dict[str, Any], where: str
    ) -> NestedForm | ParallelForm:
        output = place.output
        if isinstance(output, FieldsOut):
            same["output"] = dict(output.fields)
        else:
            self._no_action("output", output, where)
        keys = [self.agents[id(one)] for one in place.agents]
        if isinstance(place, Nested):
            return NestedForm(kind="nested", agent=keys[0], **same)
        join: Any = {len(keys): "all", 1: "any"}.get(place.need, place.need)
        return ParallelForm(kind="parallel", agents=keys, join=join, others=place.others, **same)

    def _transition(self, one: Transition, where: str) -> TransitionForm:
        restart = one.restart
        self._no_action("do", one.do, f"a transition of {where}")
        return TransitionForm(
            to=one.target,
            when=self.unwritten.tried(where, lambda: _when(one)),
            after=None if one.after is None else float(one.after),
            restart=None
            if restart is None
            else self.unwritten.tried(f"a transition of {where}", lambda: summary_form(restart)),
        )

    def _no_action(self, word: str, action: Action | None, where: str) -> None:
        self.unwritten.tried(where, lambda: no_function(word, action))


def _refuse_kind(place: Place) -> None:
    if type(place) not in {State, Nested, Parallel, Junction, Final}:
        raise Unwritable(f"the code of a {type(place).__name__}, which is Python,")


def _kind(place: Place) -> str:
    if isinstance(place, Final):
        return "final"
    return "junction" if isinstance(place, Junction) else "state"


def _shared(flow: Flow) -> Chooser | None:
    """Return who picks in every state that names nobody; only a flow can give nested ones one."""
    states = flow.states
    if any(state.choose is None for state in states):
        return None
    given = [state.choose for state in states if isinstance(state, Nested | Parallel)]
    return given[0] if given else states[0].choose


def _refuse_odd(place: State, flow: Flow) -> None:
    """Refuse agents of flows that nothing public makes, for nothing public could make them again.

    Raises:
        Unwritable: there is one.
    """
    own: list[FlowAgent] = []
    for agent in place.agents:
        if not isinstance(agent, FlowAgent):
            continue
        if agent.flow is flow:
            own.append(agent)
        elif agent.flow.description and not agent.description:
            raise Unwritable(f"agent {agent.name!r}, which hides what its flow is for,")
    if not own:
        return
    named = all(one.name == flow.name and not one.description for one in own)
    if not (isinstance(place, Parallel) or (isinstance(place, Nested) and named)):
        raise Unwritable(f"agent {own[0].name!r}, the flow in itself, in an unusual place,")


def _when(one: Transition) -> Json:
    """Return the guard of *one* without its deadline, as JSON.

    Raises:
        Unwritable: it is, or holds, a Python function, or what JSON does not hold.
    """
    guard = one.when
    if guard is None:
        return None
    told = f"guard {guard.name[:_LONGEST]!r}"
    if not guard.exportable:
        raise Unwritable(f"{told}, a Python function,")
    try:
        form: Any = json.loads(json.dumps(guard.form, allow_nan=False))
        if guard_of(form) != guard:
            raise Unwritable(f"{told}, which is not the built-in one of that form,")
    except (DefinitionError, TypeError, ValueError, RecursionError) as error:
        raise Unwritable(f"{told} ({error})") from error
    if one.after is None:
        return cast("Json", form)
    return form["and"][1] if "and" in form else None


def _budget(budget: Budget) -> BudgetForm:
    plain = Budget()
    names = ("turns", "calls", "tokens", "usd", "seconds", "depth", "unpriced")
    given: dict[str, Any] = {}
    for name in names:
        limit = getattr(budget, name)
        if limit != getattr(plain, name):
            given[name] = "unlimited" if limit == math.inf else limit
    return BudgetForm(**given)
