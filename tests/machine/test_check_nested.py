"""The checker and nested flows: paths, joins, shares, recursion, deadlines."""

from __future__ import annotations

import pytest

from stateflow import run_sync
from stateflow.conversation.agent import Agent
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.check.check import check
from stateflow.machine.deadline import hours
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import (
    ended,
    exhausted,
    failed,
    raised,
    replied,
    says,
    succeeded,
    timed_out,
    turns_at_least,
)
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, State, steps
from stateflow.machine.transition import Transition, to
from tests.machine.test_check import MODEL, A, found
from tests.machine.test_check import Agent as Speaker

G = says("G")
PERSON = Speaker("person", "human")


def ends(name: str, agent: Agent = A) -> Flow:
    return Flow(name, State("s", agent, to(None)))


def loops(name: str) -> Flow:
    return Flow(name, State("s", A, to("s")))


def gaps(name: str) -> Flow:
    return Flow(name, State("s", A, to(None, when=G)))


def taking_faults(name: str) -> Flow:
    return Flow(name, State("s", MODEL, to("s", when=failed), to(None)))


def codes(flow: Flow) -> list[str]:
    return [code for code, _ in found(flow)]


def test_findings_of_a_nested_flow_stand_behind_its_state_under_their_path() -> None:
    inner = Flow("inner", State("first", A, to(None, when=G)), State("lost", A, to(None)))
    flow = Flow(
        "outer",
        State("before", A, to("write", when=G)),
        Nested("write", inner, to("after", when=G)),
        State("after", A, to(None, when=G)),
        Final("nobody"),
    )

    assert found(flow) == [
        ("SF103", "before"),
        ("SF103", "write"),
        ("SF103", "write/first"),
        ("SF101", "write/lost"),
        ("SF103", "after"),
        ("SF101", "nobody"),
        ("SF106", "outer"),
    ]
    assert check(flow) == check(flow)


def test_a_flow_that_is_nested_twice_is_told_once() -> None:
    inner = gaps("inner")
    deeper = Flow("deeper", Nested("again", inner, to(None)))
    flow = Flow("outer", Nested("a", deeper, to("b")), Nested("b", inner, to(None)), on_error="a")

    assert found(flow) == [("SF103", "a/again/s")]


def test_a_flow_in_itself_is_told_once() -> None:
    flow = Flow(
        "outer",
        State("s", A, to(None, when=G), to("again", when=~G)),
        Nested("again", itself(), to(None)),
        Final("nobody"),
        on_error="s",
    )

    assert found(flow) == [("SF101", "nobody")]


def test_branches_steps_and_tools_are_named_in_the_path() -> None:
    class Caller(Speaker):
        toolbox = (gaps("third").as_tool("ask", description="asks"),)

    parallel = Parallel("p", {"one": gaps("first"), "two": ends("second")}, to("q"))
    both = State("q", steps(A, gaps("fourth").as_agent("guest")), to("r"))
    flow = Flow("outer", parallel, both, State("r", Caller("caller"), to(None)), on_error="p")

    assert [place for _, place in found(flow)] == ["p/one/s", "q/guest/s", "r/third/s"]


@pytest.mark.parametrize(
    ("inner", "guard", "untaken"),
    [
        pytest.param(ends("inner", MODEL), G, True, id="nobody-takes-it"),
        pytest.param(ends("inner"), G, True, id="a-flow-counts-as-speaking"),
        pytest.param(ends("inner", MODEL), raised(), False, id="taken-around"),
        pytest.param(taking_faults("inner"), G, False, id="taken-inside"),
    ],
)
def test_a_fault_in_a_nested_flow_is_taken_inside_or_around(
    inner: Flow, guard: Guard, untaken: bool
) -> None:
    flow = Flow("outer", Nested("n", inner, to("n", when=guard), to(None)))

    assert found(flow) == ([("SF106", "outer")] if untaken else [])


@pytest.mark.parametrize(
    ("guards", "stuck"),
    [
        pytest.param([succeeded, failed], False, id="there-is-always-an-outcome"),
        pytest.param([ended("done"), ended("rejected")], False, id="every-end"),
        pytest.param([ended("done"), failed], False, id="done-and-not-ok"),
        pytest.param([ended()], False, id="any-end"),
        pytest.param([ended("done"), ended("rejcted")], True, id="an-end-is-missing"),
        pytest.param([succeeded, failed & G], True, id="not-for-every-text"),
        pytest.param([replied("score"), failed], True, id="data-says-nothing-certain"),
    ],
)
def test_the_ends_of_a_nested_flow_may_leave_no_gap(guards: list[Guard], stuck: bool) -> None:
    inner = Flow(
        "inner", State("s", A, to("rejected", when=G), to(None)), Final("rejected", ok=False)
    )
    moves = (to(None, when=guard) for guard in guards)
    flow = Flow("outer", Nested("n", inner, *moves), on_error="n")

    assert ("SF103" in codes(flow)) is stuck


@pytest.mark.parametrize(
    ("branches", "join", "never"),
    [
        pytest.param([ends("a"), loops("b")], "all", True, id="all-of-them"),
        pytest.param([ends("a"), loops("b"), loops("c")], 2, True, id="too-many"),
        pytest.param([loops("a"), loops("b")], "any", True, id="any-of-none"),
        pytest.param([ends("a"), loops("b")], "any", False, id="any-of-one"),
        pytest.param([ends("a"), ends("b"), loops("c")], 2, False, id="enough"),
        pytest.param(
            [ends("a"), Flow("b", Nested("n", loops("c"), to(None)))], "all", True, id="nested"
        ),
        pytest.param(
            [ends("a"), Flow("b", Nested("n", loops("c"), to(None, when=failed)))],
            "all",
            False,
            id="nested-that-may-fail",
        ),
        pytest.param([ends("a"), itself()], "all", False, id="itself"),
    ],
)
def test_a_join_needs_branches_that_can_end(branches: list[Flow], join: int, never: bool) -> None:
    flow = Flow(
        "outer",
        State("s", A, to("p", when=G), to(None)),
        Parallel("p", branches, to(None), join=join),
        on_error="s",
    )

    assert [place for code, place in found(flow) if code == "SF107"] == (["p"] if never else [])


def test_the_finding_of_a_join_names_the_branches_without_an_end() -> None:
    flow = Flow("outer", Parallel("p", {"x": ends("a"), "y": loops("b")}, to(None)))

    text = next(finding.text for finding in check(flow) if finding.code == "SF107")

    assert "needs 2 of 2 branches" in text
    assert text.endswith("no end can be reached in 'y'")


@pytest.mark.parametrize(
    ("turns", "least"),
    [
        pytest.param(0, 5, id="none"),
        pytest.param(4, 5, id="too-few"),
        pytest.param(5, None, id="one-each"),
        pytest.param(UNLIMITED, None, id="unlimited"),
    ],
)
def test_each_branch_needs_a_turn(turns: float, least: int | None) -> None:
    """The state before takes one, as does theirs; the junction takes none.  The run agrees."""
    flow = Flow(
        "outer",
        State("s", A, to("which")),
        Junction("which", to("p")),
        Parallel("p", {name: ends(name) for name in "abc"}, to(None)),
        Final("gave_up", ok=False),
        budget=Budget(turns=turns),
        on_error="gave_up",
    )

    findings = check(flow)

    assert [(one.code, one.place) for one in findings] == ([("SF108", "p")] if least else [])
    assert all(f"Budget(turns={least}) on 'outer'" in one.cure for one in findings)
    assert run_sync(flow, "go").stop.ok is (least is None)


def test_shares_are_not_counted_where_no_run_comes() -> None:
    lost = Parallel("p", [ends("a"), ends("b")], to(None))
    flow = Flow("outer", State("s", A, to(None)), lost, budget=Budget(turns=1), on_error="s")

    assert found(flow) == [("SF101", "p")]


def test_branches_of_a_nested_flow_share_what_is_left_around_it() -> None:
    shared = Flow("shared", Parallel("p", [ends("a"), ends("b")], to(None)))
    outer = Parallel("q", {"x": shared, "y": ends("c")}, to(None))
    few = Flow("outer", State("s", A, to("q")), outer, budget=Budget(turns=7), on_error="s")
    many = Flow("outer", State("s", A, to("q")), outer, budget=Budget(turns=8), on_error="s")

    (finding,) = check(few)

    assert (finding.code, finding.place) == ("SF108", "q/x/p")
    assert "share at most 1 turn," in finding.text
    assert "the flows around 'shared' turns enough to leave it Budget(turns=3)" in finding.cure
    assert check(many) == ()
    assert [run_sync(flow, "go").stop.kind for flow in (few, many)] == ["budget", "done"]


@pytest.mark.parametrize(
    ("moves", "endless"),
    [
        pytest.param([to("again")], True, id="always"),
        pytest.param([to("again", when=G), to(None)], False, id="past-it"),
        pytest.param([to("again", when=G), to("loop")], True, id="past-it-to-a-trap"),
    ],
)
def test_recursion_needs_a_way_to_an_end_without_it(moves: list[Transition], endless: bool) -> None:
    flow = Flow(
        "solve",
        State("s", A, *moves),
        Nested("again", itself(), to(None)),
        State("loop", A, to("loop")),
        on_error="s",
    )

    assert [place for code, place in found(flow) if code == "SF109"] == ["again"] * endless


@pytest.mark.parametrize(
    ("state", "endless"),
    [
        pytest.param(Nested("n", itself(), to(None), to("spent", when=failed)), True, id="failed"),
        pytest.param(
            Nested("n", itself(), to(None), to("spent", when=exhausted)), False, id="exhausted"
        ),
        pytest.param(Parallel("n", [ends("a"), itself()], to(None)), True, id="all-branches"),
        pytest.param(
            Parallel("n", [ends("a"), itself()], to(None), join="any"), False, id="any-branch"
        ),
    ],
)
def test_recursion_from_the_first_state_needs_another_way_out(state: State, endless: bool) -> None:
    flow = Flow("solve", state, Final("spent", ok=False), on_error="n")

    assert [code for code in codes(flow) if code == "SF109"] == ["SF109"] * endless


def test_a_nested_cycle_is_capped_by_the_budget_around_it() -> None:
    endless = Budget(turns=UNLIMITED)
    inner = Flow("inner", State("s", A, to(None, when=G), to("s")), budget=endless)
    outer = Nested("n", inner, to(None))

    assert check(Flow("outer", outer, on_error="n")) == ()
    assert found(Flow("outer", outer, on_error="n", budget=endless)) == [("SF105", "n/s")]


def test_a_person_may_wait_without_a_deadline() -> None:
    assert check(Flow("ask", State("ask", PERSON, to(None)))) == ()


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param([to("late", after=hours(1)), to(None)], [], id="before-a-bare-one"),
        pytest.param([to(None), to("late", after=hours(1))], [], id="behind-a-bare-one"),
        pytest.param(
            [to(None), to("late", after=hours(1), when=turns_at_least(9))],
            [],
            id="with-a-guard",
        ),
        pytest.param(
            [to(None), to("late", after=hours(1), when=G)],
            ["SF101", "SF110"],
            id="nobody-spoke-by-then",
        ),
        pytest.param([to("late", after=hours(1))], ["SF103"], id="alone"),
        pytest.param([to("late", after=hours(1)), to(None, when=G)], ["SF103"], id="and-a-gap"),
        pytest.param(
            [to("late", after=hours(1)), to(None, after=hours(1)), to(None)], ["SF104"], id="two"
        ),
        pytest.param(
            [
                to("late", after=hours(1), when=turns_at_least(9)),
                to(None, after=hours(1)),
                to(None),
            ],
            [],
            id="two-with-a-guard",
        ),
        pytest.param(
            [to(None, when=failed), to("late", after=hours(1)), to(None)],
            ["SF101", "SF104"],
            id="behind-failed",
        ),
        pytest.param(
            [to(None, when=timed_out | G), to("late", after=hours(1)), to(None)],
            ["SF101", "SF104"],
            id="behind-timed-out",
        ),
        pytest.param(
            [to(None, when=raised("TimedOut")), to("late", after=hours(1)), to(None)],
            ["SF101", "SF104"],
            id="behind-its-kind",
        ),
        pytest.param(
            [to(None, when=raised("RateLimited")), to("late", after=hours(1)), to(None)],
            [],
            id="behind-another-fault",
        ),
        pytest.param(
            [to(None, when=raised() & G), to("late", after=hours(1)), to(None)],
            [],
            id="behind-some-faults",
        ),
    ],
)
def test_a_deadline_is_a_guard_that_names_a_fault(
    moves: list[Transition], expected: list[str]
) -> None:
    flow = Flow("ask", State("ask", PERSON, *moves), Final("late", ok=False))

    assert sorted(codes(flow)) == expected


def test_a_deadline_takes_faults() -> None:
    flow = Flow("chat", State("s", MODEL, to(None, after=hours(1)), to(None)))

    assert check(flow) == ()


def test_a_hidden_deadline_names_both_and_the_cure() -> None:
    again = turns_at_least(9)
    moves = [to("late", after=hours(1)), to(None, after=hours(1), when=again), to(None)]

    flow = Flow("ask", State("ask", PERSON, *moves), Final("late", ok=False))
    (finding,) = (one for one in check(flow) if one.code == "SF104")

    shown = "to(None, (after 1 h and turns_at_least(9)))"
    assert finding.text == (
        f"{shown} is never taken: to('late', after 1 h) before it takes every deadline that passes"
    )
    assert finding.cure == f"move {shown} before to('late', after 1 h)"
