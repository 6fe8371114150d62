"""What is recorded of the gallery: which flow, with whose words, and what people answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows import approval, guarded_change, incident, optiguide, pipeline, research
from stateflow import View

__all__ = ["RECORDINGS", "Recording"]


@dataclass(frozen=True, slots=True)
class Recording:
    """One cassette."""

    name: str
    flow: str
    options: tuple[str, ...] = ()
    """Of the command."""
    answers: tuple[str | None, ...] = ()
    """What people say; ``None``: nothing, until it is too late."""
    lines: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    """What agents say in place of what the flow's file lets them say."""
    names: Mapping[str, object] = field(default_factory=dict[str, object])
    """Names of the flow's module with other values."""


def _recording(name: str, *options: str, **more: Any) -> Recording:  # noqa: ANN401 - fields
    """Return the recording *name* of the flow whose name it begins with."""
    module = name.partition(".")[0]
    return Recording(name.replace(".", "_"), f"flows.{module}", options, **more)


def _models(**models: str) -> tuple[str, ...]:
    """Return the options that have agents speak through other models."""
    words = [("--model", f"{agent}=scripted:{lines}") for agent, lines in models.items()]
    return tuple(word for pair in words for word in pair)


def _played(game: Sequence[str]) -> Any:  # noqa: ANN401 - a function of the view
    """Return the player of *game*, in whose every chat one move is made."""

    def line(view: View) -> str:
        said = view.last.text
        return said if said.startswith("Moved") else f"make_move {game[len(view.data.moves)]}"

    return [line]


NO_WAY = '{"confidence": 2, "answer": "I do not know."}'
UNSURE = '{"sure": 2, "cause": "unknown"}'
SURE = '{"sure": 9, "cause": "pool"}'
METRICS = '{"probe": "metrics"}'
LOW = '{"risk": "low"}'
BROKEN = "```python\n1 / 0\n```"
ELSEWHERE = (
    "```python\nimport sys\nif sys.platform != 'monty':\n    sys.exit(3)\nprint('done')\n```"
)
"""Works where it is rehearsed, and fails where it counts."""
PICKS = (
    ("Number", "Number", "Adder", "Adder"),
    ("Multiplier", "Divider", "Number", "Multiplier"),
    ("Number", "Subtracter", "Adder", "Subtracter"),
    ("Number", "Divider", "Adder", "Divider"),
    ("Subtracter", "Subtracter", "Divider", "Multiplier"),
    ("Divider", "Divider", "Subtracter", "Multiplier"),
    ("Adder", "Number", None),
    (None,),
    ("Adder", None),
    ("Subtracter", None),
    ("Divider", None),
)
ONES = ("1",)

RECORDINGS: tuple[Recording, ...] = (
    _recording("approval", answers=("Approve", "TERMINATE")),
    _recording(
        "approval.changed",
        answers=("Change", "Approve", "Change", "TERMINATE"),
        lines={"Engineer": ["I shall write it.", BROKEN, approval.CODE]},
    ),
    _recording("arithmetic_constrained"),
    _recording(
        "arithmetic_constrained.ends_at_divider",
        lines={
            "Adder": ["10", "1", "1"],
            "Number": ["10", "3"],
            **dict.fromkeys(("Multiplier", "Subtracter", "Divider"), ONES),
        },
    ),
    _recording(
        "arithmetic_constrained.ends_at_adder",
        lines={
            "Adder": ["10", "1", "1", "1"],
            "Number": ["3"],
            **dict.fromkeys(("Multiplier", "Subtracter", "Divider"), ONES),
        },
    ),
    _recording(
        "arithmetic_constrained.ends_at_multiplier",
        lines={
            "Subtracter": ["10", "1"],
            "Divider": ["10"],
            "Number": ["3"],
            **dict.fromkeys(("Adder", "Multiplier"), ONES),
        },
    ),
    _recording(
        "arithmetic_constrained.ends_at_subtracter",
        lines=dict.fromkeys(("Adder", "Multiplier", "Subtracter", "Divider"), ONES),
    ),
    _recording("arithmetic_group"),
    *(
        _recording(f"arithmetic_group.picks_{number}", names={"PICKED": picks})
        for number, picks in enumerate(PICKS, 1)
    ),
    _recording("arithmetic_sequence"),
    _recording("chess_match"),
    _recording(
        "chess_match.white_wins",
        lines=dict.fromkeys(("White", "Black"), _played(["b1b2", "c3c2", "b2a3"])),
    ),
    _recording(
        "chess_match.undecided",
        lines=dict.fromkeys(("White", "Black"), _played(["a1a2", "c3c2", "b1c2", "b3b2"])),
    ),
    _recording("code_loop"),
    _recording("code_loop.no_code", *_models(coder="I would.", fixer="I shall.")),
    _recording("code_loop.fails", lines={"examiner": [ValueError("it cannot be examined")]}),
    _recording("counting"),
    _recording("docs_graph"),
    _recording("escalation"),
    _recording("escalation.basic_knows", *_models(basic='{"confidence": 8, "answer": "Play."}')),
    _recording(
        "escalation.intermediate_knows",
        *_models(intermediate='{"confidence": 10, "answer": "Play."}'),
    ),
    _recording("escalation.nobody_knows", *_models(advanced=NO_WAY)),
    _recording("feedback_loop"),
    _recording(
        "feedback_loop.three_reviews",
        *_models(reviewer='{"iteration_needed": true, "advice": "Name a number."}'),
    ),
    _recording("flight_refund", answers=("507811",)),
    _recording(
        "flight_refund.asked_often",
        *_models(
            travel_agent='transfer_to_user({"message": "Where to?"})|Which flight?'
            "|transfer_to_flights_refunder({})",
            flights_refunder="Which number?",
        ),
        answers=("I want a refund.", "507811", "I told you.", "exit"),
    ),
    _recording("flight_refund.exit", *_models(travel_agent="Which flight?"), answers=("exit",)),
    _recording("front_desk", answers=("yes",)),
    _recording("front_desk.declined", answers=("no",)),
    _recording(
        "front_desk.help",
        "--input",
        "When do you open?",
        *_models(clerk='send({"to": "help"})', helper="We are open from nine to five."),
    ),
    _recording("grade"),
    _recording(
        "grade.good",
        *_models(
            writer="Tea. Park. Come.|Come to the park: the cake is free.",
            grader='{"score": 4, "advice": "Why?"}|{"score": 9, "advice": "Keep."}',
        ),
    ),
    _recording("grade.no_grade", *_models(writer="Tea. Park. Come.", grader="I like it.")),
    _recording("guarded_change", answers=("approve", "approve")),
    _recording(
        "guarded_change.mended",
        answers=("reject", "approve", "approve"),
        lines={"planner": ["```python\nroom = 1\n```", BROKEN, guarded_change.PLANS[1]]},
    ),
    _recording("guarded_change.given_up", answers=("give up",)),
    _recording("guarded_change.fails", lines={"planner": [ValueError("there is no plan")]}),
    _recording("incident", answers=("approve", "yes")),
    _recording("incident.known", "--input", "search is slow", *_models(triager='{"severity": 4}')),
    _recording("incident.fails", lines={"pager": [ValueError("nobody was paged")]}),
    _recording(
        "incident.low_risk",
        *_models(triager='{"severity": 3}', scout='{"probe": "logs"}', assessor=LOW),
        answers=("no", "no", "no"),
    ),
    _recording("incident.never_sure", *_models(judge=UNSURE, scout=METRICS)),
    _recording("incident.never_rehearsed", *_models(judge=SURE, engineer=incident.code(16))),
    _recording("incident.too_late", answers=(None,)),
    _recording(
        "incident.refused",
        *_models(judge=SURE, engineer=incident.code(64)),
        answers=("refuse", "refuse", "refuse", "refuse"),
    ),
    _recording(
        "incident.rolled_back",
        *_models(judge=SURE, engineer=ELSEWHERE, assessor=LOW),
        *("--sandbox", "production=local", "--allow-local"),
    ),
    _recording(
        "incident.not_verified",
        *_models(judge=SURE, engineer=ELSEWHERE, assessor=LOW),
        *("--sandbox", "checks=local", "--allow-local"),
    ),
    _recording("one_agent"),
    _recording("one_agent.never_done", *_models(worker="Plan: five lines.|FAILED")),
    _recording(
        "one_agent.never_right",
        *_models(worker="Five.|Lines.|Bad.|Four.|Lines.|Bad.|Six.|Lines.|Bad."),
    ),
    _recording("optiguide"),
    _recording(
        "optiguide.dangerous",
        lines={"writer": [optiguide.CODE] * 3, "safeguard": ["DANGER", "I cannot say.", "DANGER"]},
    ),
    _recording(
        "optiguide.mended",
        lines={
            "writer": [BROKEN, "I have no code.", optiguide.CODE, optiguide.explain],
            "safeguard": ["SAFE", "SAFE", "SAFE"],
        },
    ),
    _recording(
        "optiguide.never_runs",
        lines={"writer": [BROKEN, BROKEN, BROKEN], "safeguard": ["SAFE", "SAFE", "SAFE"]},
    ),
    _recording("pipeline"),
    _recording("pipeline.no_order", "--input", "two cups, please"),
    _recording(
        "pipeline.strange", "--input", '{"number": "A-1", "items": {"sofa": 1}, "card": "4111"}'
    ),
    _recording(
        "pipeline.sold_out", "--input", '{"number": "A-2", "items": {"plate": 1}, "card": "4111"}'
    ),
    _recording(
        "pipeline.declined", "--input", '{"number": "A-3", "items": {"cup": 1}, "card": "5500"}'
    ),
    _recording("pipeline.not_packed", lines={"fulfillment": [pipeline.bad("it fell")]}),
    _recording("pipeline.not_told", lines={"notification": [pipeline.bad("nobody answers")]}),
    _recording("plan_execute_review"),
    _recording(
        "plan_execute_review.reviewed_twice",
        lines={
            "executor": ["north 3400", "north 3400, south 1200"],
            "reviewer": ["Where is the south?", "The totals agree. APPROVED"],
        },
    ),
    _recording("research"),
    _recording("research.mended", lines={"Retrieve_Action_1": [research.BROKEN, research.PROGRAM]}),
    _recording("research.gives_up", lines={"Retrieve_Action_1": [research.BROKEN] * 4}),
    _recording("resume_chat", answers=("exit",)),
    _recording("resume_chat.three_topics", answers=("Now a poster.", "Now a line for a mail.")),
    _recording(
        "resume_chat.drafted_again",
        lines={"Chief_Marketing_Officer": ["Shorter.", "Good. TERMINATE", "Good. TERMINATE"]},
        answers=("Now a poster.", "Now a line for a mail."),
    ),
    _recording(
        "resume_chat.ends_with_a_draft",
        lines={"Chief_Marketing_Officer": ["Shorter.", "Shorter.", "Good. TERMINATE"]},
        answers=("Now a poster.",),
    ),
    _recording("slogan"),
    _recording("slogan.gives_up", *_models(writer="no", fixer="never")),
    _recording("stock_swarm"),
    _recording("stock_swarm.planner_alone", *_models(planner="Let me think.")),
    *(
        _recording(
            f"stock_swarm.{name}_stays",
            *_models(planner=f"transfer_to_{name}({{}})", **{name: "Let me think."}),
        )
        for name in ("financial_analyst", "news_analyst", "writer")
    ),
    _recording("triage"),
    _recording("writer_critic"),
    Recording("writer_critic_plain", "flows.writer_critic:plain"),
)
