"""Paths of runs held against patterns, and scripts that are said to their end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stateflow import (
    DefinitionError,
    Flow,
    Nested,
    Result,
    Runner,
    Scripted,
    State,
    run_sync,
    says,
    to,
)
from stateflow.agents.scripted import Line
from stateflow.testing.path import assert_path

WALK = ["plan", "write", "check", "write", "check", "review"]


@pytest.mark.parametrize(
    "pattern",
    [
        "plan → write → check → write → check → review",
        "plan -> write -> check -> write -> check -> review",
        "plan → (write → check){2} → review",
        "plan → (write → check){2,} → review",
        "plan → (write → check){,2} → review",
        "plan → (write → check){1,3} → review",
        "plan → (write → check)+ → review",
        "plan → (write|check){4} → review",
        "plan → (write → check | rest)+ → review",
        "* → review",
        "plan → *",
        "*",
        "* → check → * → review → *",
        "? → write → ? → * → ?",
        '"plan" → * → "review"',
        "plan\n  → (write → check){2}\n  → review",
        "nobody → * | plan → *",
        "plan{1} → nobody{0} → *",
    ],
)
def test_a_path_that_fits(pattern: str) -> None:
    assert_path(WALK, pattern)


@pytest.mark.parametrize(
    ("pattern", "matches", "expected", "came"),
    [
        ("write", "nothing", "'write'", "'plan'"),
        ("plan", "plan", "the end", "'write'"),
        ("plan → review", "plan", "'review'", "'write'"),
        (
            "plan → (write → check){3} → review",
            "plan → write → check → write → check",
            "'write'",
            "'review'",
        ),
        ("plan → (write → check){1} → review", "plan → write → check", "'review'", "'write'"),
        (
            "plan → (write → check)+ → done",
            "plan → write → check → write → check",
            "'write' or 'done'",
            "'review'",
        ),
        ("?{7}", " → ".join(WALK), "any state", "the end"),
        ("* → done", " → ".join(WALK), "'done'", "the end"),
        ("plan → check | plan → rest", "plan", "'check' or 'rest'", "'write'"),
        ("", "nothing", "the end", "'plan'"),
    ],
)
def test_a_path_that_does_not_fit_is_told_where(
    pattern: str, matches: str, expected: str, came: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_path(WALK, pattern)

    assert str(caught.value).split("\n") == [
        f"the path is not {pattern!r}",
        f"    path:     {' → '.join(WALK)}",
        f"    matches:  {matches}",
        f"    expected: {expected}",
        f"    came:     {came}",
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        "a →",
        "→ a",
        "a b",
        "(a",
        "a)",
        "a{",
        "a{}",
        "a{,}",
        "a{2,1}",
        "a |",
        "é é",
        "a ⇒",
        "a ⇒ b c",
        "a+2",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(DefinitionError, match="there should be"):
        assert_path(["a"], pattern)


@given(st.lists(st.sampled_from(["a", "b", "two words", "x-y", "1", "é"])))
def test_every_path_fits_its_own_names_and_nothing_longer(path: list[str]) -> None:
    pattern = " → ".join(f'"{one}"' for one in path)

    assert_path(path, pattern)
    with pytest.raises(AssertionError):
        assert_path([*path, "more"], pattern)


@st.composite
def patterns(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:
    """Return a pattern, and a regular expression over letters that means the same."""
    kind = draw(st.sampled_from(["name", "?", "*"] + ["→", "|", "count", "+"] * (depth > 0)))
    if kind in "?*":
        return kind, {"?": ".", "*": ".*"}[kind]
    if kind == "name":
        return ((name := draw(st.sampled_from("ab"))), name)
    first, like = draw(patterns(depth - 1))
    if kind == "+":
        return f"({first})+", f"(?:{like})+"
    if kind == "count":
        low = draw(st.integers(0, 2))
        counted = draw(st.sampled_from([f"{{{low}}}", f"{{{low},}}", f"{{{low},3}}"]))
        return f"({first}){counted}", f"(?:{like}){counted}"
    second, alike = draw(patterns(depth - 1))
    return f"({first}) {kind} ({second})", f"(?:{like}{'|' if kind == '|' else ''}{alike})"


@given(patterns(), st.text("abc", max_size=6))
def test_a_pattern_means_what_its_regular_expression_means(
    pattern: tuple[str, str], path: str
) -> None:
    try:
        assert_path(list(path), pattern[0])
        fits = True
    except AssertionError:
        fits = False

    assert fits == (re.fullmatch(pattern[1], path) is not None)


def test_many_loops_in_loops_take_no_time() -> None:
    assert_path(["a"] * 300, "((a+)+)+ → *")


def test_a_long_path_is_shown_in_part() -> None:
    with pytest.raises(AssertionError, match=r"… \(76 more\)"):
        assert_path(["a"] * 100, "b")


def review(*lines: Line) -> tuple[Scripted, Flow]:
    critic = Scripted("critic", lines)
    good = to(None, when=says("good"))
    return critic, Flow("slogan", State("review", critic, good, to("review"), visits=3))


@pytest.mark.parametrize("pattern", ["review{2} ⇒ done", "* => done", "review+"])
def test_a_result_knows_how_it_stopped(pattern: str) -> None:
    result = run_sync(review("bad", "good")[1])

    assert_path(result, pattern)


def test_another_stop_is_told() -> None:
    result = run_sync(review("bad", "good")[1])

    with pytest.raises(AssertionError, match="expected: ⇒ stuck\n    came:     ⇒ done"):
        assert_path(result, "review{2} ⇒ stuck")


def test_states_alone_do_not_tell_how_a_run_stopped() -> None:
    with pytest.raises(DefinitionError, match="mere states do not tell"):
        assert_path(["a"], "a ⇒ done")


def test_a_journal_has_a_path() -> None:
    result = run_sync(review("bad", "good")[1])

    assert result.journal is not None
    assert_path(result.journal, "review{2} ⇒ done")


def nested() -> tuple[Scripted, Result]:
    critic, inner = review("bad", "good")
    return critic, run_sync(Flow("outer", Nested("ask", inner, to(None))))


def test_a_nested_path_is_reached_by_its_place() -> None:
    _, result = nested()

    assert_path(result, "ask")
    assert_path(result, "review{2} ⇒ done", at="ask#1.0")


def test_a_nested_run_that_is_not_there_is_told_with_those_that_are() -> None:
    _, result = nested()

    with pytest.raises(DefinitionError, match=r"no nested run; there are: 'ask#1\.0'"):
        assert_path(result, "*", at="ask#2.0")


async def test_a_result_without_a_journal_says_how_to_get_one() -> None:
    critic, flow = review("good")
    async with Runner() as runner:
        result = await runner.start(flow)
        with pytest.raises(DefinitionError, match=r"runner\.journal"):
            assert_path(result, "*", at="ask#1.0")
        with pytest.raises(DefinitionError, match=r"runner\.journal"):
            critic.assert_complete(result)
        critic.assert_complete(await runner.journal(result.run))


def test_a_text_is_no_path() -> None:
    with pytest.raises(DefinitionError, match="is no run"):
        assert_path("plan", "plan")


def test_a_script_that_was_said_is_complete() -> None:
    critic, flow = review("bad", "good")

    critic.assert_complete(run_sync(flow))


def test_lines_that_were_not_said_are_named() -> None:
    critic, flow = review("good", "never", ValueError("oops"), lambda _: "no", "last" * 40)

    with pytest.raises(AssertionError) as caught:
        critic.assert_complete(run_sync(flow))

    assert str(caught.value) == (
        "'critic' said 1 of its 5 lines; not said: 'never', ValueError('oops'), <lambda>(), …"
    )


def test_a_script_said_in_a_nested_run_counts() -> None:
    critic, result = nested()

    critic.assert_complete(result)


def test_a_line_that_raised_was_said() -> None:
    critic, flow = review(ValueError("oops"))

    critic.assert_complete(run_sync(flow))
