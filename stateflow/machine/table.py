"""AutoGen's table of allowed speakers as places of a flow."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

from stateflow.conversation.agent import Agent, Turn
from stateflow.errors import DefinitionError
from stateflow.machine.choose import Chat, Chooser
from stateflow.machine.guard import function_print
from stateflow.machine.state import State
from stateflow.machine.transition import Transition, to
from stateflow.value import Json

__all__ = ["FunctionChooser", "Row", "chooser_of", "places_of"]

Row: TypeAlias = Agent | Transition | str | None
"""One entry of a row: an agent, a state's name, ``None`` for done, or a transition."""


@dataclass(frozen=True, slots=True)
class FunctionChooser:
    """AutoGen's custom speaker selection: ``fn(last_speaker, chat)``."""

    function: Callable[[Any, Any], object] = field(repr=False)
    name: str
    form: Json
    composed: bool = False

    async def choose(self, chat: Chat, turn: Turn, /) -> object:
        """Return what the function says."""
        del turn
        answer = self.function(chat.last_speaker, chat)
        return await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer


def chooser_of(choose: object) -> Chooser | None:
    """Return *choose* as a chooser; a plain function is wrapped.

    Raises:
        DefinitionError: it is neither.
    """
    if choose is None:
        return None
    if callable(getattr(choose, "choose", None)):
        return cast("Chooser", choose)
    if callable(choose):
        name = str(getattr(choose, "__name__", type(choose).__name__))
        return FunctionChooser(choose, name, function_print(choose))
    sentence = (
        f"choose={choose!r}: give in_turn(), at_random(seed=7), by_model('openai:…') or a function "
        "of (last_speaker, chat)"
    )
    raise DefinitionError(sentence)


def places_of(
    flow: str, table: Mapping[Agent, Sequence[Row]], choose: Chooser | None
) -> list[State]:
    """Return one state an agent, named after it.

    Raises:
        DefinitionError: a row is missing, empty, or hides part of itself.
    """
    names = [agent.name for agent in table]
    places: list[State] = []
    for agent, row in table.items():
        if isinstance(row, str) or not isinstance(row, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance] - tables are written by hand
            sentence = f"row of {agent.name!r}: {row!r} is not a list of targets"
            raise DefinitionError(sentence)
        if not row:
            sentence = (
                f"row of {agent.name!r} is empty, so the chat would be stuck there; "
                "write [None] to be done after it"
            )
            raise DefinitionError(sentence)
        transitions = [_transition(agent.name, entry, names) for entry in row]
        if choose is None:
            _refuse_shadows(flow, agent.name, transitions)
        places.append(State(agent.name, agent, *transitions, choose=choose))
    return places


def _transition(row: str, entry: Row, names: list[str]) -> Transition:
    transition = entry if isinstance(entry, Transition) else to(entry)
    target = transition.target
    if transition.agent is not None and target not in names:
        sentence = (
            f"row of {row!r} leads to {target!r}, which has no row; add one ([None] to be done "
            "after it)"
        )
        raise DefinitionError(sentence)
    return replace(transition, agent=None)


def _refuse_shadows(flow: str, row: str, transitions: list[Transition]) -> None:
    for position, transition in enumerate(transitions[:-1]):
        if transition.when is None:
            hidden = ", ".join(repr(t.target) for t in transitions[position + 1 :])
            sentence = (
                f"flow {flow!r}: in the row of {row!r} the bare target {transition.target!r} "
                f"always wins, so {hidden} can never be reached; either say who picks "
                "(choose=in_turn(), at_random(seed=…), by_model(…) or your function), or guard it "
                f"(to({transition.target!r}, when=…))"
            )
            raise DefinitionError(sentence)
