"""The standard guards: when each holds, when it does not, and before anybody has spoken."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow.conversation.message import Fault, Message, Outcome, ToolCall, Usage
from stateflow.conversation.transcript import Transcript
from stateflow.conversation.view import View
from stateflow.errors import DefinitionError, RateLimited
from stateflow.machine.guard import Guard
from stateflow.machine.guards import (
    answered,
    called,
    data_is,
    ended,
    equals,
    exhausted,
    exit_code,
    failed,
    handed_to,
    matches,
    messages_at_least,
    raised,
    replied,
    says,
    spent,
    spoke,
    succeeded,
    timed_out,
    turns_at_least,
    visited,
)


class Brief(BaseModel):
    score: int = 8


def heard(text: str = "", speaker: str = "coder", **fields: Any) -> View:  # noqa: ANN401 - the fields of a message
    return View(last=Message(text, speaker, **fields))


NOTHING = View()
DONE = heard("we are DONE.")
PASSED = heard("ok", outcome=Outcome.exited(0))
BROKEN = heard("boom", outcome=Outcome.exited(1))
SLOW = heard("", outcome=Outcome(ok=False, timed_out=True))
LIMITED = View(fault=Fault("RateLimited", "slow down", ("FaultError", "RunError")))
LATE = View(fault=Fault("TimedOut", "nothing came", ("FaultError",)))
REPLY = heard("{}", reply={"score": 8, "fine": True, "none": None})
USED = View(usage=Usage(calls=3, input_tokens=60, output_tokens=40, usd=0.5))
UNPRICED = View(usage=Usage(calls=1, usd=None))
CALLED = heard("", calls=(ToolCall("1", "search", "{}"),))
CODER = SimpleNamespace(name="coder")
PAIR = View(transcript=Transcript().append(Message("go", "user")).append(Message("ok", "coder")))


def together(*said: Message) -> View:
    """Return the view after a parallel state whose branches said this."""
    return View(last=said[-1], others=said[:-1])


YES = Message("yes", "coder")
NO = Message("no", "tester")
GOOD = Message("", "coder", outcome=Outcome.exited(0))
BAD = Message("", "tester", outcome=Outcome.exited(1))
LATER = Message("", "tester", outcome=Outcome(ok=False, timed_out=True, fault="TimedOut"))
RICH = Message("{}", "tester", reply={"score": 8}, handoff="me", answer="yes", ended="rejected")


@pytest.mark.parametrize(
    ("guard", "view", "expected"),
    [
        pytest.param(says("DONE"), DONE, True, id="says"),
        pytest.param(says("done"), DONE, False, id="says-case-matters"),
        pytest.param(says("done", case=False), DONE, True, id="says-case-does-not-matter"),
        pytest.param(says("DONE"), heard("ABANDONED DONELY"), False, id="says-whole-words"),
        pytest.param(says("DON", whole=False), DONE, True, id="says-part-of-a-word"),
        pytest.param(says("C++"), heard("use C++, not C"), True, id="says-signs"),
        pytest.param(says("DONE", by=CODER), DONE, True, id="says-by-agent"),
        pytest.param(says("DONE", by="reviewer"), DONE, False, id="says-by-another"),
        pytest.param(says("DONE"), NOTHING, False, id="says-nobody-has-spoken"),
        pytest.param(matches(r"D\w+E"), DONE, True, id="matches"),
        pytest.param(matches(r"^DONE"), DONE, False, id="matches-not"),
        pytest.param(matches(r"D", by="reviewer"), DONE, False, id="matches-by-another"),
        pytest.param(matches(r".*"), NOTHING, False, id="matches-nobody-has-spoken"),
        pytest.param(equals("yes"), heard(" yes\n"), True, id="equals"),
        pytest.param(equals("yes"), heard("yes, but"), False, id="equals-not"),
        pytest.param(equals(""), NOTHING, False, id="equals-nobody-has-spoken"),
        pytest.param(failed, BROKEN, True, id="failed-exit-code"),
        pytest.param(failed, LIMITED, True, id="failed-fault"),
        pytest.param(failed, PASSED, False, id="failed-passed"),
        pytest.param(failed, DONE, False, id="failed-speech"),
        pytest.param(failed, NOTHING, False, id="failed-nothing"),
        pytest.param(succeeded, PASSED, True, id="succeeded"),
        pytest.param(succeeded, BROKEN, False, id="succeeded-broken"),
        pytest.param(succeeded, DONE, False, id="succeeded-speech"),
        pytest.param(succeeded, NOTHING, False, id="succeeded-nothing"),
        pytest.param(timed_out, SLOW, True, id="timed-out-code"),
        pytest.param(timed_out, LATE, True, id="timed-out-fault"),
        pytest.param(timed_out, LIMITED, False, id="timed-out-other-fault"),
        pytest.param(timed_out, BROKEN, False, id="timed-out-broken"),
        pytest.param(timed_out, NOTHING, False, id="timed-out-nothing"),
        pytest.param(exhausted, View(exhausted="turns"), True, id="exhausted"),
        pytest.param(exhausted, NOTHING, False, id="exhausted-not"),
        pytest.param(raised(), LIMITED, True, id="raised-any"),
        pytest.param(raised(RateLimited), LIMITED, True, id="raised-class"),
        pytest.param(raised("FaultError"), LIMITED, True, id="raised-wider"),
        pytest.param(raised("Refused", "TimedOut"), LIMITED, False, id="raised-another"),
        pytest.param(raised(), BROKEN, False, id="raised-bad-outcome"),
        pytest.param(raised(), NOTHING, False, id="raised-nothing"),
        pytest.param(exit_code(1, 2), BROKEN, True, id="exit-code"),
        pytest.param(exit_code(0), BROKEN, False, id="exit-code-another"),
        pytest.param(exit_code(0), NOTHING, False, id="exit-code-nothing"),
        pytest.param(visited("s"), View(visits={"s": 1}), True, id="visited"),
        pytest.param(visited("s", at_least=3), View(visits={"s": 2}), False, id="visited-less"),
        pytest.param(visited("s"), NOTHING, False, id="visited-never"),
        pytest.param(turns_at_least(3), View(turns=2), True, id="turns-this-one-counts"),
        pytest.param(turns_at_least(3), View(turns=1), False, id="turns-fewer"),
        pytest.param(spent(usd=0.5), USED, True, id="spent-usd"),
        pytest.param(spent(usd=0.51), USED, False, id="spent-less-usd"),
        pytest.param(spent(usd=9.0), UNPRICED, True, id="spent-unknown-price"),
        pytest.param(spent(tokens=100), USED, True, id="spent-tokens"),
        pytest.param(spent(tokens=101, calls=4), USED, False, id="spent-fewer"),
        pytest.param(spent(tokens=101, calls=3), USED, True, id="spent-either"),
        pytest.param(spent(calls=1), NOTHING, False, id="spent-nothing"),
        pytest.param(spent(input_tokens=60), USED, True, id="spent-input"),
        pytest.param(spent(input_tokens=61), USED, False, id="spent-less-input"),
        pytest.param(spent(output_tokens=40), USED, True, id="spent-output"),
        pytest.param(spent(output_tokens=41), USED, False, id="spent-less-output"),
        pytest.param(spoke("coder"), DONE, True, id="spoke"),
        pytest.param(spoke("reviewer", CODER), DONE, True, id="spoke-one-of-them"),
        pytest.param(spoke("reviewer"), DONE, False, id="spoke-another"),
        pytest.param(spoke(), DONE, True, id="spoke-anybody"),
        pytest.param(spoke(), NOTHING, False, id="spoke-nobody"),
        pytest.param(spoke("coder"), LIMITED, False, id="spoke-raised"),
        pytest.param(messages_at_least(2), PAIR, True, id="messages-the-task-counts"),
        pytest.param(messages_at_least(3), PAIR, False, id="messages-fewer"),
        pytest.param(data_is("score", 8), View(data=Brief()), True, id="data"),
        pytest.param(data_is("score", at_least=9), View(data=Brief()), False, id="data-range"),
        pytest.param(data_is("title"), View(data=Brief()), False, id="data-missing-field"),
        pytest.param(data_is("score"), NOTHING, False, id="data-none"),
        pytest.param(replied("fine"), REPLY, True, id="replied-true"),
        pytest.param(replied("score", 8), REPLY, True, id="replied-equal"),
        pytest.param(replied("score", 7), REPLY, False, id="replied-unequal"),
        pytest.param(replied("score", at_least=8, at_most=8), REPLY, True, id="replied-range"),
        pytest.param(replied("score", at_most=7), REPLY, False, id="replied-too-much"),
        pytest.param(replied("fine", at_least=0), REPLY, False, id="replied-true-is-no-number"),
        pytest.param(replied("none", None), REPLY, True, id="replied-null"),
        pytest.param(replied("score"), DONE, False, id="replied-no-structured-reply"),
        pytest.param(replied("count"), heard("", reply=[1]), False, id="replied-list-method"),
        pytest.param(replied("title"), heard("", reply="x"), False, id="replied-text-method"),
        pytest.param(handed_to(CODER), heard("", handoff="coder"), True, id="handed-to"),
        pytest.param(handed_to("me"), heard("", handoff="coder"), False, id="handed-to-another"),
        pytest.param(handed_to("me"), NOTHING, False, id="handed-to-nobody"),
        pytest.param(called("search"), CALLED, True, id="called"),
        pytest.param(called("delete"), CALLED, False, id="called-another"),
        pytest.param(called("search"), NOTHING, False, id="called-nothing"),
        pytest.param(answered("yes"), heard("", answer="yes"), True, id="answered"),
        pytest.param(answered(), heard("", answer=""), True, id="answered-anything"),
        pytest.param(answered("yes"), heard("", answer="no"), False, id="answered-else"),
        pytest.param(answered(), NOTHING, False, id="answered-nothing"),
        pytest.param(ended("rejected"), heard("", ended="rejected"), True, id="ended"),
        pytest.param(ended(), heard("", ended="done"), True, id="ended-at-all"),
        pytest.param(ended("rejected"), heard("", ended="done"), False, id="ended-else"),
        pytest.param(ended(), NOTHING, False, id="ended-nothing"),
        pytest.param(says("DONE") & ~failed, DONE, True, id="and-not"),
        pytest.param(says("DONE") & failed, DONE, False, id="and"),
        pytest.param(says("x") | says("DONE"), DONE, True, id="or"),
        pytest.param(says("x") | failed, NOTHING, False, id="or-nothing"),
        pytest.param(~says("x"), NOTHING, True, id="not-nothing"),
    ],
)
def test_guard_answers(guard: Guard, view: View, expected: bool) -> None:
    """Each guard says yes, no, and no where nothing was said."""
    assert guard(view) is expected


@pytest.mark.parametrize("turned", [False, True], ids=["first", "last"])
@pytest.mark.parametrize(
    ("guard", "said", "expected"),
    [
        pytest.param(says("yes"), (YES, NO), True, id="says-any"),
        pytest.param(says("maybe"), (YES, NO), False, id="says-none"),
        pytest.param(says("yes", by="coder"), (YES, NO), True, id="says-by"),
        pytest.param(says("yes", by="tester"), (YES, NO), False, id="says-by-another-branch"),
        pytest.param(matches("^n"), (YES, NO), True, id="matches"),
        pytest.param(equals("no", by="tester"), (YES, NO), True, id="equals"),
        pytest.param(spoke("tester"), (YES, NO), True, id="spoke"),
        pytest.param(spoke("boss"), (YES, NO), False, id="spoke-nobody"),
        pytest.param(failed, (GOOD, BAD), True, id="failed-one"),
        pytest.param(failed, (GOOD, YES), False, id="failed-none"),
        pytest.param(succeeded, (GOOD, BAD), False, id="succeeded-not-all"),
        pytest.param(succeeded, (GOOD, YES), True, id="succeeded-speech-apart"),
        pytest.param(succeeded, (YES, NO), False, id="succeeded-no-outcome"),
        pytest.param(timed_out, (GOOD, LATER), True, id="timed-out"),
        pytest.param(timed_out, (GOOD, BAD), False, id="timed-out-none"),
        pytest.param(exit_code(1), (GOOD, BAD), True, id="exit-code"),
        pytest.param(exit_code(2), (GOOD, BAD), False, id="exit-code-none"),
        pytest.param(raised("TimedOut"), (GOOD, LATER), True, id="raised"),
        pytest.param(raised("OutOfMemory"), (GOOD, LATER), False, id="raised-another"),
        pytest.param(replied("score", at_least=8), (YES, RICH), True, id="replied"),
        pytest.param(replied("score", 7), (YES, RICH), False, id="replied-else"),
        pytest.param(handed_to("me"), (YES, RICH), True, id="handed-to"),
        pytest.param(answered("yes"), (YES, RICH), True, id="answered"),
        pytest.param(ended("rejected"), (YES, RICH), True, id="ended"),
        pytest.param(ended("done"), (YES, RICH), False, id="ended-else"),
        pytest.param(called("search"), (YES, CALLED.last), True, id="called"),
    ],
)
def test_a_guard_reads_what_every_branch_said(
    guard: Guard, said: tuple[Message, Message], expected: bool, turned: bool
) -> None:
    assert guard(together(*(said[::-1] if turned else said))) is expected


def test_a_fault_outweighs_what_the_branches_said() -> None:
    """As in any turn that raised."""
    view = View(fault=Fault("RateLimited"), last=GOOD, others=(LATER,))

    assert raised("RateLimited")(view)
    assert not raised("TimedOut")(view)
    assert not timed_out(view)


@pytest.mark.parametrize(
    ("build", "cure"),
    [
        pytest.param(lambda: says(" "), "name the words", id="says-nothing"),
        pytest.param(lambda: says("x", by=3), "give an agent or its name", id="by-a-number"),
        pytest.param(lambda: matches("("), "not a regular expression", id="broken-pattern"),
        pytest.param(exit_code, r"write exit_code\(0\)", id="no-code"),
        pytest.param(spent, r"write spent\(usd=1.0\)", id="no-limit"),
        pytest.param(lambda: handed_to(None), "names nobody", id="handed-to-none"),
        pytest.param(lambda: spoke("coder", ""), "names nobody", id="spoke-empty"),
        pytest.param(lambda: spoke(3), "give an agent or its name", id="spoke-a-number"),
        pytest.param(lambda: data_is("a", 1, at_least=2), "one or the other", id="two-questions"),
    ],
)
def test_a_guard_that_asks_nothing_is_refused(build: Callable[[], Guard], cure: str) -> None:
    """It would hold always or never, by accident."""
    with pytest.raises(DefinitionError, match=cure):
        build()


@pytest.mark.parametrize(
    ("guard", "form"),
    [
        pytest.param(failed, {"guard": "failed"}, id="bare"),
        pytest.param(
            says("DONE", by=CODER, case=False),
            {"guard": "says", "args": ["DONE"], "by": "coder", "case": False},
            id="arguments",
        ),
        pytest.param(visited("s"), {"guard": "visited", "args": ["s"]}, id="default-left-out"),
        pytest.param(
            spent(output_tokens=9), {"guard": "spent", "output_tokens": 9}, id="limit-by-name"
        ),
        pytest.param(
            spoke(CODER, "user"), {"guard": "spoke", "args": ["coder", "user"]}, id="agents"
        ),
        pytest.param(
            messages_at_least(9), {"guard": "messages_at_least", "args": [9]}, id="messages"
        ),
        pytest.param(data_is("a", None), {"guard": "data_is", "args": ["a", None]}, id="null"),
        pytest.param(~failed, {"not": {"guard": "failed"}}, id="not"),
        pytest.param(
            failed | says("x"),
            {"or": [{"guard": "failed"}, {"guard": "says", "args": ["x"]}]},
            id="or",
        ),
    ],
)
def test_a_guard_has_a_json_form(guard: Guard, form: object) -> None:
    """The form is what exports, prints and drawings are made from."""
    assert json.loads(json.dumps(guard.form)) == form
    assert guard.exportable


def test_a_guard_of_arguments_is_named_as_it_is_written() -> None:
    """A drawing shows the code that made it."""
    assert says("DONE", by=CODER).name == "says('DONE', by='coder')"
    assert raised("Refused", TimeoutError).name == "raised('Refused', 'TimeoutError')"


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), 10**5000], ids=["nan", "inf", "huge"]
)
def test_a_number_that_no_journal_can_hold_is_refused(number: float) -> None:
    with pytest.raises(
        DefinitionError, match=r"replied\(\) is given a number that JSON cannot hold"
    ):
        replied("score", at_least=number)
    with pytest.raises(DefinitionError, match=r"turns_at_least\(\) is given a number"):
        turns_at_least(number)  # type: ignore[arg-type]  # as a slip would
