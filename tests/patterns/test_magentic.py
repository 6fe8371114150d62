"""Magentic: a lead, a team, and a ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    Assistant,
    Budget,
    DefinitionError,
    Flow,
    FunctionAgent,
    Message,
    Runner,
    Scripted,
    State,
    handoff,
    magentic,
    to,
)
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel
from stateflow.patterns.magentic import Ledger
from stateflow.patterns.magentic_prompts import ANSWER, FACTS, FACTS_AGAIN, PLAN_AGAIN
from tests.support.chatting import chat, errors, speaker, table

WEB, CODER = speaker("web", "Looks things\nup."), speaker("coder")
TEAM = [WEB, CODER]


def look(
    to_whom: str = "web", *, met: bool = False, on: bool = True, loop: bool = False
) -> Message:
    """Return what a lead fills in."""
    reply: dict[str, Any] = {
        "reason": "So it is.",
        "satisfied": met,
        "progressing": on,
        "looping": loop,
        "next": to_whom,
        "instruction": f"Go on, {to_whom}.",
    }
    return Message(json.dumps(reply), reply=reply)


def lead(*lines: str | Message) -> Scripted:
    """Return a lead that has noted facts and a plan."""
    return Scripted("lead", ["facts", "plan", *lines])


def test_the_table_is_the_orchestrator() -> None:
    flow = magentic("research", lead(), TEAM, stalls=2, turns=9, replans=1)

    assert table(flow) == {
        "facts": [("plan", "else")],
        "plan": [("progress", "else")],
        "progress": [
            ("answer", "replied('satisfied')"),
            ("report", "visited('progress', at_least=10)"),
            ("next", "(not replied('progressing') or replied('looping'))"),
            ("next", "else"),
        ],
        "web": [("progress", "else")],
        "coder": [("progress", "else")],
        "facts again": [("plan again", "else")],
        "plan again": [("progress", "else")],
        "answer": [(None, "else")],
        "report": [("gave_up", "else")],
    }
    junction = flow.places["next"]
    assert [(way.target, way.guard_name) for way in junction.transitions] == [
        ("report", "(data_is('stalls', at_least=2) and visited('plan again'))"),
        ("facts again", "data_is('stalls', at_least=2)"),
        ("web", "replied('next', 'web')"),
        ("coder", "replied('next', 'coder')"),
        ("progress", "else"),
    ]
    assert errors(flow) == []


def test_without_replans_a_stall_is_the_end() -> None:
    flow = magentic("research", lead(look(on=False), "Sorry."), TEAM, stalls=1, replans=0)

    result = chat(flow)

    assert result.path == ("facts", "plan", "progress", "report")
    assert (result.stop.state, result.stop.ok) == ("gave_up", False)
    assert errors(flow) == []


def test_the_lead_hands_out_work_until_the_request_is_met() -> None:
    flow = magentic("research", lead(look(), look("coder"), look(met=True), "It is 42."), TEAM)

    result = chat(flow)

    assert " > ".join(result.path) == (
        "facts > plan > progress > web > progress > coder > progress > answer"
    )
    assert (result.stop.kind, result.messages[-1].text) == ("done", "It is 42.")
    ledger = result.data
    assert isinstance(ledger, Ledger)
    assert (ledger.facts, ledger.plan, ledger.stalls) == ("facts", "plan", 0)


def test_whoever_is_next_is_told_what_to_do() -> None:
    """A flow gets it as its task, beside nothing else."""

    class Told:
        name = "web"

        async def reply(self, turn: Any) -> str:  # noqa: ANN401 - an agent's turn
            return str(turn.role)

    echo = FunctionAgent("echo", lambda view: view.last.text)
    team = Flow("lab", State("say", echo, to(None))).as_agent()
    lines: list[str | Message] = [look("web"), look("lab"), look(met=True), "Done."]

    result = chat(magentic("research", lead(*lines), [Told(), team]))

    said = {message.speaker: message.text for message in result.messages}
    assert (said["web"], said["lab"]) == ("Go on, web.", "Go on, lab.")


def test_a_team_that_stalls_begins_anew_with_other_facts_and_another_plan() -> None:
    """What was said before is gone, and the stalls are counted anew."""
    lines: list[str | Message] = [
        look(on=False),
        look(loop=True),
        "facts 2",
        "plan 2",
        look(),
        look(met=True),
        "42.",
    ]

    result = chat(magentic("research", lead(*lines), TEAM, stalls=2))

    assert " > ".join(result.path[4:]) == (
        "progress > facts again > plan again > progress > web > progress > answer"
    )
    assert result.messages[0].text == "go\n\nWhat is known:\nfacts 2\n\nThe plan:\nplan 2"
    assert [message.speaker for message in result.messages[1:]] == ["lead", "web", "lead", "lead"]
    assert (result.data.plan, result.data.stalls) == ("plan 2", 0)


def test_progress_makes_up_for_a_stall() -> None:
    lines: list[str | Message] = [look(on=False), look(), look(on=False), look(met=True), "42."]

    result = chat(magentic("research", lead(*lines), TEAM, stalls=2))

    assert "facts again" not in result.path
    assert result.data.stalls == 1


def test_when_plans_are_used_up_it_reports_and_is_no_success() -> None:
    lines: list[str | Message] = [
        look(on=False),
        "f",
        "p",
        look(on=False),
        "f2",
        "p2",
        look(on=False),
        "Not found.",
    ]

    result = chat(magentic("research", lead(*lines), TEAM, stalls=1))

    assert result.path.count("plan again") == 2
    assert (result.path[-1], result.stop.state) == ("report", "gave_up")
    assert result.messages[-1].text == "Not found."


def test_when_turns_are_used_up_it_reports() -> None:
    result = chat(magentic("research", lead(look(), look(), look(), "Half."), TEAM, turns=2))

    assert result.path.count("web") == 2
    assert (result.path[-1], result.stop.state) == ("report", "gave_up")


def test_a_name_that_nobody_has_is_asked_for_again() -> None:
    result = chat(magentic("research", lead(look("eve"), look(met=True), "42."), TEAM))

    assert result.path == ("facts", "plan", "progress", "progress", "answer")


class Leading(ScriptedModel):
    """Answers by what it is told to do; keeps the schemas that it was given."""

    def __init__(self, *looks: Message) -> None:
        super().__init__(["-"])
        self.looks = [look.text for look in looks]
        self.systems: list[str] = []
        self.schemas: list[Any] = []

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        self.systems.append(request.system)
        if request.schema is not None:
            self.schemas.append(request.schema)
            return ModelReply(self.looks.pop(0), stop="stop")
        return ModelReply(f"note {len(self.systems)}", stop="stop")


async def test_an_assistant_leads_in_all_roles() -> None:
    """With its own prompt first; where it fills in the ledger, it can only name the team."""
    model = Leading(look("eve"), look("coder", on=False), look(met=True))
    boss = Assistant("lead", "scripted:x", "You lead.", description="leads")
    flow = magentic("research", boss, TEAM, stalls=1)

    async with Runner(models={"lead": model}) as runner:
        result = await runner.start(flow, "go")

    assert " > ".join(result.path) == (
        "facts > plan > progress > facts again > plan again > progress > answer"
    )
    assert model.schemas[0]["properties"]["next"]["enum"] == ["web", "coder"]
    assert all(system.startswith("You lead.") for system in model.systems)
    roles = [FACTS, "Write a short plan", "fill in the ledger", "fill in the ledger"]
    roles += [FACTS_AGAIN, PLAN_AGAIN.rpartition("{team}")[2], "fill in the ledger", ANSWER]
    for system, role in zip(model.systems, roles, strict=True):
        assert role in system
    assert "- web: Looks things up.\n- coder" in model.systems[1]


def test_an_assistant_fills_in_the_ledger_as_it_answers_elsewhere_but_calls_no_tools() -> None:
    boss = Assistant("lead", "scripted:x", tools=[handoff("web")], repairs=7, vary_seed=True)

    flow = magentic("research", boss, TEAM)

    agents = {state.name: state.agents for state in flow.states}
    (filling,) = agents["progress"]
    assert isinstance(filling, Assistant)
    assert (filling.repairs, filling.vary_seed, filling.toolbox) == (7, True, ())
    assert agents["plan"] == (boss,)


WEB_AND_LEAD = speaker("lead")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        pytest.param({"team": []}, "1 agents or more", id="nobody"),
        pytest.param({"team": [WEB, WEB]}, "called 'web'", id="twice"),
        pytest.param({"team": [WEB_AND_LEAD]}, "called 'lead'", id="the-lead"),
        pytest.param({"lead": "openai:gpt-5"}, "'openai:gpt-5' is not an agent", id="a-model"),
        pytest.param({"stalls": 0}, "stalls=0", id="no-stalls"),
        pytest.param({"turns": 0}, "turns=0", id="no-turns"),
        pytest.param({"turns": None}, "turns=None", id="unlimited"),
        pytest.param({"replans": -1}, "replans=-1", id="replans"),
        pytest.param({"data": BaseModel}, "keeps a ledger as its data", id="data"),
    ],
)
def test_what_is_wrong_is_told(how: Mapping[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"lead": lead(), "team": TEAM, **how}

    with pytest.raises(DefinitionError) as caught:
        magentic("research", **given)

    assert str(caught.value).startswith("magentic 'research'")
    assert sentence in str(caught.value)


def test_what_the_flow_takes_is_passed_on() -> None:
    """Faults may end in ``gave_up`` as well."""
    broken = Scripted("lead", [OSError("no line")])
    flow = magentic("m", broken, TEAM, budget=Budget(turns=50), on_error="gave_up", description="d")

    assert (flow.budget.turns, flow.description) == (50, "d")
    assert chat(flow).stop.state == "gave_up"
