"""Flows: what is refused when one is built, and what a sound one tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from pydantic import BaseModel

from stateflow.conversation.agent import Turn
from stateflow.conversation.view import View
from stateflow.engine.choosers import by_model
from stateflow.errors import DefinitionError
from stateflow.machine.budget import UNLIMITED, Budget
from stateflow.machine.flow import Flow
from stateflow.machine.guards import exhausted, failed
from stateflow.machine.nested import Nested
from stateflow.machine.state import Final, Junction, State, steps
from stateflow.machine.table import chooser_of
from stateflow.machine.transition import to


class Agent:
    def __init__(self, name: str) -> None:
        self.name = name

    async def reply(self, turn: Turn) -> str:
        return ""


class Nameless:
    async def reply(self, turn: Turn) -> str:
        return ""


class Brief(BaseModel):
    topic: str
    score: int = 0


A, B, C = Agent("a"), Agent("b"), Agent("c")


def end(name: str = "end") -> Final:
    return Final(name)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        pytest.param(
            lambda: Flow("f", end()),
            "flow 'f' has no state; give it one: State('write', agent, ...)",
            id="no-state",
        ),
        pytest.param(
            lambda: Flow("f", end(), State("s", A)),
            "flow 'f' begins with the final 'end'",
            id="final-first",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A), Junction("s")),
            "flow 'f' has two places called 's'; rename one",
            id="name-twice",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A, to("t"))),
            "flow 'f': a transition of 's' leads to unknown state 't'; the flow has: s",
            id="unknown-target",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A), end(), on_error="t"),
            "flow 'f': on_error leads to unknown state 't'; the flow has: s, end",
            id="unknown-on-error",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A, to(B))),
            "flow 'f': 's' leads to agent 'b', which serves none; name the state",
            id="agent-without-state",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A, to(B)), State("t", B), State("u", B)),
            "flow 'f': 's' leads to agent 'b', which serves 2 states (t, u); name the state",
            id="agent-of-two-states",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A, to("s", when=exhausted | failed))),
            "'s': to('s', when=exhausted) must lead to a final; a run that has used up its budget "
            "cannot go on. Add Final('gave_up', ok=False)",
            id="exhausted-goes-on",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A), Junction("i", to("j")), Junction("j", to("i"))),
            "junction 'i' can lead back to itself with nobody speaking; put a state in between",
            id="junction-loop",
        ),
        pytest.param(
            lambda: Flow(
                "f",
                State("s", A, to("i"), visits=1),
                Junction("i", to("s")),
                Junction("j", to("i")),
                on_error="j",
            ),
            "junction 'i' can lead back to itself with nobody speaking; put a state in between",
            id="junction-loop-by-on-error",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A, save="score")),
            "state 's' saves to 'score', which the data of flow 'f' does not have; it has: no data "
            "at all",
            id="save-without-data",
        ),
        pytest.param(
            lambda: Flow("f", State("s", A, save="text"), data=Brief),
            "state 's' saves to 'text', which the data of flow 'f' does not have; it has: topic, "
            "score",
            id="save-elsewhere",
        ),
        pytest.param(
            lambda: Flow("a/b", State("s", A)),
            "'a/b' cannot name a flow: at most 120 printable characters, no '/', no space at "
            "either end",
            id="flow-name",
        ),
        pytest.param(
            lambda: State("*", A), "'*' cannot name a state; use a word such as 'write'", id="star"
        ),
        pytest.param(
            lambda: Junction(""),
            "'' cannot name a junction; use a word such as 'write'",
            id="empty",
        ),
        pytest.param(
            lambda: Final("="), "'=' cannot name a final; use a word such as 'write'", id="equals"
        ),
        pytest.param(
            lambda: State("s", cast("Agent", Nameless())),
            "None cannot name an agent; use a word such as 'write'",
            id="agent-without-name",
        ),
        pytest.param(
            lambda: State("s", cast("Agent", 3)),
            "state 's': 3 is not an agent; it needs a name and `async def reply(self, turn)`, as "
            "FunctionAgent(name, fn) has",
            id="no-agent",
        ),
        pytest.param(
            lambda: State("s", A, visits=0), "state 's': visits=0 is less than one", id="no-visits"
        ),
        pytest.param(
            lambda: State("s", A, timeout_s=0),
            "state 's': timeout_s=0 leaves no time",
            id="no-time",
        ),
        pytest.param(
            lambda: State("s", A, sees=cast("Any", 3)),
            "state 's': sees=3 cuts no transcript; write sees=last(20)",
            id="no-window",
        ),
        pytest.param(
            lambda: State("s", A, cast("Any", "t")),
            "'s': 't' is not a transition; write to('t')",
            id="no-transition",
        ),
        pytest.param(
            lambda: steps(A),
            "steps(...) takes two agents or more; bind one agent directly",
            id="one-step",
        ),
        pytest.param(
            lambda: to("s", when=cast("Any", 3)),
            "to('s', when=3): not a guard; decorate the function with @guard, or use a built-in "
            "such as failed or says('DONE')",
            id="no-guard",
        ),
        pytest.param(
            lambda: to(A, do=cast("Any", 3)), "to('a', do=3): not a function of the view", id="do"
        ),
        pytest.param(
            lambda: to(cast("Any", 3)),
            "to(3): a target is a state's name, an agent, or None",
            id="no-target",
        ),
        pytest.param(
            lambda: Budget(usd=-1.0),
            "Budget(usd=-1.0): a limit is a number, 0 or more; write UNLIMITED for none",
            id="negative-budget",
        ),
        pytest.param(
            lambda: Budget(turns=cast("Any", "9")),
            "Budget(turns='9'): a limit is a number, 0 or more; write UNLIMITED for none",
            id="budget-of-text",
        ),
    ],
)
def test_a_wrong_flow_is_refused_with_a_sentence(
    build: Callable[[], object], sentence: str
) -> None:
    """The sentence names the offender and the cure."""
    with pytest.raises(DefinitionError) as caught:
        build()

    assert str(caught.value) == sentence


def test_targets_given_as_agents_become_states() -> None:
    """Also where one agent speaks twice in the steps of a state."""
    flow = Flow(
        "f", State("s", A, to(B), to("j")), Junction("j", to(A)), State("t", steps(B, C, B))
    )
    junction = flow.places["j"]

    assert [t.target for t in flow.states[0].transitions] == ["t", "j"]
    assert isinstance(junction, Junction)
    assert junction.transitions == (to("s"),)
    assert flow.states[1].agents == (B, C, B)


def test_an_agent_that_serves_two_states_of_a_junction_is_named() -> None:
    """A junction resolves agents as a state does."""
    with pytest.raises(DefinitionError, match="'j' leads to agent 'a', which serves 2 states"):
        Flow("f", State("s", A), Junction("j", to(A)), State("t", steps(A, B)))


def test_the_first_place_is_the_initial_one() -> None:
    """It may be a junction."""
    assert Flow("f", Junction("j", to("s")), State("s", A)).initial == "j"


def test_everybody_who_speaks_is_told_once() -> None:
    """In order of first appearance."""
    flow = Flow("f", State("s", B), State("t", A), State("u", B))

    assert flow.agents == (B, A)
    assert repr(flow) == "<Flow 'f': 3 places>"


def test_a_chooser_of_the_flow_holds_for_states_without_their_own() -> None:
    """What a state says goes before what the flow says."""
    own, whole = chooser_of(len), chooser_of(max)

    flow = Flow("f", State("s", A, choose=own), State("t", B), choose=whole)

    assert [state.choose for state in flow.states] == [own, whole]


def test_a_state_keeps_all_it_was_given() -> None:
    """Resolving targets copies every field."""

    def patch(view: View) -> None:
        return None

    state = State("s", A, visits=2, prompt="p", entry=patch, exit=patch, save="topic", timeout_s=3)

    assert Flow("f", state, data=Brief).states == (state,)


def test_data_is_taken_as_the_flows_model() -> None:
    """A mapping or a model; defaults are filled in."""
    flow = Flow("f", State("s", A), data=Brief)

    assert flow.typed({"topic": "t"}) == Brief(topic="t")
    assert flow.typed(Brief(topic="t", score=3)) == Brief(topic="t", score=3)
    assert Flow("f", State("s", A)).typed(None) is None


def test_data_that_does_not_fit_is_refused() -> None:
    """The sentence names the field."""
    flow = Flow("f", State("s", A), data=Brief)

    with pytest.raises(DefinitionError, match="data of flow 'f' does not fit Brief: topic: Field"):
        flow.typed(None)
    with pytest.raises(DefinitionError, match="flow 'f' declares no data; give Flow"):
        Flow("f", State("s", A)).typed({"topic": "t"})


def test_unlimited_is_spelt() -> None:
    """The one limit that is set by default can be lifted."""
    assert Budget().turns == 100
    assert Budget(turns=UNLIMITED).turns == float("inf")


def test_a_transition_without_a_guard_is_the_else() -> None:
    """What drawings and verdicts call it."""
    assert (to("s").guard_name, to("s", when=failed).guard_name) == ("else", "failed")


def test_a_state_has_one_deadline() -> None:
    """The first to pass leaves it, so another would be told and never hold."""
    speaker = Agent("clerk")

    with pytest.raises(DefinitionError, match="'wait' has deadlines after 1 h and 24 h"):
        State("wait", speaker, to("a", after=3_600), to("b", after=86_400))


def test_a_fallback_that_no_state_leads_to_is_refused() -> None:
    chooser = by_model("scripted:b", fallback="nowhere")

    with pytest.raises(DefinitionError, match="falls back to 'nowhere', which no state"):
        Flow("f", State("s", A, to("t"), to(None), choose=chooser), State("t", B, to(None)))


def test_an_output_into_no_data_is_refused() -> None:
    inner = Flow("inner", State("s", A, to(None)))

    with pytest.raises(DefinitionError, match="changes data with output=, and flow 'f' declares"):
        Flow("f", Nested("n", inner, to(None), output={"topic": "topic"}))
