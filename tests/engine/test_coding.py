"""Code that agents write, around a sandbox that can be watched and broken."""

from __future__ import annotations

import pytest

from stateflow import (
    CodeRunner,
    File,
    Final,
    Flow,
    Guard,
    Result,
    Scripted,
    State,
    canonical,
    exit_code,
    failed,
    raised,
    replay,
    run,
    timed_out,
    to,
)
from stateflow.journal.event import EffectDone
from stateflow.stores.memory import MemoryStore
from tests.support.bench import Bench, Ledger, code, looped, ran


def effects(result: Result) -> list[str]:
    """Return the operations on record, in order."""
    assert result.journal is not None
    events = [one.event for one in result.journal.events]
    return [one.op for one in events if isinstance(one, EffectDone)]


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
