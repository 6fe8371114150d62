"""What all patterns say of arguments that they do not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from stateflow import (
    Flow,
    State,
    debate,
    group_chat,
    hierarchy,
    in_sequence,
    in_turn,
    magentic,
    manual,
    nested,
    parallel,
    reflection,
    round_robin,
    selector,
    swarm,
    to,
    two_agents,
)
from tests.support.chatting import speaker

ann, bob = speaker("ann"), speaker("bob")
TEAM = [ann, bob]
FLOW = Flow("inner", State("ann", ann, to(None)))
FLOWS = "budget, data, on_error, description, accept"
GROUPS = f"{FLOWS}, allowed, disallowed, stop, turns, first, human, person, introductions"

PATTERNS: dict[str, Callable[..., Flow]] = {
    "two_agents": partial(two_agents, "x", ann, bob),
    "round_robin": partial(round_robin, "x", TEAM),
    "group_chat": partial(group_chat, "x", TEAM, choose=in_turn()),
    "selector": partial(selector, "x", TEAM, "scripted:bob"),
    "manual": partial(manual, "x", TEAM),
    "swarm": partial(swarm, "x", TEAM),
    "nested": partial(nested, "x", bob, [FLOW]),
    "hierarchy": partial(hierarchy, "x", bob, [FLOW]),
    "in_sequence": partial(in_sequence, "x", [FLOW]),
    "parallel": partial(parallel, "x", TEAM),
    "magentic": partial(magentic, "x", ann, [bob]),
    "debate": partial(debate, "x", TEAM, speaker("eve")),
    "reflection": partial(reflection, "x", ann, bob),
}


@pytest.mark.parametrize(
    ("pattern", "takes"),
    [
        pytest.param("two_agents", f"stop, turns, rounds, human, person, {FLOWS}", id="two"),
        pytest.param(
            "round_robin", f"stop, turns, human, person, introductions, {FLOWS}", id="ring"
        ),
        pytest.param("selector", f"prompt, retries, fallback, repeat, {GROUPS}", id="selector"),
        pytest.param("manual", f"repeat, {GROUPS}", id="manual"),
        pytest.param("swarm", f"handoffs, first, user, stop, turns, {FLOWS}", id="swarm"),
        pytest.param("in_sequence", FLOWS, id="in-sequence"),
        pytest.param("reflection", f"approve, rounds, {FLOWS}", id="reflection"),
    ],
)
def test_an_argument_that_a_pattern_has_not_is_answered_with_all_it_has(
    pattern: str, takes: str
) -> None:
    """The flow it would be handed to has more, such as ``places``."""
    with pytest.raises(TypeError) as caught:
        PATTERNS[pattern](places=())

    assert str(caught.value) == (
        f"{pattern} 'x' got an unexpected keyword argument 'places'; it takes: {takes}"
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_is_told_before_anything_else_that_is_wrong(pattern: str) -> None:
    """As that nothing ends the chat, where ``max_round`` was to."""
    with pytest.raises(TypeError, match=f"^{pattern} 'x' got .* 'max_round'; AutoGen's max_round"):
        PATTERNS[pattern](max_round=3)


@pytest.mark.parametrize(
    ("pattern", "wrong", "here"),
    [
        pytest.param("two_agents", "max_turns", "turns= here", id="two-turns"),
        pytest.param("debate", "max_turns", "rounds= here", id="rounds"),
        pytest.param("parallel", "max_turns", "turns= of other patterns", id="elsewhere"),
        pytest.param("two_agents", "max_consecutive_auto_reply", "rounds= here", id="replies"),
        pytest.param("manual", "max_consecutive_auto_reply", "turns= here", id="team-replies"),
        pytest.param("swarm", "termination_condition", "stop= here", id="condition"),
        pytest.param("reflection", "is_termination_msg", "approve= here", id="message"),
        pytest.param("group_chat", "speaker_selection_method", "choose= here", id="method"),
        pytest.param("selector", "speaker_selection_method", "choose= of other", id="no-method"),
        pytest.param("round_robin", "human_input_mode", "human= here", id="human"),
        pytest.param("swarm", "human_input_mode", "user= here", id="user"),
    ],
)
def test_a_word_of_autogens_is_answered_with_ours(pattern: str, wrong: str, here: str) -> None:
    words: Any = {wrong: 3}

    with pytest.raises(TypeError, match=f"AutoGen's {wrong} is {here}"):
        PATTERNS[pattern](**words)
