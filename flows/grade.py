"""Write a line, grade it as data, rewrite it until the grade is good, or give up.

The grader does not chat: its reply must follow a schema, so that even a model of 135 million
parameters answers with a score and one line of advice, and a guard reads the score.  The writer
sees the advice beside its own lines, and draws with another seed at each visit; after three
lines the run ends in ``gave_up``.

What holds is the form: a score from 1 to 10, every time.  How well a model grades is its own
affair, and the embedded one has no taste.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from stateflow import (
    Assistant,
    Budget,
    Final,
    Flow,
    Model,
    Settings,
    State,
    exhausted,
    replied,
    to,
)

task = "Write one line that invites people to a tea party in the park."

stand_in = {
    "writer": "scripted:Tea. Park. Come.|Come to the park: the tea is hot and the cake is free.",
    "grader": (
        'scripted:{"score": 4, "advice": "Say why to come."}|{"score": 9, "advice": "Keep it."}'
    ),
}
"""Scripted models that take one rewrite, without the embedded one."""


class Grade(BaseModel):
    """What the grader has to answer."""

    score: int = Field(ge=1, le=10)
    advice: str = Field(max_length=80)


writer = Assistant(
    "writer",
    model=Model("llama:smollm2", Settings(temperature=0.8, top_p=0.95, seed=0, max_tokens=40)),
    prompt="You write invitations. Answer with one line only.",
    vary_seed=True,
)
grader = Assistant(
    "grader",
    model=Model("llama:smollm2", Settings(temperature=0.7, seed=1, max_tokens=120)),
    prompt="Grade the invitation: a score from 1 to 10, and one line of advice.",
    reply=Grade,
    vary_seed=True,
)

flow = Flow(
    "grade",
    State("write", writer, to("grade"), visits=3),
    State(
        "grade",
        grader,
        to(None, when=replied("score", at_least=8)),
        to("gave_up", when=exhausted),
        to("write"),
    ),
    Final("gave_up", ok=False),
    budget=Budget(turns=6, calls=12, tokens=5000),
    on_error="gave_up",
)
