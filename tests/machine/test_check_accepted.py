"""What is accepted, what is stale, choosers, and secrets."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from stateflow.agents.assistant import Assistant
from stateflow.agents.scripted import Scripted
from stateflow.conversation.message import Message
from stateflow.engine.choosers import by_human, by_model, in_turn
from stateflow.machine.check.check import check
from stateflow.machine.choose import Chooser
from stateflow.machine.flow import Flow
from stateflow.machine.guards import says, turns_at_least
from stateflow.machine.nested import Nested
from stateflow.machine.state import Final, Junction, State
from stateflow.machine.transition import to
from tests.machine.check_codes import CODER, RUNNER, of_code

KEY = "sk-" + "proj-Zq81mNb4Xc7Lr2Tw9Kd5"
G = turns_at_least(3)


def gappy(name: str, accept: Mapping[str, str] | None = None) -> Flow:
    return Flow(name, State("s", RUNNER, to(None, when=G)), on_error="s", accept=accept)


@pytest.mark.parametrize("key", ["SF103", "SF103 at s"])
def test_what_is_meant_is_not_told_unless_asked_for(key: str) -> None:
    flow = gappy("flow", {key: "two turns are taken before"})

    assert check(flow) == ()
    (finding,) = check(flow, accepted=True)
    assert (finding.code, finding.accepted) == ("SF103", "two turns are taken before")


def test_another_place_is_not_meant() -> None:
    flow = gappy("flow", {"SF103 at t": "two turns are taken before"})

    assert [one.code for one in check(flow)] == ["SF103", "SF123"]


def test_a_nested_flow_accepts_what_is_its_own() -> None:
    inner = gappy("inner", {"SF103": "two turns are taken before"})

    assert check(Flow("outer", Nested("n", inner, to(None)), on_error="n")) == ()


def test_the_flow_around_accepts_by_path() -> None:
    outer = Flow(
        "outer",
        Nested("n", gappy("inner"), to(None)),
        on_error="n",
        accept={"SF103 at n/s": "two turns are taken before"},
    )

    assert check(outer) == ()


def test_the_flow_around_does_not_accept_by_code_alone() -> None:
    outer = Flow(
        "outer", Nested("n", gappy("inner"), to(None)), on_error="n", accept={"SF103": "no"}
    )

    assert [(one.code, one.place) for one in check(outer)] == [("SF103", "n/s"), ("SF123", "outer")]


def test_what_concerns_the_whole_flow_is_accepted_by_its_name() -> None:
    flow = Flow("essay", State("s", CODER, to(None)), accept={"SF106 at essay": "by hand"})

    assert check(flow) == ()


def test_what_a_nested_flow_accepts_on_its_own_is_not_stale() -> None:
    inner = Flow("inner", State("s", CODER, to(None)), accept={"SF106": "by hand"})

    assert check(inner) == ()
    assert check(Flow("outer", Nested("n", inner, to(None)), on_error="n")) == ()


def test_what_was_not_looked_for_is_not_stale() -> None:
    accept = {"SF116": "for tomorrow", "SF111": "order decides"}
    flow = Flow("flow", State("s", RUNNER, to(None)), on_error="s", accept=accept)

    assert check(flow) == ()
    assert len(check(flow, [RUNNER], notes=True)) == 2


@pytest.mark.parametrize(
    ("chooser", "missing"),
    [
        pytest.param(by_model("scripted:t"), True, id="by-model"),
        pytest.param(by_model("scripted:t", fallback="t"), False, id="with-fallback"),
        pytest.param(by_model("scripted:t", fallback=["u", "t"]), False, id="one-of-several"),
        pytest.param(by_human(), False, id="a-person-is-asked-again"),
        pytest.param(in_turn(), False, id="never-fails"),
    ],
)
def test_a_chooser_that_may_fail_has_a_fallback(chooser: Chooser, missing: bool) -> None:
    flow = Flow(
        "flow",
        State("s", RUNNER, to("t"), to("u"), choose=chooser),
        State("t", RUNNER, to(None)),
        State("u", RUNNER, to(None)),
    )

    assert [one.place for one in of_code("SF114", flow)] == ["s"] * missing


def test_a_fallback_that_a_state_does_not_lead_to_is_none_there() -> None:
    flow = Flow(
        "flow",
        State("s", RUNNER, to("t"), to("u")),
        State("t", RUNNER, to("s"), to(None)),
        State("u", RUNNER, to(None)),
        choose=by_model("scripted:t", fallback="u"),
    )

    (finding,) = of_code("SF114", flow)

    assert (finding.place, "'u' is none here" in finding.text) == ("t", True)


def test_where_one_way_leads_on_nobody_is_asked() -> None:
    flow = Flow("flow", State("s", RUNNER, to(None)), choose=by_model("scripted:t"))

    assert of_code("SF114", flow) == []


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(State("s", RUNNER, to(None), prompt=f"Use {KEY}."), id="state-prompt"),
        pytest.param(State("s", Assistant("a", "scripted:x", KEY), to(None)), id="agent-prompt"),
        pytest.param(State("s", Assistant("a", f"scripted:{KEY}"), to(None)), id="scripted-model"),
        pytest.param(State("s", Scripted("a", ["x", KEY]), to(None)), id="scripted-line"),
        pytest.param(State("s", Scripted("a", [Message(KEY)]), to(None)), id="scripted-message"),
        pytest.param(
            State("s", Assistant("a", "scripted:x", description=KEY), to(None)), id="description"
        ),
        pytest.param(
            State("s", RUNNER, to("s"), to(None), choose=by_model("scripted:s", prompt=KEY)),
            id="chooser",
        ),
        pytest.param(
            Nested("s", Flow("f", State("t", RUNNER, to(None))), to(None), input=KEY), id="input"
        ),
    ],
)
def test_a_secret_is_found_and_never_shown(state: State) -> None:
    (finding,) = of_code("SF121", Flow("flow", state))

    assert (finding.severity, finding.place) == ("error", "s")
    assert "a key of OpenAI (sk-p…)" in finding.text
    assert KEY not in f"{finding!r}{finding.cure}"


def test_a_secret_of_an_agent_is_told_once() -> None:
    agent = Assistant("a", "scripted:x", KEY)
    flow = Flow("flow", State("s", agent, to("t")), State("t", agent, to(None)))

    assert [one.place for one in of_code("SF121", flow)] == ["s"]


def test_a_secret_in_a_description_of_the_flow_concerns_the_whole() -> None:
    inner = Flow("inner", State("s", RUNNER, to(None)), description=KEY)
    outer = Flow("outer", Nested("n", inner, to(None)), Final("lost"))

    assert [one.place for one in of_code("SF121", inner)] == ["inner"]
    assert [one.place for one in of_code("SF121", outer)] == ["n"]


def test_a_secret_in_a_guard_or_a_restart_is_found() -> None:
    again = by_model("scripted:x", prompt=f"Sum up {KEY}")
    asks = State("s", RUNNER, to(None, when=~says(f"the {KEY}")), to("j"))
    flow = Flow("flow", asks, Junction("j", to("s", restart=again)))

    found = of_code("SF121", flow)

    assert [one.place for one in found] == ["s", "j"]
    assert all(KEY not in str(one) for one in found)
