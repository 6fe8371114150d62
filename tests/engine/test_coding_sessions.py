"""Sandboxes that are gone, down, or cut off: what is run again, and what is lost."""

from __future__ import annotations

from stateflow import (
    CodeRunner,
    File,
    Flow,
    FunctionAgent,
    Message,
    RateLimited,
    Scripted,
    State,
    fork,
    resume,
    run,
    succeeded,
    to,
)
from stateflow.journal.event import EffectDone
from stateflow.stores.memory import MemoryStore
from tests.support.bench import Bench, Ledger, code, looped, ran


class TestBroughtBack:
    """A session that is gone: blocks run again, and must come out the same."""

    async def start(self, bench: Bench, *texts: str, store: MemoryStore) -> tuple[Flow, str]:
        """Run until the second approval is waited for, in a runner that is closed then."""
        flow = looped(bench, *texts, approve="always")
        first = await run(flow, "go", store=store)
        second = await resume(flow, first.run, store=store, answer="yes")
        assert second.stop.kind == "waiting"
        return flow, second.run

    async def test_recorded_blocks_are_run_again_in_a_new_session(
        self, bench: Bench, ledger: Ledger
    ) -> None:
        store = MemoryStore()
        texts = code("write a.txt 7", "exit 1"), code("read a.txt")
        flow, name = await self.start(bench, *texts, store=store)

        result = await resume(flow, name, store=store, answer="yes")

        assert result.messages[-1].executions[0].stdout == "7\n"
        assert ledger.opened == 2
        assert ledger.ran == ["write a.txt 7", "exit 1", "write a.txt 7", "exit 1", "read a.txt"]

    async def test_a_block_that_comes_out_otherwise_loses_the_session(
        self, bench: Bench, ledger: Ledger
    ) -> None:
        store = MemoryStore()
        flow, name = await self.start(bench, code("count\nexit 1"), code("say ok"), store=store)

        result = await resume(flow, name, store=store, answer="yes")

        assert result.stop.kind == "failed"
        assert result.stop.fault is not None
        assert result.stop.fault.name == "SessionLost"
        assert "stdout was '1\\n', and is '2\\n' now" in result.stop.why
        assert ledger.opened == ledger.closed == 2

    async def test_another_image_loses_the_session(self, bench: Bench, ledger: Ledger) -> None:
        store = MemoryStore()
        flow, name = await self.start(bench, code("exit 1"), code("say ok"), store=store)
        ledger.image = "sha256:2"

        result = await resume(flow, name, store=store, answer="yes")

        assert result.stop.fault is not None
        assert result.stop.fault.name == "SessionLost"
        assert "sha256:2" in result.stop.why

    async def test_a_sandbox_that_keeps_nothing_runs_nothing_again(self, ledger: Ledger) -> None:
        store = MemoryStore()
        bench = Bench(ledger, keeps=False)
        flow, name = await self.start(bench, code("count\nexit 1"), code("say ok"), store=store)

        result = await resume(flow, name, store=store, answer="yes")

        assert result.stop.kind == "done"
        assert ledger.counted == 1

    async def test_files_that_were_attached_are_there_again(self, ledger: Ledger) -> None:
        store = MemoryStore()
        flow = looped(Bench(ledger), code("read d\nexit 1"), code("read d"), approve="always")
        file = File.from_bytes(b"1,2", name="d")
        waiting = await run(flow, "go", store=store, files=[file])
        await resume(flow, waiting.run, store=store, answer="yes")

        result = await resume(flow, waiting.run, store=store, answer="yes")

        assert result.messages[-1].executions[0].stdout == "1,2\n"

    async def test_after_a_sandbox_that_began_anew_nothing_before_is_run_again(
        self, bench: Bench, ledger: Ledger
    ) -> None:
        texts = code("write a.txt 7\nexit 1"), code("reset\nexit 1"), code("read a.txt")

        result = await ran(bench, *texts)

        assert result.messages[-1].executions[0].stdout == "nothing\n"
        assert ledger.opened == ledger.closed == 2
        assert len(ledger.ran) == 3

    async def test_a_block_cut_short_by_a_limit_may_come_out_otherwise_as_long_as_it_is_cut(
        self, bench: Bench
    ) -> None:
        store = MemoryStore()
        flow, name = await self.start(bench, code("count\nslow"), code("say ok"), store=store)

        result = await resume(flow, name, store=store, answer="yes")

        assert result.stop.kind == "done"

    async def test_a_fork_brings_back_what_it_shares(self, bench: Bench, ledger: Ledger) -> None:
        store = MemoryStore()
        flow = looped(bench, code("write a.txt 7\nexit 1"), code("read a.txt"))
        whole = await run(flow, "go", store=store)

        result = await fork(flow, whole.run, at=2, store=store)

        assert result.messages[-1].executions[0].stdout == "7\n"
        assert ledger.opened == 2


async def test_a_sandbox_that_breaks_down_stops_the_run_resumable(
    bench: Bench, ledger: Ledger
) -> None:
    store = MemoryStore()
    broken = FunctionAgent(
        "coder", lambda view: Message(code("write a 1", "die" if ledger.image else "read a"))
    )
    flow = Flow(
        "dies",
        State("write", broken, to("run")),
        State("run", CodeRunner("runner", sandbox=bench), to(None)),
    )

    stopped = await run(flow, "go", store=store)

    assert stopped.stop.kind == "failed"
    assert stopped.stop.fault is not None
    assert stopped.stop.fault.name == "SandboxUnavailable"
    assert ledger.closed == ledger.opened == 1
    assert [one.op for one in await done(store, stopped.run)] == [
        "agent.reply",
        "code.open",
        "code.run",
    ]


async def done(store: MemoryStore, name: str) -> list[EffectDone]:
    events = [one.event for one in await store.read(name)]
    return [one for one in events if isinstance(one, EffectDone)]


async def test_a_sandbox_that_is_down_stops_the_run_and_it_goes_on_when_it_is_up(
    bench: Bench, ledger: Ledger
) -> None:
    store = MemoryStore()
    flow, ledger.down = looped(bench, code("say hi")), True
    stopped = await run(flow, "go", store=store)
    ledger.down = False

    result = await resume(flow, stopped.run, store=store)

    assert stopped.stop.fault is not None
    assert stopped.stop.fault.name == "SandboxUnavailable"
    assert result.stop.kind == "done"


async def test_a_limit_of_the_state_ends_the_block_and_closes_the_session(
    bench: Bench, ledger: Ledger
) -> None:
    flow = Flow(
        "slow",
        State("write", Scripted("coder", [code("wait 30")]), to("run")),
        State("run", CodeRunner("runner", sandbox=bench), to(None), timeout_s=0.05),
    )

    result = await run(flow, "go")

    assert result.stop.fault is not None
    assert result.stop.fault.name == "TimedOut"
    assert (ledger.opened, ledger.closed) == (1, 1)


async def test_files_come_again_when_they_came(bench: Bench) -> None:
    """A file that a block had overwritten is overwritten again, and a newer one comes after."""
    store = MemoryStore()
    first = code("write d mine\nexit 1")
    flow = looped(bench, first, code("read d\nexit 1"), code("read d"), approve="always")
    given = File.from_bytes(b"given", name="d")
    waiting = await run(flow, "go", store=store, files=[given])
    for _ in range(2):
        await resume(flow, waiting.run, store=store, answer="yes")

    result = await resume(flow, waiting.run, store=store, answer="yes")

    assert [message.executions[0].stdout for message in result.messages[2::2]] == [
        "",
        "mine\n",
        "mine\n",
    ]


def moved(bench: Bench, *lines: str | Exception) -> Flow:
    """Return a flow whose first block fails, and whose coder then says *lines*."""
    runner = CodeRunner("runner", sandbox=bench)
    write = State("write", Scripted("coder", [code("write a 7\nexit 1"), *lines]), to("run"))
    return Flow("moved", write, State("run", runner, to(None, when=succeeded), to("write")))


async def test_other_settings_lose_the_session(ledger: Ledger) -> None:
    """The flow's own sandbox is changed while its run stands still."""
    store = MemoryStore()

    stopped = await run(moved(Bench(ledger), RateLimited("later")), "go", store=store)

    changed = moved(Bench(ledger, name="bank"), code("read a"))
    result = await resume(changed, stopped.run, store=store)

    assert result.stop.fault is not None
    assert result.stop.fault.name == "SessionLost"
    assert "change them back" in result.stop.why


async def test_settings_changed_between_two_blocks_of_a_turn_lose_the_session(
    ledger: Ledger,
) -> None:
    """The first block is on record, and the sandbox went down with the second."""
    store = MemoryStore()
    text = code("write a 7", "die")
    before = looped(Bench(ledger), text)
    stopped = await run(before, "go", store=store)

    result = await resume(looped(Bench(ledger, name="bank"), text), stopped.run, store=store)

    assert stopped.stop.fault is not None
    assert stopped.stop.fault.name == "SandboxUnavailable"
    assert result.stop.fault is not None
    assert result.stop.fault.name == "SessionLost"
    assert "with settings that are changed since" in result.stop.why


async def test_a_sandbox_that_kept_nothing_may_be_changed(ledger: Ledger) -> None:
    """From one that lacks something to another that has it."""
    store = MemoryStore()

    stopped = await run(moved(Bench(ledger, keeps=False), RateLimited("later")), "go", store=store)

    changed = moved(Bench(ledger, name="bank"), code("say ok"))
    result = await resume(changed, stopped.run, store=store)

    assert result.stop.kind == "done"
