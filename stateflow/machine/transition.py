"""Transitions: where a state may lead, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from stateflow.conversation.agent import Agent
from stateflow.conversation.summary import Summariser, Summary
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.deadline import late
from stateflow.machine.guard import Guard
from stateflow.machine.origin import Origin, origin

__all__ = ["Action", "Transition", "to"]

Action: TypeAlias = Callable[[View], Mapping[str, Any] | None]
"""A pure function of the view that returns a patch to the data (or nothing)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A move that is allowed when its guard holds; without a guard, always."""

    target: str | None
    """Name of a state; ``None`` is done."""
    when: Guard | None = None
    do: Action | None = None
    agent: Agent | None = None
    """The agent a target was given as, until the flow resolves it to a state."""
    after: float | None = None
    """Taken once the state was not left for so long [s]; its guard asks for that."""
    restart: Summary | None = None
    """The transcript is cleared to this summary as the transition is taken."""
    origin: Origin | None = field(default=None, repr=False, compare=False)
    """Where it was written."""

    @property
    def guard_name(self) -> str:
        """The guard's name; ``else`` where there is none."""
        return self.when.name if self.when is not None else "else"


def to(
    target: str | Agent | None,
    *,
    when: Guard | None = None,
    do: Action | None = None,
    after: float | None = None,
    restart: Summary | None = None,
) -> Transition:
    """Allow the move to *target*.

    Args:
        target: a state's name, an agent that one state is bound to, or ``None`` for done.
        when: guard that must hold; a bare ``to`` always holds, but never for a raised turn.
        do: action whose patch changes the data as the transition is taken.
        after: take it once the state was not left for so long, pauses included [s], as in
            ``after=hours(24)``; what was under way is dropped, and late answers are refused.
        restart: clear the transcript to a summary as it is taken: ``last_message``,
            ``by_model(...)``, or a function of the messages.

    Raises:
        DefinitionError: *when* is not a guard, *target* is neither name nor agent, or one of the
            others does not fit.

    Example:
        >>> to(None).target is None
        True
    """
    if when is not None and not isinstance(when, Guard):  # pyright: ignore[reportUnnecessaryIsInstance] - a plain function is the usual slip
        sentence = (
            f"to({_shown(target)}, when={when!r}): not a guard; decorate the function with @guard, "
            "or use a built-in such as failed or says('DONE')"
        )
        raise DefinitionError(sentence)
    if do is not None and not callable(do):
        sentence = f"to({_shown(target)}, do={do!r}): not a function of the view"
        raise DefinitionError(sentence)
    given = cast("object", restart)
    if given is not None and not callable(given) and not isinstance(given, Summariser):
        sentence = (
            f"to({_shown(target)}, restart={restart!r}): no summary; give last_message, "
            "by_model('openai:…'), or a function of the messages"
        )
        raise DefinitionError(sentence)
    if after is not None:
        when = late(after) if when is None else late(after) & when
    if target is None or isinstance(target, str):
        return Transition(target, when, do, None, after, restart, origin())
    name: object = getattr(target, "name", None)
    if not isinstance(name, str):
        sentence = f"to({target!r}): a target is a state's name, an agent, or None"
        raise DefinitionError(sentence)
    agent = target if callable(getattr(target, "reply", None)) else None
    return Transition(name, when, do, agent, after, restart, origin())


def _shown(target: object) -> str:
    return repr(getattr(target, "name", target))
