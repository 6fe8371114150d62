"""The frame of every pattern: who takes part, what a flow is given beside it, and the flow itself.

A pattern is checked before its flow is built, so that what is wrong is told in the words of the
pattern and not in those of the table that it would have made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
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
    "check_count",
    "check_guard",
    "check_list",
    "flow_of",
    "led",
    "members",
    "name_of",
    "titled",
]


_HERE: Mapping[str, tuple[str, ...]] = {
    "max_round": ("turns", "rounds"),
    "max_turns": ("turns", "rounds"),
    "max_consecutive_auto_reply": ("rounds", "turns"),
    "termination_condition": ("stop", "approve"),
    "is_termination_msg": ("stop", "approve"),
    "speaker_selection_method": ("choose",),
    "human_input_mode": ("human", "user"),
}
"""AutoGen's words, and what a pattern may call that."""


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
    accept: Mapping[str, str] | None
    """Findings of ``check`` that are meant, each with the reason."""


def titled(
    pattern: Callable[..., Flow],
    name: str,
    options: Mapping[str, object],
    takes: type[Options] = Options,
) -> str:
    """Return what sentences call the flow *name* of *pattern*.

    Args:
        pattern: the function.
        name: of the flow.
        options: what the function was given beside its own arguments.
        takes: the options that it has.

    Raises:
        TypeError: an option is none of them.
    """
    where = f"{pattern.__name__} {name!r}"
    for word in options:
        if word not in takes.__annotations__:
            parameters = inspect.signature(pattern).parameters.values()
            own = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
            words = [*own, *takes.__annotations__]
            raise TypeError(
                f"{where} got an unexpected keyword argument {word!r}; {_told(word, words)}it "
                f"takes: {', '.join(words)}"
            )
    return where


def _told(word: str, words: Sequence[str]) -> str:
    """Return what AutoGen's *word* is among *words*, or elsewhere; ``""``: it is none of its."""
    if word not in _HERE:
        return ""
    found = [one for one in _HERE[word] if one in words]
    here = f"{found[0]}= here" if found else f"{_HERE[word][0]}= of other patterns"
    return f"AutoGen's {word} is {here}; "


def flow_of(name: str, places: Sequence[Place], options: Options) -> Flow:
    """Return the flow *name* with *places*, and with the final that ``on_error`` names.

    Raises:
        DefinitionError: as for a flow.
    """
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
    check_list(where, agents, "agents", "[writer, critic]")
    seen: list[str] = [] if beside is None else [name_of(beside)]
    for one in agents:
        name = check_agent(where, one)
        if name in seen:
            raise DefinitionError(
                f"{where}: two of them are called {name!r}; give each a name of its own, and each "
                "agent once"
            )
        seen.append(name)
    if len(agents) < least:
        told = f"{where}: it takes {least} agents or more, and has {len(agents)}"
        for name in seen[-len(agents) :] if agents else []:
            told += "; one agent alone needs no pattern: Flow(name, "
            told += f"State({name!r}, agent, to(None, when=stop), to({name!r})))"
        raise DefinitionError(told)
    return tuple(agents)


def led(where: str, agents: Sequence[Agent], first: Agent | None) -> Sequence[Agent]:
    """Return *agents* with *first* at the beginning, the others in their order.

    Raises:
        DefinitionError: *first* is none of them.
    """
    if first is None:
        return agents
    begins = [agent for agent in agents if agent.name == name_of(first)]
    if not begins:
        raise DefinitionError(
            f"{where}: first={name_of(first) or first!r} is none of its agents; there are: "
            f"{', '.join(agent.name for agent in agents)}"
        )
    return [*begins, *(agent for agent in agents if agent is not begins[0])]


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


def check_list(where: str, given: object, what: str, example: str, *, least: int = 0) -> None:
    """Refuse what was *given* if it is no list of *what*.

    Args:
        where: pattern and name, for the sentence.
        given: what was given.
        what: of which it is a list, in the plural.
        example: of such a list.
        least: how many have to be in it.

    Raises:
        DefinitionError: it is none, or has fewer.
    """
    listed = isinstance(given, Sequence) and not isinstance(given, str)
    if not listed or len(cast("Sequence[object]", given)) < least:
        raise DefinitionError(f"{where}: {given!r} is no list of {what}; write {example}")


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


def check_count(where: str, word: str, count: int, options: Options, *, each: int = 1) -> None:
    """Refuse a *count* that is less than one, or beyond the budget.

    Args:
        where: pattern and name, for the sentence.
        word: what the argument is called.
        count: what it was given.
        options: with the budget.
        each: how many turns one of them takes [turns].

    Raises:
        DefinitionError: it is no whole number, or the budget would end the run before.
    """
    number = cast("object", count)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise DefinitionError(f"{where}: {word}={count!r}; give a whole number, 1 or more")
    budget = options.get("budget") or Budget()
    if count * each > budget.turns:
        raise DefinitionError(
            f"{where}: {word}={count!r} is never reached, because the budget ends the run at "
            f"{budget.turns:g} turns; give budget=Budget(turns={count * each})"
        )
