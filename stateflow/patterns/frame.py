"""The frame of every pattern: who takes part, what a flow is given beside it, and the flow itself.

A pattern is checked before its flow is built, so that what is wrong is told in the words of the
pattern and not in those of the table that it would have made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, cast

from pydantic import BaseModel

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.machine.budget import Budget
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.state import Final, Place

__all__ = [
    "Options",
    "check_agent",
    "check_guard",
    "checked_count",
    "flow_of",
    "members",
    "name_of",
]


class Options(TypedDict, total=False):
    """What every pattern passes on to its flow."""

    budget: Budget | None
    """Limits of a run; 100 turns if not given."""
    data: type[BaseModel] | None
    """Model of the typed data."""
    on_error: str | None
    """Name of a final, not ok, that the pattern adds: it takes faults nobody else takes."""
    description: str
    """A line about the flow, for a model that picks speakers."""


def flow_of(name: str, places: Sequence[Place], options: Options) -> Flow:
    """Return the flow *name* with *places*, and with the final that ``on_error`` names.

    Raises:
        TypeError: an option is none of a pattern's.
        DefinitionError: as for a flow.
    """
    for word in options:
        if word not in Options.__annotations__:
            raise TypeError(
                f"pattern {name!r} got an unexpected keyword argument {word!r}; what its flow "
                f"takes: {', '.join(Options.__annotations__)}"
            )
    on_error = options.get("on_error")
    finals = () if on_error is None else (Final(on_error, ok=False),)
    return Flow(name, *places, *finals, **options)


def name_of(agent: object) -> str:
    """Return the name of an agent, or the name itself; ``""``: it names nobody."""
    name: object = agent if isinstance(agent, str) else getattr(agent, "name", None)
    return name if isinstance(name, str) else ""


def members(
    where: str, agents: Sequence[Agent], *, least: int = 2, beside: Agent | None = None
) -> tuple[Agent, ...]:
    """Return *agents*, each with a name of its own.

    Args:
        where: pattern and name, for the sentence.
        agents: who takes part.
        least: how many there have to be.
        beside: somebody else whose name none of them may have.

    Raises:
        DefinitionError: there are too few, one is none, or two have one name.
    """
    given = cast("object", agents)
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise DefinitionError(f"{where}: {agents!r} is no list of agents; write [writer, critic]")
    seen: list[str] = [] if beside is None else [name_of(beside)]
    for one in cast("Sequence[object]", given):
        name = check_agent(where, one)
        if name in seen:
            raise DefinitionError(
                f"{where}: two of them are called {name!r}; give each a name of its own, and each "
                "agent once"
            )
        seen.append(name)
    if len(agents) < least:
        raise DefinitionError(f"{where}: it takes {least} agents or more, and has {len(agents)}")
    return tuple(agents)


def check_agent(where: str, agent: object) -> str:
    """Return the name of *agent*.

    Raises:
        DefinitionError: it is none.
    """
    name = "" if isinstance(agent, str) else name_of(agent)
    if not name or not callable(getattr(agent, "reply", None)):
        raise DefinitionError(
            f"{where}: {agent!r} is not an agent; it needs a name and `async def reply(self, "
            "turn)`, and a flow becomes one with flow.as_agent()"
        )
    return name


def check_guard(where: str, word: str, guard: Guard | None) -> None:
    """Refuse a *guard* that is none.

    Raises:
        DefinitionError: it is not.
    """
    if guard is not None and not isinstance(cast("object", guard), Guard):
        raise DefinitionError(
            f"{where}: {word}={guard!r} is not a guard; write {word}=says('DONE'), or decorate "
            "the function with @guard"
        )


def checked_count(
    where: str, word: str, count: int | None, options: Options, *, each: int = 1
) -> int | None:
    """Return *count*, which is at least one and within the budget.

    Args:
        where: pattern and name, for the sentence.
        word: what the argument is called.
        count: what it was given.
        options: with the budget.
        each: how many turns one of them takes [turns].

    Raises:
        DefinitionError: it is less than one, or the budget would end the run before.
    """
    if count is None:
        return None
    number = cast("object", count)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise DefinitionError(f"{where}: {word}={count!r}; give a whole number, 1 or more")
    budget = options.get("budget") or Budget()
    if count * each > budget.turns:
        raise DefinitionError(
            f"{where}: {word}={count!r} is never reached, because the budget ends the run at "
            f"{budget.turns:g} turns; give budget=Budget(turns={count * each})"
        )
    return count
