"""Two agents that talk to each other: AutoGen's ``initiate_chat``."""

from __future__ import annotations

from typing import Unpack

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import turns_at_least, visited
from stateflow.patterns.frame import Options, check_count, flow_of, titled
from stateflow.patterns.people import HumanMode, Seat, floor_of, gathered, seated

__all__ = ["two_agents"]


def two_agents(  # noqa: PLR0913 - all but the first three are keywords with defaults
    name: str,
    first: Agent,
    second: Agent,
    *,
    stop: Guard | None = None,
    turns: int | None = None,
    rounds: int | None = None,
    human: HumanMode = "never",
    person: Agent | None = None,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *first* and *second* take turns.

    Args:
        name: of the flow.
        first: who answers the task.
        second: who answers *first*.
        stop: when the chat is over, whoever spoke.
        turns: how many turns both have at most, and a person who is asked [turns].
        rounds: how often each speaks at most.
        human: when a person is asked: ``never``; ``on_stop``, where *stop* holds; ``always``,
            after every turn too.  ``exit`` ends the chat; where *stop* held nothing does, too.
        person: who is asked, ``Human("user", may_pass=True)`` if not given.
        **options: ``budget``, ``data``, ``on_error`` (a final that is added) and ``description``
            of the flow.

    Raises:
        DefinitionError: one of these does not fit, or nothing ends the chat.

    Example:
        >>> from stateflow import Scripted, says
        >>> critic = Scripted("critic", ["too long", "DONE"])
        >>> flow = two_agents("talk", Scripted("writer", ["a", "b"]), critic, stop=says("DONE"))
        >>> [state.name for state in flow.states]
        ['writer', 'critic']
    """
    where = titled(two_agents, name, options)
    if turns is not None:
        check_count(where, "turns", turns, options)
    if rounds is not None:
        check_count(where, "rounds", rounds, options, each=2)
    over = None if turns is None else turns_at_least(turns)
    floor = floor_of(where, stop, over, human, person)
    gathered(where, (first, second), floor)
    if stop is None and turns is None and rounds is None and human == "never":
        raise DefinitionError(
            f"{where}: nothing ends the chat; write stop=says('DONE'), turns=8 or rounds=4"
        )
    limit = None if rounds is None else visited(second.name, at_least=rounds)
    seats = [
        Seat(first, (second.name,)),
        Seat(second, (first.name,), limit=limit),
    ]
    return flow_of(name, seated(seats, floor), options)
