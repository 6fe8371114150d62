"""Reflection: a writer and a critic, until the critic approves or the rounds are used up.

Source: the reflection pattern of AutoGen, whose flow ends well either way.
"""

from __future__ import annotations

from typing import Unpack

from stateflow.conversation.agent import Agent
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import says, visited
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to
from stateflow.patterns.frame import Options, check_count, check_guard, flow_of, members, titled

__all__ = ["GAVE_UP", "given_up", "reflection"]

GAVE_UP = "gave_up"
"""Name of the final, not ok, for what did not come to a good end."""


def reflection(
    name: str,
    writer: Agent,
    critic: Agent,
    *,
    approve: Guard | None = None,
    rounds: int = 3,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *writer* writes until *critic* approves.

    What was not approved in so many rounds ends in the final ``gave_up``, which is not ok.

    Args:
        name: of the flow.
        writer: who writes, and writes again.
        critic: who says what is wrong with it, or approves.
        approve: guard on what the critic said; ``says("APPROVED", by=critic)`` if not given.
        rounds: how often each speaks at most.
        **options: ``budget``, ``data``, ``on_error`` (a final that is added; ``"gave_up"`` is
            there) and ``description`` of the flow.

    Raises:
        DefinitionError: one of these does not fit.

    Example:
        >>> from stateflow import Scripted
        >>> flow = reflection("essay", Scripted("writer", []), Scripted("critic", []), rounds=2)
        >>> [transition.guard_name for transition in flow.states[1].transitions]
        ["says('APPROVED', by='critic')", "visited('critic', at_least=2)", 'else']
    """
    where = titled(reflection, name, options)
    members(where, (writer, critic))
    check_guard(where, "approve", approve)
    check_count(where, "rounds", rounds, options, each=2)
    approved = says("APPROVED", by=critic) if approve is None else approve
    return flow_of(
        name,
        [
            State(writer.name, writer, to(critic.name)),
            State(
                critic.name,
                critic,
                to(None, when=approved),
                to(GAVE_UP, when=visited(critic.name, at_least=rounds)),
                to(writer.name),
            ),
            *given_up(options),
        ],
        options,
    )


def given_up(options: Options) -> list[Final]:
    """Return the final ``gave_up``, unless ``on_error`` adds it."""
    return [] if options.get("on_error") == GAVE_UP else [Final(GAVE_UP, ok=False)]
