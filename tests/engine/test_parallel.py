"""Parallel states: who is waited for, who is dropped, and that nothing is left behind."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from stateflow import (
    ChildFailed,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Parallel,
    Scripted,
    State,
    View,
    ended,
    equals,
    failed,
    last,
    raised,
    replied,
    resume,
    run,
    says,
    spoke,
    succeeded,
    to,
)
from stateflow.journal.event import RunEnded, RunPaused
from stateflow.machine.parallel import Join, Others
from stateflow.stores.memory import MemoryStore
from tests.support.branches import after_rounds, ends_of, fails, hangs, one
from tests.support.six_ways import same_again, texts

# Joining ---------------------------------------------------------------------------------------


async def test_messages_stand_in_the_order_of_the_branches_whoever_ended_first() -> None:
    branches = {"a": after_rounds("slow", 30), "b": after_rounds("mid", 10), "c": one("quick")}
    flow = Flow("outer", Parallel("at once", branches, to(None)))

    result = await run(flow, "task")

    assert result.journal is not None
    assert [one.key.ordinal for one in ends_of(result.journal)] == [2, 1, 0]
    assert [message.speaker for message in result.messages] == ["user", "a", "b", "c"]
    assert result.path == ("at once",)
    assert result.turns == 4
    same_again(flow, result)


@pytest.mark.parametrize(
    ("join", "others", "spoken", "left"),
    [
        pytest.param("all", "cancel", ["a", "b", "c"], [], id="all"),
        pytest.param("any", "cancel", ["a"], ["s", "s"], id="any"),
        pytest.param(2, "cancel", ["a", "b"], ["s"], id="two"),
        pytest.param(3, "cancel", ["a", "b", "c"], [], id="as-many-as-there-are"),
    ],
)
async def test_a_join_waits_for_as_many_as_it_says_and_drops_the_rest(
    join: Join, others: Others, spoken: list[str], left: list[str]
) -> None:
    dropped: list[str] = []
    ends = {"a": one("a"), "b": after_rounds("b", 5), "c": after_rounds("c", 10)}
    kept = dict(list(ends.items())[: len(spoken)])
    branches = {**kept, **{f"s{n}": hangs("s", dropped) for n in range(len(left))}}
    flow = Flow("outer", Parallel("p", branches, to(None), join=join, others=others))
    before = asyncio.all_tasks()

    result = await run(flow, "task")

    assert [message.speaker for message in result.messages[1:]] == spoken
    assert len(dropped) == len(left)
    assert asyncio.all_tasks() == before
    same_again(flow, result)


async def test_others_that_are_kept_are_heard_to_their_end() -> None:
    branches = {"a": one("a"), "bad": fails(), "c": after_rounds("c", 20)}
    flow = Flow("outer", Parallel("p", branches, to(None), join="any", others="keep"))

    result = await run(flow, "task")

    assert [message.speaker for message in result.messages[1:]] == ["a", "c"]
    same_again(flow, result)


async def test_a_branch_that_is_not_needed_is_ended_on_its_own_record() -> None:
    flow = Flow(
        "outer",
        Parallel("p", {"a": one("a"), "s": hangs("s", [])}, to(None), join="any"),
    )

    result = await run(flow, "task")

    assert result.journal is not None
    (end,) = [one for one in ends_of(result.journal) if one.cancelled]
    assert end.key.ordinal == 1
    event = result.journal.children["p#1.1"].events[-1].event
    assert isinstance(event, RunEnded)
    assert str(event.stop.why) == "the other branches were enough"


# Failing ---------------------------------------------------------------------------------------


async def test_a_branch_that_fails_ends_a_join_of_all_at_once() -> None:
    dropped: list[str] = []
    branches = {"a": one("a"), "bad": fails(), "s": hangs("s", dropped)}
    plain = Flow("outer", Parallel("p", branches, to(None)))
    mended = Flow(
        "outer",
        Parallel("p", branches, to("mend", when=raised(ChildFailed)), to(None)),
        State("mend", Scripted("m", ["mended"]), to(None)),
    )

    stopped, gone_on = await run(plain, "task"), await run(mended, "task")

    assert stopped.stop.kind == "failed"
    assert "nested run 'fails' stopped: failed at 'try': ValueError: no way" in stopped.stop.why
    assert dropped == ["hang", "hang"]
    assert texts(gone_on) == ["mended"], "a branch that ended well is not half said"
    same_again(plain, stopped)
    same_again(mended, gone_on)


@pytest.mark.parametrize(
    ("join", "said"),
    [
        pytest.param("any", ["b"], id="one-is-enough"),
        pytest.param(2, ["b", "c"], id="two-are-left"),
        pytest.param(3, None, id="too-few-are-left"),
    ],
)
async def test_a_branch_that_fails_does_not_count(join: Join, said: list[str] | None) -> None:
    branches = {"bad": fails(), "b": after_rounds("b", 4), "c": after_rounds("c", 8)}
    if join == "any":
        del branches["c"]
    flow = Flow("outer", Parallel("p", branches, to(None), join=join))

    result = await run(flow, "task")

    assert result.stop.kind == ("failed" if said is None else "done")
    assert [message.speaker for message in result.messages[1:]] == (said or [])
    same_again(flow, result)


async def test_branches_dropped_for_a_failure_go_on_with_it_when_it_is_tried_again() -> None:
    may = asyncio.Event()
    counted: list[str] = []

    def moody(view: View) -> str:
        if not may.is_set():
            raise ValueError("not yet")
        return f"{view.state} at last"

    async def patient(view: View) -> str:
        counted.append(view.state)
        if view.state == "second":
            await may.wait()
        return view.state

    slow = FunctionAgent("slow", patient)
    branches = {
        "ended": one("ended"),
        "bad": Flow("bad", State("try", FunctionAgent("moody", moody), to(None))),
        "slow": Flow("slow", State("first", slow, to("second")), State("second", slow, to(None))),
    }
    flow, store = Flow("outer", Parallel("p", branches, to(None))), MemoryStore()

    failed_run = await run(flow, "task", store=store)
    assert failed_run.journal is not None
    paused = failed_run.journal.children["p#1.2"].events[-1].event
    may.set()
    done = await resume(flow, failed_run.run, store=store)

    assert failed_run.stop.kind == "failed"
    assert isinstance(paused, RunPaused)
    assert texts(done) == ["ended is done", "try at last", "second"]
    assert counted == ["first", "second", "second"], "what was on record is not done again"
    assert done.turns == 5
    same_again(flow, failed_run)
    same_again(flow, done)


# What the guards read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "holds"),
    [
        pytest.param(failed, True, id="any-failed"),
        pytest.param(succeeded, False, id="not-all-succeeded"),
        pytest.param(ended("rejected"), True, id="any-ended"),
        pytest.param(says("APPROVED"), True, id="anybody-says"),
        pytest.param(says("APPROVED", by="b"), True, id="b-says"),
        pytest.param(says("APPROVED", by="a"), False, id="a-does-not"),
        pytest.param(equals("no", by="a") & equals("APPROVED", by="b"), True, id="both"),
        pytest.param(spoke("a"), True, id="spoke"),
        pytest.param(spoke("c"), False, id="nobody-of-that-name"),
        pytest.param(replied("n", at_least=1), False, id="no-reply"),
    ],
)
async def test_a_guard_reads_the_branch_it_names_or_any(guard: Guard, holds: bool) -> None:
    rejects = Flow(
        "rejects",
        State("say", Scripted("r", ["no"]), to("rejected")),
        Final("rejected", ok=False),
    )
    flow = Flow(
        "outer",
        Parallel("p", {"a": rejects, "b": one("b", "APPROVED")}, to("yes", when=guard), to("no")),
        Final("yes"),
        Final("no"),
    )

    result = await run(flow, "task")

    assert result.stop.state == ("yes" if holds else "no")


class Votes(BaseModel):
    """What the branches say, by their names."""

    votes: dict[str, str] = {}
    count: int = 0


async def test_what_branches_say_is_saved_by_their_names() -> None:
    def counted(view: View) -> dict[str, object]:
        return {"count": len(view.said)}

    branches = {"a": one("a", "for"), "bad": fails(), "b": one("b", "against")}
    flow = Flow(
        "outer",
        Parallel("p", branches, to(None), join=2, save="votes", output=counted),
        data=Votes,
    )

    result = await run(flow, "task")

    assert isinstance(result.data, Votes)
    assert result.data.votes == {"a": "for", "b": "against"}
    assert list(result.data.votes) == ["a", "b"]
    assert result.data.count == 2
    same_again(flow, result)


async def test_all_branches_start_from_the_input_and_the_carryover() -> None:
    echo = FunctionAgent("echo", lambda view: view.transcript[0].text)
    inner = Flow("inner", State("say", echo, to(None)))
    flow = Flow(
        "outer",
        State("start", Scripted("starter", ["go"]), to("p")),
        Parallel("p", {"a": inner, "b": inner}, to(None), input="Vote.", carryover=last(1)),
    )

    result = await run(flow, "task")

    assert texts(result) == ["go", *["Vote.\n\nContext:\nstarter: go"] * 2]


# What is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("branches", "how", "told"),
    [
        pytest.param([one("a")], {}, "'p' has 1 branches; two or more", id="one"),
        pytest.param([one("a"), one("a")], {}, "two branches called 'a'", id="namesakes"),
        pytest.param("ab", {}, "branches='ab' is no list", id="a-text"),
        pytest.param([one("a"), "b"], {}, "'b' is not a flow", id="no-flow"),
        pytest.param([one("a"), one("b")], {"join": 3}, "join=3 can never fire", id="too-many"),
        pytest.param([one("a"), one("b")], {"join": 0}, "join=0; write 'all'", id="none"),
        pytest.param([one("a"), one("b")], {"join": True}, "join=True; write 'all'", id="yes"),
        pytest.param([one("a"), one("b")], {"join": "some"}, "join='some'; write", id="some"),
        pytest.param([one("a"), one("b")], {"others": "stop"}, "others='stop' is neither", id="x"),
    ],
)
def test_a_parallel_state_that_cannot_be_is_refused(
    branches: list[Flow], how: dict[str, object], told: str
) -> None:
    with pytest.raises(DefinitionError, match=told):
        Parallel("p", branches, to(None), **how)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(("join", "words"), [("all", "all"), ("any", "any"), (2, "2 of 3")])
def test_a_join_is_told_in_words(join: Join, words: str) -> None:
    assert Parallel("p", [one("a"), one("b"), one("c")], to(None), join=join).join == words


def test_a_flow_that_is_an_agent_already_takes_its_input_where_it_is_made() -> None:
    with pytest.raises(DefinitionError, match=r"say input=.* where it is made: flow\.as_agent"):
        Parallel("p", [one("a").as_agent("x"), one("b")], to(None), input="Vote.")


async def test_a_branch_speaks_under_the_name_it_is_listed_by() -> None:
    """Also where it was made an agent of another name before."""
    flow = Flow(
        "f",
        Parallel("p", {"a": one("x", "1"), "b": one("y", "2").as_agent("other")}, to(None)),
    )

    result = await run(flow, "task")

    assert [message.speaker for message in result.messages[1:]] == ["a", "b"]
