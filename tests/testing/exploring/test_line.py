from typing import Any

import pytest

import stateflow
from stateflow import (
    PASS,
    Assistant,
    CodeRunner,
    Execution,
    Fault,
    File,
    Message,
    Outcome,
    RateLimited,
    ToolCall,
    Usage,
)
from stateflow.testing.exploring.line import (
    MADE_UP,
    Line,
    fault_in,
    message_in,
    plainly,
    printed,
    raising,
)

LINES: dict[str, Line] = {
    "a text": 'it\'s "so"\n',
    "a reply": {"score": 8, "why": ["a"]},
    "an exit": Outcome.exited(3),
    "a good outcome": Outcome.passed(),
    "a late outcome": Outcome(ok=False, timed_out=True, fault="TimedOut"),
    "nothing": PASS,
    "a fault": Fault("Flaky", "for once"),
    "tools": Message("", calls=(ToolCall("", "look", "{}", result="a", ok=False),)),
    "two tools": Message("", calls=(ToolCall("1", "look", "{}"), ToolCall("2", "see", "{}"))),
    "a handoff": Message("Over.", handoff="write"),
    "a cost": Message("Dear.", usage=Usage(1, 20, 30)),
    "a reply and an outcome": Message("", outcome=Outcome.exited(0), reply={"score": 1}),
    "files": Message("See.", files=(File("a.png", "image/png", "ab", 2, b"\\x89P"),)),
    "code that ran": Message("", executions=(Execution("python", 0, "3"),)),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_printed_line_says_the_same(line: Line) -> None:
    names: dict[str, Any] = dict(vars(stateflow))

    assert eval(printed(line), names) == line  # noqa: S307 - what was just printed


def test_a_printed_error_is_the_same_error() -> None:
    assert printed(RateLimited("too 'fast'")) == """RateLimited("too 'fast'")"""


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Hello.", "Hello."),
        ({"café": 1}, '{"café": 1}'),
        (Outcome.exited(1), ""),
        (Message("So."), "So."),
    ],
    ids=["text", "reply", "outcome", "message"],
)
def test_a_line_is_a_message(line: Line, text: str) -> None:
    said = message_in(line)

    assert said is not None
    assert said.text == text


@pytest.mark.parametrize("line", [PASS, RateLimited("no"), Fault("Flaky")], ids=repr)
def test_who_passes_or_fails_says_nothing(line: Line) -> None:
    assert message_in(line) is None


def test_a_fault_and_an_error_are_raised_and_a_text_is_not() -> None:
    fault = Fault("Flaky")
    told = fault_in(RateLimited("no"))

    assert fault_in(fault) is fault
    assert told is not None
    assert told.name == "RateLimited"
    assert fault_in("RateLimited") is None


@pytest.mark.parametrize("name", ["UnicodeDecodeError", "print", "Nowhere"])
def test_what_cannot_be_raised_with_a_sentence_is_a_fault_of_that_name(name: str) -> None:
    assert raising(name) == Fault(name, MADE_UP)


def test_errors_of_python_are_raised_as_such() -> None:
    assert isinstance(raising("KeyError"), KeyError)


runner = CodeRunner("runner")
writer = Assistant("writer", "openai:gpt-5")
scorer = Assistant("scorer", "openai:gpt-5", reply={"type": "object"})


@pytest.mark.parametrize(
    ("line", "agent", "short"),
    [
        (Message("", "runner", outcome=Outcome.exited(1)), runner, Outcome.exited(1)),
        (Message("{}", "scorer", reply={"a": 1}), scorer, {"a": 1}),
        (Message("Hi.", "writer"), writer, "Hi."),
        (Message("Hi.", "writer", handoff="x"), writer, Message("Hi.", handoff="x")),
        ({"a": 1}, scorer, {"a": 1}),
    ],
    ids=["code", "reply", "text", "handoff", "as it is"],
)
def test_a_line_is_as_short_as_its_speaker_lets_it_be(
    line: Line, agent: stateflow.Agent, short: Line
) -> None:
    assert plainly(line, agent) == short
