"""Magentic-One's orchestrator as a table: a lead plans, hands out work, and looks at a ledger.

The lead notes what is known and makes a plan.  After each turn of the team it fills in a ledger:
whether the request is met, whether the team gets on or goes in circles, who is next, and with
what.  Each time it does not get on counts; at so many the facts and the plan are made anew, and
the team begins again with nothing but those.  A counter, a guard and a row each: nothing of this
is hidden in the lead.

Source: Fourney et al., "Magentic-One: A Generalist Multi-Agent System for Solving Complex Tasks",
2024; MagenticOneGroupChat of AutoGen 0.4, which ends well even where nothing was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack, cast

from pydantic import BaseModel, Field, create_model

from stateflow.agents.assistant import Assistant
from stateflow.conversation.agent import Agent
from stateflow.conversation.message import Message
from stateflow.conversation.summary import SUMMARY_SPEAKER
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError
from stateflow.machine.flow import Flow
from stateflow.machine.guards import data_is, replied, visited
from stateflow.machine.nested import FlowAgent
from stateflow.machine.state import Junction, Place, State
from stateflow.machine.transition import Transition, to
from stateflow.patterns.frame import Options, check_count, flow_of, members, titled
from stateflow.patterns.magentic_prompts import (
    ANSWER,
    FACTS,
    FACTS_AGAIN,
    PLAN,
    PLAN_AGAIN,
    PROGRESS,
    REPORT,
)
from stateflow.patterns.reflection import GAVE_UP, given_up

__all__ = ["Ledger", "Progress", "magentic"]

_FACTS_FOLLOW = "\n\nWhat is known:\n"
_PLAN_FOLLOWS = "\n\nThe plan:\n"


class Progress(BaseModel):
    """What the lead fills in after each turn of the team."""

    reason: str = Field(description="What was done last, and what that means, in a sentence.")
    satisfied: bool = Field(description="Whether the request is fully met.")
    progressing: bool = Field(description="Whether the last turn brought the team closer.")
    looping: bool = Field(description="Whether the team repeats itself.")
    next: str = Field(description="Who speaks next.")
    instruction: str = Field(description="What that member is told to do, with all it needs.")


class Ledger(BaseModel):
    """The typed data of the flow."""

    facts: str = ""
    """What is known, to be looked up, or guessed."""
    plan: str = ""
    progress: Progress | None = None
    """What the lead filled in last."""
    stalls: int = 0
    """How often the team did not get on; one less each time it does."""


def magentic(
    name: str,
    lead: Agent,
    team: Sequence[Agent],
    *,
    stalls: int = 3,
    turns: int = 20,
    replans: int = 2,
    **options: Unpack[Options],
) -> Flow:
    """Return a flow in which *lead* plans, hands out work to *team*, and keeps a ledger.

    It ends in done with the lead's answer once the request is met.  Where turns or plans are used
    up, the lead reports what was found, and the run ends in the final ``gave_up``, not ok.

    Args:
        name: of the flow.
        lead: an ``Assistant``, which is given a ``Progress`` to fill in, without its tools, where
            it looks at the ledger; any other agent has to return ``Message(..., reply={...})``
            with its fields.
        team: who does the work; their descriptions tell the lead what each can do.
        stalls: how often in all the team may not get on before the plan is made anew.
        turns: how often the lead may look at the ledger and hand out work [turns].
        replans: how often facts and plan may be made anew.
        **options: ``budget``, ``on_error`` (a final that is added; ``"gave_up"`` is there) and
            ``description`` of the flow.

    Raises:
        DefinitionError: one of these does not fit.

    Example:
        >>> web = Assistant("web", "openai:gpt-5-mini", description="Looks things up.")
        >>> flow = magentic("research", Assistant("lead", "openai:gpt-5"), [web], replans=0)
        >>> list(flow.places)
        ['facts', 'plan', 'progress', 'next', 'web', 'answer', 'report', 'gave_up']
    """
    where = titled(magentic, name, options)
    members(where, [lead], least=1)
    members(where, team, least=1, beside=lead)
    for word, count in (("stalls", stalls), ("turns", turns)):
        check_count(where, word, count, options)
    if replans != 0:
        check_count(where, "replans", replans, options)
    if "data" in options:
        raise DefinitionError(f"{where} keeps a ledger as its data; leave data= out")
    listed = "\n".join(f"- {_line(one)}" for one in team)
    again = ~replied("progressing") | replied("looping")
    places: list[Place] = [
        State("facts", lead, to("plan"), prompt=FACTS, save="facts"),
        State("plan", lead, to("progress"), prompt=PLAN.format(team=listed), save="plan"),
        State(
            "progress",
            _filling_in(lead, [one.name for one in team]),
            to("answer", when=replied("satisfied")),
            to("report", when=visited("progress", at_least=turns + 1)),
            to("next", when=again, do=one_stall_more),
            to("next", do=one_stall_less),
            prompt=PROGRESS.format(team=listed),
            save="progress",
        ),
        Junction("next", *_after_a_look(team, stalls, replans)),
        *(_working(one) for one in team),
        *(_again(lead, listed) if replans else ()),
        State("answer", lead, to(None), prompt=ANSWER),
        State("report", lead, to(GAVE_UP), prompt=REPORT),
        *given_up(options),
    ]
    return flow_of(name, places, cast("Options", {**options, "data": Ledger}))


def _line(agent: Agent) -> str:
    """Return a member as the lead is told of it."""
    told = " ".join(str(getattr(agent, "description", "") or "").split())
    return f"{agent.name}: {told}" if told else agent.name


def _filling_in(lead: Agent, team: Sequence[str]) -> Agent:
    """Return *lead* as it fills in the ledger, without tools; ``next`` is one of *team*."""
    if not isinstance(lead, Assistant):
        return lead
    one_of: Any = Literal
    described = Progress.model_fields["next"].description
    reply = create_model(
        "Progress", __base__=Progress, next=(one_of[tuple(team)], Field(description=described))
    )
    return Assistant(
        lead.name,
        lead.model,
        lead.prompt,
        reply=reply,
        repairs=lead.repairs,
        vary_seed=lead.vary_seed,
        description=lead.description,
    )


def _after_a_look(team: Sequence[Agent], stalls: int, replans: int) -> list[Transition]:
    """Return where it goes on: anew, where it stalled, or to whom the lead named."""
    stalled = data_is("stalls", at_least=stalls)
    ways = [to(one.name, when=replied("next", one.name)) for one in team]
    anew = [to("report", when=stalled)]
    if replans:
        spent = visited("plan again", at_least=replans)
        anew = [to("report", when=stalled & spent), to("facts again", when=stalled)]
    return [*anew, *ways, to("progress")]


def _again(lead: Agent, listed: str) -> list[State]:
    """Return the states in which facts and plan are made anew, and the team begins again."""
    plan = PLAN_AGAIN.format(team=listed)
    begin = to("progress", do=no_stalls, restart=task_facts_and_plan)
    return [
        State("facts again", lead, to("plan again"), prompt=FACTS_AGAIN, save="facts"),
        State("plan again", lead, begin, prompt=plan, save="plan"),
    ]


def _working(member: Agent) -> State:
    """Return the state of a *member* of the team, which is told what the lead wants of it."""
    if isinstance(member, FlowAgent) and member.input is None:
        return State(member.name, replace(member, input=instruction), to("progress"))
    return State(member.name, member, to("progress"), prompt=instruction)


def instruction(view: View) -> str:
    """Return what the lead wants of whoever is next."""
    ledger: Ledger | None = view.data
    return "" if ledger is None or ledger.progress is None else ledger.progress.instruction


def one_stall_more(view: View) -> Mapping[str, int]:
    """Count that the team did not get on."""
    return {"stalls": view.data.stalls + 1}


def one_stall_less(view: View) -> Mapping[str, int]:
    """Count that it did."""
    return {"stalls": max(0, view.data.stalls - 1)}


def no_stalls(view: View) -> Mapping[str, int]:
    """Begin to count anew."""
    del view
    return {"stalls": 0}


def task_facts_and_plan(said: Sequence[Message]) -> str:
    """Return what the team begins again with: the task, and the last two messages.

    Example:
        >>> said = [Message("Go.", "user"), Message("None.", "lead"), Message("1. Look.", "lead")]
        >>> first = task_facts_and_plan(said)
        >>> begun = [Message(first, SUMMARY_SPEAKER), Message("One."), Message("2. Ask.")]
        >>> print(task_facts_and_plan(begun))
        Go.
        <BLANKLINE>
        What is known:
        One.
        <BLANKLINE>
        The plan:
        2. Ask.
    """
    task = said[0].text
    if said[0].speaker == SUMMARY_SPEAKER:
        task = task.split(_FACTS_FOLLOW, 1)[0]
    return f"{task}{_FACTS_FOLLOW}{said[-2].text}{_PLAN_FOLLOWS}{said[-1].text}"
