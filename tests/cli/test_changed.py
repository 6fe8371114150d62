"""What is told of a flow that has changed."""

from __future__ import annotations

from stateflow import Final, Flow, Scripted, State, to
from stateflow.cli.changed import changes


def flow(*more: State, prompt: str = "", description: str = "") -> Flow:
    """Return a flow with a state ``a``, *more* states and an end."""
    speaker = Scripted("x", ["1"])
    first = State("a", speaker, to("end"), prompt=prompt)
    return Flow("f", first, *more, Final("end"), description=description)


def test_each_part_that_differs_is_named() -> None:
    before = flow(State("b", Scripted("y", ["1"]), to(None))).table()
    assert changes(before, before) == []
    assert changes(before, flow(prompt="New.", description="Told.").table()) == [
        "flow: description",
        "agent 'y': gone",
        "state 'a': prompt",
        "state 'b': gone",
        "transition 'b → done': gone",
    ]
    assert changes(flow().table(), before)[:2] == ["agent 'y': new", "state 'b': new"]
