"""Fan-out: several agents or flows answer the same task at once, and one may sum up.

Source: fan-out and join of AutoGen's GraphFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from stateflow.conversation.agent import Agent
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Join, Others, Parallel
from stateflow.machine.state import Place, State
from stateflow.machine.transition import to
from stateflow.patterns.frame import Options, check_list, flow_of, members, titled

__all__ = ["parallel"]

_TOGETHER = "together"
"""Name of the state in which all of them speak."""


def parallel(
    name: str,
    speakers: Sequence[Agent | Flow],
    *,
    join: Join = "all",
    others: Others = "cancel",
    then: Agent | None = None,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which all *speakers* answer the task at once.

    None of them hears the others.  Their messages stand in the order of *speakers*, whoever was
    first; then the run is done, or *then* speaks.

    Args:
        name: of the flow.
        speakers: agents, and flows that speak as one agent.
        join: ``"all"`` of them must answer, ``"any"`` one, or so many.
        others: ``"cancel"`` those that nobody needs any more, or ``"keep"`` them.
        then: who speaks last, and sees what all of them said.
        **options: ``budget``, of which each has an equal share, ``data``, ``on_error`` (a final
            that is added) and ``description`` of the flow.

    Raises:
        DefinitionError: one of these does not fit, or fewer than two speak at once.

    Example:
        >>> from stateflow import Scripted
        >>> ann, bob, eve = (Scripted(name, ["yes"]) for name in ("ann", "bob", "eve"))
        >>> flow = parallel("poll", [ann, bob], then=eve)
        >>> [state.name for state in flow.states]
        ['together', 'eve']
    """
    where = titled(parallel, name, options)
    check_list(where, speakers, "agents", "[writer, critic]")
    agents: list[Agent] = [one.as_agent() if isinstance(one, Flow) else one for one in speakers]
    members(where, agents, beside=then)
    branches = [one if isinstance(one, FlowAgent) else _alone(one).as_agent() for one in agents]
    following = None if then is None else then.name
    places: list[Place] = [Parallel(_TOGETHER, branches, to(following), join=join, others=others)]
    if then is not None:
        places.append(State(then.name, then, to(None)))
    return flow_of(name, places, options)


def _alone(agent: Agent) -> Flow:
    """Return the flow in which nobody but *agent* speaks, once."""
    told = str(getattr(agent, "description", "") or "")
    return Flow(agent.name, State(agent.name, agent, to(None)), description=told)
