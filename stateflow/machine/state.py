"""Places a conversation can be in: states, junctions, finals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias, TypeVar, cast

from stateflow.conversation.agent import Agent
from stateflow.conversation.view import View
from stateflow.conversation.window import Window
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chooser
from stateflow.machine.deadline import shown
from stateflow.machine.origin import Origin, origin
from stateflow.machine.transition import Action, Transition
from stateflow.value import check_name

__all__ = ["Final", "Junction", "Place", "Prompt", "State", "Steps", "steps"]

Prompt: TypeAlias = str | Callable[[View], str]
"""The role a state gives its agent: a text, or a pure function of the view."""

DEFAULT_TIMEOUT_S = 600.0
"""An effect without a limit of its own may take this long [s]; the SDKs' own default."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Several agents that speak in order within one turn."""

    agents: tuple[Agent, ...]


def steps(*agents: Agent) -> Steps:
    """Bind a state to several agents in order; guards are tried after the last.

    Raises:
        DefinitionError: fewer than two agents.
    """
    if len(agents) < 2:  # noqa: PLR2004 - one is not several
        sentence = "steps(...) takes two agents or more; bind one agent directly"
        raise DefinitionError(sentence)
    return Steps(agents)


@dataclass(frozen=True, slots=True, init=False)
class State:
    """A place where an agent speaks."""

    name: str
    agents: tuple[Agent, ...]
    """Who speaks, in order; nearly always one."""
    transitions: tuple[Transition, ...]
    """Tried in this order."""
    visits: int | None
    """How often it may be entered."""
    prompt: Prompt
    choose: Chooser | None
    """Who picks where several guards hold; ``None``: the first in order."""
    entry: Action | None
    exit: Action | None
    save: str | None
    """Data field that takes the structured reply, or else the text, before guards are tried."""
    sees: Window | None
    """What its agents see of the transcript; ``None``: all of it."""
    timeout_s: float
    """Limit for each effect of a turn here [s]."""
    output: Action | None
    """Changes the data with what was said, before guards are tried."""
    deadline: float | None
    """When time takes a transition, counted from the entry [s]; ``None``: never."""
    phase: str
    """What it is part of, in drawings; empty: of nothing but the flow."""
    origin: Origin | None = field(repr=False, compare=False)
    """Where it was written."""

    def __init__(  # noqa: PLR0913 - the declaration of a state is this long
        self,
        name: str,
        agent: Agent | Steps,
        *transitions: Transition,
        visits: int | None = None,
        prompt: Prompt = "",
        choose: Chooser | None = None,
        entry: Action | None = None,
        exit: Action | None = None,  # noqa: A002 - the statecharts' word
        save: str | None = None,
        sees: Window | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        phase: str = "",
    ) -> None:
        """Declare the state called *name*, in which *agent* speaks."""
        agents = agent.agents if isinstance(agent, Steps) else (agent,)
        for one in agents:
            if not callable(getattr(one, "reply", None)):
                cure = (
                    "it needs a name and `async def reply(self, turn)`, as FunctionAgent(name, fn) "
                    "has"
                )
                if callable(getattr(one, "as_agent", None)):
                    cure = "a flow speaks in Nested(name, flow, ...), or as flow.as_agent()"
                raise DefinitionError(f"state {name!r}: {one!r} is not an agent; {cure}")
            check_name(getattr(one, "name", None), "agent")
        if visits is not None and visits < 1:
            sentence = f"state {name!r}: visits={visits!r} is less than one"
            raise DefinitionError(sentence)
        if timeout_s <= 0:
            sentence = f"state {name!r}: timeout_s={timeout_s!r} leaves no time"
            raise DefinitionError(sentence)
        if sees is not None and not callable(getattr(sees, "of", None)):
            sentence = f"state {name!r}: sees={sees!r} cuts no transcript; write sees=last(20)"
            raise DefinitionError(sentence)
        values = {
            "name": check_name(name, "state"),
            "agents": agents,
            "transitions": _checked(name, transitions),
            "visits": visits,
            "prompt": prompt,
            "choose": choose,
            "entry": entry,
            "exit": exit,
            "save": save,
            "sees": sees,
            "timeout_s": timeout_s,
            "output": None,
            "deadline": _deadline(name, transitions),
            "phase": _phase(phase),
            "origin": origin(),
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @property
    def agent(self) -> Agent:
        """The one who speaks last, whose words the guards read."""
        return self.agents[-1]

    def changed(self, **fields: object) -> Self:
        """Return this state with other *fields*; they were checked before."""
        return _changed(self, fields)


@dataclass(frozen=True, slots=True, init=False)
class Junction:
    """A place where nobody speaks: guards route at once."""

    name: str
    transitions: tuple[Transition, ...]
    phase: str
    origin: Origin | None = field(repr=False, compare=False)

    def __init__(self, name: str, *transitions: Transition, phase: str = "") -> None:
        """Declare the junction called *name*."""
        object.__setattr__(self, "name", check_name(name, "junction"))
        if any(isinstance(t, Transition) and t.after is not None for t in cast("Any", transitions)):
            sentence = (
                f"junction {name!r}: nobody waits in a junction, so after= never passes; put it on "
                "the state before"
            )
            raise DefinitionError(sentence)
        object.__setattr__(self, "transitions", _checked(name, transitions))
        object.__setattr__(self, "phase", _phase(phase))
        object.__setattr__(self, "origin", origin())

    def changed(self, **fields: object) -> Self:
        """Return this junction with other *fields*; they were checked before."""
        return _changed(self, fields)


@dataclass(frozen=True, slots=True)
class Final:
    """A named end of the run."""

    name: str
    ok: bool = True
    """Whether ending here counts as success."""
    entry: Action | None = None
    phase: str = ""
    origin: Origin | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse names that cannot be drawn."""
        check_name(self.name, "final")
        _phase(self.phase)
        object.__setattr__(self, "origin", origin())

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """None: nothing leads on from an end."""
        return ()


Place: TypeAlias = State | Junction | Final

_Changed = TypeVar("_Changed")


def _changed(place: _Changed, fields: Mapping[str, object]) -> _Changed:
    new = copy(place)
    for name, value in fields.items():
        object.__setattr__(new, name, value)
    return new


def _phase(phase: str) -> str:
    return check_name(phase, "phase") if phase else ""


def _deadline(name: str, transitions: tuple[object, ...]) -> float | None:
    """Return when a state must have been left; it has one such time or none."""
    afters = {t.after for t in transitions if isinstance(t, Transition) and t.after is not None}
    if len(afters) > 1:
        told = " and ".join(shown(after) for after in sorted(afters))
        sentence = (
            f"state {name!r} has deadlines after {told}; the first to pass leaves it, so one state "
            "has one: give both transitions the same after=, or put a state in between"
        )
        raise DefinitionError(sentence)
    return next(iter(afters), None)


def _checked(name: str, transitions: tuple[object, ...]) -> tuple[Transition, ...]:
    for transition in transitions:
        if not isinstance(transition, Transition):
            sentence = f"{name!r}: {transition!r} is not a transition; write to({transition!r})"
            raise DefinitionError(sentence)
    return tuple(t for t in transitions if isinstance(t, Transition))
