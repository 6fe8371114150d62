"""Witnesses: the kernel takes the transition, and what is said is what that agent can say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow.agents.function import FunctionAgent
from stateflow.conversation.agent import Agent
from stateflow.conversation.message import SILENCE, Fault, Outcome
from stateflow.conversation.view import View
from stateflow.machine.algebra.witness import taken, told, view_taking
from stateflow.machine.choose import Chooser
from stateflow.machine.deadline import hours
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard, guard
from stateflow.machine.guards import (
    answered,
    called,
    data_is,
    ended,
    exhausted,
    exit_code,
    failed,
    handed_to,
    messages_at_least,
    raised,
    replied,
    says,
    spent,
    spoke,
    succeeded,
    timed_out,
    turns_at_least,
    visited,
)
from stateflow.machine.kernel import Event
from stateflow.machine.nested import Nested
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import Transition, to
from tests.machine.test_algebra import combined
from tests.support.speakers import (
    BOSS,
    CLERK,
    ECHO,
    INNER,
    JUDGE,
    MODEL,
    PERSON,
    RUNNER,
    Data,
)


def nobody(last: object, chat: object) -> None:
    """Pick done."""


def one_place(agent: Agent, *transitions: Transition, choose: Chooser | None = None) -> Flow:
    return Flow("flow", State("s", agent, *transitions, choose=choose), Final("spent", ok=False))


@pytest.mark.parametrize(
    ("agent", "guard", "line"),
    [
        pytest.param(ECHO, says("DONE", by=ECHO), "'echo' says \"DONE\"", id="says"),
        pytest.param(ECHO, exit_code(3), "exit code 3", id="exit-code"),
        pytest.param(ECHO, called("search"), "it called 'search'", id="called"),
        pytest.param(ECHO, handed_to("b"), "it hands over to 'b'", id="handed"),
        pytest.param(ECHO, ~spoke(), "nobody says anything", id="silence"),
        pytest.param(ECHO, visited("s", at_least=4), "visits s=4", id="visits"),
        pytest.param(ECHO, turns_at_least(9), "turn 9", id="turns"),
        pytest.param(ECHO, messages_at_least(5), "5 messages", id="messages"),
        pytest.param(ECHO, spent(usd=1.5, calls=9), "$1.5 spent", id="spent"),
        pytest.param(ECHO, raised("RateLimited"), "cut off by RateLimited", id="raised"),
        pytest.param(ECHO, exhausted, "the limit of turns is met", id="exhausted"),
        pytest.param(BOSS, answered("no"), "'boss' says \"no\"", id="option"),
        pytest.param(PERSON, answered("late"), "'person' says \"late\"", id="free-answer"),
        pytest.param(CLERK, replied("score", at_least=9), "score: 9", id="form"),
        pytest.param(RUNNER, timed_out, "cut off by TimedOut", id="late-code"),
        pytest.param(RUNNER, succeeded, "the outcome is good, exit code 0", id="good-code"),
        pytest.param(JUDGE, replied("grade", "bad"), '\\"grade\\": \\"bad\\"', id="reply"),
    ],
)
def test_a_witness_is_told_in_one_line(agent: Agent, guard: Guard, line: str) -> None:
    flow = one_place(agent, to("spent", when=guard), to(None))

    view = view_taking(flow, "s", 0)

    assert view is not None
    assert line in told(view)
    assert "\n" not in told(view)
    assert told(view) == told(view_taking(flow, flow.places["s"], 0) or View())


def test_the_kernel_takes_the_transition_behind_those_before() -> None:
    guards = [says("A"), says("B") & ~says("A"), failed, visited("s", at_least=3), None]
    flow = one_place(ECHO, *(to(None, when=one) for one in guards))

    for index in range(len(guards)):
        view = view_taking(flow, "s", index)
        assert view is not None
        assert flow.kernel.step("s", "said", view).taken == index


@pytest.mark.parametrize(
    ("agent", "transitions", "index"),
    [
        pytest.param(ECHO, [to(None), to("spent", when=says("A"))], 1, id="hidden"),
        pytest.param(RUNNER, [to("spent", when=answered("yes")), to(None)], 0, id="idle"),
        pytest.param(BOSS, [to(None, when=spoke()), to("spent")], 1, id="never-silent"),
    ],
)
def test_there_is_no_witness_for_what_is_never_taken(
    agent: Agent, transitions: list[Transition], index: int
) -> None:
    assert view_taking(one_place(agent, *transitions), "s", index) is None


def test_a_raised_turn_and_a_deadline_have_witnesses_of_their_own() -> None:
    moves = [to("spent", after=hours(1)), to("spent", when=raised("Refused")), to(None)]
    flow = one_place(MODEL, *moves)

    late, refused = view_taking(flow, "s", 0), view_taking(flow, "s", 1)

    assert late is not None
    assert refused is not None
    assert told(late) == "DeadlinePassed is raised"
    assert told(refused) == "Refused is raised"
    assert late.last is SILENCE


def test_the_witness_of_a_junction_is_what_the_state_before_said() -> None:
    flow = Flow(
        "flow",
        State("s", BOSS, to("which", when=~answered("yes")), to(None)),
        Junction("which", to(None, when=answered("no")), to(None, when=answered("yes")), to("s")),
    )

    first, second, last = (view_taking(flow, "which", index) for index in range(3))

    assert first is not None
    assert last is not None
    assert (first.state, first.last.answer, second) == ("s", "no", None)
    assert last.last.answer == "no, but"


def test_visits_may_be_used_up_behind_a_junction() -> None:
    flow = Flow(
        "flow",
        State("s", ECHO, to("which"), visits=2),
        Junction("which", to("spent", when=exhausted), to(None, when=says("A")), to("s")),
        Final("spent", ok=False),
    )

    view = view_taking(flow, "which", 0)

    assert view is not None
    assert flow.kernel.step("which", "exhausted", view).target == "spent"


def test_branches_each_say_something() -> None:
    flow = Flow(
        "outer",
        Parallel("p", {"x": INNER, "y": INNER}, to(None, when=says("A", by="x") & failed), to("p")),
    )

    view = view_taking(flow, "p", 0)

    assert view is not None
    assert [one.speaker for one in view.said] == ["x", "y"]
    assert "A" in view.said[0].text


def test_where_a_chooser_picks_the_transition_is_enabled() -> None:
    flow = one_place(ECHO, to(None), to("s", when=says("A")), choose=chooser_of(nobody))

    view = view_taking(flow, "s", 1)

    assert view is not None
    assert flow.kernel.verdicts("s", view) == (True, True)


def test_data_that_a_state_saves_is_saved() -> None:
    flow = Flow(
        "flow",
        State("s", FunctionAgent("a", lambda _: "b"), to(None, when=data_is("kind", "b")), to("s")),
        data=Data,
    )
    saving = Flow(
        "flow", State("s", ECHO, to(None, when=says("b")), to("s"), save="kind"), data=Data
    )

    free, saved = view_taking(flow, "s", 0), view_taking(saving, "s", 0)

    assert free is not None
    assert saved is not None
    assert free.data == Data(kind="b")
    assert saved.data == Data(kind="b")


def test_a_list_of_models_is_filled() -> None:
    flow = Flow("flow", State("s", ECHO, to(None, when=data_is("items")), to("s")), data=Data)

    view = view_taking(flow, "s", 0)

    assert view is not None
    assert len(view.data.items) == 1


def test_what_a_function_asks_for_is_guessed() -> None:
    @guard
    def wordy(view: View) -> bool:
        return len(view.last.text) > 1000

    @guard
    def counted(view: View) -> bool:
        return isinstance(view.data, Data) and view.data.count > 7

    @guard
    def odd(view: View) -> bool:
        return view.state == "nowhere"

    moves = [to("s", when=one) for one in (wordy, counted, odd)]
    flow = Flow("flow", State("s", ECHO, *moves, to(None)), data=Data)

    views = [view_taking(flow, "s", index) for index in range(3)]

    assert [view is not None for view in views] == [True, True, False]
    assert views[1] is not None
    assert told(views[1]) == "'echo' says \"Hello.\", data count=10"


def test_a_function_that_raises_is_no_witness() -> None:
    @guard
    def broken(view: View) -> bool:
        raise ValueError(view.state)

    assert view_taking(one_place(ECHO, to("spent", when=broken), to(None)), "s", 0) is None


@settings(max_examples=150)
@given(st.lists(combined, min_size=1, max_size=4), st.sampled_from([ECHO, BOSS, RUNNER, JUDGE]))
def test_every_witness_is_taken_by_the_kernel(guards: list[Guard], agent: Agent) -> None:
    asked = [one for one in guards if not one.exhausts]
    flow = one_place(agent, *(to(None, when=one) for one in asked), to("s"))
    place = flow.places["s"]

    for index in range(len(asked) + 1):
        view = view_taking(flow, "s", index)
        if view is not None:
            event: Event = "raised" if view.fault is not None else "said"
            assert taken(flow, place, event, view, index)


def test_a_nested_state_says_how_its_flow_ended() -> None:
    flow = Flow("outer", Nested("n", INNER, to("n", when=ended("lost")), to(None)))

    view = view_taking(flow, "n", 0)

    assert view is not None
    assert view.last.outcome == Outcome(ok=False, detail="ended in 'lost'")
    assert told(View(fault=Fault("Refused"))) == "Refused is raised"
