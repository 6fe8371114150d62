"""XState: the real library walks an exported machine as our kernel does, and it comes back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from stateflow import (
    Assistant,
    DefinitionError,
    Final,
    Flow,
    Nested,
    Parallel,
    Scripted,
    State,
    View,
    failed,
    guard,
    hours,
    in_turn,
    itself,
    last_message,
    says,
    to,
)
from stateflow.exchange.xstate import flow_from_xstate, to_xstate
from stateflow.exchange.xstate_config import guard_config
from tests.support.node import MODULES, needs_node
from tests.support.random_flows import flows
from tests.support.walking import Walk, dice, drawn, truths

WALK = Path(__file__).parents[1] / "support" / "xstate_walk.mjs"
bob = Scripted("bob", ["FINE"])


def walked(walks: list[dict[str, Any]]) -> list[list[list[str]]]:
    """Return the paths that XState goes."""
    done = subprocess.run(
        ["node", str(WALK), str(MODULES / "walk.js")],
        input=json.dumps(walks),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    paths: list[list[list[str]]] = json.loads(done.stdout)
    return paths


@needs_node
def test_xstate_goes_where_the_kernel_goes() -> None:
    walks: list[dict[str, Any]] = []
    wanted: list[list[list[str]]] = []
    for seed in range(150):
        chance = dice(seed)
        flow = drawn(chance)
        walk = Walk(flow)
        steps: list[Any] = []
        paths = [walk.path]
        while len(steps) < 12 and not walk.stuck:
            event = chance.choice(["said", "said", "raised", "exhausted", "after"])
            if event == "after" and not walk.waits:
                continue
            truth = truths(flow, chance)
            truth = {
                key: event == "after" if '"guard":"after"' in key else verdict
                for key, verdict in truth.items()
            }
            answers = [[guard_config(json.loads(key)), told] for key, told in truth.items()]
            walk.step(event, truth)
            steps.append([event, answers])
            paths.append(walk.path)
        walks.append({"machine": json.loads(to_xstate(flow)), "steps": steps})
        wanted.append(paths)

    assert walked(walks) == wanted
    assert sum(len(paths) for paths in wanted) > 500


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(flows())
def test_an_exported_machine_comes_back_as_it_was(flow: Flow) -> None:
    text = to_xstate(flow)

    back = flow_from_xstate(text)

    assert back.table() == flow.table()
    assert back.fingerprint() == flow.fingerprint()
    assert to_xstate(back) == text


@pytest.mark.parametrize("seed", range(30))
def test_order_and_guards_come_back_whatever_offers_them(seed: int) -> None:
    flow = drawn(dice(seed))

    assert flow_from_xstate(to_xstate(flow)).table() == flow.table()


@needs_node
def test_xstate_loads_branches_recursion_and_hostile_names() -> None:
    inner = Flow("in.ner", State("#a", bob, to(None)), State("b.c", bob, to("#a")))
    flow = Flow(
        "1",
        State("2", bob, to("__proto__", restart=last_message), choose=in_turn()),
        State("__proto__", bob, to("1"), prompt="</script>\u2028\x00"),
        Parallel("1", {"x": inner, "y.z": inner}, to("constructor")),
        Nested("constructor", itself(), to(None)),
        Final("toString"),
    )
    truth = [[{"type": "chosen", "params": {"args": [0]}}, True]]
    machine = json.loads(to_xstate(flow))
    events = ["said", "said", "said.s_1-x", "said.s_1-y_z"]

    (paths,) = walked([{"machine": machine, "steps": [[one, truth] for one in events]}])

    assert [path[0] for path in paths] == ["s_2", "proto", "s_1", "s_1", "constructor"]
    assert flow_from_xstate(to_xstate(flow)).table() == flow.table()


def edited(machine: dict[str, Any], path: str, value: object) -> str:
    """Return *machine* with another *value* at *path*."""
    *ahead, last = path.split("/")
    part: Any = machine
    for key in ahead:
        part = part[int(key) if key.isdigit() else key]
    part[last] = value
    return json.dumps(machine)


@pytest.fixture
def machine() -> dict[str, Any]:
    flow = Flow(
        "f",
        State("a", bob, to("b", when=failed), to("b", when=says("X")), to("c", after=hours(1))),
        State("b", bob, to(None)),
        Final("c", ok=False),
    )
    whole: dict[str, Any] = json.loads(to_xstate(flow))
    return whole


def test_what_an_editor_changed_comes_back_changed(machine: dict[str, Any]) -> None:
    a = machine["states"]["a"]
    a["on"]["said"][1]["target"] = "c"
    a["after"] = {"90000": a["after"].pop("3600000")}
    a["on"]["said"].insert(1, {"target": "a", "guard": {"type": "says", "params": {"args": ["Y"]}}})
    a["description"] = machine["states"]["b"]["tags"] = "seen"
    machine["meta"]["@statelyai.color"] = "red"

    flow = flow_from_xstate(json.dumps(machine))

    told = [(one.target, one.guard_name, one.after) for one in flow.places["a"].transitions]
    assert told == [
        ("b", "failed", None),
        ("a", "says('Y')", None),
        ("c", "says('X')", None),
        ("c", "after 90 s", 90.0),
    ]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("states/a/on/raised/0/target", "c", r"\$.states.a.on.raised\[0\].target does not agree"),
        ("states/a/on/raised", [], r"\$.states.a.on.raised does not agree"),
        ("states/a/on/NEW", "b", "stateflow wrote it, and it did not"),
        ("states/b/entry", ["log"], r"\$.states.b.entry does not agree"),
        ("states/a/on/said/1/guard/type", "shouts", "'shouts' is no built-in guard"),
        ("states/a/on/said/1/target", "nowhere", "stateflow wrote it, and it did not"),
        ("initial", "nowhere", "stateflow wrote it, and it did not"),
        ("meta/stateflow", 7, "stateflow wrote it, and it did not"),
        ("meta/stateflow/agents", {"eve": {}}, "agents.eve"),
        ("meta/stateflow/stateflow", 2, "stateflow: Input should be 1"),
    ],
)
def test_an_edit_that_does_not_agree_with_the_rest_is_told(
    machine: dict[str, Any], path: str, value: object, told: str
) -> None:
    with pytest.raises(DefinitionError, match=told):
        flow_from_xstate(edited(machine, path, value))


def test_functions_are_refused_by_name() -> None:
    @guard
    def long_winded(view: View) -> bool:
        return len(view.last.text) > 9

    with pytest.raises(DefinitionError, match=r"guard 'long_winded'.* of state 'a'"):
        to_xstate(Flow("f", State("a", bob, to(None, when=long_winded))))


def test_a_machine_whose_agents_are_python_is_to_look_at() -> None:
    def look_up(city: str) -> str:
        """Look a city up."""
        return city

    agent = Assistant("guide", "scripted:x", tools=[look_up])

    text = to_xstate(Flow("f", State("a", agent, to(None))))

    assert json.loads(text)["meta"]["stateflow"].get("agents", {}) == {}
    with pytest.raises(DefinitionError, match="this machine is to look at: agents of its flow"):
        flow_from_xstate(text)
