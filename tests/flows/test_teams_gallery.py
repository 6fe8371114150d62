"""Teams of the gallery speak in the order recorded for the examples that they restate."""

from __future__ import annotations

import pytest

from flows import (
    docs_graph,
    escalation,
    feedback_loop,
    flight_refund,
    optiguide,
    pipeline,
    stock_swarm,
    triage,
    writer_critic,
)
from stateflow import Flow, FunctionAgent, Result, State, run_sync
from stateflow.journal.event import Journal
from stateflow.journal.fold import fold
from tests.support.chatting import chat, errors

FLOWS = [
    module.flow
    for module in (
        docs_graph,
        escalation,
        feedback_loop,
        flight_refund,
        optiguide,
        pipeline,
        stock_swarm,
        triage,
        writer_critic,
    )
]


def order(result: Result) -> str:
    """Return who spoke, in one line, the task first."""
    return " ".join(message.speaker for message in result.messages)


def inside(result: Result, *places: str) -> str:
    """Return who spoke in the nested chat at *places*, in one line, its task left out."""
    journal: Journal | None = result.journal
    for place in places:
        assert journal is not None
        journal = journal.children[place]
    assert journal is not None
    return " ".join(message.speaker for message in fold(journal.events).transcript[1:])


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_nothing_is_wrong_with_it(flow: Flow) -> None:
    assert errors(flow) == []


def test_a_critic_answers_in_the_place_of_the_user() -> None:
    """User, writer, [critic], user, writer."""
    result = run_sync(writer_critic.plain, writer_critic.task)

    assert order(result) == "user writer user writer"
    assert inside(result, "user#1.0") == "critic"


def test_the_critic_calls_its_tool_before_it_answers() -> None:
    """What AutoGen has another agent run is part of the critic's turn."""
    result = run_sync(writer_critic.flow, writer_critic.task)

    assert order(result) == "user writer user writer"
    assert inside(result, "user#1.0") == "critic"
    assert result.journal is not None
    (critic,) = fold(result.journal.children["user#1.0"].events).transcript[1:]
    assert [(call.name, call.result) for call in critic.calls] == [
        ("check_harmful_content", "nothing harmful")
    ]
    assert result.messages[2].text == critic.text


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param("A calm sea.", "nothing harmful", id="harmless"),
        pytest.param("Poison, or a weapon?", "harmful: poison, weapon", id="harmful"),
    ],
)
async def test_harmful_content_is_found(content: str, found: str) -> None:
    assert (await writer_critic.check_harmful_content.call({"content": content})).text == found


def test_the_commander_runs_what_was_called_safe() -> None:
    """User, [commander, writer, commander, safeguard, commander, writer], commander, user."""
    result = run_sync(optiguide.flow, optiguide.task)

    assert order(result) == "user commander user"
    assert inside(result, "commander#1.0") == (
        "commander writer commander safeguard commander writer"
    )
    assert result.messages[1].text == "All in all it costs 473.0 EUR."


def always(name: str, text: str) -> FunctionAgent:
    """Return somebody who never says anything else."""
    return FunctionAgent(name, lambda view: text)


@pytest.mark.parametrize("verdict", ["DANGER", "SAFE? Not at all.", "It is not SAFE"])
def test_what_is_not_called_safe_never_runs(verdict: str) -> None:
    """After three tries the question is refused."""
    stubborn = {
        "judge": always("safeguard", verdict),
        "write": always("writer", optiguide.CODE),
    }
    places = [
        State(place.name, stubborn[place.name], *place.transitions)
        if isinstance(place, State) and place.name in stubborn
        else place
        for place in optiguide.answer.places.values()
    ]

    result = run_sync(Flow("judged", *places), optiguide.task)

    assert result.path == ("ask", "write", "show", "judge") * 3
    assert (result.stop.state, result.stop.ok) == ("refused", False)


def test_two_editors_read_at_once_and_one_makes_the_best_of_both() -> None:
    result = run_sync(docs_graph.flow, docs_graph.task)

    assert order(result) == "user writer editor1 editor2 final_reviewer"
    assert result.path == ("write", "edit", "review")


def test_a_flight_is_refunded_once_the_customer_gave_its_number() -> None:
    waiting = chat(flight_refund.flow, task=flight_refund.task)
    result = chat(flight_refund.flow, "Sure, it's 507811", task=flight_refund.task)

    assert [one.text for one in waiting.stop.questions] == [
        "What is the reference number of the flight?"
    ]
    assert order(result) == (
        "user travel_agent flights_refunder user flights_refunder travel_agent"
    )
    assert result.messages[4].calls[0].result == "Flight 507811 was refunded."
    assert result.stop.why == "says('TERMINATE', by='travel_agent')"


def test_the_planner_hands_work_to_three_and_gets_it_back() -> None:
    result = run_sync(stock_swarm.flow, stock_swarm.task)

    assert order(result) == (
        "user planner financial_analyst planner news_analyst planner writer planner"
    )
    assert result.stop.why == "says('TERMINATE', by='planner')"


def test_an_order_goes_through_all_stages() -> None:
    result = run_sync(pipeline.flow, pipeline.task)

    assert order(result) == ("user entry validation inventory payment fulfillment notification")
    assert result.messages[-1].text == "Dear customer: Order A-17 leaves tomorrow."


@pytest.mark.parametrize(
    ("order", "last", "why"),
    [
        pytest.param("A cup, please", "entry", "it is no order", id="no-json"),
        pytest.param('{"number": "1"}', "entry", "it is no order", id="no-items"),
        pytest.param(
            '{"number": "1", "items": {}, "card": "4"}', "validation", "it is empty", id="empty"
        ),
        pytest.param(
            '{"number": "1", "items": {"car": 1}, "card": "4"}',
            "validation",
            "there is no 'car'",
            id="strange",
        ),
        pytest.param(
            '{"number": "1", "items": {"plate": 1}, "card": "4"}',
            "inventory",
            "'plate' is sold out",
            id="sold-out",
        ),
        pytest.param(
            '{"number": "1", "items": {"cup": 1}, "card": "5"}',
            "payment",
            "the card is declined",
            id="declined",
        ),
    ],
)
def test_what_is_wrong_with_an_order_stops_it_at_once(order: str, last: str, why: str) -> None:
    result = run_sync(pipeline.flow, order)

    assert (result.path[-1], result.messages[-1].text) == (last, f"Rejected: {why}.")
    assert (result.stop.state, result.stop.ok) == ("rejected", False)


def test_a_document_is_revised_until_it_will_do() -> None:
    result = run_sync(feedback_loop.flow, feedback_loop.task)

    assert order(result) == "user planner drafter reviewer reviser reviewer finalizer"


def test_a_document_is_reviewed_three_times_at_most() -> None:
    never = {"reviewer": 'scripted:{"iteration_needed": true, "advice": "More."}'}

    result = run_sync(feedback_loop.flow, feedback_loop.task, models=never)

    assert order(result) == (
        "user planner drafter reviewer reviser reviewer reviser reviewer reviser finalizer"
    )


@pytest.mark.parametrize(
    ("sure", "speakers"),
    [
        pytest.param({}, "triage basic intermediate advanced triage", id="hard"),
        pytest.param({"basic": 10}, "triage basic triage", id="easy"),
        pytest.param({"basic": 8}, "triage basic triage", id="just-sure"),
        pytest.param(
            {"basic": 7, "intermediate": 9}, "triage basic intermediate triage", id="middling"
        ),
    ],
)
def test_a_question_goes_up_until_somebody_is_sure(sure: dict[str, int], speakers: str) -> None:
    models = {
        name: f'scripted:{{"confidence": {confidence}, "answer": "{name} says so."}}'
        for name, confidence in sure.items()
    }

    result = run_sync(escalation.flow, escalation.task, models=models)

    assert order(result) == f"user {speakers}"
    assert result.stop.kind == "done"
    expected = f"{list(sure)[-1]} says so." if sure else "Track the hidden state, "
    assert result.messages[-1].text.startswith(expected)


def test_what_nobody_is_sure_of_needs_a_person() -> None:
    unsure = {"advanced": 'scripted:{"confidence": 5, "answer": "Perhaps."}'}

    result = run_sync(escalation.flow, escalation.task, models=unsure)

    assert result.path == ("ask", "basic", "intermediate", "advanced")
    assert (result.stop.state, result.stop.ok) == ("needs_a_person", False)


def test_all_research_is_done_before_anything_is_written() -> None:
    result = run_sync(triage.flow, triage.task)

    assert order(result) == (
        "user triage_agent task_manager researcher researcher task_manager writer writer "
        "task_manager summarizer"
    )
    assert result.messages[-1].text == "Done: solar panels, wind farms, Sun, Wind."


@pytest.mark.parametrize(
    ("research", "writing", "path"),
    [
        pytest.param("[]", '["Sun"]', "triage manage write manage sum_up", id="only-writing"),
        pytest.param('["sun"]', "[]", "triage manage research manage sum_up", id="only-research"),
        pytest.param("[]", "[]", "triage manage sum_up", id="nothing"),
    ],
)
def test_a_request_may_be_of_one_kind(research: str, writing: str, path: str) -> None:
    told = f'scripted:{{"research": {research}, "writing": {writing}}}'

    result = run_sync(triage.flow, triage.task, models={"triage_agent": told})

    assert " ".join(result.path) == path
