"""Who may say no to code, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stateflow import (
    CodeRunner,
    File,
    Flow,
    Runner,
    Scripted,
    State,
    replay,
    resume,
    run,
    to,
)
from stateflow.sandbox.blocks import Block
from stateflow.stores.memory import MemoryStore
from tests.support.bench import Bench, Ledger, code, looped, ran


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


async def test_a_functions_leave_is_for_the_code_it_was_shown(bench: Bench, ledger: Ledger) -> None:
    """The flow is changed after the function agreed, and before the sandbox was there."""
    store = MemoryStore()

    def flow(of: str | None) -> Flow:
        runner = CodeRunner("runner", sandbox=bench, approve=lambda blocks: True, of=of)
        write = State("write", Scripted("coder", [code("say shown")]), to("run"))
        return Flow("changed", write, State("run", runner, to(None)))

    ledger.down = True
    stopped = await run(flow(None), code("say hidden"), store=store)
    ledger.down = False

    result = await resume(flow("user"), stopped.run, store=store)

    assert result.stop.kind == "failed"
    assert "of other code" in result.stop.why
    assert ledger.ran == []


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        pytest.param("# fine\u2028evil()", "# fine<U+2028>evil()", id="line-separator"),
        pytest.param("if x:\n    pass\n    \x0cevil()", "<U+000C>evil()", id="form-feed"),
        pytest.param("a = '\u202etxt'", "'<U+202E>txt'", id="direction"),
    ],
)
async def test_code_hides_nothing_from_who_is_asked(bench: Bench, program: str, shown: str) -> None:
    waiting = await ran(bench, code(program), approve="always")

    text = waiting.stop.questions[0].text
    assert shown in text
    assert all(one.isprintable() or one == "\n" for one in text)


async def test_who_is_asked_is_shown_the_files_and_settings_beside_it(bench: Bench) -> None:
    file = File.from_bytes(b"import os", name="sitecustomize.py")

    waiting = await run(looped(bench, code("say hi"), approve="always"), "go", files=[file])

    text = waiting.stop.questions[0].text
    assert 'Run this code in bench {"sandbox":"bench"}?' in text
    assert "In the work folder: sitecustomize.py (9 bytes)" in text
