"""Tool calls as the engine makes them: sources, errors, files, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from stateflow import (
    Assistant,
    Budget,
    DefinitionError,
    File,
    Final,
    Flow,
    FunctionAgent,
    Message,
    Result,
    Runner,
    State,
    StoreError,
    ToolReply,
    Unreachable,
    canonical,
    failed,
    raised,
    replay,
    to,
    tool,
)
from stateflow.conversation.message import ToolCall
from stateflow.journal.event import EffectBegun, EffectDone
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import RUN, answer
from tests.support.shop import Offered, Source, calls

IMAGE = b"\x89PNG\r\n\x1a\n what a tool drew"


class Model(ScriptedModel):
    """Says what it was told to say, and keeps what it was asked."""

    def __init__(self, *replies: str | ModelReply) -> None:
        super().__init__(replies, name="m")
        self.requests: list[ModelRequest] = []

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        self.requests.append(request)
        return await super().complete(request, on_delta=on_delta)


def one(*tools: Any, **more: Any) -> Flow:  # noqa: ANN401 - of an assistant, of a state
    """Return a flow of one assistant with *tools*."""
    return Flow("f", State("s", Assistant("a", "scripted:-", tools=tools), to(None), **more))


async def go(flow: Flow, model: Model, store: MemoryStore | None = None, **answers: str) -> Result:
    """Begin the run, or go on with it; hold the replay against it once it is over."""
    store = store if store is not None else MemoryStore()
    async with Runner(store=store, models={"a": model}) as runner:
        if await store.read(RUN):
            result = await runner.resume(flow, RUN, **answers)  # type: ignore[arg-type]  # answer
        else:
            result = await runner.start(flow, "go", run=RUN)
    if not result.stop.resumable:
        journal = await store.journal(RUN)
        again = await asyncio.to_thread(replay, flow, journal)
        assert again.journal is not None
        assert canonical(again.journal) == canonical(journal)
    return result


def told(result: Result) -> list[tuple[bool, str]]:
    """Return what the calls of the last message came to."""
    return [(call.ok, call.result) for call in result.messages[-1].calls]


async def effects(store: MemoryStore) -> list[str]:
    events = [recorded.event for recorded in await store.read(RUN)]
    return [event.op for event in events if isinstance(event, EffectDone)]


def breaks(error: Exception) -> Callable[[], ToolReply]:
    """Return what a tool does that fails with *error*."""

    def do() -> ToolReply:
        raise error

    return do


# Flows as tools --------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [3, 5, 11, 12, 30])
async def test_flows_that_are_called_in_a_later_round_share_what_the_earlier_ones_left(
    turns: int,
) -> None:
    """Several at once, in several rounds of one turn: the budget of the run is one."""
    loop = State("say", FunctionAgent("f", lambda _: "said"), to("say"))
    inner = Flow("inner", loop, budget=Budget(turns=50), description="Talks.")
    twice = ModelReply("", tuple(_task(name) for name in ("a", "b")), stop="tool_calls")
    flow = Flow(
        "outer",
        State("ask", Assistant("a", "scripted:-", tools=[inner.as_tool()]), to(None)),
        budget=Budget(turns=turns),
    )

    result = await go(flow, Model(twice, twice, twice, "done"))

    assert result.turns <= turns


def _task(call: str) -> ToolCall:
    return ToolCall(call, "inner", '{"task": "Talk."}')


# Sources ---------------------------------------------------------------------------------------


async def test_a_source_is_listed_once_in_a_run_and_opened_once_in_a_life() -> None:
    """Whatever the number of turns and calls."""
    source, store = Source("shop", [Offered("buy"), Offered("sell")]), MemoryStore()
    agent = Assistant("a", "scripted:-", tools=[source])
    flow = Flow("f", State("s", agent, to("t")), State("t", agent, to(None)))
    model = Model(calls("buy", "sell"), "half", calls("sell"), "whole")

    result = await go(flow, model, store)

    assert result.stop.kind == "done"
    assert (await effects(store)).count("tool.list") == 1
    assert source.told == ["open", "list", "close"]
    assert [[t.name for t in request.tools] for request in model.requests] == [["buy", "sell"]] * 4


async def test_a_run_that_goes_on_asks_the_journal_what_was_offered() -> None:
    """The source may offer something else by then; the terms of the run stand."""
    source, store = Source("shop", [Offered("buy", approve=True)]), MemoryStore()
    model, flow = Model(calls("buy"), calls("buy"), "done"), one(source)
    waiting = await go(flow, model, store)
    assert waiting.stop.kind == "waiting"
    source.offers = [Offered("buy"), Offered("rob")]

    again = await go(flow, model, store, answer="yes")

    assert again.stop.kind == "waiting"
    assert [spec.name for spec in model.requests[-1].tools] == ["buy"]
    assert (await effects(store)).count("tool.list") == 1


async def test_what_was_not_offered_is_not_called() -> None:
    """Nobody has said whether a person must allow it."""
    robbed: list[str] = []

    def rob() -> ToolReply:
        robbed.append("all")
        return ToolReply("robbed")

    source, store = Source("shop", [Offered("buy", approve=True)]), MemoryStore()
    model, flow = Model(calls("buy"), calls("rob"), "sorry"), one(source)
    await go(flow, model, store)
    source.offers = [Offered("buy", approve=True), Offered("rob", rob, approve=True)]

    result = await go(flow, model, store, answer="yes")

    assert (robbed, result.stop.kind) == ([], "done")
    assert told(result)[1] == (False, "LookupError: there is no tool 'rob'; there are: buy")


async def test_what_is_no_longer_offered_is_told_to_the_model() -> None:
    """It was, when the model read of it."""
    source, store = Source("shop", [Offered("buy", approve=True)]), MemoryStore()
    model, flow = Model(calls("buy"), "sorry"), one(source)
    await go(flow, model, store)
    source.offers = []
    result = await go(flow, model, store, answer="yes")
    assert told(result) == [(False, "LookupError: 'shop' no longer offers the tool 'buy'")]


async def test_a_source_that_cannot_be_opened_ends_the_turn_and_a_resume_tries_again() -> None:
    """With its own fault, which a guard can name."""
    source, store = Source("shop", [Offered("buy")], [Unreachable("no shop today")]), MemoryStore()
    model = Model(calls("buy"), "bought")
    result = await go(one(source), model, store)
    assert (result.stop.kind, str(result.stop.fault)) == ("failed", "Unreachable: no shop today")
    assert model.requests == []

    result = await go(one(source), model, store)
    assert (result.stop.kind, told(result)) == ("done", [(True, "done")])

    source = Source("shop", [], [Unreachable("no shop today")])
    agent = Assistant("a", "scripted:-", tools=[source])
    guarded = Flow("f", State("s", agent, to("bad", when=raised("Unreachable"))), Final("bad"))
    assert (await go(guarded, model)).stop.state == "bad"


async def test_a_source_that_dies_in_a_call_is_told_to_the_model() -> None:
    """It may do something else."""
    source = Source("shop", [Offered("buy", breaks(Unreachable("the shop burnt down")))])
    model = Model(calls("buy"), "It burnt down.")
    result = await go(one(source), model)
    assert told(result) == [(False, "Unreachable: the shop burnt down")]
    assert (model.requests[1].messages[-1].ok, result.messages[-1].text) == (
        False,
        "It burnt down.",
    )


async def test_a_source_that_is_gone_after_a_crash_does_not_stop_the_tools_of_others() -> None:
    """A call opens only what it needs."""
    gone, here = Source("gone", [Offered("lost")]), Source("here", [Offered("buy", approve=True)])
    store, model, flow = MemoryStore(), Model(calls("buy"), "bought"), one(gone, here)
    await go(flow, model, store)
    gone.refuses = [Unreachable("no such server")]

    result = await go(flow, model, store, answer="yes")

    assert told(result) == [(True, "done")]
    assert gone.told == ["open", "list", "close"]


@pytest.mark.parametrize("second", ["own", "source"])
async def test_two_tools_of_one_name_are_refused_and_a_resume_looks_again(second: str) -> None:
    """The model could not tell them apart."""

    @tool
    def buy() -> str:
        """Buy."""
        return "bought"

    first, other = Source("shop", [Offered("buy")]), Source("market", [Offered("buy")])
    flow = one(first, buy) if second == "own" else one(first, other)
    store, model = MemoryStore(), Model(calls("buy"), "done")
    result = await go(flow, model, store)
    assert (result.stop.kind, model.requests) == ("failed", [])
    assert "agent 'a' has two tools called 'buy'" in str(result.stop.fault)

    blamed = first if second == "own" else other
    assert f"leave it out of only=(...) of {blamed.name!r}" in str(result.stop.fault)

    blamed.offers = [Offered("sell")]
    result = await go(flow, model, store)
    assert result.stop.kind == "done"
    assert {spec.name for spec in model.requests[0].tools} == {"buy", "sell"}


def test_two_tools_of_an_agent_with_one_name_are_refused() -> None:
    """When it is declared: there is no server to ask."""
    with pytest.raises(DefinitionError, match="agent 'a': two tools have one name"):
        one(Offered("buy"), Offered("buy"))


# Calls -----------------------------------------------------------------------------------------


def leave() -> str:
    """Leave the process."""
    raise SystemExit(3)


async def give_up() -> str:
    """Wait for something that somebody else has cancelled."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("does", [leave, give_up])
@pytest.mark.parametrize("beside", [0, 1])
async def test_a_tool_cannot_end_the_run_or_hold_it_up(
    does: Callable[..., str], beside: int
) -> None:
    """Only who holds the run may; alone or beside others."""
    name, other = does.__name__, Offered("other")
    model = Model(calls(*["other"] * beside, name), "I see.")
    result = await go(one(does, other), model)
    assert (result.stop.kind, result.messages[-1].text) == ("done", "I see.")
    assert [ok for ok, _ in told(result)] == [True] * beside + [False]
    assert {"leave": "SystemExit(3)", "give_up": "cancelled by its own code"}[name] in str(
        result.messages[-1].calls[-1].result
    )


async def test_a_tool_with_a_target_of_its_own_is_no_handoff() -> None:
    """It is offered, and its terms hold: a call that needs a person is not made without one."""

    class Aimed(Offered):
        target = "the database"

    result = await go(one(Aimed("wipe", approve=True)), Model(calls("wipe"), "wiped"))
    assert [question.text for question in result.stop.questions] == ["Allow wipe with {}?"]


async def test_a_tool_that_fails_without_a_word_is_a_failure_all_the_same() -> None:
    """The outcome tells what there is to tell."""
    agent = Assistant("a", "scripted:-", tools=[Offered("mute", lambda: ToolReply("", ok=False))])
    flow = Flow("f", State("s", agent, to("bad", when=failed), to(None)), Final("bad", ok=False))
    result = await go(flow, Model(calls("mute"), "Nothing came."))
    assert (result.stop.state, told(result)) == ("bad", [(False, "")])
    outcome = result.messages[-1].outcome
    assert outcome is not None
    assert outcome.detail == "tool 'mute' failed"


async def test_a_person_is_shown_the_beginning_of_long_arguments() -> None:
    """And how long they are."""
    given = f'{{"text": "{"x" * 5000}"}}'
    model = Model(ModelReply("", (ToolCall("c0", "post", given),), stop="tool_calls"), "posted")
    (question,) = (await go(one(Offered("post", approve=True)), model)).stop.questions
    assert question.text == f"Allow post with {given[:1000]}… (5012 characters)?"


async def test_a_call_that_takes_too_long_and_must_not_be_repeated_is_told_as_it_is() -> None:
    """It may have been done."""

    @tool(repeat=False, timeout_s=0.01)
    async def pay() -> None:
        """Pay."""
        await asyncio.Event().wait()

    result = await go(one(pay), Model(calls("pay"), "I do not know."))
    ((ok, text),) = told(result)
    assert (ok, "took over 0.01 s; it may have been done all the same" in text) == (False, True)


async def test_calls_that_must_not_be_repeated_are_begun_before_they_are_made() -> None:
    """Each of a round, in one commit."""
    store = MemoryStore()
    begun: list[int] = []

    @tool(repeat=False)
    async def pay() -> str:
        """Pay."""
        events = [recorded.event for recorded in await store.read(RUN)]
        begun.append(sum(isinstance(event, EffectBegun) for event in events))
        return "paid"

    await go(one(pay), Model(calls("pay", "pay"), calls("pay"), "done"), store)
    assert begun == [2, 2, 3]


# Files -----------------------------------------------------------------------------------------


def draw() -> ToolReply:
    """Draw something."""
    return ToolReply("drawn", files=(File.from_bytes(IMAGE, name="a.png"),))


async def test_files_of_a_tool_are_kept_in_the_store_and_shown_to_the_model() -> None:
    """The journal holds their names and hashes."""
    store, model = MemoryStore(), Model(calls("draw"), "Look.")
    result = await go(one(Offered("draw", draw)), model, store)

    (file,) = result.messages[-1].files
    assert (file.name, file.media_type, file.content) == ("a.png", "image/png", None)
    assert await store.file(file.sha256) == IMAGE
    assert "what a tool drew" not in repr(await store.read(RUN))
    shown = model.requests[1].messages[-1]
    assert (shown.role, [file.content for file in shown.files]) == ("user", [IMAGE])


class Full(MemoryStore):
    """A store that has no room for files until somebody makes some."""

    full = True

    async def put_file(self, sha256: str, content: bytes, /) -> None:
        if self.full:
            raise StoreError("the disk is full")
        await super().put_file(sha256, content)


@pytest.mark.parametrize("repeat", [True, False])
async def test_a_store_that_cannot_keep_a_file_is_no_business_of_the_model(repeat: bool) -> None:
    """The run stands where it stood, and nothing that must not be is made again unasked."""
    made: list[str] = []

    def pay() -> ToolReply:
        made.append("paid")
        return draw()

    store, model = Full(), Model(calls("pay"), "Look.")
    flow = one(Offered("pay", pay, repeat=repeat))
    with pytest.raises(StoreError, match="the disk is full"):
        await go(flow, model, store)
    assert len(model.requests) == 1

    store.full = False
    result = await go(flow, model, store)
    if not repeat:
        assert (result.stop.kind, made) == ("waiting", ["paid"])
        assert answer(result.stop.questions[0]) == "no"
        result = await go(flow, model, store, answer="no")
    assert (told(result), made) == ([(True, "drawn")], ["paid", "paid"])
    assert isinstance(result.messages[-1], Message)
