"""Stopping runs from outside, and going on with those whose deadline has passed."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from stateflow import Runner
from stateflow.cli import human
from stateflow.cli.find import find_flow
from stateflow.stores.sqlite import SqliteStore
from tests.cli.made import HEAD, Call, begun, command, environment

LATE = (
    HEAD
    + """
boss = Human("boss", ask="Print it?", options=("yes", "no"))
asks = State("approve", boss, to("escalate", after=hours(1)), to(None))
deputy = State("escalate", Human("deputy", ask="And you?"), to(None))
flow = Flow("late", asks, deputy)
outer = Flow("outer", Nested("inside", flow, to(None)))
"""
)
LONG_AGO, FAR_AHEAD = 1_000_000_000.0, 4_000_000_000.0


def begin(folder: Path, run: str, *, at: float, source: str = "late.py") -> None:
    """Leave a run behind that began *at* and waits."""

    async def start() -> None:
        async with Runner(store=folder / "runs.db", clock=lambda: at) as runner:
            await runner.start(find_flow(source).flow, run=run, source=source)

    asyncio.run(start())


@pytest.fixture
def late(folder: Path) -> Path:
    """Return the present folder, which also holds a flow with a deadline."""
    (folder / "late.py").write_text(LATE, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("words", "code", "kind"), [((), 1, "cancelled"), (("--pause",), 130, "paused")]
)
def test_a_run_of_another_process_is_stopped_and_both_tell_of_it(
    folder: Path, sf: Call, words: Sequence[str], code: int, kind: str
) -> None:
    process, _ = begun(folder, "run", "slow.py")

    came = sf("stop", "last", *words)

    assert process.poll() is None, "nobody waits for it"
    out, err = process.communicate(timeout=60)
    assert (came.code, process.returncode) == (0, code)
    assert f"{kind} at 'a': stopped from outside\n" in came.out
    assert out.startswith(f"{kind} at 'a': stopped from outside\n")
    assert "Traceback" not in err
    assert "error" not in err


def test_a_run_that_is_over_is_told_in_one_sentence(sf: Call) -> None:
    sf("run", "done.py")

    came = sf("stop", "last")

    assert (came.code, came.out) == (1, "")
    assert came.err.count("\n") == 1
    assert "is over (done at 'review': says('APPROVED')); there is nothing left to stop" in came.err


def test_a_run_that_waits_is_ended_and_takes_no_answer_any_more(sf: Call) -> None:
    sf("run", "asks.py", "--no-input")
    assert "stands still already: waiting for 1 answer" in sf("stop", "last", "--pause").out

    told = json.loads(sf("stop", "last", "--json").out)

    assert (told["kind"], told["why"]) == ("cancelled", "stopped from outside")
    answered = sf("resume", "last", "--answer", "accept")
    assert answered.code == 1
    assert "is over" in answered.err


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_run_that_was_stopped_is_shown_so_wherever_it_is_resumed(
    sf: Call, words: Sequence[str]
) -> None:
    sf("run", "asks.py", "--no-input")
    sf("stop", "last")

    came = sf("resume", "last", *words)

    assert came.code == 1
    assert "stopped from outside" in (came.err if words else came.out)


def test_a_question_at_the_terminal_ends_when_the_run_was_stopped_meanwhile(
    folder: Path, sf: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is refused once, not asked for again and again."""
    asked: list[str] = []

    def ask(questions: Sequence[Any], later: str, before: Mapping[str, str]) -> Mapping[str, str]:
        asked.append(questions[0].id)
        stopper = command("stop", "last")
        subprocess.run(stopper, env=environment(folder), check=True, capture_output=True)
        return {questions[0].id: "accept"}

    monkeypatch.setattr(human, "can_ask", lambda: True)
    monkeypatch.setattr(human, "ask_all", ask)

    came = sf("run", "asks.py")

    assert (came.code, asked) == (1, ["approve#1.0"])
    assert "cancelled at 'approve': stopped from outside" in came.out


def test_deadlines_that_have_passed_are_fired_and_the_next_is_told(late: Path, sf: Call) -> None:
    begin(late, "one", at=LONG_AGO)
    begin(late, "two", at=LONG_AGO, source="late.py:outer")
    begin(late, "three", at=FAR_AHEAD)

    came = sf("resume", "--due")

    assert (came.code, came.err) == (0, "")
    assert came.out.split("\n") == [
        "one   approve → escalate   waiting for 1 answer(s) at 'escalate'",
        "two   inside#1.0/approve → escalate   waiting for 1 answer(s) at 'inside'",
        "next     2096-10-02 08:06 UTC   approve#1.0 of three",
        "",
    ]
    again = sf("resume", "--due", "--json")
    assert json.loads(again.out) == {
        "fired": [],
        "failed": [],
        "next": {"run": "three", "question": "approve#1.0", "at": FAR_AHEAD + 3600.0},
    }


def test_a_flow_that_is_gone_does_not_keep_other_runs_from_going_on(late: Path, sf: Call) -> None:
    begin(late, "one", at=LONG_AGO)
    (late / "other.py").write_text(LATE, "utf-8")
    begin(late, "two", at=LONG_AGO + 1, source="other.py")
    (late / "late.py").unlink()

    came = sf("resume", "--due")

    assert came.code == 1
    assert came.err.startswith("error: run one: the flow of run 'one': there is no file 'late.py'")
    assert came.err.count("\n") == 1
    assert came.out.startswith("two   approve → escalate")


def test_where_no_deadline_has_passed_that_is_said(sf: Call) -> None:
    came = sf("resume", "--due")

    assert (came.code, came.out) == (0, "no deadline has passed\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("last", "--due"), "'last' and --due do not go together"),
        (("--due", "--answer", "yes"), "leave out --answer"),
        (("--due", "--record", "x.jsonl"), "leave out --answer"),
        ((), "say which run"),
    ],
)
def test_late_runs_and_one_run_are_told_apart(
    sf: Call, words: Sequence[str], sentence: str
) -> None:
    came = sf("resume", *words)

    assert (came.code, came.out) == (2, "")
    assert sentence in came.err
    assert came.err.count("\n") == 1


async def test_what_fires_a_deadline_leaves_the_file_to_others(late: Path, sf: Call) -> None:
    """The journal says what happened, on the clock of who fired it."""
    await asyncio.to_thread(begin, late, "one", at=LONG_AGO)
    await asyncio.to_thread(sf, "resume", "--due")

    store = SqliteStore(late / "runs.db")
    journal = await store.journal("one")
    await store.aclose()

    assert journal.events[0].at == LONG_AGO
    assert journal.events[-1].at > LONG_AGO
