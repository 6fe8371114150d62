"""The table for those who move: every call in it is one that exists, keywords included."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import get_args

import pytest

import stateflow
from tests.docs.tables import Page

PAGE = Page("docs/from-autogen.md")
TITLES = ("Agents", "Conversation patterns", "Termination")
OBJECTS = {
    "flow": stateflow.Flow,
    "live": stateflow.Live,
    "runner": stateflow.Runner,
    "Flow": stateflow.Flow,
}
"""What the page calls values of a kind."""


def calls() -> Iterator[ast.Call]:
    """Yield every call in the column that says what is here."""
    for title in TITLES:
        for row in PAGE.table(title)[1:]:
            for code in re.findall(r"`([^`]+)`", row[1]):
                yield from _calls_in(code)


def _calls_in(code: str) -> Iterator[ast.Call]:
    try:
        tree = ast.parse(re.sub(r"=(…|(?=, |\)))", "=...", code))
    except SyntaxError:
        return  # a command, or an argument by itself
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


CALLS = {ast.unparse(call): call for call in calls()}


def taken_by(called: Callable[..., object]) -> set[str]:
    """Return the names of the arguments of *called*, those of its options included."""
    names: set[str] = set()
    for one in inspect.signature(called, eval_str=True).parameters.values():
        if one.kind is one.VAR_KEYWORD:
            (options,) = get_args(one.annotation)
            names |= set(options.__annotations__)
        else:
            names.add(one.name)
    return names


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_the_table_calls_exists_and_takes_these_arguments(call: ast.Call) -> None:
    owner = stateflow
    match call.func:
        case ast.Attribute(value=ast.Name(id=name), attr=called):
            owner = OBJECTS[name]  # type: ignore[assignment]
        case ast.Name(id=called):
            assert called in {*stateflow.__all__, "fn"}
        case other:
            pytest.fail(ast.unparse(other))
    if called == "fn":
        return  # the user's own

    assert {keyword.arg for keyword in call.keywords} <= taken_by(getattr(owner, called))


@pytest.mark.parametrize(
    "word",
    [
        *("initiate_chat", "UserProxyAgent", "a team of one agent", "a second task", "Console"),
        *("human_input_mode", "max_retries_for_selecting_speaker", "max_selector_attempts"),
        *("select_speaker_auto_llm_config", "ContextVariables", "OnCondition", "AfterWork"),
        *("model_context", "max_tool_iterations", "reflect_on_tool_use", "summary_args"),
        *("max_stalls", "activation_group", "GPTAssistantAgent", "memory"),
    ],
)
def test_a_word_of_theirs_has_a_row(word: str) -> None:
    theirs = [row[0] for title in TITLES for row in PAGE.table(title)[1:]]

    assert any(word in cell for cell in theirs)


def test_the_table_has_all_of_it() -> None:
    """Fewer calls than there were would mean that the page is no longer read."""
    assert len(CALLS) > 60
