"""Replies that are held against a JSON schema: what is certain of them."""

from __future__ import annotations

from typing import Any

import pytest

from stateflow import Assistant, Final, Flow, State, check, replied, to

EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {"event": {"enum": ["APPROVE", "REJECT"]}},
    "required": ["event"],
    "additionalProperties": False,
}


def codes(reply: dict[str, Any], *events: str) -> list[str]:
    """Return what is found where all exits of a state are *events*."""
    judge = Assistant("judge", "scripted:{}", reply=reply)
    exits = [to("end", when=replied("event", event)) for event in events]
    flow = Flow("f", State("s", judge, *exits), Final("end"), on_error="end")
    return [one.code for one in check(flow) if one.code in {"SF103", "SF104", "SF110"}]


@pytest.mark.parametrize(
    ("changed", "events", "found"),
    [
        pytest.param({}, ["APPROVE", "REJECT"], [], id="all-of-them"),
        pytest.param({}, ["APPROVE"], ["SF103"], id="one-is-left"),
        pytest.param({}, ["APPROVE", "REJECT", "MAYBE"], ["SF110"], id="one-too-many"),
        pytest.param({"required": []}, ["APPROVE", "REJECT"], ["SF103"], id="may-be-absent"),
        pytest.param({"minProperties": 1}, ["APPROVE", "REJECT"], ["SF103"], id="not-understood"),
    ],
)
def test_exits_are_held_against_the_choices_of_a_schema(
    changed: dict[str, Any], events: list[str], found: list[str]
) -> None:
    assert codes(EVENT | changed, *events) == found


def test_a_choice_that_is_described_otherwise_is_not_concluded_from() -> None:
    either = {"anyOf": [{"const": "APPROVE"}, {"const": "REJECT"}]}

    assert codes(EVENT | {"properties": {"event": either}}, "APPROVE", "REJECT") == ["SF103"]
