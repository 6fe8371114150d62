"""Flows: the whole table of what may happen, checked when it is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.machine import fingerprint
from stateflow.machine.budget import Budget
from stateflow.machine.choose import Chooser
from stateflow.machine.kernel import Kernel
from stateflow.machine.state import Final, Junction, Place, State, Steps
from stateflow.machine.table import Row, chooser_of, places_of
from stateflow.machine.transition import Transition
from stateflow.value import Json, canonical_json, check_name

__all__ = ["Flow"]


class Flow:
    """A conversation as a finite state machine.  The first place is the initial one.

    Raises:
        DefinitionError: a name is used twice, a target does not exist, junctions only lead to
            each other, or an ``exhausted`` transition leads to a place that would go on.
    """

    def __init__(
        self,
        name: str,
        *places: Place,
        budget: Budget | None = None,
        on_error: str | None = None,
        data: type[BaseModel] | None = None,
        choose: Chooser | None = None,
        description: str = "",
    ) -> None:
        """Build the flow and prove that its names resolve."""
        self.name = check_name(name, "flow")
        self.description = description
        self.budget = budget if budget is not None else Budget()
        self.data = data
        self.places: Mapping[str, Place] = _by_name(name, places, choose)
        self.initial = next(iter(self.places))
        self.on_error = on_error
        self._check()
        self.kernel = Kernel(self.places)
        self._table: dict[str, Json] | None = None
        self._print = ""

    @classmethod
    def from_table(  # noqa: PLR0913 - the declaration of a flow is this long
        cls,
        name: str,
        table: Mapping[Any, Sequence[Row]],
        *,
        choose: object = None,
        budget: Budget | None = None,
        on_error: str | None = None,
        data: type[BaseModel] | None = None,
        finals: Sequence[Final] = (),
    ) -> Flow:
        """Build a flow from AutoGen's table of allowed speakers, ``None`` for done.

        Args:
            name: of the flow.
            table: for each agent, who may speak next: agents, ``None``, or transitions.
            choose: who picks where several are enabled: a chooser, or AutoGen's function
                ``fn(last_speaker, chat)``.  Without it, rows are ordered.
            budget: limits of a run.
            on_error: state that takes faults nobody else takes.
            data: model of the typed data.
            finals: named ends beside done.

        Raises:
            DefinitionError: as for a flow; also when rows are ordered and a bare target hides
                the ones behind it, which names both cures.
        """
        chooser = chooser_of(choose)
        places: list[Place] = [*places_of(name, table, chooser), *finals]
        return cls(name, *places, budget=budget, on_error=on_error, data=data)

    @property
    def states(self) -> tuple[State, ...]:
        """The places where somebody speaks, in definition order."""
        return tuple(place for place in self.places.values() if isinstance(place, State))

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Everybody who speaks, in order of first appearance."""
        agents = {id(agent): agent for state in self.states for agent in state.agents}
        return tuple(agents.values())

    def table(self) -> dict[str, Json]:
        """Return the flow as JSON, as it is journaled: names, guards' forms, agents, prompts."""
        if self._table is None:
            self._table = fingerprint.table(self)
        return self._table

    def fingerprint(self) -> str:
        """Return the print of the table: what decides where a run goes, without prompts."""
        if not self._print:
            self._print = fingerprint.fingerprint(self.table())
        return self._print

    def targets(self, state: str) -> tuple[str, ...]:
        """Return names of the states that a turn in *state* may lead to, and of their agents."""
        found: dict[str, None] = {}
        open_places, seen = [state], {state}
        while open_places:
            for transition in _transitions(self.places[open_places.pop()]):
                target = transition.target
                place = self.places[target] if target is not None else None
                if isinstance(place, State):
                    found.update(dict.fromkeys((place.name, *(a.name for a in place.agents))))
                elif isinstance(place, Junction) and place.name not in seen:
                    seen.add(place.name)
                    open_places.append(place.name)
        return tuple(found)

    def typed(self, data: Mapping[str, Any] | BaseModel | None) -> BaseModel | None:
        """Return *data* as the flow's model.

        Raises:
            DefinitionError: it does not fit, or the flow declares no data.
        """
        if self.data is None:
            if data:
                sentence = (
                    f"flow {self.name!r} declares no data; give Flow(..., data=Model) a model"
                )
                raise DefinitionError(sentence)
            return None
        if isinstance(data, BaseModel):
            data = data.model_dump()
        try:
            return self.data.model_validate(data or {})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole"
            sentence = (
                f"data of flow {self.name!r} does not fit {self.data.__name__}: "
                f"{place}: {first['msg']}"
            )
            raise DefinitionError(sentence) from error

    def __repr__(self) -> str:
        """Return name and size."""
        return f"<Flow {self.name!r}: {len(self.places)} places>"

    def _check(self) -> None:
        if self.data is not None:
            self._check_data(self.data)
        for place in self.places.values():
            if isinstance(place, State):
                self._check_state(place)
            for transition in _transitions(place):
                self._check_target(place, transition)
        if self.on_error is not None and self.on_error not in self.places:
            raise DefinitionError(self._unknown("on_error", self.on_error))
        _refuse_junction_loops(self.places)

    def _check_data(self, data: type[BaseModel]) -> None:
        if '"uniqueItems":true' in canonical_json(data.model_json_schema()):
            raise DefinitionError(
                f"data of flow {self.name!r}: {data.__name__} holds a set, whose order is another "
                "in every process, so that no replay could be held against it; write a list"
            )

    def _check_state(self, state: State) -> None:
        if state.save is not None:
            fields: Iterable[str] = self.data.model_fields if self.data is not None else ()
            if state.save not in fields:
                sentence = (
                    f"state {state.name!r} saves to {state.save!r}, which the data of flow "
                    f"{self.name!r} does not have; it has: {', '.join(fields) or 'no data at all'}"
                )
                raise DefinitionError(sentence)

    def _check_target(self, place: Place, transition: Transition) -> None:
        target = transition.target
        if target is not None and target not in self.places:
            raise DefinitionError(self._unknown(f"a transition of {place.name!r}", target))
        exhausts = transition.when is not None and transition.when.exhausts
        if exhausts and not (target is None or isinstance(self.places[target], Final)):
            sentence = (
                f"{place.name!r}: to({target!r}, when=exhausted) must lead to a final; a run that "
                "has used up its budget cannot go on. Add Final('gave_up', ok=False)"
            )
            raise DefinitionError(sentence)

    def _unknown(self, who: str, target: str) -> str:
        return (
            f"flow {self.name!r}: {who} leads to unknown state {target!r}; "
            f"the flow has: {', '.join(self.places)}"
        )


def _transitions(place: Place) -> tuple[Transition, ...]:
    return () if isinstance(place, Final) else place.transitions


def _by_name(flow: str, places: tuple[Place, ...], choose: Chooser | None) -> dict[str, Place]:
    if not any(isinstance(place, State) for place in places):
        sentence = f"flow {flow!r} has no state; give it one: State('write', agent, ...)"
        raise DefinitionError(sentence)
    named: dict[str, Place] = {}
    for place in places:
        if place.name in named:
            sentence = f"flow {flow!r} has two places called {place.name!r}; rename one"
            raise DefinitionError(sentence)
        named[place.name] = place
    if isinstance(places[0], Final):
        sentence = f"flow {flow!r} begins with the final {places[0].name!r}"
        raise DefinitionError(sentence)
    agents = _bound(places)
    return {place.name: _resolved(flow, place, agents, choose) for place in places}


def _bound(places: tuple[Place, ...]) -> dict[int, list[str]]:
    """Return the states that each agent is bound to, by the agent's identity."""
    bound: dict[int, list[str]] = {}
    for place in places:
        if isinstance(place, State):
            for agent in dict.fromkeys(map(id, place.agents)):
                bound.setdefault(agent, []).append(place.name)
    return bound


def _resolved(
    flow: str, place: Place, bound: Mapping[int, list[str]], choose: Chooser | None
) -> Place:
    """Return *place* with targets that were given as agents turned into states' names."""
    if isinstance(place, Final):
        return place
    transitions: list[Transition] = []
    for transition in place.transitions:
        agent = transition.agent
        if agent is None:
            transitions.append(transition)
            continue
        states = bound.get(id(agent), [])
        if len(states) != 1:
            serves = (
                f"serves {len(states)} states ({', '.join(states)})" if states else "serves none"
            )
            sentence = (
                f"flow {flow!r}: {place.name!r} leads to agent {agent.name!r}, which {serves}; "
                "name the state"
            )
            raise DefinitionError(sentence)
        transitions.append(replace(transition, target=states[0], agent=None))
    if isinstance(place, Junction):
        return Junction(place.name, *transitions)
    return State(
        place.name,
        place.agent if len(place.agents) == 1 else Steps(place.agents),
        *transitions,
        visits=place.visits,
        prompt=place.prompt,
        choose=place.choose if place.choose is not None else choose,
        entry=place.entry,
        exit=place.exit,
        save=place.save,
        sees=place.sees,
        timeout_s=place.timeout_s,
    )


def _refuse_junction_loops(places: Mapping[str, Place]) -> None:
    """Refuse junctions that lead back to themselves without anybody speaking."""
    for start in places.values():
        seen: list[str] = []
        ahead = [start.name] if isinstance(start, Junction) else []
        while ahead:
            name = ahead.pop()
            place = places[name]
            if name in seen or not isinstance(place, Junction):
                continue
            seen.append(name)
            targets = [t.target for t in place.transitions if t.target is not None]
            if start.name in targets:
                sentence = (
                    f"junction {start.name!r} can lead back to itself with nobody speaking; put a "
                    "state in between"
                )
                raise DefinitionError(sentence)
            ahead.extend(targets)
