"""Flows with flows in them, that the tests of drawings share."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from stateflow.conversation.summary import last_message
from stateflow.conversation.view import View
from stateflow.conversation.window import last
from stateflow.machine.budget import Budget
from stateflow.machine.deadline import hours, minutes
from stateflow.machine.flow import Flow
from stateflow.machine.flow_tool import FlowTool
from stateflow.machine.guards import answered, ended, exhausted, failed, raised, says
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State, steps
from stateflow.machine.transition import to
from tests.diagram.flows import NASTY_NAME, Speaker


@dataclass(frozen=True)
class Caller(Speaker):
    """An agent that is only drawn, with tools."""

    toolbox: tuple[FlowTool, ...] = ()


class Paper(BaseModel):
    """Data of a flow."""

    outline: str = ""
    points: str = ""


def clear(view: View) -> None:
    """Stand in for an action."""


def brief(view: View) -> str:
    """Stand in for the input of a nested flow."""
    return "x"


def headlines(said: object) -> str:
    """Stand in for a summary."""
    return "x"


def outliner() -> Flow:
    """Return a flow of two states and a final that is not ok."""
    return Flow(
        "outliner",
        State("outline", Speaker("planner", model="openai:gpt-5"), to("expand")),
        State(
            "expand",
            Speaker("writer"),
            to(None, when=says("DONE")),
            to("rejected", when=failed),
            to("outline"),
        ),
        Final("rejected", ok=False),
        data=Paper,
    )


def with_nested() -> Flow:
    """Return a flow with a nested state, deadlines and a restart."""
    return Flow(
        "paper",
        State("plan", Speaker("planner"), to("write")),
        Nested(
            "write",
            outliner(),
            to("plan", when=ended("rejected"), do=clear, restart=last_message),
            to("approve", after=minutes(30)),
            to("approve"),
            input="Outline it.",
            carryover=last(3),
            summary=headlines,
            output={"outline": "points"},
            visits=4,
        ),
        State(
            "approve",
            Speaker("maintainer", "human"),
            to("write", when=answered("no"), restart=headlines),
            to("late", after=hours(24), when=raised("DeadlinePassed")),
            to("plan", after=hours(24)),
            to(None),
        ),
        Final("late", ok=False),
        data=Paper,
        on_error="late",
    )


def nested_in_nested() -> Flow:
    """Return a flow in a flow in a flow, the inner ones with a budget and error state."""
    inner = Flow(
        "checker",
        State("check", Speaker("runner", "code"), to(None)),
        Final("broken", ok=False),
        on_error="broken",
    )
    middle = Flow(
        "editor",
        State("draft", Speaker("writer"), to("verify")),
        Nested("verify", inner, to("draft", when=failed), to(None)),
        budget=Budget(turns=10, usd=1.0),
    )
    return Flow(
        "book",
        Nested("chapter", middle, to("chapter", when=says("MORE")), to("bind")),
        State("bind", Speaker("binder", "tool"), to(None)),
    )


def with_parallel() -> Flow:
    """Return a flow with a parallel state that waits for any, and one for two of three."""
    search = Flow("search", State("read", Speaker("reader"), to(None)))
    return Flow(
        "research",
        Parallel(
            "look",
            {"web": search, "books": search},
            to("look", when=failed),
            to("weigh"),
            join="any",
            others="keep",
            input=brief,
        ),
        Parallel(
            "weigh",
            [
                search.as_agent("critic", input="Find faults."),
                outliner().as_agent("friend"),
                nested_in_nested(),
            ],
            to("gave_up", when=exhausted),
            to(None),
            join=2,
        ),
        Final("gave_up", ok=False),
    )


def with_itself() -> Flow:
    """Return a flow that runs itself, alone and in a branch."""
    return Flow(
        "solve",
        State("split", Speaker("splitter"), to(None, when=says("SIMPLE")), to("part")),
        Nested("part", itself(), to("both")),
        Parallel("both", {"left": itself(), "right": outliner()}, to(None)),
    )


def with_steps() -> Flow:
    """Return a flow whose states speak by flows as agents, one of them before some code."""
    review = outliner().as_agent("review")
    return Flow(
        "steps",
        State("first", review, to("second")),
        State("second", steps(review, Speaker("runner", "code"), review), to("route")),
        Junction("route", to("first", when=failed), to(None)),
    )


def of_nasty_nested_names() -> Flow:
    """Return nested flows whose every name tries to be syntax, and many of them alike."""
    state = State(NASTY_NAME, Speaker(NASTY_NAME), to("end"), to("start"))
    inner = Flow("--", state, State("end", Speaker("}"), to("done")), Final("start"), Final("done"))
    twin = Flow("state", State("start", Speaker("["), to(None)))
    return Flow(
        NASTY_NAME,
        Nested(NASTY_NAME, inner, to("a b"), to(NASTY_NAME), input='"x"\n</b>```'),
        Parallel("a b", {"x y": inner, "x?y": inner, "end": twin}, to("a?b")),
        Nested("a?b", twin, to("in"), to("done")),
        State("in_start", Speaker("["), to("in")),
        Nested("in", twin.as_agent(NASTY_NAME), to("a?b"), to("in_start")),
        Final("done"),
    )


def with_many_branches(count: int) -> Flow:
    """Return a flow with a parallel state of so many branches."""
    search = Flow("search", State("read", Speaker("reader"), to(None)))
    branches = {f"reader {number}": search for number in range(1, count + 1)}
    return Flow("many", Parallel("read", branches, to(None)), budget=Budget(turns=1000))


MADE = [
    with_nested,
    nested_in_nested,
    with_parallel,
    with_itself,
    with_steps,
    of_nasty_nested_names,
]
