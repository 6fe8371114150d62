"""Flows: the whole table of what may happen, checked when it is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from stateflow.conversation.agent import Agent
from stateflow.conversation.summary import Summary, last_message
from stateflow.conversation.window import Window
from stateflow.errors import DefinitionError
from stateflow.machine import fingerprint
from stateflow.machine.accept import accepted
from stateflow.machine.budget import Budget
from stateflow.machine.choose import Chooser
from stateflow.machine.flow_tool import FlowTool, flow_tool
from stateflow.machine.kernel import Kernel
from stateflow.machine.nested import FieldsOut, FlowAgent, Input
from stateflow.machine.origin import origin
from stateflow.machine.resolve import by_name, refuse_junction_loops
from stateflow.machine.rule.automaton import Automaton, automata
from stateflow.machine.rule.rule import Rule
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.table import Row, chooser_of, places_of
from stateflow.machine.transition import Transition
from stateflow.value import Json, canonical_json, check_name

__all__ = ["Flow", "flows_of"]


class Flow:
    """A conversation as a finite state machine.  The first place is the initial one.

    Args:
        name: of the flow.
        places: states, junctions and finals.
        budget: limits of a run; 100 turns if not given.
        on_error: name of the place that takes faults nobody else takes.
        data: model of the typed data.
        choose: who picks in states that name nobody.
        description: what it is for; a model reads it where the flow is a tool.
        accept: findings of ``check`` that are meant, each with the reason: by code
            (``{"SF106": "..."}``), or by code and place (``{"SF103 at write": "..."}``).
        rules: what must hold of every run: ``never(...)``, ``always(...)``, ``at_most(...)``.
            ``check`` tells which can be broken; a run stops before it breaks one.

    Raises:
        DefinitionError: a name is used twice, a target or the place of a rule does not exist,
            junctions only lead to each other, or an ``exhausted`` transition leads to a place
            that would go on.
    """

    display: ClassVar[Callable[[Flow], dict[str, str]] | None] = None
    """How notebooks show a flow, by media type; whoever draws plugs it in."""

    def __init__(  # noqa: PLR0913 - the declaration of a flow is this long
        self,
        name: str,
        *places: Place,
        budget: Budget | None = None,
        on_error: str | None = None,
        data: type[BaseModel] | None = None,
        choose: Chooser | None = None,
        description: str = "",
        accept: Mapping[str, str] | None = None,
        rules: Sequence[Rule] = (),
    ) -> None:
        """Build the flow and prove that its names resolve."""
        self.origin = origin()
        self.name = check_name(name, "flow")
        self.accept = accepted(name, accept or {})
        self.description = description
        self.budget = budget if budget is not None else Budget()
        self.data = data
        self.places: Mapping[str, Place] = by_name(self, name, places, choose)
        self.initial = next(iter(self.places))
        self.on_error = on_error
        self._check()
        self.automata: tuple[Automaton, ...] = automata(self, rules)
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
        accept: Mapping[str, str] | None = None,
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
            accept: findings of ``check`` that are meant, each with the reason.

        Raises:
            DefinitionError: as for a flow; also when rows are ordered and a bare target hides
                the ones behind it, which names both cures.
        """
        chooser = chooser_of(choose)
        places: list[Place] = [*places_of(name, table, chooser), *finals]
        return cls(name, *places, budget=budget, on_error=on_error, data=data, accept=accept)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """What must hold of every run, in the order given."""
        return tuple(automaton.rule for automaton in self.automata)

    @property
    def states(self) -> tuple[State, ...]:
        """The places where somebody speaks, in definition order."""
        return tuple(place for place in self.places.values() if isinstance(place, State))

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Everybody who speaks, in order of first appearance."""
        agents = {id(agent): agent for state in self.states for agent in state.agents}
        return tuple(agents.values())

    @property
    def flows(self) -> tuple[Flow, ...]:
        """This flow and all that are nested in it, each once, in order of first appearance."""
        found: dict[int, Flow] = {}
        ahead: list[Flow] = [self]
        while ahead:
            flow = ahead.pop(0)
            if id(flow) not in found:
                found[id(flow)] = flow
                ahead += [inner for agent in flow.agents for inner in flows_of(agent)]
        return tuple(found.values())

    @property
    def everybody(self) -> tuple[Agent, ...]:
        """Who speaks in this flow and in all that are nested in it."""
        return tuple(agent for flow in self.flows for agent in flow.agents)

    @property
    def choosers(self) -> tuple[Chooser, ...]:
        """Who picks speakers in this flow and in all that are nested in it."""
        states = (state for flow in self.flows for state in flow.states)
        return tuple(state.choose for state in states if state.choose is not None)

    def as_agent(
        self,
        name: str | None = None,
        *,
        input: Input = None,  # noqa: A002 - the word of sub-machines
        carryover: Window | None = None,
        summary: Summary | None = None,
        description: str = "",
    ) -> FlowAgent:
        """Return an agent that speaks the summary of a nested run of this flow.

        Args:
            name: what transcripts call it; the flow's name if not given.
            input: its task: a text, or a function of the view; else the last message.
            carryover: what it is told of the transcript beside that, as in ``last(3)``.
            summary: ``last_message``, ``by_model(...)``, or a function of its messages.
            description: a line about it, for a model that picks speakers.

        Raises:
            DefinitionError: *name* cannot be drawn, or one of the others does not fit.

        Example:
            >>> from stateflow import FunctionAgent, State, last, to
            >>> echo = FunctionAgent("echo", lambda view: view.last.text)
            >>> flow = Flow("outline", State("say", echo, to(None)))
            >>> flow.as_agent("editor", carryover=last(3)).name
            'editor'
        """
        return FlowAgent(
            self.name if name is None else name,
            self,
            input,
            carryover,
            last_message if summary is None else summary,
            description or self.description,
        )

    def as_tool(
        self, name: str | None = None, *, description: str = "", approve: bool = False
    ) -> FlowTool:
        """Return a tool for an ``Assistant``: each call is a nested run of this flow.

        Args:
            name: what the model calls it; the flow's name if not given.
            description: when to use it; the flow's description if not given.
            approve: whether a person must allow every call.

        Raises:
            DefinitionError: providers would refuse its name, or nothing says when to use it.
        """
        return flow_tool(self, name, description, approve=approve)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return what notebooks show."""
        return {"text/plain": repr(self)} if Flow.display is None else Flow.display(self)

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
            for transition in self.places[open_places.pop()].transitions:
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
                self._check_nested(place)
            for transition in place.transitions:
                self._check_target(place, transition)
        if self.on_error is not None and self.on_error not in self.places:
            raise DefinitionError(self._unknown("on_error", self.on_error))
        self._check_fallbacks()
        refuse_junction_loops(self.places, self.on_error)

    def _check_fallbacks(self) -> None:
        """Refuse a chooser that falls back to where no state it chooses in leads to."""
        shared: dict[int, dict[str | None, None]] = {}
        for state in self.states:
            ways = shared.setdefault(id(state.choose), {})
            ways.update(dict.fromkeys(t.target for t in state.transitions))
        for state in self.states:
            given: Any = getattr(state.choose, "fallback", None) or ()
            ways = shared[id(state.choose)]
            for fallback in (given,) if isinstance(given, str) else given:
                if fallback not in ways:
                    sentence = (
                        f"flow {self.name!r}: the chooser of {state.name!r} falls back to "
                        f"{fallback!r}, which no state it chooses in leads to; those lead to: "
                        f"{', '.join(map(repr, ways))}"
                    )
                    raise DefinitionError(sentence)

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

    def _check_nested(self, state: State) -> None:
        inner = [flow for agent in state.agents for flow in flows_of(agent)]
        for flow in [below for one in inner if one is not self for below in one.flows]:
            if flow.name == self.name and flow is not self:
                sentence = (
                    f"state {state.name!r} nests a flow {flow.name!r} in the flow of that name; "
                    "for a flow in itself write Nested(..., itself()), else rename one"
                )
                raise DefinitionError(sentence)
        if state.output is not None:
            self._check_output(state, inner)

    def _check_output(self, state: State, inner: Sequence[Flow]) -> None:
        """Refuse an output into data that is not there, or of data that is not."""
        if self.data is None:
            sentence = (
                f"state {state.name!r} changes data with output=, and flow {self.name!r} declares "
                "none; give Flow(..., data=Model) a model"
            )
            raise DefinitionError(sentence)
        fields = state.output.fields if isinstance(state.output, FieldsOut) else ()
        for here, there in fields:
            for flow, field in ((self, here), *((one, there) for one in inner)):
                known: Iterable[str] = () if flow.data is None else flow.data.model_fields
                if field not in known:
                    sentence = (
                        f"state {state.name!r}: output={{{here!r}: {there!r}}}: flow "
                        f"{flow.name!r} has no data {field!r}; it has: "
                        f"{', '.join(known) or 'none at all'}"
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


def flows_of(agent: object) -> Iterator[Flow]:
    """Yield the flows that *agent*, or a tool, may run: itself one, or tools of it."""
    for one in (agent, *getattr(agent, "toolbox", ())):
        flow: object = getattr(one, "flow", None)
        if isinstance(flow, Flow):
            yield flow
