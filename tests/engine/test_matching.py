"""How requests are held against recorded ones."""

from __future__ import annotations

from typing import Any

import pytest

from stateflow import Assistant, DefinitionError, Flow, Human, ReplayDivergence, State, replay, to
from stateflow.engine.matching import Asked, Match, check_match
from tests.support.diverging import diverging, recorded


def flow(prompt: str = "Be brief.", model: str = "scripted:x", role: str = "") -> Flow:
    """Return a flow in which an assistant speaks once."""
    return Flow("f", State("s", Assistant("w", model, prompt), to(None), prompt=role))


def test_white_space_of_prompts_may_differ_and_nothing_else() -> None:
    journal = recorded(flow("Be brief.\nBe kind.", role="Speak."))

    replay(flow(" Be  brief.\n\n\nBe kind.\n", role="Speak. "), journal, match="whitespace")
    with pytest.raises(ReplayDivergence, match="has changed: prompt"):
        replay(flow("Be brief. Be rude.", role="Speak."), journal, match="whitespace")
    with pytest.raises(ReplayDivergence, match="has changed: model, prompt"):
        replay(flow("Be brief. Be kind.", "scripted:y"), journal, match="whitespace")


def test_words_that_were_joined_are_no_white_space() -> None:
    diverging(flow("a b"), flow("ab"), "whitespace")


def test_a_function_decides_with_texts_and_prints_of_both() -> None:
    asked: list[tuple[Asked, Asked]] = []

    def same_model(before: Asked, now: Asked) -> bool:
        asked.append((before, now))
        return bool(before.args["model"] == now.args["model"])

    journal = recorded(flow(role="Speak."))

    replay(flow(role="Speak."), journal, match=same_model)
    assert not asked
    replay(flow("Be kind.", role="Speak."), journal, match=same_model)
    before, now = asked[0]
    assert (before.prompts, now.prompts) == (("Be brief.", "Speak."), ("Be kind.", "Speak."))
    assert (str(now.key), now.op, now.agent) == ("s#1.0", "model.call", "w")
    with pytest.raises(ReplayDivergence, match="has changed: model"):
        replay(flow(model="scripted:y", role="Speak."), journal, match=same_model)


def anything(before: Asked, now: Asked) -> bool:
    """Let every request pass."""
    return before.key == now.key


@pytest.mark.parametrize("match", ["state", anything])
def test_a_request_that_passes_is_answered_from_the_recording_to_the_end(match: Match) -> None:
    result = replay(flow("Other.", "scripted:y"), recorded(flow()), match=match)

    assert result.stop.kind == "done"
    assert result.messages[-1].text == "x"


def test_a_function_that_raises_is_named() -> None:
    def fails(before: Asked, now: Asked) -> bool:
        return bool(before.args["nothing"] == now.args)

    told = diverging(flow(), flow("Other."), fails)

    assert "the function of match= raised KeyError: 'nothing'; mend it" in str(told)


def test_a_question_to_a_person_is_matched_too() -> None:
    def asking(text: str) -> Flow:
        return Flow("f", State("h", Human("me", text), to(None)))

    journal = recorded(asking("Go?"))

    assert replay(asking("Stop?"), journal, match="state").stop.kind == "waiting"
    with pytest.raises(ReplayDivergence, match=r"human\.ask"):
        replay(asking("Stop?"), journal, match="whitespace")


@pytest.mark.parametrize("match", ["loose", None, 3, True])
def test_what_is_no_way_to_match_is_refused(match: Any) -> None:  # noqa: ANN401 - whatever it is
    with pytest.raises(DefinitionError, match="is no way to match; give 'strict', 'state'"):
        replay(flow(), recorded(flow()), match=match)
    with pytest.raises(DefinitionError):
        check_match(match)
