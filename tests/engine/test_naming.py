"""Which candidate an answer means: sloppy answers, hostile ones, and names that look alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stateflow.agents.function import FunctionAgent
from stateflow.conversation.agent import Agent
from stateflow.conversation.view import View
from stateflow.engine.naming import about, done_word, meant, words_of
from stateflow.machine.choose import Chat


def agent(name: str) -> FunctionAgent:
    return FunctionAgent(name, lambda view: "said")


def chat(
    *names: str | None, agents: Sequence[Agent | None] = (), places: Sequence[str] = ()
) -> Chat:
    return Chat(View(), names, tuple(agents) or (None,) * len(names), None, (), tuple(places))


CREW = chat(
    *("code_runner", "planner", "lead planner", None),
    agents=(agent("Py"), agent("planner"), agent("Ada"), None),
    places=("start", "code_runner", "planner", "lead planner", "planner_2"),
)


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        pytest.param('{"next": "planner"}', "planner", id="as-asked"),
        pytest.param('{"next": "DONE"}', None, id="done"),
        pytest.param("planner", "planner", id="bare"),
        pytest.param("Planner.", "planner", id="case-and-stop"),
        pytest.param(r"code\_runner", "code_runner", id="markdown-escape"),
        pytest.param(r'{"next": "code\_runner"}', "code_runner", id="escape-that-is-no-json"),
        pytest.param(r"$\text{code\_runner}$", "code_runner", id="latex"),
        pytest.param("Code Runner", "code_runner", id="space-for-underscore"),
        pytest.param("lead-planner", "lead planner", id="hyphen-for-space"),
        pytest.param("**Lead_Planner**", "lead planner", id="bold"),
        pytest.param("`planner`", "planner", id="backticks"),
        pytest.param('"planner"', "planner", id="quotes"),
        pytest.param("Next: planner", "planner", id="leading-next"),
        pytest.param("NEXT SPEAKER: **planner**!", "planner", id="leading-next-speaker"),
        pytest.param("{'next': 'planner'}", "planner", id="python-dict"),
        pytest.param('```json\n{"next": "planner"}\n```', "planner", id="fenced"),
        pytest.param('Sure! {"next": "planner"} ok?', "planner", id="json-in-a-sentence"),
        pytest.param("py", "code_runner", id="agent-name"),
        pytest.param("I think Ada should speak.", "lead planner", id="agent-in-a-sentence"),
        pytest.param("It is planner's turn.", "planner", id="sentence"),
        pytest.param("Let the lead planner speak", "lead planner", id="longer-name-wins"),
        pytest.param("We are done here: planner.", "planner", id="an-english-done"),
        pytest.param("The work is DONE", None, id="done-in-a-sentence"),
        pytest.param("Not planner_2 but planner", "planner", id="one-that-is-not-enabled"),
    ],
)
def test_a_sloppy_answer_means_the_one_candidate_it_names(answer: str, taken: str | None) -> None:
    position = meant(answer, CREW)

    assert position is not None
    assert CREW.candidates[position] == taken


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="empty"),
        pytest.param("{}", id="empty-object"),
        pytest.param('{"next": null}', id="null"),
        pytest.param('{"next": ["planner"]}', id="list"),
        pytest.param('{"speaker": "planner"}', id="another-key"),
        pytest.param('{"next": "planner', id="cut-off"),
        pytest.param("TERMINATE", id="terminate"),
        pytest.param("None", id="none"),
        pytest.param("boss", id="whoever-spoke-last"),
        pytest.param("planner_2", id="not-enabled"),
        pytest.param("Planner 2", id="not-enabled-sloppily"),
        pytest.param("deputy", id="agent-of-one-not-enabled"),
        pytest.param("planner or code_runner", id="two"),
        pytest.param("planner, then DONE", id="one-and-done"),
        pytest.param("the work is not done", id="an-english-done"),
        pytest.param("planners", id="plural"),
        pytest.param("myplanner-x", id="part-of-a-word"),
        pytest.param("start", id="where-we-are"),
        pytest.param("[" * 5000 + "{" * 5000, id="deep"),
        pytest.param("x " * 2000 + "planner", id="too-long-to-be-a-choice"),
        pytest.param("auto", id="a-method"),
    ],
)
def test_an_answer_that_means_no_one_candidate_means_none(answer: str) -> None:
    """Nobody is guessed at."""
    assert meant(answer, CREW) is None


@pytest.mark.parametrize(
    ("answer", "position"),
    [("a b", 0), ("a_b", 1), ("A-B", None), ("so a b it is", None), ('{"next": "a_b"}', 1)],
)
def test_states_that_differ_in_separators_only_are_told_apart_by_exact_names(
    answer: str, position: int | None
) -> None:
    assert meant(answer, chat("a b", "a_b")) == position


def test_an_exact_name_that_is_not_enabled_never_means_one_that_looks_like_it() -> None:
    names = chat("a_b", "c", places=("a b", "a_b", "c"))

    assert [meant(text, names) for text in ("a b", "A B", "a_b", "take a b")] == [
        None,
        None,
        0,
        None,
    ]


def test_a_name_of_signs_alone_is_only_ever_exact() -> None:
    names = chat("-", "?", "a")

    assert [meant(text, names) for text in ("-", "?", "- a ?", "!")] == [0, 1, 2, None]


def test_a_states_name_counts_before_an_agents() -> None:
    """An agent that serves two candidates names neither."""
    ann, bob = agent("second"), agent("bob")

    assert meant("second", chat("first", "second", agents=(ann, bob))) == 1
    assert meant("bob", chat("first", "second", agents=(ann, bob))) == 1
    assert meant("bob", chat("first", "second", agents=(bob, bob))) is None


@pytest.mark.parametrize(
    ("places", "word"),
    [
        pytest.param(("a",), "DONE", id="free"),
        pytest.param(("a", "DONE"), "END", id="taken"),
        pytest.param(("a", "done", "*end*"), "OVER", id="taken-but-for-case"),
        pytest.param(("DONE", "END", "OVER", "DONE_2"), "DONE 3", id="all-taken"),
    ],
)
def test_done_is_called_otherwise_where_a_state_has_that_name(
    places: tuple[str, ...], word: str
) -> None:
    names = chat("a", None, places=places)

    assert done_word(names) == word
    assert words_of(names) == ["a", word]
    assert meant(word, names) == 1


def test_without_descriptions_only_done_is_explained() -> None:
    assert about(chat("a", "b")) == ""
    assert about(chat("a", None)) == "DONE: nobody speaks any more, the conversation is over"
