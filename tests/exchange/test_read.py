"""What is no flow in JSON, or one that does not make sense, is told: where, what, and the cure."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow import DefinitionError
from stateflow.exchange.json_form import flow_from_json, to_json
from stateflow.exchange.read import LARGEST
from tests.exchange.whole import whole

GOOD: Any = json.loads(to_json(whole()))
SMALL: Any = {
    "stateflow": 1,
    "flow": "f",
    "flows": {
        "f": {
            "name": "f",
            "places": [{"kind": "state", "name": "s", "agents": ["a"], "to": [{"to": None}]}],
        }
    },
    "agents": {"a": {"kind": "scripted", "name": "a", "lines": ["x"]}},
}

TEXTS: list[tuple[str | bytes, str]] = [
    ("", "this is no JSON: Expecting value"),
    ("{", "this is no JSON"),
    ("3", 'it has no "stateflow"'),
    ("[]", 'it has no "stateflow"'),
    ("{}", 'it has no "stateflow"'),
    ('{"stateflow": 2}', "form 2, and this version of stateflow reads up to form 1; update it"),
    ('{"stateflow": 1000000000000000000000}', "reads up to form 1"),
    ('{"stateflow": "1"}', "$.stateflow: '1' is no version of the form; write 1"),
    ('{"stateflow": true}', "$.stateflow: True is no version of the form; write 1"),
    ('{"stateflow": 0}', "$.stateflow: Input should be 1"),
    ('{"stateflow": 1}', "$.flow: Field required; $.flows: Field required"),
    ('{"a": 1, "a": 2}', "'a' is there twice in one object"),
    ('{"stateflow": NaN}', "NaN is no number of JSON"),
    ('{"stateflow": -Infinity}', "-Infinity is no number of JSON"),
    ("[" * 100_000, "more than 240 levels deep"),
    ('{"stateflow": 1, "x": ' + "[" * 300 + "]" * 300 + "}", "more than 240 levels deep"),
    (b"\xff\xfe", "is not UTF-8"),
    (" " * (LARGEST + 1), "and a flow may be 20,000,000"),
]


@pytest.mark.parametrize(("text", "told"), TEXTS, ids=[told for _, told in TEXTS])
def test_what_is_no_flow_is_told(text: str | bytes, told: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(told)):
        flow_from_json(text)


CHANGES: list[tuple[str, Any, str]] = [
    ("flow", "g", "$.flow: there is no flow 'g' in $.flows"),
    ("flows.f.nmae", "f", "$.flows.f.nmae: Extra inputs are not permitted"),
    ("flows.f.name", "", "$.flows.f: '' cannot name a flow"),
    ("flows.f.places", [], "$.flows.f: flow 'f' has no state"),
    ("flows.f.places.0.kind", "stat", "$.flows.f.places[0]: Input tag 'stat'"),
    ("flows.f.places.0.visits", "3", "$.flows.f.places[0].visits: Input should be a valid int"),
    ("flows.f.places.0.visits", 0, "$.flows.f.places[0]: state 's': visits=0 is less than one"),
    ("flows.f.places.0.agents", [], "$.flows.f.places[0]: state 's' names no agent"),
    ("flows.f.places.0.agents", ["b"], "there is no agent 'b' in $.agents"),
    ("flows.f.places.0.to.0.to", "t", "$.flows.f: flow 'f': a transition of 's' leads to unknown"),
    (
        "flows.f.places.0.to.0.when",
        {"guard": "sys"},
        "$.flows.f.places[0].to[0]: 'sys' is no built-in guard",
    ),
    (
        "flows.f.places.0.to.0.when",
        {"guard": "after", "args": [3.0]},
        "$.flows.f.places[0].to[0]: a deadline is no guard; write after: 3600.0",
    ),
    ("flows.f.places.0.to.0.after", -1, "$.flows.f.places[0].to[0]: after=-1 is no time to come"),
    ("flows.f.places.0.choose", "dice", "$.flows.f.places[0].choose: Input should be 'in_turn'"),
    ("flows.f.places.0.sees", {"last": 0}, "$.flows.f.places[0]: last(0) sees nothing"),
    ("flows.f.on_error", "t", "on_error leads to unknown state 't'"),
    ("flows.f.budget", {"turns": -1}, "Budget(turns=-1): a limit is a number, 0 or more"),
    ("flows.f.budget", {"turns": "many"}, "$.flows.f.budget.turns"),
    ("flows.f.data", "Brief", "$.flows.f: there is no model 'Brief' in $.models"),
    ("flows.f.rules", [{"never": "t"}], "$.flows.f"),
    ("flows.f.rules", [{"newer": "s"}], "$.flows.f.rules[0]"),
    ("flows.f.accept", {"x": "y"}, "$.flows.f: flow 'f' accepts 'x'"),
    ("agents.a.kind", "robot", "$.agents.a: Input tag 'robot'"),
    ("agents.a.lines", "x", "$.agents.a.lines: Input should be a valid list"),
    ("agents.a.name", "a/b", "'a/b' cannot name an agent"),
    ("models", {"M": {"type": "object", "properties": {"x": {"type": "date"}}}}, "$.models.M"),
    ("models", {"M": {"type": "object", "title": "M", "$ref": "#"}}, "model 'M' holds itself"),
    ("models", {"class": {"type": "object"}}, "'class' names no model"),
    ("models", {"M": {"type": "string"}}, "model 'M' is no object"),
    (
        "models",
        {
            "M": {
                "type": "object",
                "$defs": {"N": {"type": "object"}},
                "properties": {"n": {"$ref": "#/$defs/N"}},
                "required": ["n"],
            },
            "N": {"type": "object", "additionalProperties": False},
        },
        "$.models: two models are called 'N'; rename one",
    ),
]


@pytest.mark.parametrize(("place", "value", "told"), CHANGES, ids=[told for *_, told in CHANGES])
def test_what_does_not_fit_is_told_with_its_place(place: str, value: Any, told: str) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(DefinitionError, match=re.escape(told)):
        flow_from_json(json.dumps(_changed(SMALL, place, value)))


def _changed(whole: Any, place: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    made = copy.deepcopy(whole)
    part: Any = made
    *path, last = place.split(".")
    for step in path:
        part = part[int(step) if step.isdigit() else step]
    part[int(last) if last.isdigit() else last] = value
    return made


def test_many_troubles_are_cut_short() -> None:
    text = json.dumps({**SMALL, **{f"x{n}": 1 for n in range(9)}})

    with pytest.raises(DefinitionError, match=r"\$\.x4: .*; and 4 more; hold it against"):
        flow_from_json(text)


def test_flows_that_hold_each_other_are_refused() -> None:
    made = copy.deepcopy(SMALL)
    nested = {"kind": "nested", "name": "s", "agent": "g", "to": [{"to": None}]}
    made["flows"]["f"]["places"] = [nested]
    made["flows"]["g"] = {"name": "g", "places": [{**nested, "agent": "f"}]}
    made["agents"] = {name: {"kind": "flow", "name": name, "flow": name} for name in "fg"}

    with pytest.raises(DefinitionError, match="flow 'f' is nested in a flow that is nested in it"):
        flow_from_json(json.dumps(made))


def test_a_state_that_runs_its_own_flow_is_told_how_to() -> None:
    made = _changed(SMALL, "agents.a", {"kind": "flow", "name": "f", "flow": "f"})

    with pytest.raises(DefinitionError, match="write its kind as nested or parallel"):
        flow_from_json(json.dumps(made))


@pytest.mark.parametrize("name", ["x", "f"])
def test_a_flow_in_itself_that_no_python_writes_is_refused(name: str) -> None:
    made = _changed(
        SMALL,
        "agents.a",
        {"kind": "flow", "name": name, "flow": "f", "description": "d"},
    )
    nested = {"kind": "nested", "name": "s", "agent": "a", "to": [{"to": None}]}
    made["flows"]["f"]["places"] = [nested]

    with pytest.raises(DefinitionError, match="a flow in itself is called 'f' there"):
        flow_from_json(json.dumps(made))


def test_a_text_of_bytes_and_a_file_are_read(tmp_path: Path) -> None:
    text = json.dumps(SMALL)
    path = tmp_path / "f.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())

    tables = [flow_from_json(one).table() for one in (text, text.encode(), path)]

    assert tables[0] == tables[1] == tables[2]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"cannot be read \(No such file or directory\)"):
        flow_from_json(tmp_path / "none.json")


def _places(part: Any, path: str = "") -> list[str]:  # noqa: ANN401 - any JSON
    inner: Any = []
    if isinstance(part, dict):
        inner = cast("dict[str, Any]", part).items()
    elif isinstance(part, list):
        inner = enumerate(part)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of an Any
    found: list[str] = [path] if path else []
    for key, one in inner:
        if "." not in str(key):
            found += _places(one, f"{path}.{key}" if path else str(key))
    return found


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(_places(GOOD)),
    st.sampled_from((None, True, 0, -1, 1.5, "", "x", "done", [], {}, [1], {"x": 1}, "\x00")),
)
def test_whatever_is_changed_is_read_or_told(place: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    try:
        flow = flow_from_json(json.dumps(_changed(GOOD, place, value)))
    except DefinitionError as error:
        told = str(error)
    else:
        told = "$ was read"
        text = to_json(flow)
        assert to_json(flow_from_json(text)) == text
    assert told.startswith(("$", "this "))
