"""Starting, stopping, resuming, forking, answering, replaying."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stateflow import (
    AnswerRefused,
    Assistant,
    Budget,
    Chat,
    Flow,
    FunctionAgent,
    ReplayDivergence,
    RunError,
    RunHeld,
    Runner,
    Scripted,
    State,
    UnknownRun,
    at_random,
    by_human,
    by_model,
    canonical,
    fork,
    in_turn,
    replay,
    resume,
    run,
    run_sync,
    says,
    stream,
    to,
)
from stateflow.engine.door import Delta
from stateflow.stores.memory import MemoryStore


def ring(choose: Any) -> Flow:  # noqa: ANN401 - any chooser
    names = ("planner", "executor", "reviewer")
    p, e, r = (FunctionAgent(name, lambda view: f"turn {view.turns}") for name in names)
    return Flow.from_table("team", {p: [e], e: [r, p], r: [p, None]}, choose=choose)


def chain(*words: str, guard: str = "three") -> Flow:
    speaker = Scripted("a", words)
    return Flow("chain", State("s", speaker, to(None, when=says(guard)), to("s")))


def test_in_turn_takes_the_next_one_at_each_visit() -> None:
    """``None`` counts as one."""
    path = run_sync(ring(in_turn()), "go").path

    assert [name[0] for name in path] == list("perpeper")


def test_at_random_takes_the_same_ones_for_the_same_seed() -> None:
    """In any run."""
    one, other = (run_sync(ring(at_random(seed=7)), "go").path for _ in range(2))

    assert one == other


def test_a_function_sees_autogens_chat_and_is_asked_only_where_it_matters() -> None:
    """One enabled transition: nobody is asked."""
    asked: list[tuple[str, tuple[str | None, ...]]] = []

    def choose(last_speaker: Any, chat: Chat) -> object:  # noqa: ANN401 - AutoGen's signature
        assert chat.messages[-1]["content"] == chat.messages[-1].text
        asked.append((last_speaker.name, chat.candidates))
        return chat.next_agent(last_speaker) if last_speaker.name == "executor" else None

    result = run_sync(ring(choose), "go")

    assert result.path == ("planner", "executor", "reviewer")
    assert asked == [("executor", ("reviewer", "planner")), ("reviewer", ("planner", None))]


async def test_a_choice_off_the_table_is_refused_and_can_be_made_again() -> None:
    """The run stops failed, naming what was enabled."""
    answers = ["nobody", "planner", "reviewer", None]

    def choose(last_speaker: object, chat: Chat) -> object:
        return answers.pop(0)

    flow = ring(choose)
    store = MemoryStore()

    before = await run(flow, "go", store=store)
    after = await resume(flow, before.run, store=store)

    assert before.stop.kind == "failed"
    assert "'reviewer', 'planner'" in before.stop.why
    assert after.path == ("planner", "executor", "planner", "executor", "reviewer")


@pytest.mark.parametrize(
    ("model", "more", "spoke_last"),
    [
        pytest.param('scripted:{"next": "reviewer"}', {}, "executor", id="wrong-at-reviewer"),
        pytest.param("scripted:nobody", {"fallback": "reviewer"}, "executor", id="fallback"),
        pytest.param("scripted:nobody", {}, "planner", id="never"),
    ],
)
def test_a_model_picks_among_the_enabled_only(
    model: str, more: dict[str, Any], spoke_last: str
) -> None:
    """Bounded retries, a declared fallback, a typed stop."""
    result = run_sync(ring(by_model(model, **more)), "go")

    assert result.stop.kind == "failed"
    assert "by_model" in result.stop.why
    assert result.path[-1] == spoke_last
    assert result.usage.calls >= 1


async def test_a_person_picks_along_the_table() -> None:
    """Any other answer is refused, and the question stays open."""
    flow, store = ring(by_human()), MemoryStore()

    first = await run(flow, "go", store=store)
    with pytest.raises(AnswerRefused, match="'reviewer', 'planner'"):
        await resume(flow, first.run, store=store, answer="nobody")
    await resume(flow, first.run, store=store, answer="reviewer")
    last = await resume(flow, first.run, store=store, answer="DONE")

    assert first.stop.kind == "waiting"
    assert first.stop.questions[0].options == ("reviewer", "planner")
    assert last.path == ("planner", "executor", "reviewer")


async def test_answers_that_fit_no_question_are_refused_and_nothing_is_written() -> None:
    """By name."""
    flow, store = ring(by_human()), MemoryStore()
    waiting = await run(flow, "go", store=store)
    before = await store.read(waiting.run)

    with pytest.raises(AnswerRefused, match=r"other#1\.0"):
        await resume(flow, waiting.run, store=store, answers={"other#1.0": "x"})

    assert await store.read(waiting.run) == before


async def test_a_second_answer_to_one_question_is_refused() -> None:
    """The first one stands."""
    flow, store = ring(by_human()), MemoryStore()
    waiting = await run(flow, "go", store=store)
    question = waiting.stop.questions[0].id
    await resume(flow, waiting.run, store=store, answers={question: "reviewer"})

    with pytest.raises(AnswerRefused, match="answered already"):
        await resume(flow, waiting.run, store=store, answers={question: "planner"})


async def test_pausing_finishes_the_turn_and_can_go_on() -> None:
    """A pause is not an end."""
    gate = asyncio.Event()

    async def wait(view: Any) -> str:  # noqa: ANN401 - a view
        await gate.wait()
        return "three" if view.turns else "one"

    flow = Flow("f", State("s", FunctionAgent("a", wait), to(None, when=says("three")), to("s")))
    async with Runner() as runner:
        live = runner.start(flow)
        await asyncio.sleep(0.01)
        live.pause()
        gate.set()
        paused = await live
        done = await runner.resume(flow, paused.run)

    assert (paused.stop.kind, paused.path) == ("paused", ("s",))
    assert (done.stop.kind, done.path) == ("done", ("s", "s"))


@pytest.mark.parametrize(("how", "kind"), [("stop", "paused"), ("cancel", "cancelled")])
async def test_stopping_in_the_middle_of_a_turn_keeps_the_journal_whole(
    how: str, kind: str
) -> None:
    """One can be resumed, the other is over."""

    async def forever(view: Any) -> str:  # noqa: ANN401 - a view
        await asyncio.Event().wait()
        return ""

    flow = Flow("f", State("s", FunctionAgent("a", forever), to(None)))
    async with Runner() as runner:
        live = runner.start(flow)
        await asyncio.sleep(0.01)
        getattr(live, how)()
        result = await live

    assert result.stop.kind == kind
    assert result.stop.resumable is (kind == "paused")


async def test_a_run_under_way_cannot_be_resumed() -> None:
    """It goes on undisturbed."""
    gate = asyncio.Event()

    async def wait(view: Any) -> str:  # noqa: ANN401 - a view
        await gate.wait()
        return "ok"

    flow = Flow("f", State("s", FunctionAgent("a", wait), to(None)))
    async with Runner() as runner:
        live = runner.start(flow, run="r")
        await asyncio.sleep(0.01)
        with pytest.raises(RunHeld, match="'r' is under way in this process"):
            await runner.resume(flow, "r")
        gate.set()

        assert (await live).stop.kind == "done"


async def test_a_fork_shares_the_first_turns_and_goes_its_own_way() -> None:
    """With another flow, even."""
    store = MemoryStore()
    first = await run(chain("one", "two", "three"), store=store)

    other = await fork(chain("one", "two", "nine", guard="nine"), first.run, at=2, store=store)

    assert [message.text for message in other.messages] == ["one", "two", "nine"]
    assert (first.run != other.run, len(first.messages)) == (True, 3)
    with pytest.raises(RunError, match=r"at 9: give 0 .* to 3"):
        await fork(chain("x"), first.run, at=9, store=store)


async def test_a_fork_has_the_budget_that_its_run_was_given_last() -> None:
    """Not the one it began with."""
    store, flow = MemoryStore(), chain("one", "two", "three")
    cut = await run(flow, store=store, budget=Budget(turns=1))
    await resume(flow, cut.run, store=store, budget=Budget(turns=9))

    assert (await fork(flow, cut.run, at=1, store=store)).stop.kind == "done"


async def test_a_changed_flow_goes_on_only_along_the_same_path() -> None:
    """Proved by stepping through the journal; refused without a trace."""
    store = MemoryStore()
    cut = await run(chain("one", "two", "three"), store=store, budget=Budget(turns=2))
    before = await store.read(cut.run)

    with pytest.raises(ReplayDivergence, match=r"turn 2"):
        await resume(chain("one", "two", guard="two"), cut.run, store=store)
    assert await store.read(cut.run) == before
    more = Budget(turns=9)
    done = await resume(chain("one", "two", "ten", guard="ten"), cut.run, store=store, budget=more)

    assert cut.stop.which == "turns"
    assert done.messages[-1].text == "ten"


def test_replay_names_the_request_that_drifted_and_the_prompt() -> None:
    """Line by line."""

    def flow(prompt: str) -> Flow:
        return Flow("f", State("s", Assistant("w", model="scripted:x", prompt=prompt), to(None)))

    result = run_sync(flow("Be brief."), "go")

    assert result.journal is not None
    with pytest.raises(ReplayDivergence) as told:
        replay(flow("Be kind."), result.journal)
    assert told.value.place == "request s#1.0 (model.call)"
    assert "- Be brief." in str(told.value)
    assert "+ Be kind." in str(told.value)


def test_replay_names_the_first_turn_that_differs_with_every_verdict() -> None:
    """A guard was changed."""
    result = run_sync(chain("one", "two", "three"))

    assert result.journal is not None
    with pytest.raises(ReplayDivergence, match=r"says\('three'\) → says\('two'\)  False +True"):
        replay(chain("one", "two", "three", guard="two"), result.journal)


async def test_replay_of_a_journal_that_was_cut_goes_to_its_end() -> None:
    """And no further."""
    result = await run(chain("one", "two", "three"))
    assert result.journal is not None
    short = type(result.journal)(result.run, result.journal.events[:4])

    again = replay(chain("one", "two", "three"), short)

    assert [message.text for message in again.messages][:1] == ["one"]


@pytest.mark.parametrize(
    ("budget", "which"),
    [
        pytest.param(Budget(calls=1), "calls", id="calls"),
        pytest.param(Budget(tokens=10), "tokens", id="tokens"),
    ],
)
def test_a_call_that_could_pass_the_budget_is_not_made(budget: Budget, which: str) -> None:
    """The refusal is journaled; a larger budget lets the run go on."""
    talker = Assistant("w", model="scripted:one|two|three")
    flow = Flow("f", State("s", talker, to(None, when=says("three")), to("s")), budget=budget)

    result = run_sync(flow, "go")

    assert (result.stop.kind, result.stop.which) == ("budget", which)
    assert result.journal is not None
    assert '"Exhausted"' in canonical(result.journal)


async def test_the_stream_yields_deltas_before_the_turn_they_make() -> None:
    """Events in their order."""
    flow = Flow("f", State("s", Assistant("w", model="scripted:hello"), to(None)))

    seen = [
        "delta" if isinstance(event, Delta) else type(event.event).__name__
        async for event in stream(flow, "go")
    ]

    assert seen[0] == "RunStarted"
    assert seen.index("delta") < seen.index("EffectDone") < seen.index("TurnTaken")
    assert seen[-1] == "RunEnded"


async def test_run_sync_works_inside_a_running_loop() -> None:
    """As in a notebook."""
    assert run_sync(chain("three")).stop.kind == "done"


async def test_an_unknown_run_is_told() -> None:
    """With where to look."""
    with pytest.raises(UnknownRun, match="ls runs"):
        await resume(chain("x"), "nothing", store=MemoryStore())
