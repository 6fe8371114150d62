"""Plan, execute and review by one agent in three roles.

The states are those of ``plan_execute_review``; here one agent is bound to all of them, and each
state's prompt gives it its role.  Its own earlier words reach the model as its own, so no
speaker has to be resolved.  The stand-in model is scripted; ``--model worker=openai:gpt-5`` runs
the same flow on a real one.
"""

from __future__ import annotations

from stateflow import Assistant, Budget, Final, Flow, State, exhausted, says, to

task = "Write a limerick about state machines."

worker = Assistant(
    "worker",
    model=(
        "scripted:Plan: five lines, rhyme aabba.|FAILED: only four lines came out."
        "|Plan: five lines, count them.|A limerick of five lines.|APPROVED"
    ),
    prompt="You work alone on the task of the user.",
)

flow = Flow(
    "one_agent",
    State("plan", worker, to("execute"), prompt="Plan. Answer with one short plan.", visits=3),
    State(
        "execute",
        worker,
        to("plan", when=says("FAILED")),
        to("review"),
        to("gave_up", when=exhausted),
        prompt="Carry the plan out. If it cannot be done, begin with FAILED.",
    ),
    State(
        "review",
        worker,
        to(None, when=says("APPROVED")),
        to("plan"),
        to("gave_up", when=exhausted),
        prompt="Review the result. Reply APPROVED when it is right, else say what is wrong.",
    ),
    Final("gave_up", ok=False),
    budget=Budget(turns=12, calls=12),
    accept={"SF106": "a run that failed is kept as it was, and resumed by hand"},
)
