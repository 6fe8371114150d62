"""Chats in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stateflow import (
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Leg,
    Message,
    Scripted,
    State,
    View,
    in_sequence,
    itself,
    only,
    run_sync,
    says,
    to,
)
from stateflow.stores.memory import MemoryStore
from tests.support.chatting import chat, errors, table


def hears(name: str) -> Flow:
    """Return a chat that says what it was told."""
    return Flow(name, State("hear", FunctionAgent("ear", _heard), to(None)))


def _heard(view: View) -> str:
    told = view.last.text.replace("\n\n", " | ").replace("\n", " ")
    return f"<{told}>"


def says_so(name: str, text: str, *, ok: bool = True) -> Flow:
    """Return a chat that comes to *text*, in a final that is *ok*."""
    speaker = Scripted("speaker", [text])
    return Flow(name, State("say", speaker, to("end")), Final("end", ok=ok))


A, B, C = says_so("a", "one"), says_so("b", "two"), says_so("c", "three")


def told(*chats: Flow | Leg) -> str:
    """Return what the last of *chats* was told, in one line."""
    return chat(in_sequence("row", chats), task="the task").messages[-1].text


def test_the_chats_stand_in_a_row_under_their_names() -> None:
    flow = in_sequence("row", [A, B.as_agent("again"), Leg(C, "third")])

    assert table(flow) == {
        "a": [("again", "else")],
        "again": [("third", "else")],
        "third": [(None, "else")],
    }
    assert errors(flow) == []


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param(hears("h"), "<the task | Context: a: one b: two>", id="all-earlier"),
        pytest.param(
            Leg(hears("h"), input="Sum up."), "<Sum up. | Context: a: one b: two>", id="own-task"
        ),
        pytest.param(
            Leg(hears("h"), input=lambda view: f"After {view.last.speaker}."),
            "<After b. | Context: a: one b: two>",
            id="a-function",
        ),
        pytest.param(
            Leg(hears("h"), after=["a"]), "<the task | Context: a: one>", id="depends-on-one"
        ),
        pytest.param(Leg(hears("h"), after=[]), "<the task>", id="depends-on-none"),
        pytest.param(
            Leg(hears("h"), exclude=["a"]), "<the task | Context: b: two>", id="all-but-one"
        ),
        pytest.param(Leg(hears("h"), exclude=["b", "a"]), "<the task>", id="all-excluded"),
        pytest.param(
            Leg(hears("h").as_agent(input="Mine.", carryover=only("user"))),
            "<Mine. | Context: user: the task>",
            id="an-agent-keeps-its-own",
        ),
    ],
)
def test_a_chat_is_told_its_task_and_what_the_earlier_ones_came_to(
    last: Flow | Leg, expected: str
) -> None:
    assert told(A, B, last) == expected


def test_the_first_is_told_the_task_alone() -> None:
    assert told(hears("h")) == "<the task>"


def test_without_a_task_the_first_is_told_nothing() -> None:
    assert run_sync(in_sequence("s", [hears("one")])).messages[-1].text == "<>"


def test_what_a_chat_comes_to_is_its_summary() -> None:
    """A function of its messages, the task first."""

    def counted(messages: Sequence[Message]) -> str:
        return f"{len(messages)} messages"

    assert told(Leg(A, summary=counted), hears("h")) == ("<the task | Context: a: 2 messages>")


def test_a_chat_that_ends_badly_ends_the_sequence() -> None:
    """Else its summary would be told to the next as if all were well."""
    flow = in_sequence("row", [says_so("a", "no", ok=False), B])

    result = chat(flow)

    assert table(flow)["a"] == [("failed", "ended('end')"), ("b", "else")]
    assert errors(flow) == []
    assert (result.stop.kind, result.stop.state, result.path) == ("final", "failed", ("a",))


def test_a_chat_that_is_stuck_stops_the_run_and_can_be_resumed() -> None:
    stuck = Flow("stuck", State("s", Scripted("s", ["hm"]), to(None, when=says("yes"))))

    result = chat(in_sequence("row", [stuck, B]))

    assert (result.stop.kind, result.stop.state) == ("failed", "stuck")
    assert result.stop.fault is not None
    assert result.stop.fault.name == "ChildFailed"


def test_files_of_the_task_reach_each_chat_that_has_no_task_of_its_own(tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text("read me", encoding="utf-8")

    def names(view: View) -> Message:
        return Message(" ".join(one.name for one in view.last.files) or "none")

    def reads(name: str) -> Flow:
        return Flow(name, State("read", FunctionAgent("reader", names), to(None)))

    flow = in_sequence("row", [reads("a"), reads("b"), Leg(reads("c"), input="Read.")])

    result = run_sync(flow, "go", files=[page], store=MemoryStore())

    assert [one.text for one in result.messages[1:]] == ["page.txt", "page.txt", "none"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(
            lambda: in_sequence("row", []),
            "in_sequence 'row': [] is no list of chats; write [outline, write]",
            id="none",
        ),
        pytest.param(
            lambda: in_sequence("row", [A, A]),
            "in_sequence 'row': two chats are called 'a'; name one: Leg(flow, 'other'), or "
            "flow.as_agent('other')",
            id="twice",
        ),
        pytest.param(
            lambda: in_sequence("row", ["a"]),  # type: ignore[list-item]  # on purpose
            "in_sequence 'row': 'a' is not a flow; nest what Flow(...) returns",
            id="no-flow",
        ),
        pytest.param(
            lambda: in_sequence("row", [A, itself()]),
            "in_sequence 'row': itself() would run for ever; nest it where a guard can lead past "
            "it",
            id="itself-for-ever",
        ),
        pytest.param(
            lambda: in_sequence("row", [Leg(A.as_agent(), input="Mine.")]),
            "in_sequence 'row': 'a' is an agent already; say input=, carryover= and summary= where "
            "it is made: flow.as_agent(...)",
            id="task-of-an-agent",
        ),
        pytest.param(
            lambda: in_sequence("row", [A, Leg(B, after=["c"]), C]),
            "in_sequence 'row': chat 'b', after=['c']: 'c' does not come before it; earlier chats: "
            "'a'. Move it up",
            id="against-the-order",
        ),
        pytest.param(
            lambda: in_sequence("row", [Leg(A, exclude=["a"])]),
            "in_sequence 'row': chat 'a', exclude=['a']: 'a' does not come before it; earlier "
            "chats: none. Move it up",
            id="itself",
        ),
        pytest.param(
            lambda: in_sequence("row", [A, Leg(B, after="a")]),
            "in_sequence 'row': chat 'b', after='a' is no list of names; write ['a']",
            id="no-list",
        ),
        pytest.param(
            lambda: in_sequence("row", [A, Leg(B, after=["a"], exclude=["a"])]),
            "in_sequence 'row': chat 'b': after= names all it is told of, and exclude= says so "
            "again; leave one out",
            id="said-twice",
        ),
    ],
)
def test_what_could_never_work_is_refused(make: Callable[[], Flow], sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        make()

    assert str(caught.value) == sentence
