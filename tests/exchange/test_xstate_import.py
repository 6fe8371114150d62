"""Machines of others: what a flow can do is done, and all else is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stateflow import (
    Assistant,
    DefinitionError,
    Human,
    Junction,
    Nested,
    Parallel,
    Scripted,
    data_is,
    run_sync,
)
from stateflow.exchange.xstate import flow_from_xstate
from stateflow.machine.state import Place

END: dict[str, Any] = {"type": "final"}
bob = Scripted("bob", ["PUBLISH"])


def machine(states: dict[str, Any], **more: object) -> str:
    return json.dumps({"id": "m", "initial": next(iter(states)), "states": states, **more})


def rows(place: Place) -> list[tuple[str | None, str]]:
    return [(one.target, one.guard_name) for one in place.transitions]


def test_a_state_without_an_agent_speaks_through_a_model_that_names_the_event() -> None:
    text = machine(
        {
            "judge": {
                "description": "Judge the essay.",
                "on": {
                    "APPROVE": {"target": "done", "description": "it is right"},
                    "REDO": "judge",
                },
            },
            "done": END,
        }
    )

    flow = flow_from_xstate(text, model='scripted:{"text": "Fine.", "event": "APPROVE"}')

    (agent,) = flow.agents
    assert isinstance(agent, Assistant)
    assert agent.prompt == (
        "Judge the essay.\n\nAnswer with your text, and with the event that follows from it:\n"
        "- APPROVE: it is right\n- REDO"
    )
    assert rows(flow.places["judge"]) == [
        ("done", "replied('event', 'APPROVE')"),
        ("judge", "replied('event', 'REDO')"),
    ]
    result = run_sync(flow, "An essay.")
    assert (result.stop.kind, result.path) == ("final", ("judge",))


def test_a_person_answers_with_the_event_and_any_other_agent_says_it() -> None:
    text = machine({"a": {"on": {"PUBLISH": "b"}}, "b": {"on": {"YES": "c", "NO": "a"}}, "c": END})
    person = Human("editor", options=["YES", "NO"])

    flow = flow_from_xstate(text, agents={"a": bob, "m.b": person})

    assert rows(flow.places["a"]) == [("b", "says('PUBLISH', by='bob')")]
    assert rows(flow.places["b"]) == [("c", "answered('YES')"), ("a", "answered('NO')")]


def test_guards_are_known_by_their_names_ours_and_given_ones() -> None:
    text = machine(
        {
            "a": {
                "on": {
                    "GO": [
                        {"target": "b", "cond": "rich"},
                        {"target": "a", "guard": {"type": "visited", "params": {"args": ["a"]}}},
                        {"target": "b", "guard": "succeeded"},
                    ]
                },
                "after": {"60000": {"target": "b", "guard": "rich"}},
            },
            "b": END,
        }
    )

    flow = flow_from_xstate(text, agents={"a": bob}, guards={"rich": data_is("rich")})

    go = "says('GO', by='bob')"
    assert rows(flow.places["a"]) == [
        ("b", f"({go} and data_is('rich'))"),
        ("a", f"({go} and visited('a'))"),
        ("b", f"({go} and succeeded)"),
        ("b", "(after 1 min and data_is('rich'))"),
    ]


def test_transient_states_are_junctions_in_both_versions() -> None:
    text = machine(
        {
            "a": {"on": {"GO": "four"}},
            "four": {"on": {"": [{"target": "five", "cond": "succeeded"}, {"target": "five"}]}},
            "five": {"always": "end"},
            "end": {"type": "final", "output": {"ok": False}},
        }
    )

    flow = flow_from_xstate(text, agents={"a": bob})

    assert isinstance(flow.places["four"], Junction)
    assert rows(flow.places["four"]) == [("five", "succeeded"), ("five", "else")]
    assert rows(flow.places["five"]) == [("end", "else")]
    assert flow.places["end"].ok is False  # type: ignore[union-attr]


def test_states_in_states_are_flows_and_regions_are_branches() -> None:
    inner = {"initial": "say", "states": {"say": {"on": {"OK": "end"}}, "end": END}}
    text = machine(
        {
            "draft": {**inner, "onDone": "both"},
            "both": {
                "type": "parallel",
                "states": {"x": inner, "y": inner},
                "onDone": [{"target": "end"}],
            },
            "end": END,
        }
    )

    flow = flow_from_xstate(
        text, model="scripted:x", agents={"m.draft.say": bob, "m.both.x.say": bob}
    )

    draft, both = flow.places["draft"], flow.places["both"]
    assert isinstance(draft, Nested)
    assert isinstance(both, Parallel)
    assert [one.name for one in both.branches] == ["x", "y"]
    assert draft.agent.flow.agents == (bob,)  # type: ignore[attr-defined]
    assert rows(both) == [("end", "else")]


def test_targets_by_id_and_the_definition_that_xstate_itself_prints_are_read() -> None:
    states: dict[str, Any] = {
        "a": {
            "id": "m.a",
            "key": "a",
            "type": "atomic",
            "order": 1,
            "entry": [],
            "exit": [],
            "invoke": [],
            "on": {
                "GO": [
                    {
                        "eventType": "GO",
                        "source": "#m.a",
                        "target": ["#m.b"],
                        "actions": [],
                        "cond": None,
                        "internal": False,
                    }
                ],
                "END": "#last",
            },
        },
        "b": {"type": "final", "key": "b"},
        "c": {"type": "final", "id": "last"},
    }

    flow = flow_from_xstate(machine(states), agents={"a": bob})

    assert [one.target for one in flow.places["a"].transitions] == ["b", "c"]


LACKING: list[tuple[dict[str, Any], str]] = [
    ({"a": {"type": "history"}}, "$.states.a: a history state"),
    ({"a": {"on": {"*": "a"}}}, "$.states.a.on.*: a wildcard"),
    ({"a": {"on": {"X": {"target": "a", "actions": "log"}}}}, "$.states.a.on.X.actions: an action"),
    ({"a": {"on": {"X": {"actions": []}}}}, "$.states.a.on.X: it leads nowhere; name a target"),
    ({"a": {"on": {"X": {"target": "a", "internal": True}}}}, "$.states.a.on.X.internal: "),
    ({"a": {"on": {"X": {"target": ["a", "b"]}}}}, "$.states.a.on.X: it leads to several states"),
    (
        {"a": {"on": {"X": [{"target": "b.c"}]}}},
        "$.states.a.on.X[0]: it leads to 'b.c', a state of",
    ),
    ({"a": {"on": {"X": "zzz"}}}, "$.states.a.on.X: it leads to 'zzz', a state that is not there"),
    ({"a": {"on": {"X": 7}}}, "$.states.a.on.X: it is no transition"),
    ({"a": {"on": {"X": {"target": 7}}}}, "$.states.a.on.X: its target is no text"),
    ({"a": {"on": 7}}, "$.states.a.on: it is no object"),
    ({"a": {"on": {"X": {"target": "a", "guard": 7}}}}, "$.states.a.on.X.guard: it is no guard"),
    (
        {"a": {"on": {"X": {"target": "a", "cond": "isRich"}}}},
        "$.states.a.on.X.guard: guard 'isRich' is not known",
    ),
    ({"a": {"after": {"SOON": "a"}}}, "$.states.a.after.SOON: a delay by name"),
    ({"a": {"after": {"1": "a", "2": "a"}}}, "$.states.a.after: several delays"),
    ({"a": {"entry": "log", "on": {"X": "a"}}}, "$.states.a.entry: an entry action"),
    ({"a": {"exit": "log", "on": {"X": "a"}}}, "$.states.a.exit: an exit action"),
    ({"a": {"invoke": {"src": "f"}, "on": {"X": "a"}}}, "$.states.a.invoke: an invoked actor"),
    ({"a": {"always": "a", "on": {"X": "a"}}}, "$.states.a.always: an eventless transition"),
    ({"a": {"onDone": "a", "on": {"X": "a"}}}, "$.states.a.onDone: an end of states"),
    ({"a": {"frobs": 1, "on": {"X": "a"}}}, "$.states.a.frobs: it is not known here"),
    ({"a": {"type": "final", "output": {"x": 1}}}, "$.states.a.output: an output"),
    ({"a": {}}, "$.states.a: it leads nowhere and is not final"),
    ({"a": 7}, "$.states.a: it is no state"),
    ({"a": {"on": {"X": "a"}}, "b/c": END}, "$.states.b/c: 'b/c' cannot name a final"),
    (
        {"a": {"states": {"b": END}, "on": {"X": "a"}, "onDone": "a"}},
        "$.states.a.on: events that leave it from inside",
    ),
    ({"a": {"states": {"b": {"on": {"X": "b"}}}}}, "$.states.a: it leads nowhere once"),
    (
        {"a": {"type": "parallel", "states": {"x": 7}, "onDone": "a"}},
        "$.states.a.states.x: it is no",
    ),
]


@pytest.mark.parametrize(("states", "told"), LACKING, ids=[told for _, told in LACKING])
def test_what_a_flow_lacks_is_named_with_its_place(states: dict[str, Any], told: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        flow_from_xstate(machine(states), model="scripted:x")

    assert str(caught.value).startswith("machine 'm' holds what no flow can: ")
    assert told in str(caught.value)


def test_all_of_it_is_named_at_once() -> None:
    text = machine(
        {
            "a": {"entry": "x", "on": {"X": {"target": "b", "actions": "y"}}},
            "b": {"invoke": {"a": 1}},
        },
        context={"count": 0},
        on={"RESET": "a"},
    )

    with pytest.raises(DefinitionError) as caught:
        flow_from_xstate(text, agents={"c": bob})

    for place in (
        *("$.context", "$.on", "$.states.a.entry", "$.states.a.on.X.actions"),
        *("$.states.b.invoke", "$.states.b: it leads nowhere", "$.states.a: nobody speaks there"),
        "agents['c']: there is no such state",
    ):
        assert place in str(caught.value)


DEEP = '{"states":{"a":' * 5000 + "1" + "}}" * 5000


def nested(depth: int) -> dict[str, Any]:
    state: dict[str, Any] = {"on": {"X": "a"}}
    for _ in range(depth):
        state = {"states": {"a": state, "z": END}, "onDone": "z"}
    return state


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "this is no JSON"),
        ("[]", "no XState machine"),
        ('{"states": []}', "no XState machine"),
        ('{"states": {}}', "it has no states"),
        ('{"states": {"a": {}, "a": {}}}', "twice"),
        ('{"states": NaN}', "NaN"),
        (DEEP, "deep"),
        (machine({"a": nested(30), "z": END}), "more than 20 deep"),
        (machine({"a": END}, type="parallel"), "regions of the whole"),
        (machine({"a": {"on": {"X": "a"}}}, initial="b"), "there is no state 'b' beside it"),
        (machine({"a": {"on": {"X": "a"}}}, initial=["b"]), "there is no state"),
        (b"\xff", "not UTF-8"),
        (Path("/nowhere.json"), "cannot be read"),
    ],
    ids=[f"text {number}" for number in range(13)],
)
def test_no_machine_at_all_is_one_sentence(text: str, told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        flow_from_xstate(text, model="scripted:x")


def test_our_own_machines_bring_their_agents() -> None:
    text = '{"states": {}, "meta": {"stateflow": {}}}'

    with pytest.raises(DefinitionError, match="brings its own agents"):
        flow_from_xstate(text, model="scripted:x")


def test_an_event_that_is_no_option_of_the_person_is_told() -> None:
    text = machine({"a": {"on": {"MAYBE": "b"}}, "b": END})

    with pytest.raises(DefinitionError, match=r"\$.states.a.on.MAYBE: it is no option of 'ed'"):
        flow_from_xstate(text, agents={"a": Human("ed", options=["YES", "NO"])})
