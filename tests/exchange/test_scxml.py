"""SCXML: other tools load it, and it is the table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings

from stateflow import (
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Guard,
    Nested,
    Parallel,
    Scripted,
    State,
    View,
    ended,
    failed,
    guard,
    hours,
    in_turn,
    says,
    to,
    visited,
)
from stateflow.exchange.scxml import to_scxml
from stateflow.machine.nested import FlowAgent
from tests.support.random_flows import flows
from tests.support.walking import Walk, dice, drawn, truths

W3C = "{http://www.w3.org/2005/07/scxml}"
SF = "{urn:stateflow}"
PLACES = {f"{W3C}state", f"{W3C}parallel", f"{W3C}final"}
bob = Scripted("bob", ["FINE"])


def parsed(flow: Flow) -> ET.Element:
    return ET.fromstring(to_scxml(flow))  # noqa: S314 - our own


def named(parent: ET.Element) -> dict[str, ET.Element]:
    """Return the places in *parent* by the names that the flow has for them."""
    found: dict[str, ET.Element] = {}
    for one in parent:
        name = one.get(f"{SF}name", "") if one.tag in PLACES else ""
        if name:
            found.setdefault(name, one)  # the end that None leads to is last, and called done, too
    return found


def levels(flow: Flow, parent: ET.Element) -> Iterator[tuple[Flow, ET.Element]]:
    """Yield each flow with the element that it is laid out in."""
    yield flow, parent
    for place in flow.places.values():
        if not isinstance(place, State) or (len(place.agents) > 1 and type(place) is State):
            continue
        runs = [one.flow for one in place.agents if isinstance(one, FlowAgent)]
        inside = [one for one in runs if one is not flow]
        element = named(parent)[place.name]
        regions = [one for one in element if one.get(f"{SF}branch") is not None]
        for inner, within in zip(inside, regions or [element], strict=False):
            yield from levels(inner, within)


def told(element: ET.Element, ids: dict[str, str | None]) -> list[dict[str, Any]]:
    """Return the transitions of *element* as the table tells them."""
    rows: list[dict[str, Any]] = []
    for one in element.findall(f"{W3C}transition"):
        if one.get(f"{SF}otherwise") is None:
            row: dict[str, Any] = {"to": ids[one.attrib["target"]]}
            if f"{SF}form" in one.attrib:
                row["when"] = json.loads(one.attrib[f"{SF}form"])
                row["name"] = one.attrib[f"{SF}when"]
            rows.append(row)
    return rows


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(flows())
def test_a_document_holds_the_states_transitions_order_and_guards_of_the_table(flow: Flow) -> None:
    root = parsed(flow)

    for one, parent in levels(flow, root):
        found = [e for e in parent if e.tag in PLACES and e.get(f"{SF}name") is not None]
        names: list[str | None] = [e.get(f"{SF}name") for e in found]
        assert names[: len(one.places)] == list(one.places)
        names[len(one.places) :] = [None] * (len(names) - len(one.places))  # done
        ids = {e.attrib["id"]: name for e, name in zip(found, names, strict=True)}
        rows: Any = one.table()["places"]
        for row, element in zip(rows, found, strict=False):
            assert told(element, ids) == [
                {key: clean(part[key]) for key in ("to", "when", "name") if key in part}
                for part in row.get("to", [])
            ]


def clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return *value* as JSON reads it; a text, as XML can hold it."""
    if not isinstance(value, str):
        return json.loads(json.dumps(value))
    illegal = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    return re.sub(illegal, lambda found: ascii(found[0])[1:-1], value)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(flows())
def test_ids_are_unique_and_every_target_is_one(flow: Flow) -> None:
    root = parsed(flow)
    ids = [one.attrib["id"] for one in root.iter() if one.tag in PLACES]

    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", one) for one in ids)
    assert {one.attrib["target"] for one in root.iter(f"{W3C}transition")} <= set(ids)
    assert to_scxml(flow) == to_scxml(flow)


@pytest.mark.parametrize("seed", range(30))
def test_another_tool_that_runs_the_document_goes_where_the_kernel_goes(seed: int) -> None:
    processor = pytest.importorskip("statemachine.io.scxml.processor")
    chance = dice(seed)
    flow = drawn(chance)
    root = parsed(flow)
    walk = Walk(flow)
    loaded = processor.SCXMLProcessor()
    loaded.parse_scxml("flow", without_timers(root))
    machine = loaded.start()
    questions = {one.attrib[f"{SF}guard"]: one.attrib["id"] for one in root.iter(f"{W3C}data")}

    for _ in range(12):
        if walk.stuck:
            break
        truth = truths(flow, chance)
        event = chance.choice(["said", "said", "raised", "exhausted", "after"])
        if event == "after" and not walk.waits:
            continue
        late = {key: event == "after" for key in truth if '"guard":"after"' in key}
        for key, name in questions.items():
            setattr(machine.model, name, {**truth, **late}[key])
        leaf = innermost(root, walk.path)
        machine.send(f"after.{leaf.attrib['id']}" if event == "after" else event)
        walk.step(event, {**truth, **late})
        assert [root_name(root, one.id) for one in machine.configuration][-1] == walk.path[-1]


def innermost(root: ET.Element, path: list[str]) -> ET.Element:
    for name in path:
        root = named(root)[name]
    return root


def root_name(root: ET.Element, id: str) -> str | None:  # noqa: A002 - SCXML's word
    return next(one.get(f"{SF}name") for one in root.iter() if one.get("id") == id)


def without_timers(root: ET.Element) -> str:
    """Return the document without the timers of its deadlines: the walk says when they fire."""
    copy = ET.fromstring(ET.tostring(root))  # noqa: S314 - our own
    for element in copy.iter():
        for word in ("onentry", "onexit"):
            for one in element.findall(f"{W3C}{word}"):
                element.remove(one)
    return ET.tostring(copy, encoding="unicode")


def test_a_row_is_offered_by_the_events_that_the_kernel_offers_it_for() -> None:
    flow = Flow(
        "f",
        State("a", bob, to("a", when=failed), to("b", after=hours(1)), to(None)),
        State("b", bob, to(None, when=says("X") & ~visited("a", at_least=2)), choose=in_turn()),
        Final("lost", ok=False),
        on_error="lost",
    )

    first, second = (named(parsed(flow))[name] for name in "ab")

    assert [(one.get("event"), one.get("cond")) for one in first.findall(f"{W3C}transition")] == [
        ("said raised after.a", "failed"),
        ("after.a", "after_3600_0"),
        ("said", None),
        ("raised after.a", None),
    ]
    assert second.find(f"{W3C}transition").get("cond") == (  # type: ignore[union-attr]
        "says_X && visited_a_at_least_2 === false && chosen_0"
    )
    send = first.find(f"{W3C}onentry/{W3C}send")
    assert send is not None
    assert (send.get("delay"), send.get("event")) == ("3600.0s", "after.a")


def test_branches_listen_to_events_of_their_own_and_any_waits_for_one() -> None:
    inner = Flow("inner", State("say", bob, to(None)))
    flow = Flow("f", Parallel("both", {"x": inner, "y": inner}, to(None), join="any"))

    element = named(parsed(flow))["both"]

    assert element.tag == f"{W3C}parallel"
    assert [one.get("event") for one in element.iter(f"{W3C}transition")] == [
        "done.state.both-x done.state.both-y",
        "said.both-x",
        "said.both-y",
    ]


def test_a_final_says_how_the_run_ended() -> None:
    inner = Flow("inner", State("say", bob, to("bad")), Final("bad", ok=False))
    flow = Flow("f", Nested("n", inner, to(None, when=ended("bad"))))

    data = named(named(parsed(flow))["n"])["bad"].find(f"{W3C}donedata")

    assert data is not None
    assert [(one.get("name"), one.get("expr")) for one in data] == [
        ("ended", '"bad"'),
        ("ok", "false"),
    ]


@pytest.mark.parametrize(
    "hostile",
    ['"><script>', "a.b", "東京", "]]>", "<!--", "&amp;", "1", "a" * 120, "-", "🙂", "done"],
)
def test_hostile_names_are_kept_beside_ids_that_every_tool_takes(hostile: str) -> None:
    flow = Flow(
        hostile,
        State(hostile, Scripted(hostile, ["x"]), to("a_b", when=says(hostile, by=hostile))),
        State("a_b", bob, to(None), prompt=f"{hostile}\r\n\x00\ud800 {hostile}"),
    )

    root = parsed(flow)

    assert root.get(f"{SF}flow") == hostile
    assert [one.get(f"{SF}name") for one in root if one.tag in PLACES] == [hostile, "a_b", "done"]
    assert named(root)["a_b"].get(f"{SF}prompt") == f"{hostile}\r\n\\x00\\ud800 {hostile}"


def test_functions_are_refused_by_name_but_agents_are_only_named() -> None:
    @guard
    def long_winded(view: View) -> bool:
        return len(view.last.text) > 9

    agent = FunctionAgent("fn", lambda view: view.last.text)
    to_scxml(Flow("f", State("a", agent, to(None))))

    with pytest.raises(DefinitionError, match=r"guard 'long_winded'.* of state 'a'"):
        to_scxml(Flow("f", State("a", agent, to(None, when=long_winded))))


def test_what_is_laid_out_too_deep_or_too_large_is_told() -> None:
    deep = large = Flow("f0", State("a", bob, to(None)))
    for number in range(1, 60):
        deep = Flow(f"f{number}", Nested("a", deep, to(None)))
    for number in range(1, 20):
        both = {"x": large, "y": large}
        large = Flow(f"f{number}", Parallel("a", both, to(None)))

    with pytest.raises(DefinitionError, match="flow 'f59' comes to more than 50 deep"):
        to_scxml(deep)
    with pytest.raises(DefinitionError, match="flow 'f19' comes to 20000 places"):
        to_scxml(large)


def test_a_guard_too_deep_for_other_tools_is_told() -> None:
    deep: Guard = failed
    for _ in range(150):
        deep = ~deep

    with pytest.raises(DefinitionError, match=r"more than \d+ levels deep"):
        to_scxml(Flow("f", State("a", bob, to(None, when=deep), to("a"))))
