"""A plan that a person approves before anything is done, and a result that a person accepts.

The planner plans, and the run waits for the admin, for days if need be: ``Approve`` lets the
engineer write the code, anything else sends the plan back with the reason.  Code is run, and
mended while it fails; the scientist writes it up, and the admin has the last word.

    stateflow run flows/approval.py
    stateflow resume last --answer Approve
    stateflow resume last --answer TERMINATE

AutoGen picks the speaker here by a function that reads who spoke before the admin.  Here asking
for the plan and asking for the result are two states, so the admin can be asked two things, and
nothing has to be remembered.

Source: AutoGen's notebook groupchat_customized.
"""

from __future__ import annotations

from stateflow import (
    Budget,
    CodeRunner,
    Flow,
    Human,
    Scripted,
    State,
    answered,
    failed,
    matches,
    raised,
    to,
)

task = "Which of this week's papers on language models have to do with medicine? Sort them."

PLANS = [
    "1. The engineer counts the papers by field. 2. The scientist says what they are about.",
    "1. The engineer counts the papers as you said. 2. The scientist says what they are about.",
]
CODE = """```python
papers = {"radiology": 3, "triage": 2, "law": 4}
print(", ".join(field for field in papers if field != "law"))
```"""
WRITTEN_UP = [
    "Five papers have to do with medicine: three with radiology, two with triage.",
    "Medicine: radiology 3, triage 2.",
]

planner = Scripted("Planner", PLANS)
engineer = Scripted("Engineer", [CODE])
executor = CodeRunner("Executor")
scientist = Scripted("Scientist", WRITTEN_UP)
approver = Human("Admin", "Shall we do it like this?", options=["Approve", "Change"])
acceptor = Human("Admin", "Is that what you wanted?", options=["TERMINATE", "Change"])

flow = Flow(
    "approval",
    State("plan", planner, to("approve")),
    State("approve", approver, to("write", when=answered("Approve")), to("plan")),
    State("write", engineer, to("run", when=matches("```python")), to("write"), visits=8),
    State("run", executor, to("write", when=failed & ~raised()), to("explain")),
    State("explain", scientist, to("accept")),
    State("accept", acceptor, to(None, when=answered("TERMINATE")), to("explain")),
    budget=Budget(turns=40),
)
