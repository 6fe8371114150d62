"""Effects that must not be made twice, found begun after a crash: a person is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from stateflow import (
    Assistant,
    Flow,
    Result,
    Runner,
    State,
    ToolReply,
    canonical,
    replay,
    to,
    tool,
)
from stateflow.conversation.message import ToolCall
from stateflow.journal.event import EffectBegun, Event, HumanAsked
from stateflow.models.base import ModelReply
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import RUN, Cut, CuttingStore
from tests.support.shop import Offered, calls

SECRET = "sk-0123456789"
AFTER_BEGINNING = 3
"""Commits of a run whose first model call asks for a call that must not be repeated: the start,
the model's answer, the beginning."""
UNKNOWN = "It was done; what it came to is not known."


def flow(*made: list[str], repeat: bool = False) -> Flow:
    """Return a flow whose agent has tools that note when they are made: ``pay``, ``ship``."""

    def notes(name: str, where: list[str]) -> Callable[[], ToolReply]:
        def do() -> ToolReply:
            where.append(name)
            return ToolReply(f"{name} done")

        return do

    tools = [
        Offered(name, notes(name, where), repeat=repeat)
        for name, where in zip(("pay", "ship"), made, strict=False)
    ]
    return Flow("f", State("s", Assistant("a", "scripted:-", tools=tools), to(None)))


async def go(
    what: Flow, store: Store, asked: ModelReply, answers: dict[str, str] | None = None
) -> Result:
    """Begin the run, or go on with it."""
    models = {"a": ScriptedModel([asked, "All done."], name="m")}
    async with Runner(store=store, models=models, secrets=[SECRET]) as runner:
        if await store.read(RUN):
            return await runner.resume(what, RUN, answers=answers)
        return await runner.start(what, "go", run=RUN)


async def cut_off(what: Flow, asked: ModelReply, at: int = AFTER_BEGINNING) -> MemoryStore:
    """Return a store with a run that was cut off after the commit *at*."""
    store = MemoryStore()
    with pytest.raises(Cut):
        await go(what, CuttingStore(store, at, before=False), asked)
    return store


async def events(store: Store, kind: type[Event]) -> list[Event]:
    return [
        recorded.event for recorded in await store.read(RUN) if isinstance(recorded.event, kind)
    ]


def told(result: Result) -> list[tuple[bool, str]]:
    return [(call.ok, call.result) for call in result.messages[-1].calls]


async def test_what_had_begun_is_asked_about_and_not_made() -> None:
    """The question shows what it was; it is asked once, however often the run is taken up."""
    made: list[str] = []
    what = flow(made)
    store = await cut_off(what, calls("pay"))
    for _ in range(3):
        result = await go(what, store, calls("pay"))
        (question,) = result.stop.questions
        assert (result.stop.kind, made) == ("waiting", [])
        assert question.options == ("yes", "no", "result")
        assert question.text.startswith("pay with {} had begun when the run was cut off")
    assert len(await events(store, HumanAsked)) == 1


@pytest.mark.parametrize(
    ("answer", "result", "times"),
    [
        ("no", "pay done", 1),
        (" NO ", "pay done", 1),
        ("yes", UNKNOWN, 0),
        ("Yes", UNKNOWN, 0),
        ("RESULT: receipt 17", "receipt 17", 0),
        ("result", UNKNOWN, 0),
        ("No, I stopped it.", "pay done", 1),
        ("yes, I saw it", "yes, I saw it", 0),
        ("no receipt, but it is paid", "no receipt, but it is paid", 0),
    ],
)
async def test_the_answer_says_what_it_came_to(answer: str, result: str, times: int) -> None:
    """No makes it now; yes takes it as done; a result is what it came to."""
    made: list[str] = []
    what = flow(made)
    store = await cut_off(what, calls("pay"))
    (question,) = (await go(what, store, calls("pay"))).stop.questions

    done = await go(what, store, calls("pay"), {question.id: answer})

    assert (done.stop.kind, told(done), len(made)) == ("done", [(True, result)], times)
    journal = await store.journal(RUN)
    again = await asyncio.to_thread(replay, what, journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(journal)


async def test_a_run_that_was_in_doubt_is_the_same_as_one_that_was_not() -> None:
    """A person who says what it came to leaves no trace but the answer."""
    what, whole = flow([]), MemoryStore()
    await go(what, whole, calls("pay"))
    store = await cut_off(what, calls("pay"))
    (question,) = (await go(what, store, calls("pay"))).stop.questions
    await go(what, store, calls("pay"), {question.id: "result: pay done"})
    assert canonical(await store.journal(RUN)) == canonical(await whole.journal(RUN))


async def test_a_run_that_waits_in_doubt_replays_as_far_as_it_went() -> None:
    """What had begun is on the new record too."""
    what = flow([])
    store = await cut_off(what, calls("pay"))
    for _ in range(2):  # cut off, then waiting
        journal = await store.journal(RUN)
        again = await asyncio.to_thread(replay, what, journal)
        assert again.journal is not None
        assert canonical(again.journal) == canonical(journal)
        assert again.stop.resumable
        await go(what, store, calls("pay"))


async def test_of_several_at_once_each_is_asked_about() -> None:
    """What one of them came to before the cut is known."""
    paid, shipped = list[str](), list[str]()
    what = flow(paid, shipped)
    both = calls("pay", "ship")
    store = await cut_off(what, both)
    first, second = (await go(what, store, both)).stop.questions
    result = await go(what, store, both, {first.id: "yes"})
    assert [question.id for question in result.stop.questions] == [second.id]
    result = await go(what, store, both, {second.id: "no"})
    assert (told(result), paid, shipped) == ([(True, UNKNOWN), (True, "ship done")], [], ["ship"])

    store = await cut_off(what, both, at=AFTER_BEGINNING + 1)
    (left,) = (await go(what, store, both)).stop.questions
    result = await go(what, store, both, {left.id: "result: receipt 17"})
    assert sorted(told(result)) == sorted(
        [(True, "receipt 17"), (True, "pay done" if "pay" in paid else "ship done")]
    )


async def test_what_was_begun_anew_is_in_doubt_anew() -> None:
    """Cut off again after "no", before it was on the record: nobody makes it again unasked."""
    made: list[str] = []
    what = flow(made)
    store = await cut_off(what, calls("pay"))
    (question,) = (await go(what, store, calls("pay"))).stop.questions
    cutting = CuttingStore(store, 3, before=True)  # the answer, the beginning, what it came to
    with pytest.raises(Cut):
        await go(what, cutting, calls("pay"), {question.id: "no"})
    assert made == ["pay"]
    result = await go(what, store, calls("pay"))
    assert (result.stop.kind, made) == ("waiting", ["pay"])
    result = await go(what, store, calls("pay"), {question.id: "result: pay done"})
    assert (told(result), made) == ([(True, "pay done")], ["pay"])
    assert len(await events(store, EffectBegun)) == 2


async def test_an_answer_without_an_open_doubt_is_kept_from_the_tool() -> None:
    """A tool that may be repeated is simply made again."""
    made: list[str] = []
    what = flow(made, repeat=True)
    store = await cut_off(what, calls("pay"), at=1)
    result = await go(what, store, calls("pay"))
    assert (result.stop.kind, made, await events(store, HumanAsked)) == ("done", ["pay"], [])


async def test_no_secret_is_shown_or_kept() -> None:
    """Neither in the question, nor in what a person says it came to."""
    asked = calls("pay")
    asked = ModelReply("", (type(asked.calls[0])("c0", "pay", f'{{"key": "{SECRET}"}}'),))
    what = flow([])
    store = await cut_off(what, asked)
    (question,) = (await go(what, store, asked)).stop.questions
    assert "pay with" in question.text
    result = await go(what, store, asked, {question.id: f"result: done with {SECRET}"})
    assert result.stop.kind == "done"
    assert SECRET not in repr(await store.journal(RUN))


async def test_an_approval_is_no_answer_to_whether_it_was_done() -> None:
    """Where the code has changed in between, nothing is taken as done."""
    made: list[int] = []

    def paying(*, approve: bool) -> Flow:
        @tool(approve=approve, repeat=False)
        def pay() -> str:
            """Pay."""
            made.append(1)
            return "paid"

        return Flow("f", State("s", Assistant("a", "scripted:-", tools=[pay]), to(None)))

    model = ScriptedModel([ModelReply("", (ToolCall("1", "pay", "{}"),)), "Done."])
    async with Runner(models={"a": model}) as runner:
        waiting = await runner.start(paying(approve=True), "go", run="r")
        assert waiting.stop.kind == "waiting"
        stop = (await runner.resume(paying(approve=False), "r", answer="yes")).stop
    assert (stop.kind, made) == ("failed", [])
    assert "its code has changed since" in stop.why
