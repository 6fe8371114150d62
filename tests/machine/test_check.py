"""The checker: each code with a tiny flow, and silence for a sound one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stateflow.conversation.agent import Kind, Turn
from stateflow.conversation.view import View
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.check.check import Finding, check
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard, guard
from stateflow.machine.guards import exhausted, failed, raised, says, succeeded, timed_out
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import Transition, to


@dataclass(frozen=True)
class Agent:
    name: str
    kind: Kind = "tool"

    async def reply(self, turn: Turn) -> str:
        return ""


def nobody(last: object, chat: object) -> None:
    """Pick done, as AutoGen's functions do."""


A = Agent("a")
MODEL = Agent("model", "llm")
PICK = chooser_of(nobody)
G, H = says("G"), says("H")

ELSEWHERE = frozenset({"SF112", "SF119", "SF120"})
"""What these flows are not about: whose words a guard reads, names, whether anything is checked."""


def found(flow: Flow) -> list[tuple[str, str]]:
    return [(one.code, one.place) for one in check(flow) if one.code not in ELSEWHERE]


def one_state(*transitions: Transition) -> Flow:
    return Flow(
        "flow", State("s", A, *transitions), State("t", A, to("s"), to(None, when=raised()))
    )


def test_a_clean_flow_has_no_finding() -> None:
    """The flow of the README is sound."""
    flow = Flow(
        "write_run_review",
        State("write", MODEL, to("run"), visits=4),
        State("run", Agent("runner", "code"), to("write", when=failed), to("review")),
        State("review", MODEL, to(None, when=says("APPROVED", by=MODEL)), to("write")),
        Final("gave_up", ok=False),
        on_error="gave_up",
    )

    assert check(flow) == ()


def test_a_finding_reads_as_one_line_with_its_cure() -> None:
    """Code, severity, place, what is wrong, what would be right."""
    finding = Finding("SF103", "warning", "run", "a run gets stuck here", "add a bare to(...)")

    assert str(finding) == ("SF103 warning at 'run': a run gets stuck here; add a bare to(...)")


def test_findings_come_in_definition_order_and_the_whole_flow_last() -> None:
    """Neither the code nor a hash decides the order."""
    flow = Flow(
        "flow",
        State("s", MODEL, to(None, when=G)),
        State("end", MODEL),
        State("lost", A, to(None), to("s")),
    )

    expected = ["SF103 s", "SF101 end", "SF102 end", "SF101 lost", "SF104 lost", "SF106 flow"]
    assert [f"{code} {place}" for code, place in found(flow)] == expected
    assert check(flow) == check(flow)


def test_a_place_behind_a_shadowed_transition_is_unreachable() -> None:
    """The only way in is never taken."""
    flow = Flow("flow", State("s", A, to(None), to("t", when=G)), State("t", A, to(None)))

    assert found(flow) == [("SF104", "s"), ("SF101", "t")]


def test_a_final_is_reached_through_on_error() -> None:
    """Raised turns lead there, though no transition does."""
    flow = Flow("flow", State("s", A, to(None)), Final("gave_up", ok=False), on_error="gave_up")

    assert check(flow) == ()


def test_a_final_nobody_leads_to_is_unreachable() -> None:
    """An end that no run can come to."""
    flow = Flow("flow", State("s", A, to(None)), Final("gave_up", ok=False))

    assert found(flow) == [("SF101", "gave_up")]


@pytest.mark.parametrize("place", [State("end", A), Junction("end")], ids=["state", "junction"])
def test_a_place_without_transitions_is_a_dead_end(place: State | Junction) -> None:
    """A run gets stuck there."""
    (finding,) = check(Flow("flow", State("s", A, to("end", when=G), to(None)), place))

    assert (finding.code, finding.place) == ("SF102", "end")
    assert "stuck" in finding.text


def test_a_trap_is_told_once_with_all_its_places() -> None:
    """One group, one finding; places that lead into it are not at fault."""
    flow = Flow("flow", State("s", A, to("t")), State("t", A, to("u")), State("u", A, to("t")))

    (finding,) = check(flow)

    assert (finding.code, finding.place) == ("SF102", "t")
    assert "'t', 'u' only ever lead to each other" in finding.text


def test_a_state_that_only_leads_to_itself_is_a_trap() -> None:
    """The smallest trap."""
    (finding,) = check(Flow("flow", State("s", A, to("s"))))

    assert "only ever leads to itself" in finding.text


def test_an_exhausted_transition_is_a_way_out() -> None:
    """A chat that goes on until its budget is used up has said so."""
    flow = Flow(
        "flow", State("s", A, to("s"), to("spent", when=exhausted)), Final("spent", ok=False)
    )

    assert check(flow) == ()


@pytest.mark.parametrize(
    ("guards", "stuck"),
    [
        pytest.param([G], True, id="one-guard"),
        pytest.param([G, H], True, id="two-guards"),
        pytest.param([succeeded, failed], True, id="speech-has-neither"),
        pytest.param([G, None], False, id="else"),
        pytest.param([G, ~G], False, id="guard-and-its-opposite"),
        pytest.param([~(G | H), H, G], False, id="or-and-its-parts"),
        pytest.param([G & H, G & ~H, ~G], False, id="all-cases"),
        pytest.param([G & H, ~G], True, id="one-case-missing"),
        pytest.param([says(f"W{n}") for n in range(9)], True, id="many-parts"),
        pytest.param([*(says(f"W{n}") for n in range(9)), G, ~G], False, id="many-and-opposite"),
    ],
)
def test_a_gap_between_the_guards_is_a_missing_else(
    guards: list[Guard | None], stuck: bool
) -> None:
    """Guards are exhaustive when one holds in every world."""
    flow = Flow("flow", State("s", A, *(to(None, when=guard) for guard in guards)))

    assert found(flow) == ([("SF103", "s")] if stuck else [])


def test_a_chosen_state_without_a_bare_transition_has_no_else() -> None:
    """Where nothing is enabled there is nothing to pick."""
    flow = Flow("flow", State("s", A, to(None, when=G), to("s", when=H), choose=PICK))

    assert found(flow) == [("SF103", "s")]


def test_a_junction_needs_an_else_too() -> None:
    """Nobody speaks there, and the run is stuck all the same."""
    flow = Flow("flow", State("s", A, to("which")), Junction("which", to(None, when=G)))

    assert found(flow) == [("SF103", "which")]


@pytest.mark.parametrize(
    ("transitions", "severity"),
    [
        pytest.param([to("t"), to(None, when=G)], "error", id="behind-a-bare-one"),
        pytest.param([to("t"), to(None)], "error", id="two-bare-ones"),
        pytest.param([to("t", when=G), to(None, when=G), to(None)], "error", id="same-guard"),
        pytest.param([to("t"), to(None, when=failed)], "warning", id="failed-behind-bare"),
        pytest.param([to("t"), to(None, when=G | timed_out)], "warning", id="or-behind-bare"),
        pytest.param([to("t"), to(None, when=raised())], None, id="raised-behind-bare"),
        pytest.param([to("t"), to(None, when=raised() & G)], None, id="raised-and"),
        pytest.param([to("t"), to(None, when=raised() | exhausted)], None, id="raised-or"),
        pytest.param([to("t", when=G), to(None, when=H), to(None)], None, id="two-guards"),
    ],
)
def test_a_hidden_transition_is_shadowed(
    transitions: list[Transition], severity: str | None
) -> None:
    """Order decides, so what stands behind a bare one is never taken."""
    findings = [finding for finding in check(one_state(*transitions)) if finding.code == "SF104"]

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])


def test_two_closures_of_one_source_are_not_the_same_guard() -> None:
    """They share name and source, and ask two things."""

    def longer(limit: int) -> Guard:
        return guard(name="longer")(lambda view: len(view.last.text) > limit)

    flow = one_state(to("t", when=longer(9)), to(None, when=longer(5)), to("t"))

    assert found(flow) == []


def test_the_same_function_guard_twice_is_shadowed() -> None:
    """One guard asked twice in a row answers twice the same."""

    @guard
    def late(view: View) -> bool:
        return view.turns > 9

    assert found(one_state(to("t", when=late), to(None, when=late), to("t"))) == [("SF104", "s")]


def test_nothing_is_shadowed_where_a_chooser_picks() -> None:
    """All guards are asked, and order does not decide."""
    flow = Flow("flow", State("s", A, to("s"), to(None), choose=PICK))

    assert check(flow) == ()


@pytest.mark.parametrize(
    ("budget", "visits", "endless"),
    [
        pytest.param(Budget(turns=UNLIMITED), None, True, id="no-cap-at-all"),
        pytest.param(Budget(turns=UNLIMITED, usd=UNLIMITED, depth=2), None, True, id="depth"),
        pytest.param(Budget(turns=UNLIMITED, usd=2.0), None, False, id="usd"),
        pytest.param(Budget(turns=UNLIMITED), 3, False, id="visits"),
        pytest.param(Budget(), None, False, id="default-budget"),
    ],
)
def test_a_cycle_needs_a_cap(budget: Budget, visits: int | None, endless: bool) -> None:
    """Visits or any finite limit will do."""
    flow = Flow("flow", State("s", A, to(None, when=G), to("s"), visits=visits), budget=budget)

    assert found(flow) == ([("SF105", "s")] if endless else [])


def test_a_cycle_beside_a_capped_state_still_needs_a_cap() -> None:
    """The cap of one state does not hold a cycle that goes around it."""
    flow = Flow(
        "flow",
        State("s", A, to("t"), visits=2),
        State("t", A, to("s", when=G), to("u", when=H), to(None)),
        State("u", A, to("t")),
        budget=Budget(turns=UNLIMITED),
    )

    (finding,) = check(flow)

    assert (finding.code, finding.place) == ("SF105", "t")
    assert "'t', 'u'" in finding.text


@pytest.mark.parametrize(
    ("agent", "guard", "on_error", "bare"),
    [
        pytest.param(MODEL, G, None, True, id="model"),
        pytest.param(Agent("shell", "code"), G, None, True, id="code"),
        pytest.param(A, G, None, False, id="tools-only"),
        pytest.param(Agent("me", "human"), G, None, False, id="humans-only"),
        pytest.param(MODEL, failed, None, False, id="guard-names-faults"),
        pytest.param(MODEL, ~failed, None, True, id="negation-names-none"),
        pytest.param(MODEL, G, "s", False, id="on-error"),
    ],
)
def test_a_fault_must_be_taken_somewhere(
    agent: Agent, guard: Guard, on_error: str | None, bare: bool
) -> None:
    """One finding for the whole flow, where models or code speak."""
    flow = Flow("flow", State("s", agent, to("s", when=guard), to(None)), on_error=on_error)

    assert found(flow) == ([("SF106", "flow")] if bare else [])
