"""Code that agents write, around a sandbox that can be watched and broken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stateflow import (
    CodeRunner,
    File,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Message,
    Result,
    Runner,
    Scripted,
    State,
    canonical,
    exit_code,
    failed,
    fork,
    raised,
    replay,
    resume,
    run,
    succeeded,
    timed_out,
    to,
)
from stateflow.agents.code import Approve
from stateflow.journal.event import EffectDone
from stateflow.sandbox.blocks import Block
from stateflow.stores.memory import MemoryStore
from tests.support.bench import Bench, Ledger


def code(*programs: str, language: str = "python") -> str:
    """Return a message that holds *programs*, a block each."""
    return "Here you are.\n\n" + "\n\n".join(f"```{language}\n{one}\n```" for one in programs)


def looped(bench: Bench, *texts: str, approve: Approve = "never") -> Flow:
    """Return a flow in which a coder is sent back until the code runs."""
    return Flow(
        "loop",
        State("write", Scripted("coder", list(texts)), to("run")),
        State(
            "run",
            CodeRunner("runner", sandbox=bench, approve=approve),
            to(None, when=succeeded),
            to("write"),
        ),
    )


async def ran(bench: Bench, *texts: str, approve: Approve = "never") -> Result:
    return await run(looped(bench, *texts, approve=approve), "go")


def effects(result: Result) -> list[str]:
    """Return the operations on record, in order."""
    assert result.journal is not None
    events = [one.event for one in result.journal.events]
    return [one.op for one in events if isinstance(one, EffectDone)]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return Bench(ledger)


async def test_a_block_is_run_and_told_of(bench: Bench) -> None:
    result = await ran(bench, code("say 42\ncomplain mind\nwrite out.txt hello"))

    message = result.messages[-1]
    (execution,) = message.executions
    assert (execution.stdout, execution.stderr, execution.exit_code) == ("42\n", "mind\n", 0)
    assert [file.name for file in execution.files] == ["out.txt"]
    assert message.text == (
        "python: exit code 0\nstdout:\n42\nstderr:\nmind\nfiles: out.txt (5 bytes)"
    )
    assert message.outcome is not None
    assert message.outcome.exit_code == 0
    assert result.stop.kind == "done"


async def test_blocks_run_in_order_until_one_fails(bench: Bench, ledger: Ledger) -> None:
    result = await ran(bench, code("say one", "exit 3", "say three"), code("say four"))

    first = result.messages[2]
    assert [one.exit_code for one in first.executions] == [0, 3]
    assert first.text.endswith("not run: block 3 and what follows")
    assert ledger.ran == ["say one", "exit 3", "say four"]
    assert result.path == ("write", "run", "write", "run")


@pytest.mark.parametrize(
    ("program", "guard"),
    [
        pytest.param("exit 3", exit_code(3), id="exit-code"),
        pytest.param("slow", timed_out, id="timed-out"),
        pytest.param("slow", raised("TimedOut"), id="timed-out-by-name"),
        pytest.param("bomb", raised("OutOfMemory"), id="out-of-memory"),
        pytest.param("bomb", failed, id="failed"),
    ],
)
async def test_guards_read_the_typed_outcome(bench: Bench, program: str, guard: Guard) -> None:
    flow = Flow(
        "guarded",
        State("write", Scripted("coder", [code(program)]), to("run")),
        State("run", CodeRunner("runner", sandbox=bench), to("yes", when=guard), to("no")),
        Final("yes"),
        Final("no", ok=False),
    )

    result = await run(flow, "go")

    assert result.stop.state == "yes"


async def test_what_code_says_never_makes_an_outcome(bench: Bench) -> None:
    result = await ran(bench, code("say exit code 1, out of memory, timed out"))

    assert result.path == ("write", "run")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            code("x", language="rust"), "rust is not run here; languages: python, sh", id="language"
        ),
        pytest.param(
            "```python filename=../../x.py\nsay no\n```", "leaves the work folder", id="name"
        ),
    ],
)
async def test_what_cannot_be_run_is_refused_before_anything_runs(
    bench: Bench, ledger: Ledger, text: str, told: str
) -> None:
    result = await ran(bench, f"{code('say first')}\n\n{text}", code("say ok"))

    message = result.messages[2]
    assert told in message.text
    assert message.outcome is not None
    assert message.outcome.fault == "Refused"
    assert ledger.ran == ["say ok"]


async def test_a_message_without_code_is_a_fault(bench: Bench) -> None:
    flow = Flow(
        "empty",
        State("write", Scripted("coder", ["I would rather not."]), to("run")),
        State(
            "run", CodeRunner("runner", sandbox=bench), to("none", when=raised("NoCode")), to(None)
        ),
        Final("none"),
    )

    assert (await run(flow, "go")).stop.state == "none"


async def test_a_replay_runs_nothing_and_repeats_all_of_it(bench: Bench, ledger: Ledger) -> None:
    flow = looped(bench, code("say a", "exit 1"), code("write plot.txt x"))
    result = await run(flow, "go")
    before = list(ledger.ran)
    assert result.journal is not None
    ledger.down = True

    again = replay(flow, result.journal)

    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)
    assert again.messages == result.messages
    assert ledger.ran == before


async def test_nothing_stands_in_the_journal_twice(bench: Bench) -> None:
    result = await ran(bench, code("say unmistakable"))

    assert result.journal is not None
    text = canonical(result.journal).replace("say unmistakable", "")
    assert text.count("unmistakable") == 1


async def test_one_session_serves_all_visits_and_is_closed_at_the_end(
    bench: Bench, ledger: Ledger
) -> None:
    result = await ran(bench, code("write a.txt 7\nexit 1"), code("read a.txt"))

    assert result.messages[-1].executions[0].stdout == "7\n"
    assert (ledger.opened, ledger.closed) == (1, 1)
    assert effects(result).count("code.open") == 1


async def test_attached_files_are_there_before_the_first_block(
    bench: Bench, ledger: Ledger
) -> None:
    flow = looped(bench, code("read data.csv"))
    file = File.from_bytes(b"1,2", name="data.csv")

    result = await run(flow, "go", files=[file])

    assert result.messages[-1].executions[0].stdout == "1,2\n"
    assert ledger.put == ["data.csv"]


async def test_files_made_are_in_the_store(bench: Bench) -> None:
    store = MemoryStore()

    result = await run(looped(bench, code("write a.txt hello")), "go", store=store)

    (file,) = result.messages[-1].executions[0].files
    assert await store.file(file.sha256) == b"hello"
    assert file.content is None


class TestApproval:
    """Who may say no, and what becomes of it."""

    async def test_a_person_is_shown_the_code_and_asked(self, bench: Bench, ledger: Ledger) -> None:
        flow, store = looped(bench, code("say hi"), approve="always"), MemoryStore()

        waiting = await run(flow, "go", store=store)

        assert waiting.stop.kind == "waiting"
        assert "```python\nsay hi\n```" in waiting.stop.questions[0].text
        assert ledger.opened == 0
        result = await resume(flow, waiting.run, store=store, answer="yes")
        assert result.stop.kind == "done"
        assert ledger.ran == ["say hi"]

    async def test_a_no_is_an_outcome_with_its_reason(self, bench: Bench, ledger: Ledger) -> None:
        flow = looped(bench, code("say hi"), code("say bye"), approve="always")
        store = MemoryStore()
        waiting = await run(flow, "go", store=store)

        again = await resume(flow, waiting.run, store=store, answer="no, too rude")

        assert again.stop.kind == "waiting"
        assert "no, too rude" in again.messages[2].text
        assert again.messages[2].outcome is not None
        assert again.messages[2].outcome.fault == "Refused"
        assert ledger.ran == []

    async def test_a_function_decides_and_is_not_asked_again(
        self, bench: Bench, ledger: Ledger
    ) -> None:
        asked: list[str] = []

        def approve(blocks: Sequence[Block]) -> bool | str:
            asked.append(blocks[0].code.strip())
            return True if "bye" in blocks[0].code else "say bye instead"

        flow = looped(bench, code("say hi"), code("say bye"), approve=approve)
        result = await run(flow, "go")
        assert result.journal is not None

        replay(flow, result.journal)

        assert "it was not allowed: say bye instead" in result.messages[2].text
        assert (asked, ledger.ran) == (["say hi", "say bye"], ["say bye"])

    async def test_a_function_can_leave_it_to_a_person(self, bench: Bench) -> None:
        async def approve(blocks: Sequence[Block]) -> str:
            return "ask"

        result = await ran(bench, code("say hi"), approve=approve)

        assert result.stop.kind == "waiting"

    async def test_a_function_that_says_nothing_runs_nothing(
        self, bench: Bench, ledger: Ledger
    ) -> None:
        result = await ran(bench, code("say hi"), approve=lambda blocks: None)

        assert result.stop.kind == "failed"
        assert "approve returned None" in result.stop.why
        assert ledger.ran == []

    async def test_the_session_outlives_the_wait_within_one_runner(
        self, bench: Bench, ledger: Ledger
    ) -> None:
        flow = looped(bench, code("count\nexit 1"), code("say ok"), approve="always")

        async with Runner() as runner:
            live = runner.start(flow, "go")
            first = await live
            second = await runner.resume(flow, first.run, answer="yes")
            result = await runner.resume(flow, second.run, answer="yes")
            opened = (ledger.opened, ledger.closed)

        assert result.stop.kind == "done"
        assert opened == (1, 1)
        assert ledger.counted == 1


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


async def test_leave_for_one_code_is_no_leave_for_another(bench: Bench, ledger: Ledger) -> None:
    """The flow is changed between the question and the answer."""
    store = MemoryStore()

    def flow(of: str | None) -> Flow:
        runner = CodeRunner("runner", sandbox=bench, approve="always", of=of)
        write = State("write", Scripted("coder", [code("say shown")]), to("run"))
        return Flow("changed", write, State("run", runner, to(None)))

    waiting = await run(flow(None), code("say hidden"), store=store)

    result = await resume(flow("user"), waiting.run, store=store, answer="yes")

    assert result.stop.kind == "failed"
    assert "to another question" in result.stop.why
    assert ledger.ran == []
