"""Sessions of tools end with the life of the run that opened them, however that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from stateflow import (
    Assistant,
    Flow,
    Given,
    Result,
    Runner,
    State,
    ToolReply,
    Turn,
    Unreachable,
    to,
    tool,
)
from stateflow.engine.live import Live
from stateflow.engine.sessions import Sessions
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import RUN, Cut, CuttingStore
from tests.support.shop import Offered, Source, calls

WHOLE_LIFE = ["open", "list", "close"]


def model(*replies: str) -> dict[str, ScriptedModel]:
    """Return what the agent says after it called the tools ``buy`` and ``wait``."""
    return {"a": ScriptedModel([calls("buy", "wait"), *replies], name="m")}


def shopping(source: Source, wait: Callable[..., object]) -> Flow:
    return Flow("f", State("s", Assistant("a", "scripted:-", tools=[source, wait]), to(None)))


async def test_a_session_is_closed_when_its_run_is_done() -> None:
    """Before anybody has the result."""

    def wait() -> None:
        """Wait for nothing."""

    source = Source("shop", [Offered("buy")])
    async with Runner(models=model("done")) as runner:
        result = await runner.start(shopping(source, wait), "go")
        assert (result.stop.kind, source.told) == ("done", WHOLE_LIFE)


async def test_a_session_is_closed_when_its_run_waits_and_opened_anew_when_it_goes_on() -> None:
    """A person may take days."""

    @tool(approve=True)
    def wait() -> None:
        """Wait for a person."""

    source, store = Source("shop", [Offered("buy")]), MemoryStore()
    flow = shopping(source, wait)
    async with Runner(store=store, models=model("done")) as runner:
        result = await runner.start(flow, "go", run=RUN)
        assert (result.stop.kind, source.told) == ("waiting", WHOLE_LIFE)
        result = await runner.resume(flow, RUN, answer="yes")
        assert (result.stop.kind, source.told) == ("done", WHOLE_LIFE * 2)


async def test_a_session_is_closed_when_its_run_fails() -> None:
    """A second source cannot be opened; the first was."""
    source, other = Source("shop", [Offered("buy")]), Source("bank", [], [Unreachable("closed")])
    flow = Flow("f", State("s", Assistant("a", "scripted:-", tools=[source, other]), to(None)))
    async with Runner(models=model("done")) as runner:
        result = await runner.start(flow, "go")
    assert (result.stop.kind, source.told, other.told) == ("failed", WHOLE_LIFE, ["open"])


def _pause(live: Live) -> None:
    live.pause()


def _stop(live: Live) -> None:
    live.stop()


def _cancel(live: Live) -> None:
    live.cancel()


async def halfway(source: Source, halt: Callable[[Live], None], *, lets_go: bool) -> Result:
    """Call *halt* on a run that is in the middle of a call."""
    going, may_go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        """Wait for the test."""
        going.set()
        await may_go.wait()

    two = Flow(
        "f",
        State("s", Assistant("a", "scripted:-", tools=[source, wait]), to("t")),
        State("t", Assistant("a", "scripted:-", tools=[source]), to(None)),
    )
    async with Runner(models=model("done")) as runner:
        live = runner.start(two, "go")
        await going.wait()
        halt(live)
        if lets_go:
            may_go.set()
        return await live


@pytest.mark.parametrize(
    ("halt", "lets_go", "kind"),
    [(_pause, True, "paused"), (_stop, False, "paused"), (_cancel, False, "cancelled")],
    ids=["pause", "stop", "cancel"],
)
@pytest.mark.parametrize("breaks", [None, OSError("it is stuck")], ids=["closes", "breaks"])
async def test_a_session_is_closed_when_somebody_halts_its_run(
    halt: Callable[[Live], None], lets_go: bool, kind: str, breaks: Exception | None
) -> None:
    """In the middle of a call, too; and what goes wrong then does not keep it off the record."""
    source = Source("shop", [Offered("buy")], breaks=breaks)
    result = await halfway(source, halt, lets_go=lets_go)
    assert (result.stop.kind, source.told) == (kind, WHOLE_LIFE)


async def test_a_session_is_closed_when_nobody_wants_the_run_any_more() -> None:
    """The runner is left while it is under way."""
    going = asyncio.Event()

    async def wait() -> None:
        """Wait for ever."""
        going.set()
        await asyncio.Event().wait()

    source = Source("shop", [Offered("buy")])
    async with Runner(models=model("done")) as runner:
        runner.start(shopping(source, wait), "go")
        await going.wait()
    assert source.told == WHOLE_LIFE


async def test_a_session_is_closed_when_the_store_breaks() -> None:
    """Whatever comes out of the run."""

    def wait() -> None:
        """Wait for nothing."""

    source, store = Source("shop", [Offered("buy")]), CuttingStore(MemoryStore(), 4, before=True)
    async with Runner(store=store, models=model("done")) as runner:
        with pytest.raises(Cut):
            await runner.start(shopping(source, wait), "go")
    assert source.told == WHOLE_LIFE


async def test_a_session_that_breaks_when_it_is_closed_takes_nothing_along() -> None:
    """The others are closed, and the run has its result."""

    def wait() -> None:
        """Wait for nothing."""

    shop, bank = (
        Source(name, [Offered(does)], breaks=OSError("it is stuck"))
        for name, does in (("shop", "buy"), ("bank", "lend"))
    )
    flow = Flow("f", State("s", Assistant("a", "scripted:-", tools=[shop, bank, wait]), to(None)))
    async with Runner(models=model("done")) as runner:
        result = await runner.start(flow, "go")
    assert (result.stop.kind, shop.told, bank.told) == ("done", WHOLE_LIFE, WHOLE_LIFE)


@dataclass(frozen=True, slots=True, eq=False)
class Parent:
    """An agent that runs a flow twice."""

    flow: Flow
    name: str = "parent"
    composed: bool = True

    async def reply(self, turn: Turn, /) -> str:
        """Run it twice."""
        results = [await turn.child(self.flow, Given("go")) for _ in range(2)]
        return " ".join(result.text for result in results)


async def test_nested_runs_share_the_sessions_of_their_root() -> None:
    """Opened once, closed when the root is over."""

    def wait() -> None:
        """Wait for nothing."""

    source = Source("shop", [Offered("buy", lambda: ToolReply(", ".join(source.told)))])
    child = shopping(source, wait)
    flow = Flow("parent", State("p", Parent(child), to(None)))
    async with Runner(models=model("done")) as runner:
        result = await runner.start(flow, "go", run=RUN)
        journal = await runner.journal(RUN)
    assert (result.messages[-1].text, source.told) == ("done done", WHOLE_LIFE)
    assert len(journal.children) == 2


async def test_who_asks_at_the_same_time_shares_one_session() -> None:
    """And gets the same tools."""
    source, sessions = Source("shop", [Offered("buy")]), Sessions()
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(sessions.tools(source)) for _ in range(2)]
    assert both[0].result() is both[1].result()
    await sessions.aclose()
    await sessions.aclose()
    assert source.told == WHOLE_LIFE
