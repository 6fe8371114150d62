"""Swarms: agents that hand the floor to each other, along a table.

Source: Swarm of AutoGen 0.4, and AG2's ``initiate_swarm_chat``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import equals, handed_to, turns_at_least
from stateflow.machine.state import State
from stateflow.machine.transition import Transition, to
from stateflow.patterns.frame import (
    Options,
    check_count,
    check_guard,
    flow_of,
    led,
    members,
    titled,
)
from stateflow.patterns.handoffs import Handoffs, handed_over, handoffs_of, refuse_unreached

__all__ = ["swarm"]


def swarm(  # noqa: PLR0913 - all but the agents are keywords with defaults
    name: str,
    agents: Sequence[Agent],
    *,
    handoffs: Handoffs | None = None,
    first: Agent | None = None,
    user: Agent | None = None,
    stop: Guard | None = None,
    turns: int | None = None,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which each agent hands the floor to another.

    An agent that hands off to nobody, or to somebody its row does not hold, keeps the floor.
    With *user*, the user is asked then, and the answer goes back to that agent; ``exit`` from the
    user ends the chat.

    Args:
        name: of the flow.
        agents: who can have the floor; the first one begins.
        handoffs: who may hand off to whom, where an agent's own ``handoff(...)`` tools do not
            say so.  A row here holds instead of the tools: those that it leaves out are not
            offered.
        first: who begins, if that is not the first of *agents*.
        user: a ``Human``, or an agent in their place, who can be handed off to as well.
        stop: when the chat is over, whoever spoke.
        turns: at most so many turns, then it is over [turns].
        **options: ``budget``, ``data``, ``on_error`` (a final that is added) and ``description``
            of the flow.

    Raises:
        DefinitionError: one of these does not fit, somebody can never get the floor, or nothing
            ends the chat.

    Example:
        >>> from stateflow import Scripted
        >>> desk, cashier = Scripted("desk", []), Scripted("cashier", [])
        >>> flow = swarm("shop", [desk, cashier], handoffs={desk: [cashier]}, turns=5)
        >>> [transition.target for transition in flow.states[0].transitions]
        [None, 'cashier', 'desk']
    """
    where = titled(swarm, name, options)
    agents = members(where, agents, least=1 if user else 2, beside=user)
    known = [one.name for one in agents] + ([user.name] if user else [])
    check_guard(where, "stop", stop)
    if turns is not None:
        check_count(where, "turns", turns, options)
    if user is None and stop is None and turns is None:
        raise DefinitionError(
            f"{where}: nothing ends the chat, for who hands off to nobody keeps the floor; write "
            "stop=says('DONE'), turns=20, or user=Human('user')"
        )
    table = handoffs_of(where, agents, handoffs, known)
    agents = led(where, agents, first)
    refuse_unreached(where, agents[0].name, table)
    over = [to(None, when=stop)] if stop is not None else []
    if turns is not None:
        over.append(to(None, when=turns_at_least(turns)))
    states = [_state(agent, table[agent.name], user, over) for agent in agents]
    if user is not None:
        states += [_user_state(agent, user, over) for agent in agents]
    return flow_of(name, states, options)


def _state(
    agent: Agent, targets: Sequence[str], user: Agent | None, over: Sequence[Transition]
) -> State:
    """Return the state of *agent*, the user being one of *targets* or not."""
    other = agent.name if user is None else _asking(user, agent)
    ways = [
        to(other if user is not None and target == user.name else target, when=handed_to(target))
        for target in targets
    ]
    return State(agent.name, agent, *over, *ways, to(other))


def _user_state(agent: Agent, user: Agent, over: Sequence[Transition]) -> State:
    """Return the state in which the *user* answers *agent*."""
    leaves = to(None, when=equals("exit", by=user))
    ways = [*over, leaves, to(agent.name)]
    return State(_asking(user, agent), user, *ways, prompt=handed_over)


def _asking(user: Agent, agent: Agent) -> str:
    return f"{user.name} after {agent.name}"
