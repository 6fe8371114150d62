"""Nested chats and hierarchies: what one agent says is what a chat of others came to.

In ``nested`` the second of two parties answers with inner chats; in ``hierarchy`` a lead hands
work to teams, each a flow that speaks as one agent.  Either is a plain flow whose drawing shows
the inner ones, and whose runs keep a journal for each.

Source: ``register_nested_chats`` of AutoGen 0.2, and its society of mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from stateflow.conversation.agent import Agent
from stateflow.conversation.window import Window
from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import handed_to, turns_at_least, visited
from stateflow.machine.nested import FlowAgent, Nested, flow_agent
from stateflow.machine.state import State
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import Transition, to
from stateflow.patterns.frame import (
    Options,
    check_count,
    check_guard,
    check_list,
    flow_of,
    members,
    titled,
)
from stateflow.patterns.handoffs import handed_over, tools_of
from stateflow.patterns.sequence import Leg, in_sequence

__all__ = ["hierarchy", "nested"]


def nested(  # noqa: PLR0913 - all but the chats are keywords with defaults
    name: str,
    outer: Agent,
    chats: Sequence[Flow | FlowAgent | Leg],
    *,
    speaker: str | None = None,
    trigger: Guard | None = None,
    answerer: Agent | None = None,
    carryover: Window | None = None,
    stop: Guard | None = None,
    rounds: int | None = None,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *outer* is answered by what inner chats came to.

    The chats run in a row, each told what the earlier ones came to; the summary of the last one is
    the answer, and the only one of their words that *outer* sees.

    Args:
        name: of the flow.
        outer: who talks with them, and begins.
        chats: flows, ``flow.as_agent(...)``, or a ``Leg`` for one with a task of its own; the
            task of the others is what *outer* said last.
        speaker: who the answer is said by; the answerer, or else the last chat, if not given.
        trigger: guard on what *outer* said that must hold for the chats to be held.
        answerer: who answers where it does not hold.
        carryover: what the first chat is told beside its task, as in ``last(3)``.
        stop: when it is over, whoever spoke.
        rounds: how often *outer* speaks at most; it has the last word then.
        **options: ``budget``, ``data``, ``on_error`` (a final that is added) and ``description``
            of the flow.

    Raises:
        DefinitionError: one of these does not fit, or nothing ends the chat.

    Example:
        >>> from stateflow import Scripted
        >>> review = Flow("review", State("read", Scripted("critic", ["Shorter."]), to(None)))
        >>> flow = nested("essay", Scripted("writer", ["a", "b"]), [review], rounds=2)
        >>> [state.name for state in flow.states]
        ['writer', 'review']
    """
    where = titled(nested, name, options)
    members(where, [outer] if answerer is None else [outer, answerer], least=1)
    check_guard(where, "trigger", trigger)
    check_guard(where, "stop", stop)
    if rounds is not None:
        check_count(where, "rounds", rounds, options, each=2)
    if stop is None and rounds is None:
        raise DefinitionError(
            f"{where}: nothing ends the chat; write stop=says('DONE') or rounds=2"
        )
    if (trigger is None) != (answerer is None):
        one, other = ("trigger", "answerer") if answerer is None else ("answerer", "trigger")
        raise DefinitionError(
            f"{where}: {one}= means nothing without {other}=; trigger= says when the chats are "
            "held, and answerer= who answers else"
        )
    inner = _answering(
        where, name, chats, speaker if answerer is None else speaker or answerer.name
    )
    if carryover is not None:
        inner = replace(inner, carryover=carryover)
    over = [] if stop is None else [to(None, when=stop)]
    last = [] if rounds is None else [to(None, when=visited(outer.name, at_least=rounds))]
    back = [*over, to(outer.name)]
    if answerer is None:
        states = [State(outer.name, outer, *over, *last, to(inner.name))]
    else:
        same = answerer.name == inner.name
        alone = f"{answerer.name} alone" if same else answerer.name
        ways = [to(inner.name, when=trigger), to(alone)]
        states = [State(outer.name, outer, *over, *last, *ways), State(alone, answerer, *back)]
    return flow_of(name, [states[0], Nested(inner.name, inner, *back), *states[1:]], options)


def _answering(
    where: str, name: str, chats: Sequence[Flow | FlowAgent | Leg], speaker: str | None
) -> FlowAgent:
    """Return *chats* as the one agent that says what the last of them came to."""
    check_list(where, chats, "chats", "[review]", least=1)
    final = chats[-1]
    if len(chats) == 1 and not isinstance(final, Leg):
        agent = flow_agent(final, where)
    else:
        row = in_sequence(f"{name}, inside", chats)
        agent = row.as_agent(row.states[-1].name)
    return agent if speaker is None else replace(agent, name=speaker)


def hierarchy(
    name: str,
    lead: Agent,
    teams: Sequence[Flow | FlowAgent],
    *,
    choose: object = None,
    stop: Guard | None = None,
    turns: int | None = None,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which a lead hands work to teams, and hears what each came to.

    Without *choose* the lead hands off to a team by its name, with ``handoff(...)`` tools or
    messages that name it, and keeps the floor where it names none.  With *choose*, somebody else
    picks the team after each of its turns, or that it is done.

    Args:
        name: of the flow.
        lead: who speaks first, and after each team.
        teams: flows, or ``flow.as_agent(...)`` where more is to be said of their task or summary.
        choose: who picks the team: ``by_model(...)``, ``in_turn()``, or AutoGen's function.
        stop: when the lead is through; with *choose* and without *stop*, being done is picked.
        turns: at most so many turns, those inside the teams counted; then the lead's is the last
            [turns].
        **options: ``budget``, ``data``, ``on_error`` (a final that is added) and ``description``
            of the flow.

    Raises:
        DefinitionError: one of these does not fit, a team can never be reached, or nothing ends it.

    Example:
        >>> from stateflow import Scripted, says
        >>> web = Flow("web", State("search", Scripted("searcher", ["42"]), to(None)))
        >>> flow = hierarchy("firm", Scripted("boss", []), [web], stop=says("DONE"))
        >>> [state.name for state in flow.states]
        ['boss', 'web']
    """
    where = titled(hierarchy, name, options)
    check_list(where, teams, "teams", "[research, writing]", least=1)
    agents = [flow_agent(team, where) for team in teams]
    members(where, [lead, *agents])
    check_guard(where, "stop", stop)
    over = stop
    if turns is not None:
        check_count(where, "turns", turns, options)
        cap = turns_at_least(turns)
        over = cap if stop is None else stop | cap
    chooser = chooser_of(choose)
    names = [agent.name for agent in agents]
    if chooser is None:
        ways = _handing(where, lead, names, over)
        agents = [agent if agent.input else replace(agent, input=handed_over) for agent in agents]
    else:
        ways = [to(team, when=None if over is None else ~over) for team in names]
        ways.append(to(None, when=None if stop is None else over))
    lead_state = State(lead.name, lead, *ways, choose=chooser)
    return flow_of(
        name, [lead_state, *(Nested(one.name, one, to(lead.name)) for one in agents)], options
    )


def _handing(where: str, lead: Agent, teams: Sequence[str], over: Guard | None) -> list[Transition]:
    """Return the ways of a lead that hands off."""
    if over is None:
        raise DefinitionError(
            f"{where}: nothing ends it; write stop=says('DONE', by={lead.name!r}), turns=20, or "
            "say who picks with choose=by_model(...)"
        )
    reached = tools_of(lead) if hasattr(lead, "toolbox") else teams
    for team in teams:
        if team not in reached:
            raise DefinitionError(
                f"{where}: {lead.name!r} never hands off to {team!r}; give it handoff({team!r}) in "
                "tools=, or say who picks with choose=by_model(...)"
            )
    handing = [to(team, when=handed_to(team)) for team in teams]
    return [to(None, when=over), *handing, to(lead.name)]
