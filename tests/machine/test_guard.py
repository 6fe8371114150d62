"""Guards as values: combined, named, flagged, printed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import cast

import pytest

from stateflow import Flow, Scripted, State, run_sync, to
from stateflow.conversation.message import Fault, Message
from stateflow.conversation.view import View
from stateflow.diagram.table import to_page
from stateflow.errors import DefinitionError
from stateflow.machine.guard import Guard, function_print, guard
from stateflow.machine.guards import exhausted, exit_code, failed, raised, says, timed_out

YES = Guard("yes", lambda _: True)
NO = Guard("no", lambda _: False)


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        pytest.param(YES & YES, True, id="and"),
        pytest.param(YES & NO, False, id="and-no"),
        pytest.param(NO | YES, True, id="or"),
        pytest.param(NO | NO, False, id="or-no"),
        pytest.param(~NO, True, id="not"),
        pytest.param(~(YES & ~NO) | NO, False, id="nested"),
    ],
)
def test_guards_combine(guard: Guard, expected: bool) -> None:
    """As the words say."""
    assert guard(View()) is expected


def test_a_combined_guard_tells_what_it_asks() -> None:
    """Brackets show how it was combined."""
    assert (says("DONE") & ~failed).name == "(says('DONE') and not failed)"
    assert (YES | NO & YES).name == "(yes or (no and yes))"


@pytest.mark.parametrize(
    ("guard", "faults"),
    [
        pytest.param(failed, True, id="failed"),
        pytest.param(raised(), True, id="raised"),
        pytest.param(timed_out, True, id="timed-out"),
        pytest.param(exit_code(1), True, id="exit-code"),
        pytest.param(says("x"), False, id="says"),
        pytest.param(~failed, False, id="not"),
        pytest.param(~~failed, False, id="not-not"),
        pytest.param(failed & says("x"), True, id="and"),
        pytest.param(says("x") | failed, True, id="or"),
        pytest.param(~failed & says("x"), False, id="not-within-and"),
    ],
)
def test_only_guards_that_name_faults_are_offered_raised_turns(guard: Guard, faults: bool) -> None:
    """Inside a negation nothing names a fault, so a dead model never flows on."""
    assert guard.faults is faults


def test_a_combined_guard_asks_about_the_budget_if_a_part_does() -> None:
    """The negation does not: it holds all the time."""
    assert (exhausted & says("x")).exhausts
    assert not (~exhausted).exhausts


def test_a_guard_is_not_its_verdict() -> None:
    """``if guard:`` is always a mistake."""
    with pytest.raises(TypeError, match=r"guard 'yes' has no truth value; .*&, \| and ~"):
        bool(YES)


def test_the_word_and_between_guards_is_refused() -> None:
    """It would drop the first guard silently."""
    with pytest.raises(TypeError, match="no truth value"):
        _ = YES and NO  # type: ignore[redundant-expr]  # pyright: ignore[reportGeneralTypeIssues] - that is the mistake


def test_a_function_becomes_a_guard_with_its_name() -> None:
    """It cannot be exported, and neither can what it is part of."""

    @guard
    def short(view: View) -> bool:
        return len(view.last.text) < 3

    assert short(View(last=Message("ab", "a")))
    assert short.name == "short"
    assert not short.exportable
    assert not (failed & ~short).exportable


def test_a_function_guard_can_be_named_and_offered_faults() -> None:
    """``@guard(name=..., faults=True)``."""

    @guard(name="too slow", faults=True)
    def slow(view: View) -> bool:
        return view.fault is not None

    assert slow.name == "too slow"
    assert slow.faults
    assert slow(View(fault=Fault("TimedOut")))


def test_what_a_function_returns_is_taken_as_a_verdict() -> None:
    """A match object is a yes."""
    truthy = guard(lambda view: view.last.text)  # type: ignore[arg-type,return-value]  # as users write

    assert truthy(View(last=Message("x"))) is True


def test_an_async_function_is_no_guard() -> None:
    """It would be truthy whatever it answers."""

    async def slow(view: View) -> bool:
        return True

    with pytest.raises(DefinitionError, match=r"guard 'slow' is async; .*Put the question in a"):
        guard(cast("Callable[[View], bool]", slow))


def test_a_function_is_told_by_name_and_source() -> None:
    """A changed source is another function."""
    namespace: dict[str, object] = {}
    exec("def f(v): return v > 3\ndef g(v): return v > 4", namespace)  # noqa: S102 - no source file
    three, four = namespace["f"], namespace["g"]
    assert callable(three)
    assert callable(four)

    assert function_print(three)["function"] == "f"
    assert function_print(three)["source"] != function_print(four)["source"]
    assert function_print(three) == function_print(three)


def test_a_function_without_source_is_told_by_its_whole_code() -> None:
    """Inner functions and sets of constants included, in any order of hashing."""
    text = "def f(v): return [x for x in (lambda y: y)(v) if x in {'a', 'b', NAME}]"
    prints = set[object]()
    for name in ("'c'", "'c'", "'d'"):
        namespace: dict[str, object] = {}
        exec(text.replace("NAME", name), namespace)  # noqa: S102 - no source file
        function = namespace["f"]
        assert callable(function)
        prints.add(function_print(function)["source"])

    assert len(prints) == 2


def test_a_callable_object_is_told_by_its_type() -> None:
    """It has neither source nor code."""
    assert function_print(functools.partial(max, 1))["function"] == "partial"


def test_guards_may_be_joined_as_deep_as_they_can_be_recorded() -> None:
    word = says("A")
    deep = says("W0")
    for number in range(1, 200):
        deep = deep | says(f"W{number}")
    flow = Flow("f", State("s", Scripted("x", ["W7"]), to(None, when=deep), to("s")))

    assert run_sync(flow, "go").path == ("s",)
    assert to_page(flow)
    with pytest.raises(DefinitionError, match="more than 200 guards are joined"):
        _ = deep | word
    with pytest.raises(DefinitionError, match="more than 200 guards"):
        _ = ~deep
