"""Answer an incident as a team on call does: triage, investigate, mitigate, communicate.

A page comes in.  What is not severe is looked up first, for it may be known already.  Probes test
one hypothesis after the other until the evidence is weighed as sure; the fix is rehearsed in a
sandbox before it is applied, a risky one only with a person's leave, within half an hour; what does
not hold when it is verified is rolled back, and the search goes on.  An incident is resolved when a
person has signed the report: that a model says so is not enough.  Whatever fails, and whatever goes
round too often, ends with a person who is woken.

    stateflow run flows/incident.py
    stateflow resume last --answer approve
    stateflow resume last --answer yes

Twenty-five places stand in four phases; ``stateflow render flows/incident.py --closed investigate``
draws one of them as a box.  Models are scripted, the world outside is made up, and code runs in a
real sandbox.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from stateflow import (
    Assistant,
    Budget,
    CodeRunner,
    Final,
    Flow,
    FunctionAgent,
    Human,
    Junction,
    Message,
    State,
    View,
    answered,
    exhausted,
    failed,
    minutes,
    replied,
    succeeded,
    to,
)

task = "checkout: 12 % of all requests fail since 14:05"

SURE = 8
"""So sure the evidence must be before anything is changed [of 10]."""


class Assessed(BaseModel):
    """How bad it is."""

    severity: int = Field(ge=1, le=4)
    """1: everybody is hit; 4: nobody notices."""


class Probe(BaseModel):
    """Where to look next."""

    probe: Literal["deploys", "logs", "metrics"]


class Weighed(BaseModel):
    """What the evidence says."""

    sure: int = Field(ge=1, le=10)
    cause: str


class Risk(BaseModel):
    """What a fix could break."""

    risk: Literal["low", "high"]


def look_up(view: View) -> Message:
    """Look the page up among those that are open."""
    known = "search" in view.transcript[0].text
    return Message("known as INC-41" if known else "new", reply={"known": known})


def reading(name: str, found: str) -> FunctionAgent:
    """Return a probe that finds always the same."""
    return FunctionAgent(name, lambda _: found)


def code(pool: int) -> str:
    """Return a fix as code that checks itself, so that a rehearsal can fail."""
    return f"```python\npool = {pool}\nassert pool > 32, 'too small for the load'\nprint(pool)\n```"


pager = FunctionAgent("pager", lambda view: f"INC-42: {view.last.text}")
triager = Assistant("triager", 'scripted:{"severity": 2}', "How bad is it?", reply=Assessed)
register = FunctionAgent("register", look_up)
catalogue = FunctionAgent("catalogue", lambda _: "checkout, owned by payments, 3 regions")
analyst = Assistant(
    "analyst",
    "scripted:A deploy broke it.|The pool of connections is too small for the load.",
    "Name the one cause that explains most, and nothing that was ruled out.",
)
scout = Assistant(
    "scout",
    'scripted:{"probe": "deploys"}|{"probe": "metrics"}',
    "Which probe tells most about the hypothesis?",
    reply=Probe,
)
judge = Assistant(
    "judge",
    'scripted:{"sure": 3, "cause": "no deploy"}|{"sure": 9, "cause": "pool"}',
    "How sure is the cause, from 1 to 10?",
    reply=Weighed,
)
engineer = Assistant(
    "engineer",
    f"scripted:{code(16)}|{code(64)}",
    "Write the fix as one block of Python that asserts what must hold.",
)
assessor = Assistant("assessor", 'scripted:{"risk": "high"}', "What may break?", reply=Risk)
commander = Human("commander", "Apply the fix?", options=["approve", "refuse"])
writer = Assistant("writer", "scripted:Checkout is well again since 14:40.", "Two plain sentences.")
status_page = FunctionAgent("status_page", lambda view: f"posted: {view.last.text}")
historian = Assistant(
    "historian",
    "scripted:Cause: the pool. Mended: its size. Next: an alarm at 80 %.",
    "What happened, why, and what is done so that it never does again. Blame nobody.",
)
owner = Human("owner", "Is this what happened?", options=["yes", "no"])

TRIAGE, INVESTIGATE, MITIGATE, COMMUNICATE = "triage", "investigate", "mitigate", "communicate"

flow = Flow(
    "incident",
    State("receive", pager, to("classify"), phase=TRIAGE),
    State("classify", triager, to("severity"), phase=TRIAGE),
    Junction(
        "severity",
        to("enrich", when=replied("severity", at_most=2)),
        to("dedupe"),
        phase=TRIAGE,
    ),
    State("enrich", catalogue, to("hypothesis"), phase=TRIAGE),
    State("dedupe", register, to("resolved", when=replied("known")), to("enrich"), phase=TRIAGE),
    State("hypothesis", analyst, to("choose_probe"), visits=4, phase=INVESTIGATE),
    State(
        "choose_probe",
        scout,
        to("probe_deploys", when=replied("probe", "deploys")),
        to("probe_logs", when=replied("probe", "logs")),
        to("probe_metrics"),
        phase=INVESTIGATE,
    ),
    State("probe_deploys", reading("deploys", "none today"), to("weigh"), phase=INVESTIGATE),
    State("probe_logs", reading("logs", "pool exhausted"), to("weigh"), phase=INVESTIGATE),
    State("probe_metrics", reading("metrics", "load +40 %"), to("weigh"), phase=INVESTIGATE),
    State("weigh", judge, to("sure"), phase=INVESTIGATE),
    Junction(
        "sure",
        to("propose_fix", when=replied("sure", at_least=SURE)),
        to("escalated", when=exhausted),
        to("hypothesis"),
        phase=INVESTIGATE,
    ),
    State("propose_fix", engineer, to("dry_run"), visits=4, phase=MITIGATE),
    State(
        "dry_run",
        CodeRunner("rehearsal", of=engineer),
        to("assess", when=succeeded),
        to("escalated", when=exhausted),
        to("propose_fix"),
        phase=MITIGATE,
        timeout_s=60,
    ),
    State(
        "assess",
        assessor,
        to("apply", when=replied("risk", "low")),
        to("approve_fix"),
        phase=MITIGATE,
    ),
    State(
        "approve_fix",
        commander,
        to("apply", when=answered("approve")),
        to("escalated", after=minutes(30)),
        to("escalated", when=exhausted),
        to("propose_fix"),
        phase=MITIGATE,
    ),
    State(
        "apply",
        CodeRunner("production", of=engineer),
        to("roll_back", when=failed),
        to("verify"),
        phase=MITIGATE,
        timeout_s=300,
    ),
    State(
        "verify",
        CodeRunner("checks", of=engineer),
        to("draft_update", when=succeeded),
        to("roll_back"),
        phase=MITIGATE,
    ),
    State(
        "roll_back",
        reading("undo", "as it was"),
        to("escalated", when=exhausted),
        to("hypothesis"),
        phase=MITIGATE,
    ),
    State("draft_update", writer, to("post_update"), phase=COMMUNICATE),
    State("post_update", status_page, to("postmortem"), phase=COMMUNICATE),
    State("postmortem", historian, to("sign_off"), visits=3, phase=COMMUNICATE),
    State(
        "sign_off",
        owner,
        to("resolved", when=answered("yes")),
        to("escalated", when=exhausted),
        to("postmortem"),
        phase=COMMUNICATE,
    ),
    Final("resolved"),
    Final("escalated", ok=False),
    budget=Budget(turns=60, usd=3.00),
    on_error="escalated",
    description=(
        "Answers an incident: triage, investigate, mitigate, communicate. "
        "Nothing is applied that was not rehearsed, and nothing is resolved that nobody signed."
    ),
)
