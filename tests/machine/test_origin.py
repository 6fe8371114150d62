from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stateflow import (
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Junction,
    Nested,
    Parallel,
    State,
    round_robin,
    says,
    to,
)
from stateflow.machine.origin import Origin

SAY = FunctionAgent("say", lambda _: "said")


def line_of(words: str) -> int:
    """Return the line of this file that holds *words*."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return 1 + next(at for at, line in enumerate(lines) if words in line)


def test_every_part_of_a_flow_knows_its_line() -> None:
    inner = Flow("inner", State("a", SAY, to(None)))
    flow = Flow(
        "lines",
        State("first", SAY, to("fork", when=says("x"))),  # the first state
        Junction("fork", to("nest")),  # the junction
        Nested("nest", inner, to("both")),  # the nested state
        Parallel("both", {"p": inner, "q": inner}, to("end")),  # the parallel state
        Final("end"),  # the final
    )

    lines = {name: place.origin and place.origin.line for name, place in flow.places.items()}

    assert lines == {
        "first": line_of("# the first state"),
        "fork": line_of("# the junction"),
        "nest": line_of("# the nested state"),
        "both": line_of("# the parallel state"),
        "end": line_of("# the final"),
    }
    assert flow.places["first"].transitions[0].origin == Origin(__file__, lines["first"] or 0)
    assert flow.origin is not None
    assert Path(flow.origin.file) == Path(__file__)


def test_what_a_pattern_builds_is_told_by_the_line_that_calls_it() -> None:
    pair = [SAY, FunctionAgent("other", lambda _: "other")]
    flow = round_robin("ring", pair, turns=2)  # the call

    lines = {place.origin and place.origin.line for place in flow.places.values()}

    assert lines == {line_of("# the call")}


def test_where_a_flow_stands_is_no_part_of_it() -> None:
    one = Flow("same", State("a", SAY, to(None)))
    other = Flow("same", State("a", SAY, to(None)))

    assert one.table() == other.table()
    assert one.places["a"] == other.places["a"]
    assert one.places["a"].origin != other.places["a"].origin


def test_a_phase_is_in_the_table_and_decides_nothing() -> None:
    plain = Flow("f", State("a", SAY, to("b")), Junction("b", to("c")), Final("c"))
    phased = Flow(
        "f",
        State("a", SAY, to("b"), phase="begin"),
        Junction("b", to("c"), phase="begin"),
        Final("c", phase="end"),
    )

    places: Any = phased.table()["places"]
    assert [place.get("phase") for place in places] == ["begin", "begin", "end"]
    assert plain.fingerprint() == phased.fingerprint()
    assert plain.table() != phased.table()


@pytest.mark.parametrize("phase", ["a/b", "two\nlines", " spaced", "x" * 200])
def test_a_phase_that_cannot_be_drawn_is_refused(phase: str) -> None:
    with pytest.raises(DefinitionError, match="cannot name a phase"):
        State("a", SAY, to(None), phase=phase)


@pytest.mark.parametrize(
    ("accept", "why"),
    [
        pytest.param({"nonsense": "x"}, "'nonsense', which names no finding", id="no-code"),
        pytest.param({"SF106": "  "}, "accepts 'SF106' and does not say why", id="no-reason"),
        pytest.param({"SF106 a": "x"}, "names no finding", id="no-at"),
    ],
)
def test_what_is_accepted_names_a_finding_and_says_why(accept: dict[str, str], why: str) -> None:
    with pytest.raises(DefinitionError, match=why):
        Flow("f", State("a", SAY, to(None)), accept=accept)


def test_what_is_accepted_is_in_the_table_and_decides_nothing() -> None:
    plain = Flow("f", State("a", SAY, to(None)))
    meant = Flow("f", State("a", SAY, to(None)), accept={"SF106 at a": "resumed by hand"})

    assert meant.table()["accept"] == {"SF106 at a": "resumed by hand"}
    assert plain.fingerprint() == meant.fingerprint()
