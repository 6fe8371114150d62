"""Write a document: plan, draft, then review and revise until it will do, at most three times.

The reviewer's reply is data, and a guard reads from it whether another round is needed.  A
revision always follows a review that wants one; the third is the last.

Source: the feedback loop pattern of AG2's cookbook, where a counter in the context does this.
"""

from __future__ import annotations

from pydantic import BaseModel

from stateflow import Assistant, Flow, Scripted, State, replied, to, visited

task = "Write a short essay on how cities can live with heat."

MOST = 3
"""How often it is reviewed at most."""


class Feedback(BaseModel):
    """What the reviewer has to answer."""

    iteration_needed: bool
    advice: str


planner = Scripted("planner", ["1. The problem. 2. Shade and water. 3. Who pays."])
drafter = Scripted("drafter", ["Cities are hot. Trees help. It costs money."])
reviewer = Assistant(
    "reviewer",
    'scripted:{"iteration_needed": true, "advice": "Name a number."}'
    '|{"iteration_needed": false, "advice": "It will do."}',
    "Review the text: say whether it has to be revised, and how.",
    reply=Feedback,
)
reviser = Scripted(
    "reviser",
    [
        "A street with trees is four degrees cooler than one without, and they cost less.",
        "A street with trees is four degrees cooler than one without.",
        "Trees cool a street by four degrees.",
    ],
)
finalizer = Scripted("finalizer", ["How cities can live with heat: plant trees."])

flow = Flow(
    "feedback_loop",
    State("plan", planner, to("draft")),
    State("draft", drafter, to("review")),
    State(
        "review",
        reviewer,
        to("finalize", when=~replied("iteration_needed")),
        to("revise"),
    ),
    State("revise", reviser, to("finalize", when=visited("review", at_least=MOST)), to("review")),
    State("finalize", finalizer, to(None)),
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
