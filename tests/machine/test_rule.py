"""Rules as values, as automata held against their definition in words, and against the graph."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow import (
    DefinitionError,
    Final,
    Flow,
    Junction,
    Scripted,
    State,
    exhausted,
    failed,
    raised,
    says,
    to,
)
from stateflow.machine.check.rules import broken_rules, verdicts
from stateflow.machine.rule.automaton import BROKEN, Automaton, entries
from stateflow.machine.rule.graph import Verdict
from stateflow.machine.rule.rule import Rule, always, at_most, never, rule_of
from stateflow.machine.state import Place
from stateflow.machine.transition import Transition

PLACES = {"a": None, "b": None, "c": None, "won": True, "lost": False}
ENDS: tuple[str | None, ...] = (None, "won", "lost")
NAMES = ("a", "b", "c", "won", "lost", "done")

RULES = [
    never("execute"),
    never("execute").before("approve"),
    never("execute").after("reject"),
    never("execute").between("reject", "approve"),
    always("review"),
    always("review").before("done"),
    always("review").after("write"),
    always("review").between("write", "ship it"),
    at_most("call_llm", 3),
    at_most("call_llm", 3).before("review"),
    at_most("call_llm", 3).after("plan"),
    at_most("call_llm", 3).between("plan", "plan"),
]


def state(name: str, *transitions: Transition, visits: int | None = None) -> State:
    return State(name, Scripted(f"agent of {name}", []), *transitions, visits=visits)


def only(flow: Flow) -> Verdict:
    """Return the verdict on the only rule of *flow*."""
    (one,) = verdicts(flow)
    return one


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_rule_is_its_name_and_its_form(rule: Rule) -> None:
    words: dict[str, Any] = {"never": never, "always": always, "at_most": at_most}

    assert rule_of(rule.form) == rule
    assert eval(rule.name, words) == rule  # noqa: S307 - the names are above


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(None, id="nothing"),
        pytest.param("never('a')", id="a-text"),
        pytest.param({}, id="no-word"),
        pytest.param({"never": "a", "always": "b"}, id="two-words"),
        pytest.param({"never": "a", "before": "b", "after": "c"}, id="two-scopes"),
        pytest.param({"never": 1}, id="no-name"),
        pytest.param({"never": "a", "between": ["b"]}, id="half-a-scope"),
        pytest.param({"never": "a", "between": "bc"}, id="a-text-for-two"),
        pytest.param({"never": "a", "times": 2}, id="never-twice"),
        pytest.param({"never": "a", "since": "b"}, id="another-scope"),
        pytest.param({"at_most": "a"}, id="no-count"),
        pytest.param({"at_most": "a", "times": True}, id="no-number"),
    ],
)
def test_what_is_no_form_of_a_rule_is_refused(form: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(DefinitionError):
        rule_of(form)


@pytest.mark.parametrize(
    ("make", "says_why"),
    [
        pytest.param(lambda: never(""), "cannot name a place of a rule", id="no-name"),
        pytest.param(lambda: never("write/outline"), "is a path; give the flow", id="a-path"),
        pytest.param(lambda: at_most("a", 0), r"write never\('a'\)", id="none-at-most"),
        pytest.param(lambda: never("a").after("a"), r"write at_most\('a', 1\)", id="after-itself"),
        pytest.param(lambda: never("a").after("b").before("c"), "has a scope", id="two-scopes"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(make: Any, says_why: str) -> None:  # noqa: ANN401
    with pytest.raises(DefinitionError, match=says_why):
        make()


def stretches(rule: Rule, path: list[str | None]) -> list[tuple[list[str | None], bool]]:
    """Return the parts of *path* in which *rule* counts, and whether each came to its end."""

    def at(name: str, begin: int) -> list[int]:
        return [i for i in range(begin, len(path)) if path[i] in entries(name, PLACES)]

    over = bool(path) and path[-1] in ENDS
    match rule.scope:
        case "":
            return [(path, over)]
        case "before":
            ends = at(rule.bounds[0], 0)
            return [(path[: ends[0]], True)] if ends else [(path, False)]
        case "after":
            return [(path[i + 1 :], over) for i in at(rule.bounds[0], 0)]
        case "between":
            parts: list[tuple[list[str | None], bool]] = []
            for i in at(rule.bounds[0], 0):
                ends = at(rule.bounds[1], i + 1)
                parts.append((path[i + 1 : ends[0]], True) if ends else (path[i + 1 :], False))
            return parts


def kept(rule: Rule, path: list[str | None]) -> bool:
    """Tell whether *path* keeps *rule*, straight from what its words mean."""
    entered = entries(rule.place, PLACES)
    for part, over in stretches(rule, path):
        count = sum(place in entered for place in part)
        if count == 0 and over if rule.word == "always" else count > rule.most:
            return False
    return True


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    place, first, last = (draw(st.sampled_from(NAMES)) for _ in range(3))
    words = [never(place), always(place), at_most(place, draw(st.integers(1, 2)))]
    rule = draw(st.sampled_from(words))
    spoken = [{*entries(name, PLACES)} for name in (place, first, last)]
    if place in (first, last) or spoken[0] & (spoken[1] | spoken[2]):
        return rule
    scopes = [rule, rule.before(first), rule.after(first)]
    if first == last or not spoken[1] & spoken[2]:
        scopes.append(rule.between(first, last))
    return draw(st.sampled_from(scopes))


@st.composite
def paths(draw: st.DrawFn) -> list[str | None]:
    path: list[str | None] = list(draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=9)))
    return [*path, draw(st.sampled_from(ENDS))] if draw(st.booleans()) else path


@given(rules(), paths())
def test_an_automaton_is_broken_exactly_where_its_words_say(
    rule: Rule, path: list[str | None]
) -> None:
    automaton = Automaton(rule, PLACES)
    at = automaton.start
    for length, place in enumerate(path, 1):
        at = automaton.enter(at, place)

        assert (at == BROKEN) is not kept(rule, path[:length])
        if at == BROKEN:
            break


def flow_with(*rules: Rule, on_error: str | None = None, visits: int | None = None) -> Flow:
    """Return a flow that plans, may ask for leave, executes, and verifies or plans again."""
    return Flow(
        "change",
        state("plan", to("execute", when=says("SMALL")), to("approve")),
        state("approve", to("execute", when=says("yes")), to("plan")),
        state("execute", to("verify"), visits=visits),
        state("verify", to(None, when=says("fine")), to("plan")),
        Final("given up", ok=False),
        on_error=on_error,
        rules=rules,
    )


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        pytest.param(never("execute").before("plan"), None, id="planned"),
        pytest.param(never("execute").before("approve"), "plan execute", id="not-approved"),
        pytest.param(never("done").before("verify"), None, id="verified"),
        pytest.param(never("given up"), None, id="without-on-error"),
        pytest.param(always("approve"), "plan execute verify done", id="never-approved"),
        pytest.param(always("verify").before("done"), None, id="always-verified"),
        pytest.param(always("verify").after("execute"), None, id="verified-after"),
        pytest.param(
            always("approve").after("execute"), "plan execute verify done", id="not-again"
        ),
        pytest.param(at_most("plan", 1).before("execute"), "plan approve plan", id="twice"),
        pytest.param(at_most("execute", 1).between("plan", "plan"), None, id="once-a-round"),
        pytest.param(
            at_most("verify", 1), "plan execute verify plan execute verify", id="verified-twice"
        ),
    ],
)
def test_the_graph_tells_the_shortest_way_to_break_a_rule(rule: Rule, path: str | None) -> None:
    one = only(flow_with(rule))

    told = " ".join("done" if name is None else name for name in one.path)
    assert (one.holds, told) == (path is None, path or "")


def test_a_fault_is_a_way_too() -> None:
    """What on_error takes passes no verification."""
    one = only(flow_with(always("verify").after("execute"), on_error="given up"))

    assert one.path == ("plan", "execute", "given up")


def test_an_end_that_is_no_success_may_come_without() -> None:
    rules = (always("verify").before("done"), always("verify").between("execute", "done"))

    assert all(one.holds for one in verdicts(flow_with(*rules, on_error="given up")))


def test_where_every_fault_is_taken_none_comes_to_on_error() -> None:
    flow = Flow(
        "f",
        state("a", to("b", when=failed | says("x")), to("b")),
        state("b", to(None, when=raised()), to(None)),
        Final("lost", ok=False),
        on_error="lost",
        rules=[never("lost")],
    )

    assert only(flow).holds


def test_a_cap_counts_and_leads_to_on_error_once_it_is_used_up() -> None:
    """The path is as long as the cap makes it, over a junction that meets no fault itself."""
    flow = Flow(
        "f",
        state("a", to("again", when=failed), to("again")),
        Junction("again", to("a", when=says("more")), to(None)),
        Final("lost", ok=False),
        on_error="lost",
        rules=[never("lost"), at_most("a", 3), at_most("a", 2)],
    )
    capped = Flow(
        "f",
        *[
            place.changed(visits=3) if isinstance(place, State) else place
            for place in flow.places.values()
        ],
        on_error="lost",
        rules=flow.rules,
    )

    assert [one.holds for one in verdicts(flow)] == [True, False, False]
    lost, third, second = verdicts(capped)
    assert lost.path == ("a", "again", "a", "again", "a", "again", "lost")
    assert third.holds
    assert second.path == ("a", "again", "a", "again", "a")


def test_a_hidden_transition_is_no_way() -> None:
    flow = Flow("f", state("a", to("b"), to(None)), state("b", to("a")), rules=[never("done")])

    assert only(flow).holds


def test_a_budget_that_is_used_up_is_a_way() -> None:
    flow = Flow(
        "f",
        state("a", to("b"), to("stop", when=exhausted)),
        state("b", to(None)),
        Final("stop", ok=False),
        rules=[always("b")],
    )

    assert only(flow).path == ("a", "stop")


def test_a_run_that_never_ends_breaks_no_always() -> None:
    flow = Flow("f", state("a", to("a")), state("b", to(None)), rules=[always("b").after("a")])

    assert only(flow).holds


def test_what_takes_too_long_to_decide_is_said_to_be_open() -> None:
    """Each cap has to be counted to see that they end the rounds, and all at once are many."""
    names = [f"s{n}" for n in range(12)]
    flow = Flow(
        "f",
        state("hub", *(to(name, when=says(name)) for name in names), to(None)),
        *(state(name, to("hub"), visits=3) for name in names),
        rules=[at_most("s1", 3), at_most("hub", 37)],
    )

    first, second = verdicts(flow)
    assert first.holds
    assert second.holds is None
    (finding,) = broken_rules(flow)
    assert (finding.code, finding.severity, finding.place) == ("SF122", "warning", "hub")


def test_a_broken_rule_is_a_finding_with_its_path() -> None:
    flow = flow_with(never("execute").before("approve"), always("approve"))

    first, second = broken_rules(flow)
    assert str(first) == (
        "SF122 error at 'execute': rule never('execute').before('approve') can be broken: "
        "plan → execute; take a transition of this path away, guard it, or mend the rule"
    )
    assert first.witness == "plan → execute"
    assert first.origin == flow.places["execute"].origin
    assert (second.place, second.witness) == ("verify", "plan → execute → verify → done")


@pytest.mark.parametrize(
    ("rules", "says_why"),
    [
        pytest.param([never("exeute")], "did you mean 'execute'", id="misspelt"),
        pytest.param([never("lunch")], "has: plan, approve, execute, verify, given", id="unknown"),
        pytest.param([never("plan")], "broken as soon as a run begins, in 'plan'", id="at-once"),
        pytest.param(["never"], "'never' is no rule", id="a-text-in-a-list"),
        pytest.param(never("verify"), r"rules=never\('verify'\) is no list", id="one-alone"),
    ],
)
def test_a_flow_refuses_rules_that_do_not_fit_it(rules: Any, says_why: str) -> None:  # noqa: ANN401
    plain = flow_with()

    with pytest.raises(DefinitionError, match=says_why):
        Flow("change", *plain.places.values(), rules=rules)


def test_done_is_every_good_end_unless_a_place_has_that_name() -> None:
    def made(rule: Rule, *ends: Place) -> Flow:
        ways = [to(end.name, when=says(end.name)) for end in ends]
        return Flow("f", state("a", *ways, to("a")), *ends, rules=[rule])

    shipped, lost = Final("shipped"), Final("lost", ok=False)
    assert only(made(never("done"), shipped, lost)).path == ("a", "shipped")
    assert only(made(never("done"), Final("done", ok=False), shipped)).path == ("a", "done")
    with pytest.raises(DefinitionError, match="'done', which is no place of it"):
        made(never("done"), lost)
    with pytest.raises(DefinitionError, match="speaks of 'shipped' twice"):
        made(never("done").after("shipped"), shipped)


def test_rules_are_in_the_table_and_decide() -> None:
    plain, ruled = flow_with(), flow_with(never("execute").before("approve"))

    assert "rules" not in plain.table()
    assert ruled.table()["rules"] == [{"never": "execute", "before": "approve"}]
    assert plain.fingerprint() != ruled.fingerprint()
    assert ruled.rules == (never("execute").before("approve"),)
