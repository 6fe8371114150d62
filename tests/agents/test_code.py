"""The agent that runs code: what it finds, and what it refuses when it is declared."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stateflow import (
    CodeRunner,
    DefinitionError,
    Flow,
    MontySandbox,
    Runner,
    Scripted,
    State,
    last,
    only,
    resume,
    run,
    run_sync,
    steps,
    to,
)
from stateflow.errors import Refused, SandboxUnavailable
from stateflow.journal.event import RunStarted
from stateflow.stores.memory import MemoryStore
from tests.support.bench import Bench, Ledger


def said(program: str) -> str:
    return f"```python\nsay {program}\n```"


def chat(runner: CodeRunner, **texts: list[str]) -> Flow:
    """Return a flow in which everybody of *texts* speaks in order, then the runner."""
    states = [
        State(name, Scripted(name, lines), to(following))
        for (name, lines), following in zip(texts.items(), [*list(texts)[1:], "run"], strict=True)
    ]
    return Flow("chat", *states, State("run", runner, to(None)))


@pytest.mark.parametrize(
    ("of", "ran"),
    [
        pytest.param(None, None, id="the-last-message-holds-none"),
        pytest.param(last(1), None, id="nor-does-the-last-one"),
        pytest.param(last(2), ["say b"], id="the-newest-of-the-last-two"),
        pytest.param(last(9), ["say b"], id="no-more-than-one-message-is-run"),
        pytest.param("a", ["say a"], id="a-speaker-by-name"),
        pytest.param(Scripted("a", []), ["say a"], id="a-speaker"),
        pytest.param("user", ["say task"], id="the-task"),
        pytest.param("c", None, id="a-speaker-without-code"),
    ],
)
def test_it_finds_the_code_it_is_told_to(of: object, ran: list[str] | None) -> None:
    ledger = Ledger()
    runner = CodeRunner("runner", sandbox=Bench(ledger), of=of)
    flow = chat(runner, a=[said("a")], b=[said("b")], c=["Looks fine."])

    result = run_sync(flow, said("task"))

    assert ledger.ran == (ran or [])
    assert (result.stop.kind == "done") == (ran is not None)
    if ran is None:
        assert result.stop.fault is not None
        assert result.stop.fault.name == "NoCode"
        assert "holds" not in result.stop.why or "code" in result.stop.why


def test_what_it_ran_once_it_does_not_find_again() -> None:
    ledger = Ledger()
    runner = CodeRunner("runner", sandbox=Bench(ledger), of=last(9))
    flow = Flow(
        "again",
        State("write", Scripted("coder", [said("once"), "I have nothing to add."]), to("run")),
        State("run", runner, to("write")),
    )

    result = run_sync(flow, "go")

    assert ledger.ran == ["say once"]
    assert result.stop.fault is not None
    assert result.stop.fault.name == "NoCode"


def test_a_block_without_a_language_is_of_the_first_one() -> None:
    ledger = Ledger()
    runner = CodeRunner("runner", sandbox=Bench(ledger), languages=["sh"])
    flow = chat(runner, a=["```\nsay hi\n```"])

    assert run_sync(flow, "go").messages[-1].executions[0].language == "sh"


async def test_it_speaks_within_one_turn_with_the_writer() -> None:
    both = steps(Scripted("coder", [said("hi")]), CodeRunner("runner", sandbox=Bench(Ledger())))
    flow = Flow("both", State("work", both, to(None)))

    result = await run(flow, "go")

    assert [message.speaker for message in result.messages] == ["user", "coder", "runner"]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(
            lambda: CodeRunner("r", sandbox="dokcer:x"), "there is none such", id="no-such-sandbox"
        ),
        pytest.param(
            lambda: CodeRunner("r", sandbox="docker:"), "needs a name behind", id="no-image"
        ),
        pytest.param(
            lambda: CodeRunner("r", sandbox=7),  # type: ignore[arg-type]
            "7 is no sandbox",
            id="no-sandbox",
        ),
        pytest.param(
            lambda: CodeRunner("r", languages=["rust"]),
            "'monty' does not run 'rust'; it runs: python",
            id="no-such-language",
        ),
        pytest.param(
            lambda: CodeRunner("r", languages="python"), "is no list of languages", id="a-text"
        ),
        pytest.param(
            lambda: CodeRunner("r", approve="sometimes"),  # type: ignore[arg-type]
            "approve='sometimes' is none",
            id="no-such-approval",
        ),
        pytest.param(lambda: CodeRunner("r", of=7), "of=7 is nobody's code", id="nobody"),
        pytest.param(
            lambda: CodeRunner("r", of=only("a")), "is nobody's code", id="another-window"
        ),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_declared(
    make: Callable[[], CodeRunner], told: str
) -> None:
    with pytest.raises(DefinitionError, match=told):
        make()


class TestWhereItRuns:
    """Sandboxes that a run gives in place of the flow's."""

    def flow(self) -> Flow:
        return chat(CodeRunner("runner"), a=[said("hi")])

    async def test_a_run_can_replace_the_sandbox(self) -> None:
        ledger = Ledger()

        result = await run(self.flow(), "go", sandboxes={"runner": Bench(ledger)})

        assert ledger.ran == ["say hi"]
        assert result.journal is not None
        started = result.journal.events[0].event
        assert isinstance(started, RunStarted)
        assert started.sandboxes is not None
        assert started.sandboxes["runner"]["sandbox"] == "bench"

    async def test_one_of_the_same_name_replaces_its_settings(self) -> None:
        slow = "```python\nwhile True: pass\n```"
        patient, hasty = MontySandbox(time_limit_s=60), MontySandbox(time_limit_s=0.1)
        flow = chat(CodeRunner("runner", sandbox=patient), a=[slow])

        result = await run(flow, "go", sandboxes={"runner": hasty})

        assert result.messages[-1].executions[0].fault == "TimedOut"

    async def test_a_sandbox_for_nobody_is_refused(self) -> None:
        with pytest.raises(DefinitionError, match="'a' runs no code in flow 'chat'"):
            await run(self.flow(), "go", sandboxes={"a": "monty"})

    async def test_one_that_does_not_isolate_is_refused_unless_it_is_allowed(self) -> None:
        ledger = Ledger()
        risky = Bench(ledger, name="risky", risk="can do anything")

        with pytest.raises(Refused, match="isolate it: can do anything; use sandbox='monty'"):
            await run(self.flow(), "go", sandboxes={"runner": risky})
        await run(self.flow(), "go", sandboxes={"runner": risky}, allow_local=True)

        assert ledger.ran == ["say hi"]

    async def test_a_journal_cannot_allow_it_and_no_answer_is_lost(self) -> None:
        risky = Bench(Ledger(), name="risky", risk="can do anything")
        flow = chat(CodeRunner("runner", approve="always"), a=[said("hi")])
        async with Runner(sandboxes={"runner": risky}, allow_local=True) as runner:
            waiting = await runner.start(flow, "go")
            store = runner.store
            async with Runner(store=store, sandboxes={"runner": risky}) as other:
                with pytest.raises(Refused, match="--allow-local"):
                    await other.resume(flow, waiting.run, answer="yes")
            result = await runner.resume(flow, waiting.run, answer="yes")

        assert result.stop.kind == "done"

    async def test_a_run_goes_on_where_it_began_or_not_at_all(self) -> None:
        flow = chat(CodeRunner("runner", approve="always"), a=[said("hi")])
        bench, store = Bench(Ledger()), MemoryStore()
        waiting = await run(flow, "go", store=store, sandboxes={"runner": bench})

        with pytest.raises(SandboxUnavailable, match="'bench' with settings that are not here"):
            await resume(flow, waiting.run, store=store, answer="yes")
        with pytest.raises(DefinitionError, match="the run began with 'bench'"):
            await resume(
                flow, waiting.run, store=store, answer="yes", sandboxes={"runner": "monty"}
            )
        result = await resume(
            flow, waiting.run, store=store, answer="yes", sandboxes={"runner": bench}
        )

        assert result.stop.kind == "done"

    async def test_what_is_no_sandbox_is_refused(self) -> None:
        half: Any = SimpleNamespace(name="half", open=lambda: None)

        with pytest.raises(DefinitionError, match="is no sandbox"):
            await run(self.flow(), "go", sandboxes={"runner": half})


async def test_two_runners_of_which_one_is_moved_to_the_others_sandbox_stay_apart() -> None:
    ledger = Ledger()
    bench = Bench(ledger)
    flow = Flow(
        "apart",
        State("write", Scripted("coder", ["```python\nwrite a.txt 7\n```"]), to("one")),
        State("one", CodeRunner("r1", sandbox=bench), to("again")),
        State("again", Scripted("other", ["```python\nread a.txt\n```"]), to("two")),
        State("two", CodeRunner("r2", of="other"), to("three")),
        State("three", CodeRunner("r3", sandbox=bench, of="other"), to(None)),
    )

    result = await run(flow, "go", sandboxes={"r2": bench})

    assert result.messages[-1].executions[0].stdout == "7\n"


def test_what_a_program_prints_is_nobodys_code() -> None:
    ledger = Ledger()
    loud = "````python\nsay ```python\nsay say evil\nsay ```\n````"
    flow = Flow(
        "echo",
        State("write", Scripted("coder", [loud]), to("one")),
        State("one", CodeRunner("r1", sandbox=Bench(ledger)), to("two")),
        State("two", CodeRunner("r2", sandbox=Bench(ledger)), to(None)),
    )

    result = run_sync(flow, "go")

    assert "```python" in result.messages[-1].text
    assert result.stop.fault is not None
    assert result.stop.fault.name == "NoCode"
    assert len(ledger.ran) == 1


def test_more_blocks_than_anybody_means_are_refused() -> None:
    ledger = Ledger()
    flow = chat(CodeRunner("runner", sandbox=Bench(ledger)), a=["\n\n".join([said("x")] * 101)])

    result = run_sync(flow, "go")

    assert result.stop.fault is not None
    assert result.stop.fault.name == "Refused"
    assert "holds 101" in result.stop.why
    assert ledger.ran == []


def test_a_language_is_told_without_what_a_terminal_obeys() -> None:
    flow = chat(CodeRunner("runner", sandbox=Bench(Ledger())), a=["```r\u202eu\x1b[2jby\nx\n```"])

    assert "\x1b" not in run_sync(flow, "go").messages[-1].text
