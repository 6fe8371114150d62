"""Debates: several answer in turn, each seeing the others' answers, and a judge decides.

Source: the multi-agent debate pattern of AutoGen, whose solvers answer at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from stateflow.conversation.agent import Agent
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import visited
from stateflow.machine.state import State
from stateflow.machine.transition import to
from stateflow.patterns.frame import Options, check_count, check_guard, flow_of, members, titled

__all__ = ["debate"]


def debate(
    name: str,
    debaters: Sequence[Agent],
    judge: Agent,
    *,
    rounds: int = 3,
    stop: Guard | None = None,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *debaters* answer for so many rounds, and then *judge* does.

    They speak in turn, and each sees all that was said before.

    Args:
        name: of the flow.
        debaters: who answers, in this order.
        judge: who has the last word: a model, a person, or a function that counts.
        rounds: how often each debater speaks at most.
        stop: when the judge is to decide before, as in ``says("I agree")``.
        **options: ``budget``, ``data``, ``on_error`` (a final that is added) and ``description``
            of the flow.

    Raises:
        DefinitionError: one of these does not fit, or fewer than two debate.

    Example:
        >>> from stateflow import Scripted
        >>> pro, con, judge = (Scripted(name, []) for name in ("pro", "con", "judge"))
        >>> flow = debate("tax", [pro, con], judge, rounds=2)
        >>> [transition.target for transition in flow.states[1].transitions]
        ['judge', 'pro']
    """
    where = titled(debate, name, options)
    debaters = members(where, debaters, beside=judge)
    members(where, [judge], least=1)
    check_guard(where, "stop", stop)
    check_count(where, "rounds", rounds, options, each=len(debaters))
    early = [] if stop is None else [to(judge.name, when=stop)]
    first, last = debaters[0], debaters[-1]
    states: list[State] = []
    for agent, following in zip(debaters, [*debaters[1:], first], strict=True):
        spent = [to(judge.name, when=visited(last.name, at_least=rounds))] if agent is last else []
        states.append(State(agent.name, agent, *early, *spent, to(following.name)))
    return flow_of(name, [*states, State(judge.name, judge, to(None))], options)
