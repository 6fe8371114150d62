"""Flows of one state and of thousands, and flows two hundred deep in one another."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stateflow.diagram.dot import to_dot
from stateflow.diagram.mermaid import fits, to_mermaid
from stateflow.diagram.picture import picture
from stateflow.diagram.table import page, to_text
from stateflow.machine.flow import Flow
from stateflow.machine.guards import failed
from stateflow.machine.nested import Nested
from stateflow.machine.state import Final, State
from stateflow.machine.transition import to
from tests.diagram.flows import Speaker

SPEAKER = Speaker("a")
WRITERS: list[Callable[[Flow], str]] = [to_dot, to_mermaid, to_text]


def one() -> Flow:
    return Flow("one", State("only", SPEAKER, to(None)))


def round_and_round() -> Flow:
    return Flow("round", State("only", SPEAKER, to("only", when=failed), to(None)))


def wide(size: int = 5_000) -> Flow:
    states = [State(f"s{n}", SPEAKER, to("s0", when=failed), to(f"s{n + 1}")) for n in range(size)]
    return Flow("wide", *states, Final(f"s{size}"))


def deep(levels: int = 200) -> Flow:
    flow = one()
    for level in range(levels):
        flow = Flow(f"f{level}", Nested("in", flow, to(None)))
    return flow


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("make", [one, round_and_round, wide, deep])
def test_every_place_is_written(make: Callable[[], Flow], write: Callable[[Flow], str]) -> None:
    flow = make()

    text = write(flow)

    assert all(name in text for name in list(flow.places)[:100])
    assert write(flow) == text


def test_mermaid_opens_as_many_flows_as_it_can_read() -> None:
    text = to_mermaid(deep())

    assert fits(text)
    assert text.count("{") > 20


def test_a_page_tells_that_a_drawing_would_be_too_large_and_has_the_table() -> None:
    drawn = picture(wide(2_000))

    text = page(drawn, drawn)

    assert "```mermaid" not in text
    assert "Too large to be drawn here" in text
    assert text.count("\n| s") == 2_001  # its head
