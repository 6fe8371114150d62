"""What passes the door: batches, refusals, redaction, what no journal can hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from stateflow import (
    Assistant,
    Budget,
    Call,
    FaultError,
    Flow,
    FunctionAgent,
    Given,
    Message,
    Model,
    ReplayDivergence,
    Result,
    RunError,
    Runner,
    RunTaken,
    Scripted,
    State,
    StoreError,
    Turn,
    Usage,
    canonical,
    replay,
    run,
    run_sync,
    to,
)
from stateflow.conversation.message import NO_USAGE
from stateflow.engine.door import Delta
from stateflow.engine.replaying import replay_journal
from stateflow.engine.scene import Operation, Scene
from stateflow.journal.event import EffectBegun, EffectDone, Event, Journal, Recorded
from stateflow.models.price import Price
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.memory import MemoryStore
from stateflow.value import Json
from tests.support.cutting import Cut, CuttingStore

SECRET = "sk-0123456789"
Reply = Callable[[Turn], Awaitable[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Composed:
    """An agent whose reply is a function of the turn."""

    function: Reply
    name: str = "agent"
    composed: bool = True

    async def reply(self, turn: Turn, /) -> Any:  # noqa: ANN401 - as wrong as a test wants it
        return await self.function(turn)


def one(reply: Reply, **more: Any) -> Flow:  # noqa: ANN401 - arguments of a flow
    return Flow("one", State("s", Composed(reply), to(None)), **more)


async def go(
    flow: Flow,
    operations: dict[str, Operation] | None = None,
    *,
    store: MemoryStore | CuttingStore | None = None,
    **more: Any,  # noqa: ANN401 - arguments of a runner
) -> Result:
    """Begin the run ``r``, or go on with it."""
    store = store if store is not None else MemoryStore()
    async with Runner(store=store, operations=operations, **more) as runner:
        begun = bool(await store.read("r"))
        return await (runner.resume(flow, "r") if begun else runner.start(flow, "go", run="r"))


async def echo(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401 - an effect
    """Come to what was asked for."""
    return effect.call.args, NO_USAGE


async def test_a_batch_in_any_order_of_completion_gives_the_same_bytes() -> None:
    """Sums of money and references to equal texts do not follow who was first."""
    costs = {0: 0.1, 1: 0.2, 2: 0.3}

    async def ask(turn: Turn) -> Message:
        await turn.perform(*(Call("op", n) for n in costs))
        return Message("same")

    def op(order: Sequence[int]) -> Operation:
        async def operation(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
            number: int = effect.call.args
            for _ in range(5 * order[number]):
                await asyncio.sleep(0)
            return {"text": "same"}, Usage(1, usd=costs[number])

        return operation

    texts: set[str] = set()
    spent: set[float | None] = set()
    orders: list[list[int]] = [[0, 1, 2], [2, 1, 0], [1, 2, 0]]
    for order in orders:
        store = MemoryStore()
        result = await go(one(ask), {"op": op(order)}, store=store)
        texts.add(canonical(await store.journal("r")))
        spent.add(result.usage.usd)
    assert (len(texts), len(spent)) == (1, 1)


async def test_an_effect_of_a_batch_is_committed_when_it_is_done() -> None:
    """Not when the next one is: that may take minutes, and the process may die."""
    store = MemoryStore()
    seen: list[list[Event]] = []

    async def slow(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        if effect.call.args:
            for _ in range(20):
                await asyncio.sleep(0)
            seen.append([recorded.event for recorded in await store.read("r")])
        return None, NO_USAGE

    async def both(turn: Turn) -> str:
        await turn.perform(Call("op", 0), Call("op", 1))
        return "ok"

    await go(one(both), {"op": slow}, store=store)

    assert [type(event) for event in seen[0]][1:] == [EffectDone]


class Failing(MemoryStore):
    """Fails at one append."""

    def __init__(self, at: int, error: Exception) -> None:
        super().__init__()
        self.left = at
        self.error = error

    async def append(self, run: str, /, *, after: int, events: Sequence[Event]) -> list[Recorded]:
        self.left -= 1
        if not self.left:
            raise self.error
        return await super().append(run, after=after, events=events)


@pytest.mark.parametrize("error", [StoreError("full"), RunTaken("r", after=1, found=2)], ids=type)
async def test_a_store_that_fails_inside_a_batch_is_no_fault_of_the_agent(error: Exception) -> None:
    """It ends the run with its own error, however the agent swallows exceptions."""

    async def swallows(turn: Turn) -> str:
        try:
            await turn.perform(Call("echo", 1), Call("echo", 2))
        except Exception:  # noqa: BLE001 - as careless code does
            return "never mind"
        return "ok"

    async def plain(turn: Turn) -> str:
        await turn.perform(Call("echo", 1), Call("echo", 2))
        return "ok"

    with pytest.raises(type(error)):
        await go(one(plain), {"echo": echo}, store=Failing(2, error))
    store = Failing(2, StoreError("full"))
    await go(one(swallows), {"echo": echo}, store=store)
    done = [r.event.key.ordinal for r in await store.read("r") if isinstance(r.event, EffectDone)]
    assert done == [0], "what was done and could not be written is written with what comes next"


@pytest.mark.parametrize("before", [True, False])
async def test_a_refusal_does_not_depend_on_where_the_process_died(before: bool) -> None:
    """A batch is reserved as a whole, also when a part of it was made in an earlier life."""

    async def ask(turn: Turn) -> str:
        got = await turn.perform(*(Call("op", n, ceiling=Usage(calls=4)) for n in range(3)))
        return " ".join("refused" if one.fault else "made" for one in got)

    async def cheap(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        return None, Usage(calls=1)

    flow = one(ask, budget=Budget(calls=10))
    whole = MemoryStore()
    result = await go(flow, {"op": cheap}, store=whole)
    assert result.messages[-1].text == "made made refused"
    for at in range(1, 6):
        store = MemoryStore()
        try:
            await go(flow, {"op": cheap}, store=CuttingStore(store, at, before=before))
        except Cut:
            await go(flow, {"op": cheap}, store=store)
        assert canonical(await store.journal("r")) == canonical(await whole.journal("r"))


@pytest.mark.parametrize(
    ("price", "calls"), [(Price(1e6, 1e6), 0), (Price(1.0, 1.0), 1)], ids=["dear", "cheap"]
)
def test_the_first_call_that_could_pass_the_usd_limit_is_not_made(price: Price, calls: int) -> None:
    """What a model can charge is reserved."""
    model = ScriptedModel(["hi"], price=price)
    flow = Flow(
        "f", State("s", Assistant("a", model="scripted:hi"), to(None)), budget=Budget(usd=1.0)
    )

    result = run_sync(flow, "go", models={"a": model})

    assert (result.stop.kind == "budget", result.usage.calls) == (calls == 0, calls)
    assert result.stop.which == ("usd" if calls == 0 else "")


def test_a_budget_in_usd_refuses_to_start_where_a_price_is_not_known() -> None:
    """Unless it is told otherwise, or told the price."""
    model = ScriptedModel(["hi"], price=None)

    def flow(budget: Budget, asked: str | Model = "scripted:hi") -> Flow:
        return Flow("f", State("s", Assistant("a", asked), to(None)), budget=budget)

    with pytest.raises(RunError, match="price of 'scripted', which 'a' asks, is not known"):
        run_sync(flow(Budget(usd=1.0)), "go", models={"a": model})
    free = run_sync(flow(Budget(usd=1.0, unpriced=True)), "go", models={"a": model})
    assert (free.stop.kind, free.usage.usd) == ("done", None)
    with pytest.raises(RunError, match="is not known"):  # nor does a resume with such a budget
        asyncio.run(_resumed(flow(Budget(turns=0)), model, Budget(usd=1.0)))
    dear = Model("scripted:hi", price=Price(1e6, 1e6))
    assert run_sync(flow(Budget(usd=1.0), dear), "go").stop.which == "usd"


async def _resumed(flow: Flow, model: ScriptedModel, budget: Budget) -> Result:
    """Begin *flow*, which stops at once, and go on with another budget."""
    async with Runner(models={"a": model}) as runner:
        assert (await runner.start(flow, "go", run="r")).stop.kind == "budget"
        return await runner.resume(flow, "r", budget=budget)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, {"a": [object()]}, b"x"])
async def test_what_no_journal_can_hold_is_a_fault_and_not_another_value_after_a_resume(
    value: Any,  # noqa: ANN401
) -> None:
    """Not-a-number would come back as nothing."""

    async def odd(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        return value, NO_USAGE

    async def ask(turn: Turn) -> str:
        (got,) = await turn.perform(Call("odd"))
        return str(got.unwrap())

    stops = [
        (await go(one(ask), {"odd": odd})).stop,
        run_sync(Flow("f", State("s", Scripted("a", [Message("x", reply=value)]), to(None)))).stop,
    ]

    assert [stop.fault.name if stop.fault else "" for stop in stops] == ["BadReply", "BadReply"]


@pytest.mark.parametrize(
    ("answer", "said", "times"),
    [("no", "paid", 2), ("yes", "None", 1), ("result: receipt 7", "receipt 7", 1)],
)
async def test_what_must_not_be_made_twice_is_asked_about_after_a_crash(
    answer: str, said: str, times: int
) -> None:
    """The run waits with the question; only a "no" makes it again, and the end is the same."""
    made: list[int] = []

    async def pay(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        made.append(1)
        return "paid", NO_USAGE

    async def ask(turn: Turn) -> str:
        (got,) = await turn.perform(Call("pay", repeat=False))
        return str(got.unwrap())

    store = MemoryStore()
    with pytest.raises(Cut):
        await go(one(ask), {"pay": pay}, store=CuttingStore(store, 3, before=True))
    assert isinstance((await store.read("r"))[-1].event, EffectBegun)

    doubt = await go(one(ask), {"pay": pay}, store=store)
    assert (doubt.stop.kind, len(made)) == ("waiting", 1)
    assert "Was it done?" in doubt.stop.questions[0].text
    async with Runner(store=store, operations={"pay": pay}) as runner:
        result = await runner.resume(one(ask), "r", answer=answer)
    assert (result.stop.kind, result.messages[-1].text, len(made)) == ("done", said, times)
    assert replay(one(ask), await store.journal("r")).stop == result.stop


async def test_a_second_crash_after_the_answer_asks_again() -> None:
    """What was begun anew is in doubt anew; an old "no" does not make it a third time."""
    made: list[int] = []

    async def pay(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        made.append(1)
        return "paid", NO_USAGE

    async def ask(turn: Turn) -> str:
        (got,) = await turn.perform(Call("pay", repeat=False))
        return str(got.unwrap())

    store = MemoryStore()
    with pytest.raises(Cut):
        await go(one(ask), {"pay": pay}, store=CuttingStore(store, 3, before=True))
    await go(one(ask), {"pay": pay}, store=store)
    cut = CuttingStore(store, 3, before=True)  # after the answer, and after it has begun anew
    with pytest.raises(Cut):
        async with Runner(store=cut, operations={"pay": pay}) as runner:
            await runner.resume(one(ask), "r", answer="no")
    again = await go(one(ask), {"pay": pay}, store=store)
    assert (again.stop.kind, len(made)) == ("waiting", 2)


async def test_a_secret_that_is_streamed_in_pieces_is_redacted_all_the_same() -> None:
    """No listener hears a part of it."""
    flow = Flow("f", State("s", Assistant("a", "scripted:tell my own secret now, my own way")))
    async with Runner(secrets=["my own secret"]) as runner:
        live = runner.start(flow, "go")
        heard = [event.text async for event in live if isinstance(event, Delta)]
    assert "".join(heard) == "tell [SECRET_1] now, my own way"


async def test_secrets_of_composed_agents_and_their_effects_are_redacted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Messages, errors, questions, and arguments, refused ones included."""
    monkeypatch.setenv("MY_TOKEN", SECRET)
    seen: list[str] = []

    async def child(turn: Turn) -> str:
        seen.append(turn.view.last.text)
        raise FaultError(f"child {SECRET}")

    async def ask(turn: Turn) -> Message:
        await turn.perform(Call("echo", SECRET, repeat=False))
        await turn.perform(Call("echo", SECRET, ceiling=Usage(calls=9)))
        try:
            await turn.child(one(child), Given(SECRET))
        except FaultError as error:
            seen.append(str(error))
        seen.append(await turn.ask(f"is it {SECRET}?"))
        return Message(f"it is {SECRET}\ud800", reply={"key": SECRET})

    flow = one(ask, budget=Budget(calls=1))
    store = MemoryStore()
    async with Runner(store=store, operations={"echo": echo}) as runner:
        asked = await runner.start(flow, "go", run="r")
        result = await runner.resume(flow, "r", answer=SECRET)
    journal = await store.journal("r")

    text = repr(journal) + repr(result.messages) + repr(seen) + repr(asked.stop)
    assert SECRET not in text
    assert result.messages[-1].text == "it is [MY_TOKEN]?"
    assert canonical((await replay_journal(flow, journal)).journal) == canonical(journal)


async def test_a_nested_run_that_failed_and_went_on_is_counted_and_granted_once() -> None:
    """Its first calls are neither spent twice nor taken from what it may still use."""
    broken = [True]

    async def model(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        if effect.key.ordinal == 2 and broken.pop():
            raise ConnectionError("no network")
        return "ok", Usage(calls=1, usd=0.1)

    async def three(turn: Turn) -> str:
        for _ in range(3):
            (got,) = await turn.perform(Call("model", ceiling=Usage(calls=1)))
            got.unwrap()
        return "ok"

    async def parent(turn: Turn) -> str:
        return (await turn.child(one(three), Given("go"))).text

    store = MemoryStore()
    flow = one(parent, budget=Budget(calls=3))
    failed = await go(flow, {"model": model}, store=store)
    assert (failed.stop.kind, failed.usage.calls) == ("failed", 2)
    broken.append(False)
    done = await go(flow, {"model": model}, store=store)

    assert (done.stop.kind, done.usage.calls, done.turns) == ("done", 3, 2)
    assert done.usage.by_state is not None
    assert done.usage.by_state["s"].usd == done.usage.usd == 0.1 + 0.1 + 0.1


async def test_deltas_of_calls_made_at_once_keep_their_own_key() -> None:
    """A stream of one is never shown as the other's."""

    async def speak(effect: Any, scene: Scene) -> tuple[Json, Usage]:  # noqa: ANN401
        for _ in range(3):
            scene.on_delta(str(effect.call.args))
            await asyncio.sleep(0)
        return None, NO_USAGE

    async def both(turn: Turn) -> str:
        await turn.perform(Call("speak", 0), Call("speak", 1))
        return "ok"

    async with Runner(operations={"speak": speak}) as runner:
        events = [event async for event in runner.start(one(both))]
    heard = [(event.key.ordinal, event.text) for event in events if isinstance(event, Delta)]

    assert sorted(heard) == [(0, "0")] * 3 + [(1, "1")] * 3


async def test_a_pause_of_days_does_not_use_up_the_seconds_on_replay() -> None:
    """Replay reads the time under way, not the calendar."""
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])

    def wait(view: Any) -> str:  # noqa: ANN401 - a view
        now[0] += 3
        if view.turns == 1 and now[0] < 1000:
            raise ConnectionError
        return "ok"

    agent = FunctionAgent("a", wait)
    flow = Flow(
        "f",
        State("a", agent, to("b")),
        State("b", agent, to("c")),
        State("c", agent, to(None)),
        budget=Budget(seconds=20),
    )
    assert (await go(flow, store=store)).stop.kind == "failed"
    now[0] += 100_000
    result = await go(flow, store=store)
    again = await replay_journal(flow, await store.journal("r"))

    assert (result.stop.kind, result.seconds) == ("done", 12.0)
    assert again.stop == result.stop
    assert again.fold.elapsed_s == result.seconds


async def test_another_question_or_another_task_of_a_nested_run_is_a_changed_request() -> None:
    """Both are asked of somebody, and the answer belongs to the old one."""
    below = one(lambda turn: asyncio.sleep(0, "below"))

    def flow(question: str, task: str) -> Flow:
        async def ask(turn: Turn) -> str:
            await turn.ask(question)
            return (await turn.child(below, Given(task))).text

        return one(ask)

    store = MemoryStore()
    async with Runner(store=store) as runner:
        await runner.start(flow("sure?", "dig"), run="r")
        await runner.resume(flow("sure?", "dig"), "r", answer="yes")
    journal: Journal = await store.journal("r")

    for changed, place in ((("really?", "dig"), "s#1.0"), (("sure?", "fill"), "s#1.1")):
        with pytest.raises(ReplayDivergence, match=f"request {place}"):
            replay(flow(*changed), journal)
        replay(flow(*changed), journal, match="state")
    assert (await run(below)).stop.ok


@pytest.mark.parametrize("extra", ["echo", "ask", "child"])
async def test_an_effect_that_came_or_went_is_told_by_replay(extra: str) -> None:
    """Also a question or a nested run in the middle of the journal: that is no cut."""
    below = one(lambda turn: asyncio.sleep(0, "below"))

    async def plain(turn: Turn) -> str:
        return "ok"

    async def more(turn: Turn) -> str:
        if extra == "echo":
            await turn.perform(Call("echo"))
        elif extra == "ask":
            await turn.ask("sure?")
        else:
            await turn.child(below)
        return "ok"

    async with Runner(operations={"echo": echo}) as runner:
        await runner.start(one(plain), run="plain")
        result = await runner.start(one(more), run="more")
        if extra == "ask":
            result = await runner.resume(one(more), "more", answer="yes")
        assert result.stop.ok
        journals = [await runner.journal(name) for name in ("plain", "more")]

    with pytest.raises(ReplayDivergence, match=r"effect s#1.0: the flow now asks for"):
        replay(one(more), journals[0])
    with pytest.raises(ReplayDivergence, match=r"effect s#1.0: .* no longer asks for it"):
        replay(one(plain), journals[1])


async def test_code_of_an_agent_that_asks_for_something_else_on_resume_is_told() -> None:
    """A recorded answer is never taken for the answer to another question."""
    store = MemoryStore()

    def flow(*ops: str) -> Flow:
        async def ask(turn: Turn) -> str:
            for op in ops:
                await turn.perform(Call(op))
            return await turn.ask("sure?")

        return one(ask)

    await go(flow("echo"), {"echo": echo}, store=store)
    async with Runner(store=store, operations={"echo": echo}) as runner:
        result = await runner.resume(flow("clock.now"), "r", answer="yes")

    assert result.stop.kind == "failed"
    assert "the journal holds 'echo' here" in result.stop.why


async def test_an_unknown_operation_and_a_run_too_deep_are_faults_that_tell_the_cure() -> None:
    """In a batch as well as alone."""

    async def unknown(turn: Turn) -> str:
        await turn.perform(Call("no.such"), Call("no.such"))
        return "ok"

    async def deeper(turn: Turn) -> str:
        return (await turn.child(one(deeper))).text

    assert "give Runner(operations=...) it" in (await go(one(unknown))).stop.why
    stop = (await go(one(deeper, budget=Budget(depth=2)))).stop
    assert (stop.kind, stop.which) == ("budget", "depth")
    assert "would be 3 deep" in stop.why


async def test_time_and_chance_are_recorded() -> None:
    """And an opaque agent has to be told that it cannot ask for them."""

    async def ask(turn: Turn) -> str:
        return f"{await turn.now()} {await turn.random()}"

    store = MemoryStore()
    result = await go(one(ask), store=store)
    assert replay(one(ask), await store.journal("r")).messages[-1] == result.messages[-1]

    @dataclass(frozen=True)
    class Opaque:
        name: str = "opaque"

        async def reply(self, turn: Turn, /) -> str:
            return str(await turn.now())

    stop = run_sync(Flow("f", State("s", Opaque(), to(None)))).stop
    assert "set `composed = True`" in stop.why
