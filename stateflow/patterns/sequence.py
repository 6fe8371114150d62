"""Chats in a row, each told what the earlier ones came to: AutoGen's ``initiate_chats``.

Each chat is a flow of its own, nested; what it came to is its summary.  The next is given a task
and, below it, the summaries: of all earlier chats, or of those that it depends on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from stateflow.conversation.effect import Given
from stateflow.conversation.message import SILENCE
from stateflow.conversation.summary import Summary
from stateflow.conversation.view import View
from stateflow.conversation.window import only
from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.machine.guards import ended
from stateflow.machine.nested import FlowAgent, Input, Nested, flow_agent, is_itself
from stateflow.machine.state import Final, Place
from stateflow.machine.transition import Transition, to
from stateflow.patterns.frame import Options, check_list, flow_of, titled

__all__ = ["Leg", "in_sequence"]

_FAILED = "failed"
"""Name of the final for a chat that came to nothing good."""


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One chat of a sequence, where more is to be said of it than its flow.

    Example:
        >>> from stateflow import Scripted, State
        >>> ask = Flow("cost", State("ask", Scripted("expert", ["9 EUR"]), to(None)))
        >>> Leg(ask, "again", after=["cost"]).name
        'again'
    """

    flow: Flow | FlowAgent
    name: str | None = None
    """What it is called; the flow's name if not given."""
    input: Input = None
    """Its task: a text, or a function of the view; else the task of the sequence."""
    summary: Summary | None = None
    """What it came to: ``last_message``, ``by_model(...)``, or a function of its messages."""
    after: Sequence[str] | None = None
    """Names of the earlier chats it depends on, and is told of; ``None``: of all."""
    exclude: Sequence[str] = ()
    """Names of the earlier chats it is not told of."""


def in_sequence(
    name: str, chats: Sequence[Flow | FlowAgent | Leg], **options: Unpack[Options]
) -> Flow:
    """Return a flow in which *chats* run one after the other.

    Each is given the task of the sequence, or its own, and below it, under ``Context:``, what the
    earlier ones came to.  A chat that ends in a final that is not ok ends the sequence in a final
    ``failed``; one that stops otherwise stops the run, which can be resumed.

    Args:
        name: of the flow.
        chats: flows, ``flow.as_agent(...)``, or a ``Leg`` for one with a task of its own, or that
            is told only of some of the others.
        **options: ``budget``, which all share, ``data``, ``on_error`` (a final that is added) and
            ``description`` of the flow.

    Raises:
        DefinitionError: there is no chat, one is none, two have one name, or one depends on a chat
            that does not come before it.

    Example:
        >>> from stateflow import Scripted, State
        >>> def ask(name: str) -> Flow:
        ...     return Flow(name, State("ask", Scripted("expert", ["yes"]), to(None)))
        >>> flow = in_sequence("plan", [ask("cost"), Leg(ask("risk"), after=[])])
        >>> [state.name for state in flow.states]
        ['cost', 'risk']
    """
    where = titled(in_sequence, name, options)
    check_list(where, chats, "chats", "[outline, write]", least=1)
    legs = [one if isinstance(one, Leg) else Leg(one) for one in chats]
    names: list[str] = []
    agents: list[FlowAgent] = []
    for leg in legs:
        agent = _agent(where, leg, names)
        if agent.name in names:
            raise DefinitionError(
                f"{where}: two chats are called {agent.name!r}; name one: Leg(flow, 'other'), or "
                "flow.as_agent('other')"
            )
        names.append(agent.name)
        agents.append(agent)
    places: list[Place] = [
        Nested(agent.name, agent, *_ways(agent, following))
        for agent, following in zip(agents, [*names[1:], None], strict=True)
    ]
    if any(map(_bad_ends, agents)):
        places.append(Final(_FAILED, ok=False))
    return flow_of(name, places, options)


def _agent(where: str, leg: Leg, earlier: Sequence[str]) -> FlowAgent:
    """Return *leg* as the agent that speaks its summary."""
    agent = flow_agent(leg.flow, where, input=leg.input, summary=leg.summary)
    if is_itself(agent):
        raise DefinitionError(
            f"{where}: itself() would run for ever; nest it where a guard can lead past it"
        )
    agent = replace(agent, name=agent.name if leg.name is None else leg.name)
    if agent.input is None:
        agent = replace(agent, input=_same_task)
    told = _told(f"{where}: chat {agent.name!r}", leg, earlier)
    if told and agent.carryover is None:
        agent = replace(agent, carryover=only(*told))
    return agent


def _same_task(view: View) -> Given:
    """Return the task of the sequence."""
    task = next(iter(view.transcript), SILENCE)
    return Given(task.text, files=task.files)


def _told(where: str, leg: Leg, earlier: Sequence[str]) -> list[str]:
    """Return the names of the earlier chats that *leg* is told of."""
    for word, names in (("after", leg.after), ("exclude", leg.exclude)):
        _check_names(f"{where}, {word}={names!r}", names or (), earlier)
    if leg.after is not None and leg.exclude:
        raise DefinitionError(
            f"{where}: after= names all it is told of, and exclude= says so again; leave one out"
        )
    wanted = earlier if leg.after is None else leg.after
    return [one for one in earlier if one in wanted and one not in leg.exclude]


def _check_names(where: str, names: Sequence[str], earlier: Sequence[str]) -> None:
    if isinstance(names, str):
        raise DefinitionError(f"{where} is no list of names; write ['{names}']")
    for one in names:
        if one not in earlier:
            shown = ", ".join(map(repr, earlier)) or "none"
            raise DefinitionError(
                f"{where}: {one!r} does not come before it; earlier chats: {shown}. Move it up"
            )


def _bad_ends(agent: FlowAgent) -> list[str]:
    """Return the finals of the flow of *agent* that are not ok."""
    places = agent.flow.places.values()
    return [place.name for place in places if isinstance(place, Final) and not place.ok]


def _ways(agent: FlowAgent, following: str | None) -> list[Transition]:
    bad = _bad_ends(agent)
    return [*([to(_FAILED, when=ended(*bad))] if bad else []), to(following)]
