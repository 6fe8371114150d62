"""Break a request into tasks, and do all the research before anything is written.

The triage agent's reply is two lists.  They are the flow's data: each task that was done is taken
off its list, and a junction, where nobody speaks, asks whether there are more.  That writing waits
for research is a row of the table, not a rule that somebody has to keep to.

Source: triage with tasks, a pattern of AG2's cookbook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from stateflow import (
    Assistant,
    Flow,
    FunctionAgent,
    Junction,
    State,
    View,
    data_is,
    to,
)

task = "Research solar panels and wind farms, then write a blog post on each."


class Tasks(BaseModel):
    """What the triage agent has to answer."""

    research: list[str]
    writing: list[str]


class Desk(BaseModel):
    """What is to be done, and what was."""

    research: list[str] = []
    writing: list[str] = []
    done: list[str] = []


def note(view: View) -> Mapping[str, Any]:
    """Put the tasks on the desk."""
    return Tasks.model_validate(view.last.reply).model_dump()


def researched(view: View) -> Mapping[str, Any]:
    """Take the first piece of research off the list."""
    first, *rest = view.data.research
    return {"research": rest, "done": [*view.data.done, first]}


def written(view: View) -> Mapping[str, Any]:
    """Take the first piece of writing off the list."""
    first, *rest = view.data.writing
    return {"writing": rest, "done": [*view.data.done, first]}


def tell(view: View) -> str:
    """Say what is left."""
    left = len(view.data.research) + len(view.data.writing)
    return f"{left} tasks are left." if left else "All tasks are done."


def research(view: View) -> str:
    """Do the first piece of research."""
    return f"Found out about {view.data.research[0]}: it grows."


def write(view: View) -> str:
    """Write the first text."""
    return f"{view.data.writing[0]}: it grows, and here is why."


def sum_up(view: View) -> str:
    """Say what was done."""
    return f"Done: {', '.join(view.data.done)}."


triage_agent = Assistant(
    "triage_agent",
    'scripted:{"research": ["solar panels", "wind farms"], "writing": ["Sun", "Wind"]}',
    "Break the request into research and writing tasks.",
    reply=Tasks,
)
manager = FunctionAgent("task_manager", tell)

flow = Flow(
    "triage",
    State("triage", triage_agent, to("manage", do=note)),
    State(
        "manage",
        manager,
        to("research", when=data_is("research")),
        to("write", when=data_is("writing")),
        to("sum_up"),
    ),
    State("research", FunctionAgent("researcher", research), to("more_research", do=researched)),
    Junction("more_research", to("research", when=data_is("research")), to("manage")),
    State("write", FunctionAgent("writer", write), to("more_writing", do=written)),
    Junction("more_writing", to("write", when=data_is("writing")), to("manage")),
    State("sum_up", FunctionAgent("summarizer", sum_up), to(None)),
    data=Desk,
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
