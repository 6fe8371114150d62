"""What the graph shows beyond the page's examples: ways, exits, size and depth."""

from __future__ import annotations

import pytest

from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.check.check import check
from stateflow.machine.deadline import hours
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import failed, says, turns_at_least, visited
from stateflow.machine.nested import Nested, itself
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import Transition, to
from tests.machine.check_codes import RUNNER, of_code

MORE = says("MORE", by=RUNNER)
ENDLESS = Budget(turns=UNLIMITED)


def test_places_that_can_only_lead_to_a_trap_are_named_with_it() -> None:
    flow = Flow(
        "flow",
        State("start", RUNNER, to(None, when=MORE), to("a")),
        State("a", RUNNER, to("b")),
        State("b", RUNNER, to("t")),
        State("t", RUNNER, to("t")),
    )

    (finding,) = of_code("SF102", flow)

    assert finding.place == "t"
    assert finding.text.endswith(
        "only ever leads to itself; nor from 'a', 'b', which lead nowhere else"
    )
    assert finding.witness == "start → a → b → t"


def test_two_traps_are_two_findings_and_what_leads_to_both_is_told_once() -> None:
    flow = Flow(
        "flow",
        State("s", RUNNER, to("a", when=MORE), to("b")),
        State("a", RUNNER),
        State("b", RUNNER),
    )

    assert ["nor from 's'" in one.text for one in of_code("SF102", flow)] == [True, False]


@pytest.mark.parametrize(
    ("moves", "endless"),
    [
        pytest.param([to(None, when=turns_at_least(9)), to("s")], False, id="turns"),
        pytest.param([to(None, when=visited("s", at_least=3)), to("s")], False, id="own-visits"),
        pytest.param([to(None, when=MORE | turns_at_least(9)), to("s")], False, id="or"),
        pytest.param([to(None, when=MORE & turns_at_least(9)), to("s")], True, id="and"),
        pytest.param([to(None, when=MORE), to("s")], True, id="words-may-never-come"),
        pytest.param(
            [to("s", when=MORE), to(None, when=turns_at_least(9)), to("s")], True, id="before"
        ),
        pytest.param(
            [to(None, when=visited("t", at_least=3)), to("s")], True, id="visits-elsewhere"
        ),
        pytest.param(
            [to(None, when=turns_at_least(9)), to("s", when=failed), to("s")],
            True,
            id="raised-again",
        ),
        pytest.param(
            [to(None, when=turns_at_least(9)), to("s", after=hours(1)), to("s")],
            True,
            id="late-again",
        ),
    ],
)
def test_an_exit_that_comes_for_certain_bounds_a_cycle(
    moves: list[Transition], endless: bool
) -> None:
    other = State("t", RUNNER, to(None))
    flow = Flow("flow", State("s", RUNNER, *moves), other, budget=ENDLESS)

    assert [one.place for one in of_code("SF105", flow)] == ["s"] * endless


@pytest.mark.parametrize(
    ("on_error", "way"),
    [("t", ["s → t → s"]), ("s", []), (None, [])],
    ids=["on-error", "in-itself", "no-on-error"],
)
def test_faults_pass_by_an_exit(on_error: str | None, way: list[str]) -> None:
    state = State("s", RUNNER, to(None, when=turns_at_least(9)), to("t"))
    other = State("t", RUNNER, to("s"), to(None, when=says("G")))

    found = of_code("SF105", Flow("flow", state, other, budget=ENDLESS, on_error=on_error))

    assert [one.witness for one in found] == way


def test_a_chooser_may_pass_by_an_exit() -> None:
    chooser = chooser_of(onward)
    state = State("s", RUNNER, to(None, when=turns_at_least(9)), to("s"), choose=chooser)

    assert len(of_code("SF105", Flow("flow", state, budget=ENDLESS))) == 1


@pytest.mark.parametrize(
    ("budget", "severity"),
    [
        pytest.param(Budget(), None, id="default"),
        pytest.param(Budget(depth=100), None, id="deep"),
        pytest.param(Budget(depth=101), "warning", id="too-deep"),
        pytest.param(Budget(depth=UNLIMITED), "warning", id="turns-end-it"),  # type: ignore[arg-type]
        pytest.param(Budget(turns=UNLIMITED, depth=UNLIMITED), "error", id="nothing-ends-it"),  # type: ignore[arg-type]
        pytest.param(Budget(turns=UNLIMITED), None, id="depth-ends-it"),
    ],
)
def test_recursion_is_bounded_in_depth(budget: Budget, severity: str | None) -> None:
    places = (
        State("s", RUNNER, to("again", when=MORE), to(None)),
        Nested("again", itself(), to(None)),
    )

    found = of_code("SF115", Flow("flow", *places, budget=budget))

    assert [(one.place, one.severity) for one in found] == (
        [] if severity is None else [("again", severity)]
    )


def test_the_budget_around_bounds_recursion_too() -> None:
    places = (
        State("s", RUNNER, to("again", when=MORE), to(None)),
        Nested("again", itself(), to(None)),
    )
    inner = Flow("inner", *places, budget=Budget(depth=1000))

    assert len(of_code("SF115", inner)) == 1
    assert of_code("SF115", Flow("outer", Nested("n", inner, to(None)))) == []


def onward(last: object, chat: object) -> str:
    """Pick ``s``, as AutoGen's functions do."""
    return "s"


def chain(places: int) -> Flow:
    states = [
        State(
            f"s{n}", RUNNER, to("gave_up", when=failed), to(f"s{n + 1}" if n < places - 1 else None)
        )
        for n in range(places)
    ]
    return Flow("chain", *states, Final("gave_up", ok=False))


def test_five_thousand_states_are_checked_without_recursion() -> None:
    assert check(chain(5_000)) == ()


def test_a_trap_behind_a_thousand_states_is_told_in_a_line() -> None:
    states = [State(f"s{n}", RUNNER, to(f"s{n + 1}")) for n in range(1_000)]

    (finding,) = of_code("SF102", Flow("flow", *states, State("s1000", RUNNER)))

    assert len(finding.text) < 300
    assert finding.witness.startswith("s0 → s1 → ")
    assert " → … → " in finding.witness


def test_two_hundred_nested_flows_are_checked_without_recursion() -> None:
    flow = Flow("f0", State("s", RUNNER, to(None)), Final("lost"))
    for number in range(1, 201):
        flow = Flow(f"f{number}", Nested("n", flow, to(None)))

    (finding,) = of_code("SF101", flow)

    assert finding.place == f"{'n/' * 200}lost"


def test_hundreds_of_guards_in_one_are_read_without_recursion() -> None:
    guard: Guard = says("w0", by=RUNNER) & turns_at_least(1)
    for number in range(1, 190):
        guard = guard | says(f"w{number}", by=RUNNER)
    flow = Flow("flow", State("s", RUNNER, to(None, when=guard), to("j")), Junction("j", to("s")))

    assert [one for one in check(flow) if one.severity == "error"] == []
