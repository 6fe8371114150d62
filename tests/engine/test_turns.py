"""How turns end, and where each end may lead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    PASS,
    Budget,
    Final,
    Flow,
    FunctionAgent,
    Junction,
    Message,
    Outcome,
    RateLimited,
    Result,
    Runner,
    Scripted,
    State,
    View,
    canonical,
    data_is,
    exhausted,
    failed,
    guard,
    raised,
    replay,
    run,
    run_sync,
    says,
    steps,
    timed_out,
    to,
)
from stateflow.stores.memory import MemoryStore


def said(*lines: Any, name: str = "a") -> Scripted:  # noqa: ANN401 - any line
    return Scripted(name, lines)


def same_again(flow: Flow, result: Result) -> bool:
    assert result.journal is not None
    again = replay(flow, result.journal)
    assert again.journal is not None
    return canonical(again.journal) == canonical(result.journal)


def test_a_raised_turn_never_passes_a_bare_transition() -> None:
    """A dead model does not flow on as success."""
    flow = Flow("f", State("s", said(RateLimited("slow down")), to(None)))

    result = run_sync(flow)

    assert result.stop.kind == "failed"
    assert result.stop.fault is not None
    assert result.stop.fault.name == "RateLimited"
    assert same_again(flow, result)


@pytest.mark.parametrize(
    "guards", [failed, raised("RateLimited"), raised(), says("x") | raised("RunError")]
)
def test_a_guard_that_names_faults_takes_a_raised_turn(guards: Any) -> None:  # noqa: ANN401
    """By name, by any wider name, or by any fault at all."""
    flow = Flow(
        "f", State("s", said(RateLimited("no")), to(None), to("gone", when=guards)), Final("gone")
    )

    assert run_sync(flow).stop.state == "gone"


def test_a_negated_guard_takes_no_raised_turn() -> None:
    """Outside a ``~`` only."""
    flow = Flow("f", State("s", said(RateLimited("no")), to(None, when=~raised("ValueError"))))

    assert run_sync(flow).stop.kind == "failed"


def test_on_error_takes_what_no_guard_names() -> None:
    """And is journaled as such."""
    flow = Flow(
        "f", State("s", said(KeyError("k")), to(None)), Final("lost", ok=False), on_error="lost"
    )

    result = run_sync(flow)

    assert (result.stop.kind, result.stop.state, result.stop.ok) == ("final", "lost", False)
    assert result.stop.why == "on_error: KeyError: 'k'"


def test_stuck_is_not_done_and_tells_every_verdict() -> None:
    """No guard held; the message is still there to read."""
    flow = Flow("f", State("s", said("hm"), to(None, when=says("yes")), to("s", when=says("no"))))

    result = run_sync(flow)

    assert result.stop.kind == "stuck"
    assert result.stop.tried == (("says('yes')", False), ("says('no')", False))
    assert result.messages[-1].text == "hm"
    assert same_again(flow, result)


def test_an_agent_that_passes_has_its_turn_and_says_nothing() -> None:
    """No message, no error."""
    flow = Flow("f", State("s", said(PASS, "x"), to(None, when=says("x")), to("s")))

    result = run_sync(flow)

    assert result.path == ("s", "s")
    assert [message.text for message in result.messages] == ["x"]
    assert same_again(flow, result)


def test_an_agent_that_returns_nothing_is_told_how_to_pass() -> None:
    """Silence has a name."""
    flow = Flow("f", State("s", FunctionAgent("a", lambda view: None), to(None)))

    assert "PASS" in run_sync(flow).stop.why


def test_an_agent_that_never_returns_times_out() -> None:
    """Within the state's limit, and a guard can take it."""

    async def forever(view: View) -> str:
        await asyncio.Event().wait()
        return "never"

    agent = FunctionAgent("a", forever)
    flow = Flow("f", State("s", agent, to("slow", when=timed_out), timeout_s=0.02), Final("slow"))

    assert run_sync(flow).stop.state == "slow"


async def test_a_failed_run_makes_only_the_failed_effect_again() -> None:
    """What was done before it stays done."""
    heard: list[str] = []

    def first(view: View) -> str:
        heard.append("first")
        return "ok"

    def second(view: View) -> str:
        heard.append("second")
        if heard.count("second") == 1:
            raise RateLimited("later")
        return "fine"

    both = steps(FunctionAgent("one", first), FunctionAgent("two", second))
    flow = Flow("f", State("s", both, to(None)))
    store = MemoryStore()
    before = await run(flow, store=store)
    async with Runner(store=store) as runner:
        after = await runner.resume(flow, before.run)

    assert (before.stop.kind, after.stop.kind) == ("failed", "done")
    assert heard == ["first", "second", "second"]
    assert [message.text for message in after.messages] == ["ok", "fine"]


async def test_a_guard_that_raises_names_itself_and_can_be_mended() -> None:
    """The run stops failed; with the guard mended it goes on over the recorded reply."""
    broken = True

    @guard
    def picky(view: View) -> bool:
        if broken:
            raise ValueError("no opinion")
        return True

    flow = Flow("f", State("s", said("only once"), to(None, when=picky)))
    store = MemoryStore()
    before = await run(flow, store=store)
    broken = False
    async with Runner(store=store) as runner:
        after = await runner.resume(flow, before.run)

    assert "'picky'" in before.stop.why
    assert "'s'" in before.stop.why
    assert after.stop.kind == "done"


class Sheet(BaseModel):
    """The data of the flows below."""

    draft: str = ""
    rounds: int = 0


def one_more(view: View) -> dict[str, object]:
    """Count a round."""
    return {"rounds": view.data.rounds + 1}


def no_patch(view: View) -> None:
    """Change nothing."""


def many_rounds(view: View) -> dict[str, object]:
    """Return what does not fit."""
    return {"rounds": "many"}


def a_page(view: View) -> dict[str, object]:
    """Return what the data does not have."""
    return {"pages": 1}


def division(view: View) -> dict[str, object]:
    """Raise."""
    return {"rounds": 1 / view.turns}


def counted(**more: Any) -> Flow:  # noqa: ANN401 - arguments of a state
    return Flow(
        "f",
        State(
            "s",
            said("one", "two", "three"),
            to(None, when=data_is("rounds", at_least=2)),
            to("s", do=one_more),
            **more,
        ),
        data=Sheet,
    )


def test_actions_patch_the_data_and_replay_runs_them_again() -> None:
    """Entry, exit, transition and save, in the order of a statechart."""
    flow = counted(save="draft", exit=no_patch)

    result = run_sync(flow, data={"rounds": 0})

    assert (result.data.draft, result.data.rounds) == ("three", 2)
    assert same_again(flow, result)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        pytest.param(many_rounds, "rounds", id="does-not-fit"),
        pytest.param(a_page, "unknown data 'pages'", id="unknown-field"),
        pytest.param(division, "ZeroDivisionError", id="raises"),
    ],
)
def test_an_action_that_goes_wrong_stops_the_run_and_is_named(action: Any, words: str) -> None:  # noqa: ANN401
    """Nothing of its patch is kept."""
    result = run_sync(counted(exit=action))

    assert result.stop.kind == "failed"
    assert words in result.stop.why
    assert result.data.rounds == 0


def test_several_agents_speak_in_one_turn() -> None:
    """The second hears the first; guards read the last."""
    echo = FunctionAgent("db", lambda view: f"rows for {view.last.text}")
    flow = Flow("f", State("s", steps(said("SELECT"), echo), to(None, when=says("rows", by=echo))))

    result = run_sync(flow)

    assert [message.text for message in result.messages] == ["SELECT", "rows for SELECT"]
    assert (result.turns, same_again(flow, result)) == (1, True)


def test_a_prompt_that_raises_ends_the_turn_raised() -> None:
    """It is the user's function, and its error a fault like any other."""

    def prompt(view: View) -> str:
        raise LookupError(view.state)

    flow = Flow("f", State("s", said("x"), to(None), prompt=prompt))

    assert run_sync(flow).stop.why == "LookupError: s"


def test_a_junction_routes_without_a_speaker() -> None:
    """Also as the first place."""
    fork_ = (to("b", when=says("b")), to("a"))
    flow = Flow(
        "f",
        Junction("which", *fork_),
        State("a", said("b"), to("which")),
        State("b", said("end", name="b"), to(None)),
    )

    result = run_sync(flow, "begin")

    assert result.path == ("a", "b")
    assert same_again(flow, result)


@pytest.mark.parametrize(
    ("more", "stop"),
    [
        pytest.param({}, ("budget", "visits of 'b'"), id="pauses"),
        pytest.param({"on_error": "end"}, ("final", ""), id="on-error"),
    ],
)
def test_a_state_that_is_used_up(more: dict[str, Any], stop: tuple[str, str]) -> None:
    """The turn is offered to ``on_error``, or the run pauses."""
    flow = Flow(
        "f",
        State("a", said("x", "y"), to("b")),
        State("b", said("1", "2", name="b"), to("a"), visits=1),
        Final("end", ok=False),
        **more,
    )

    result = run_sync(flow)

    assert (result.stop.kind, result.stop.which) == stop
    assert same_again(flow, result)


def test_an_exhausted_transition_leads_to_a_final() -> None:
    """Before anybody else is asked."""
    flow = Flow(
        "f",
        State("a", said("x", "y", "z"), to("a"), to("gave_up", when=exhausted)),
        Final("gave_up", ok=False),
        budget=Budget(turns=2),
    )

    result = run_sync(flow)

    assert (result.stop.state, result.turns) == ("gave_up", 2)
    assert same_again(flow, result)


def test_a_huge_message_with_control_characters_is_kept_whole() -> None:
    """Ten megabytes, escapes and half a surrogate pair."""
    text = "\x1b[31m\x00" + "x" * 10_000_000
    flow = Flow("f", State("s", said(text + "\ud800"), to(None)))

    result = run_sync(flow)

    assert result.messages[-1].text == text + "?"
    assert same_again(flow, result)


def test_secrets_reach_neither_the_journal_nor_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of variables that are named as secrets."""
    monkeypatch.setenv("LAB_API_KEY", "sk-very-secret-1")
    reply = Message("use sk-very-secret-1", outcome=Outcome.failed("sk-very-secret-1 refused"))
    flow = Flow("f", State("s", said(reply), to(None)))

    result = run_sync(flow, "my key is sk-very-secret-1")

    assert result.journal is not None
    assert "sk-very-secret" not in canonical(result.journal)
    assert result.messages[-1].text == "use [LAB_API_KEY]"
