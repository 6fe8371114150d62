"""Seats: who speaks in a chat, how it ends, and where a person comes in.

A chat is a table of seats, one state each: out of it when it is over, else on to who may be next.
A person comes in in one of three ways, each drawn as states of its own:

``never``
    nobody is asked: where ``stop`` holds, the chat is done;
``on_stop``
    where ``stop`` holds the person is asked, and says ``exit`` or nothing to end the chat, or
    something with which it goes on;
``always``
    the same, and the person is asked after every agent's turn too, where nothing lets it go on.

What the person says is held against ``stop`` as well: who types the word that stops the chat has
stopped it.

A guard reads the turn it follows and no other, so there is a human state for each place that the
chat can go on to, and not one that would have to remember who spoke before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chooser
from stateflow.machine.guard import Guard
from stateflow.machine.guards import equals, spoke
from stateflow.machine.state import State
from stateflow.machine.transition import Transition, to
from stateflow.patterns.frame import check_agent, check_guard, members, name_of

__all__ = ["Floor", "HumanMode", "Row", "Seat", "floor_of", "gathered", "seated"]

HumanMode: TypeAlias = Literal["always", "on_stop", "never"]
"""When a person is asked; AutoGen's ALWAYS, TERMINATE and NEVER."""

Row: TypeAlias = tuple[str | None, ...]
"""Names of those who may be next; ``None`` is done."""

_Exit: TypeAlias = tuple[str | None, Guard]

_SAY = "Say nothing to let the chat go on, or something to all; 'exit' ends it."
_STOPPED = "The chat is over. Say nothing to leave it at that, or something to go on with."

_WORDS: Final = ("answered", "equals", "matches", "says")
"""Guards that hold for what was said in a turn, and no longer."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One agent's place in a chat."""

    agent: Agent
    onward: Row
    """Who may be next while the chat is not over."""
    choose: Chooser | None = None
    """Who picks where several may; ``None``: there is only one."""
    limit: Guard | None = None
    """Ends the chat here, whatever a person would say."""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Floor:
    """When the chat is over, and who is asked."""

    stop: Guard | None
    limit: Guard | None
    """Ends the chat after any turn, whatever a person would say."""
    human: HumanMode
    person: Agent

    @property
    def leaves(self) -> Guard:
        """The guard that holds where the person ends the chat."""
        return equals("exit", by=self.person)


def floor_of(
    where: str, stop: Guard | None, limit: Guard | None, human: HumanMode, person: Agent | None
) -> Floor:
    """Return when the chat is over and who is asked, ``user`` if nobody else is named.

    Args:
        where: pattern and name, for the sentence.
        stop: holds where the chat is over, unless a person says otherwise.
        limit: holds where it is over, whatever a person would say.
        human: when the person is asked.
        person: who is asked; has to be an agent that may say nothing or ``exit``.

    Raises:
        DefinitionError: one of them does not fit, or nobody would ever be asked.
    """
    check_guard(where, "stop", stop)
    modes: Sequence[str] = get_args(HumanMode)
    if human not in modes and callable(getattr(human, "reply", None)):
        raise DefinitionError(
            f"{where}: human= is {', '.join(map(repr, modes[:-1]))} or {modes[-1]!r}; give your "
            f"own {name_of(human)!r} as person="
        )
    if human not in modes:
        raise DefinitionError(
            f"{where}: human={human!r} is no way to ask a person; give one of "
            f"{', '.join(map(repr, modes))}"
        )
    if human == "on_stop" and stop is None:
        raise DefinitionError(
            f"{where}: human='on_stop' asks where stop= holds, and there is none; write "
            "stop=says('DONE'), or human='always'"
        )
    if human == "never" and person is not None:
        raise DefinitionError(
            f"{where}: person={name_of(person)!r} would never be asked; write human='always' or "
            "human='on_stop'"
        )
    if person is None:
        person = Human("user", may_pass=True)
    check_agent(where, person)
    if isinstance(person, Human) and not _may_leave(person):
        raise DefinitionError(
            f"{where}: person={person.name!r} could never say 'exit', which ends the chat; add it "
            "to the options, or leave options= and form= out"
        )
    return Floor(stop, limit, human, person)


def _may_leave(person: Human) -> bool:
    return person.form is None and (not person.options or "exit" in person.options)


def gathered(where: str, agents: Sequence[Agent], floor: Floor) -> tuple[Agent, ...]:
    """Return *agents*, of whom none is called like the person who is asked.

    Raises:
        DefinitionError: one is, or they do not fit otherwise.
    """
    agents = members(where, agents)
    person = floor.person.name
    if floor.human != "never" and person in [one.name for one in agents]:
        raise DefinitionError(
            f"{where}: one of them is called {person!r}, as is the person whom "
            f"human={floor.human!r} asks; give person=Human('boss', may_pass=True), or leave "
            "human= out if that agent is the person"
        )
    return agents


def seated(seats: Sequence[Seat], floor: Floor) -> list[State]:
    """Return the states of a chat: one a seat, then those in which the person is asked.

    Where every seat leads on to the same, one human state serves them all.
    """
    shared = len({(seat.onward, id(seat.choose)) for seat in seats}) == 1 and len(seats) > 1
    states: list[State] = []
    asking: dict[str, State] = {}
    for seat in seats:
        name = "" if shared else f" after {seat.agent.name}"
        said, stopped = f"{floor.person.name}{name}", f"{floor.person.name} at stop{name}"
        spoke_last = "" if shared else f"{seat.agent.name} spoke last. "
        talks = floor.human == "always" and getattr(seat.agent, "kind", "") != "human"
        states.append(_agent_state(seat, floor, said if talks else "", stopped))
        if talks:
            ends = [floor.leaves, *_stopped_by(floor, again=False)]
            asking[said] = _human_state(said, seat, floor, ends, spoke_last + _SAY)
        if floor.human != "never" and floor.stop is not None:
            ends = [floor.leaves | ~spoke(), *_stopped_by(floor, again=True)]
            asking[stopped] = _human_state(stopped, seat, floor, ends, spoke_last + _STOPPED)
    return [*states, *asking.values()]


def _agent_state(seat: Seat, floor: Floor, said: str, stopped: str) -> State:
    """Return the state of *seat*, which leads on to *said* if the person is asked in between."""
    limits: list[_Exit] = [(None, one) for one in (seat.limit, floor.limit) if one is not None]
    stops: list[_Exit] = []
    if floor.stop is not None:
        stops.append((None if floor.human == "never" else stopped, floor.stop))
    exits = [*stops, *limits] if floor.human == "never" else [*limits, *stops]
    onward = (said,) if said else seat.onward
    return _state(seat.agent.name, seat.agent, exits, onward, seat.choose, seat.prompt)


def _stopped_by(floor: Floor, *, again: bool) -> list[Guard]:
    """Return the stop, if what the person says can be what makes it hold.

    Where it held before (*again*), one that counts would hold whatever they said, and they could
    never let the chat go on.
    """
    stop = floor.stop
    if stop is None or not _meets(stop.form, floor.person.name) or (again and _lasts(stop.form)):
        return []
    return [stop]


def _meets(form: Any, person: str) -> bool:  # noqa: ANN401 - any JSON value
    """Tell whether a guard of this *form* can hold for what *person* says."""
    match form:
        case {"and": [*parts]}:
            return all(_meets(part, person) for part in parts)
        case {"or": [*parts]}:
            return any(_meets(part, person) for part in parts)
        case {"guard": "spoke", "args": [*names]}:
            return person in names
        case {"guard": _, "by": by}:
            return bool(by == person)
        case _:
            return True


def _lasts(form: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Tell whether a guard of this *form* may go on to hold, whatever is said next."""
    match form:
        case {"and": [*parts]}:
            return all(map(_lasts, parts))
        case {"or": [*parts]}:
            return any(map(_lasts, parts))
        case {"guard": word}:
            return word not in _WORDS
        case _:
            return True


def _human_state(
    name: str, seat: Seat, floor: Floor, ends: Sequence[Guard], question: str
) -> State:
    """Return the state in which the person is asked after *seat*, or for all that are like it."""
    exits: list[_Exit] = [(None, one) for one in ends]
    if floor.limit is not None:
        exits.append((None, floor.limit))
    return _state(name, floor.person, exits, seat.onward, seat.choose, question)


def _state(
    name: str,
    agent: Agent,
    exits: Sequence[_Exit],
    onward: Row,
    choose: Chooser | None,
    prompt: str,
) -> State:
    if len(onward) == 1:
        ways = [to(target, when=guard) for target, guard in exits]
        return State(name, agent, *ways, to(onward[0]), prompt=prompt)
    ways = _apart(exits, onward)
    return State(name, agent, *ways, choose=choose, prompt=prompt)


def _apart(exits: Sequence[_Exit], onward: Row) -> list[Transition]:
    """Return ways of which never one out and one on are enabled at once, nor two ways out.

    In a chosen state all guards are tried, and who picks must not be asked whether it is over.
    """
    by_target: dict[str | None, Guard] = {}
    for target, guard in exits:
        by_target[target] = by_target[target] | guard if target in by_target else guard
    ways: list[Transition] = []
    over: Guard | None = None
    for target, guard in by_target.items():
        ways.append(to(target, when=guard if over is None else guard & ~over))
        over = guard if over is None else over | guard
    return [*ways, *(to(one, when=None if over is None else ~over) for one in onward)]
