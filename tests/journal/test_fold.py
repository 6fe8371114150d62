"""The fold over events, and their canonical form."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from stateflow.conversation.effect import ChildResult, Key
from stateflow.conversation.message import Fault, Usage
from stateflow.journal.canonical import canonical, canonical_events
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    Said,
    Step,
    TurnTaken,
)
from stateflow.journal.fold import Fold, fold, open_answers
from stateflow.journal.redact import Redactor
from stateflow.journal.stop import Stop

START = RunStarted("f", {"initial": "a"}, "0", "task", {"n": 1}, {"turns": 9})
FAULT = Fault("RateLimited", "slow down")
PAUSE = RunPaused(Stop("failed", "a", "", fault=FAULT), retry=0)
DONE = RunEnded(Stop("done", "a", "", ok=True))


def key(ordinal: int = 0, state: str = "a", visit: int = 1) -> Key:
    return Key(state, visit, ordinal)


def done(ordinal: int = 0, text: str = "hi", usage: Usage | None = None) -> EffectDone:
    return EffectDone(key(ordinal), "agent.reply", {"text": text}, usage=usage or Usage())


def turn(to: str | None, *said: Said, patch: dict[str, int] | None = None) -> TurnTaken:
    return TurnTaken("a", 1, said, steps=(Step("a", (True,), 0, to),), patch=patch)


def placed(*events: Event) -> list[Recorded]:
    return [Recorded(seq, float(seq), event) for seq, event in enumerate(events, 1)]


def folded(*events: Event) -> Fold:
    return fold(placed(*events))


def test_a_started_run_stands_in_its_first_state_with_its_task_and_data() -> None:
    """The first entry counts."""
    run = folded(START)
    assert (run.state, run.visit, run.data, run.budget) == ("a", 1, {"n": 1}, {"turns": 9})
    assert [(m.text, m.speaker) for m in run.transcript] == [("task", "user")]


def test_a_turn_moves_counts_and_speaks_by_reference() -> None:
    """Its text is that of the effect; its patch changes the data."""
    part = Said("x", 0, {"handoff": "b"})
    run = folded(START, done(text="by effect"), turn("b", part, patch={"m": 2}))
    assert (run.state, run.visits, run.turns, run.path) == ("b", {"a": 1, "b": 1}, 1, ["a"])
    assert (run.transcript.last.text, run.transcript.last.handoff) == ("by effect", "b")
    assert run.data == {"n": 1, "m": 2}
    assert (run.spoken, run.answers) == ({"x": 1}, {})


def test_a_text_of_nobody_stands_in_the_turn_itself() -> None:
    """No effect made it."""
    run = folded(START, turn(None, Said("x", None, {"text": "own"})))
    assert (run.transcript.last.text, run.state) == ("own", "")


def test_who_had_nothing_to_say_has_spoken_without_a_message() -> None:
    """The turn counts, and the transcript stays as it was."""
    run = folded(START, turn(None, Said("x")))
    assert (run.spoken, run.turns, run.transcript.last.text) == ({"x": 1}, 1, "task")


def test_the_cost_of_a_turn_stands_on_its_message() -> None:
    """Where it is told at all."""
    usage = Usage(calls=1)
    spent = TurnTaken("a", 1, (Said("x", 0),), usage=usage)
    assert folded(START, done(usage=usage), spent).transcript.last.usage == usage


def test_a_turn_that_was_not_spoken_is_no_turn() -> None:
    """The budget did not let anybody speak."""
    run = folded(START, TurnTaken("a", 1, steps=(Step("a", (), 0, "b"),), spoken=False))
    assert (run.turns, run.path, run.state) == (0, [], "b")


def test_junctions_on_the_way_are_entered() -> None:
    """A turn of two steps enters two states."""
    steps = (Step("a", (), 0, "j"), Step("j", (), 0, "b"))
    assert folded(START, TurnTaken("a", 1, steps=steps)).visits == {"a": 1, "j": 1, "b": 1}


def test_spending_is_told_by_state() -> None:
    """Of effects done and failed, and of nested runs with their turns."""
    run = folded(
        START,
        done(usage=Usage(calls=1, usd=0.5)),
        EffectFailed(key(1), "model.call", FAULT, usage=Usage(calls=2)),
        ChildEnded(key(0, "b"), ChildResult("t", "done", ok=True), usage=Usage(calls=4), turns=3),
    )
    assert run.usage == Usage(calls=7, usd=0.5)
    assert {state: u.calls for state, u in run.usage_by_state.items()} == {"a": 3, "b": 4}
    assert run.turns == 3


def test_elapsed_time_leaves_pauses_out() -> None:
    """Between pause and resumption nothing is counted."""
    events: list[tuple[float, Event]] = [
        (10.0, START),
        (12.0, done()),
        (13.0, PAUSE),
        (99.0, RunResumed()),
        (101.0, done()),
    ]
    run = fold(Recorded(n, at, event) for n, (at, event) in enumerate(events, 1))
    assert run.elapsed_s == 5.0


def test_a_pause_to_retry_forgets_failures_and_keeps_results() -> None:
    """Failed nested runs are made again too, and what is to blame even if it came to something."""
    failed = EffectFailed(key(1), "op", FAULT)
    child = ChildEnded(key(2), fault=FAULT)
    pause = RunPaused(Stop("failed", "a", ""), retry=1)
    run = folded(START, done(0), failed, child, done(3), pause)
    assert list(run.answers) == [0, 3]
    assert run.stop == pause.stop
    assert run.paused is pause
    blamed = folded(START, done(0), done(1), pause)
    assert list(blamed.answers) == [0]
    kept = folded(START, failed, RunPaused(Stop("failed", "a", ""), retry=2))
    assert list(kept.answers) == [1]


def test_a_resumed_run_is_under_way_with_its_new_budget() -> None:
    """An ended one is over."""
    run = folded(START, PAUSE, RunResumed({"turns": 20}))
    assert (run.stop, run.paused, run.budget) == (None, None, {"turns": 20})
    over = folded(START, DONE)
    assert (over.ended, over.stop) == (True, DONE.stop)


def test_open_questions_are_those_nobody_answered() -> None:
    """Named by their path."""
    asked = [HumanAsked(key(n), f"q{n}", ("yes",)) for n in range(2)]
    run = folded(START, *asked, HumanAnswered(key(0), "yes"))
    assert [(q.id, q.text, q.options) for q in run.questions("p/")] == [("p/a#1.1", "q1", ("yes",))]


def test_what_began_is_known_until_the_turn_is_taken() -> None:
    """Effects that must not repeat, and nested runs."""
    run = folded(START, EffectBegun(key(0), "op"), ChildStarted(key(1), "g"))
    assert list(run.begun) == [0, 1]


def test_open_nested_runs_are_those_that_began_and_came_to_nothing_yet() -> None:
    """In the order of their keys, whichever began first; other effects are no nested runs."""
    begun = [ChildStarted(key(n), f"flow {n}") for n in (3, 1, 2)]
    run = folded(START, EffectBegun(key(0), "tool.call"), *begun, ChildEnded(key(1), fault=FAULT))
    assert [one.flow for one in run.open_children()] == ["flow 2", "flow 3"]


def test_of_several_answers_the_last_is_open() -> None:
    """What failed and was made again is answered by the second."""
    failed = EffectFailed(key(), "op", FAULT)
    assert open_answers([START, failed, done()]) == {key(): done()}


def test_the_canonical_form_tells_neither_pauses_nor_superseded_failures() -> None:
    """A resumed run is the same run."""
    failed = EffectFailed(key(), "agent.reply", FAULT)
    said = turn(None, Said("x", 0))
    straight = placed(START, done(), said, DONE)
    bumpy = placed(START, failed, PAUSE, RunResumed(), done(), said, DONE)
    assert canonical(Journal("r1", tuple(straight))) == canonical(Journal("r2", tuple(bumpy)))


def test_the_canonical_form_orders_parallel_effects_by_their_keys() -> None:
    """Whoever finished first; what began stands before what came of it."""
    begun = EffectBegun(key(0), "op")
    events: list[Event] = [START, done(2), begun, done(1), done(0), turn(None)]
    ordered: list[Event] = [START, begun, done(0), done(1), done(2), turn(None)]
    assert canonical_events(events) == ordered
    assert canonical_events(events[:-1]) == ordered[:-1]


def test_the_canonical_form_renumbers_and_tells_the_place_of_nested_runs() -> None:
    """Without run ids, times and durations."""
    child = Journal("r/a#1.0", tuple(placed(START, DONE)))
    slow = EffectDone(key(), "op", 1, seconds=9.0)
    text = canonical(Journal("r", tuple(placed(START, PAUSE, slow)), {"a#1.0": child}))
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["place"], line["seq"]) for line in lines] == [
        ("", 1),
        ("", 2),
        ("/a#1.0", 1),
        ("/a#1.0", 2),
    ]
    assert "seconds" not in lines[1]
    assert not {"run", "at", "budget"} & set(lines[0])


def test_secrets_are_redacted_everywhere_in_a_value() -> None:
    """Keys of objects included; the longer secret first; short ones and numbers stay."""
    redactor = Redactor.from_environment(
        {
            "A_KEY": "secret-123",
            "LONG_TOKEN": "secret-123456",
            "PIN_KEY": "1234",
            "HOME": "/root/x",
        },
        ["my own secret"],
    )
    value = {"secret-123": ["secret-123456", ("1234", 5, None)], "b": "my own secret /root/x"}
    assert redactor.json(value) == {
        "[A_KEY]": ["[LONG_TOKEN]", ["1234", 5, None]],
        "b": "[SECRET_1] /root/x",
    }


def test_texts_that_no_file_can_hold_are_made_storable() -> None:
    """A lone surrogate becomes a question mark."""
    assert Redactor({}).text("é\ud800") == "é?"


def test_a_stop_is_told_in_one_line() -> None:
    """Whatever its kind; ends cannot be resumed."""
    assert str(Stop("final", "a", "w")) == "final 'a': w"
    assert str(Stop("budget", "a", "w", which="usd")) == "budget (usd) at 'a': w"
    assert str(Stop("waiting", "a", "")) == "waiting for 0 answer(s) at 'a'"
    assert str(Stop("stuck", "a", "w")) == "stuck at 'a': w"
    assert not Stop("done", "a", "").resumable


@pytest.mark.parametrize("wrote", [json.dumps, partial(json.dumps, ensure_ascii=False), repr])
def test_a_secret_is_found_as_it_is_written_in_json_and_in_errors(
    wrote: Callable[[str], str],
) -> None:
    """Arguments and results of tools are JSON in texts; a key can have lines and quotes."""
    secret = 'BEGIN "KEY"\nä\\MII=\nEND'
    text = Redactor({"PEM": f"{secret}\n"}).text(f"it is {wrote(secret)}")
    assert text[7:-1] == "[PEM]"
