"""What is told of two versions of a flow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow.agents.assistant import Assistant
from stateflow.agents.scripted import Scripted
from stateflow.conversation.view import View
from stateflow.machine.budget import Budget
from stateflow.machine.difference.change import Change
from stateflow.machine.difference.difference import difference
from stateflow.machine.difference.words import SIGNS, sentence, text_lines, told
from stateflow.machine.flow import Flow
from stateflow.machine.guard import guard
from stateflow.machine.guards import failed, says, succeeded
from stateflow.machine.nested import Nested, itself
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import to
from stateflow.value import Json

CODER = Assistant("coder", model="openai:gpt-5", prompt="Answer with one block.")
CRITIC = Assistant("critic", model="openai:gpt-5", prompt="Reply LGTM when it is right.")
RUNNER = Scripted("runner", ["ok"])


def review(**changed: Any) -> Flow:  # noqa: ANN401 - any field of the flow
    """Return a flow of three states and an end, with other places or settings where given."""
    places: dict[str, Place | None] = {
        "write": State("write", CODER, to("run"), visits=4),
        "run": State("run", RUNNER, to("review", when=succeeded), to("write")),
        "review": State("review", CRITIC, to(None, when=says("LGTM")), to("write")),
        "gave_up": Final("gave_up", ok=False),
    }
    places |= {name: changed.pop(name) for name in list(changed) if name in places}
    more = changed.pop("more", ())
    settings: dict[str, Any] = {"budget": Budget(turns=30), "on_error": "gave_up", **changed}
    return Flow("code", *(place for place in places.values() if place), *more, **settings)


def changes(after: Flow, before: Flow | None = None) -> list[str]:
    """Return what has changed, a line each."""
    found = difference((before or review()).table(), after.table())
    return [f"{SIGNS[change.kind]} {told(change)}" for change in found.changes]


def patch(view: View) -> dict[str, str]:
    return {"topic": view.last.text}


class Brief(BaseModel):
    topic: str = ""


class Longer(BaseModel):
    topic: str = ""
    length: int = 0


@guard
def quick(view: View) -> bool:
    return view.turns < 3


SLOWER = replace(quick, form={"function": "quick", "source": "another"})
INNER = Flow("inner", State("outline", CODER, to("expand")), State("expand", CODER, to(None)))
DEEPER = Flow(
    "inner", State("outline", CODER, to("expand")), State("expand", CODER, to(None), visits=2)
)
SCAN = State("scan", Scripted("semgrep", ["ok"]), to(None, when=succeeded), to("write"))


@pytest.mark.parametrize(
    ("after", "told_of"),
    [
        pytest.param(review(), [], id="nothing"),
        pytest.param(
            review(write=State("write", CODER, to("run"), visits=5)),
            ["~ state 'write': visits 4 → 5"],
            id="visits",
        ),
        pytest.param(
            review(write=State("write", CODER, to("run"), visits=4, prompt="Be kind.")),
            ["~ state 'write': prompt"],
            id="prompt of a state",
        ),
        pytest.param(
            review(write=State("write", RUNNER, to("run"), visits=4)),
            ["− agent 'coder': llm, openai:gpt-5", "~ state 'write': who speaks coder → runner"],
            id="speaker",
        ),
        pytest.param(
            review(review=State("review", CRITIC, to(None, when=says("OK")), to("write"))),
            ["~ transition 'review → done': guard says('LGTM') → says('OK')"],
            id="guard",
        ),
        pytest.param(
            review(run=State("run", RUNNER, to("write"), to("review", when=succeeded))),
            [
                (
                    "~ state 'run': order of trial succeeded → review, else → write → "
                    "else → write, succeeded → review"
                )
            ],
            id="order of trial",
        ),
        pytest.param(
            review(run=State("run", RUNNER, to("review", when=succeeded), to("gave_up"))),
            ["+ transition 'run → gave_up'", "− transition 'run → write'"],
            id="target",
        ),
        pytest.param(
            review(
                review=State("review", CRITIC, to("scan", when=says("LGTM")), to("write")),
                more=[SCAN],
            ),
            [
                "+ agent 'semgrep': llm",
                "+ transition 'review → scan': says('LGTM')",
                "− transition 'review → done': says('LGTM')",
                "+ state 'scan': semgrep",
                "+ transition 'scan → done': succeeded",
                "+ transition 'scan → write'",
            ],
            id="state added",
        ),
        pytest.param(
            review(budget=Budget(turns=40, usd=2.0)),
            ["~ flow: budget turns 30 → 40", "~ flow: budget usd none → 2.0"],
            id="budget",
        ),
        pytest.param(review(on_error=None), ["~ flow: on_error gave_up → none"], id="on_error"),
        pytest.param(
            review(gave_up=Final("gave_up")), ["~ final 'gave_up': ok false → true"], id="ok"
        ),
        pytest.param(review(description="Code."), ["~ flow: description"], id="description"),
        pytest.param(
            review(accept={"SF106": "meant"}),
            ["~ flow: accept SF106 none → meant"],
            id="accepted finding",
        ),
        pytest.param(
            review(write=State("write", CODER, to("run"), visits=4, phase="work")),
            ["~ state 'write': phase none → work"],
            id="phase",
        ),
        pytest.param(
            review(write=State("write", CODER, to("run", when=~failed), visits=4)),
            ["~ transition 'write → run': guard else → not failed"],
            id="a guard where there was none",
        ),
    ],
)
def test_each_change_is_told_as_that_and_nothing_else(after: Flow, told_of: list[str]) -> None:
    assert changes(after) == told_of


def test_data_and_what_changes_it_are_told() -> None:
    before = review(data=Brief)
    after = review(data=Longer, write=State("write", CODER, to("run"), visits=4, entry=patch))

    assert changes(after, before) == [
        "~ flow: data model Brief → Longer",
        f"~ flow: schema of the data {_schema(before)} → {_schema(after)}",
        "~ state 'write': entry none → patch",
    ]


def _schema(flow: Flow) -> str:
    table: dict[str, Any] = flow.table()
    return str(table["data"]["schema"])


def test_a_function_whose_source_has_changed_is_told_by_name() -> None:
    before, after = (
        review(review=State("review", CRITIC, to(None, when=one))) for one in (quick, SLOWER)
    )

    assert changes(after, before) == [
        "~ transition 'review → done': guard quick, whose source has changed"
    ]


def test_a_renamed_state_is_one_change_wherever_it_is_named() -> None:
    after = review(
        write=State("draft", CODER, to("run"), visits=4),
        run=State("run", RUNNER, to("review", when=succeeded), to("draft")),
        review=State("review", CRITIC, to(None, when=says("LGTM")), to("draft")),
    )

    assert changes(after) == ["~ state 'write' is now 'draft'"]


def test_a_state_that_was_renamed_and_changed_is_told_as_both() -> None:
    after = review(gave_up=Final("failed", ok=False), on_error="failed")
    assert changes(after) == ["~ final 'gave_up' is now 'failed'"]

    after = review(
        run=State("try", RUNNER, to("review", when=succeeded), to("write"), visits=9),
        write=State("write", CODER, to("try"), visits=4),
    )
    assert changes(after) == ["~ state 'run' is now 'try'", "~ state 'try': visits none → 9"]


def test_an_unlike_state_in_the_same_place_is_no_renamed_one() -> None:
    other = Assistant("lawyer", model="openai:gpt-5", prompt="Look for licences.")
    after = review(
        run=State("run", RUNNER, to("licence", when=succeeded), to("write")),
        review=State("licence", other, to(None, when=says("FREE")), to("gave_up")),
    )

    kinds = {(change.kind, change.path) for change in _between(review(), after)}
    assert {("removed", "review"), ("added", "licence")} <= kinds


def _between(before: Flow, after: Flow) -> tuple[Change, ...]:
    return difference(before.table(), after.table()).changes


def test_states_that_are_called_after_their_agents_are_renamed_with_them() -> None:
    def team(*names: str) -> Flow:
        one, two = (Scripted(name, ["a"]) for name in names)
        return Flow.from_table("team", {one: [two], two: [None]})

    assert changes(team("author", "editor"), team("writer", "editor")) == [
        "~ agent 'writer' is now 'author'",
        "~ state 'writer' is now 'author'",
    ]


def test_models_tools_and_prompts_of_agents_are_told() -> None:
    critic = Assistant("critic", model="openai:gpt-5-mini", prompt="Reply OK when it is right.")
    after = review(review=State("review", critic, to(None, when=says("LGTM")), to("write")))

    found = difference(review().table(), after.table())

    assert [told(change) for change in found.changes] == [
        "agent 'critic': model openai:gpt-5 → openai:gpt-5-mini",
        "agent 'critic': prompt",
    ]
    assert text_lines(found.changes[1]) == [
        "-Reply LGTM when it is right.",
        "+Reply OK when it is right.",
    ]
    assert found.agents == {"review": ("critic",)}


def offering(limit: int) -> Flow:
    """Return a flow whose assistant has a tool that finds so much at most."""

    def search(query: str, most: int = limit) -> str:
        """Search the web."""
        return f"{query} {most}"

    agent = Assistant("critic", model="openai:gpt-5", tools=[search])
    return Flow("f", State("ask", agent, to(None)))


def test_what_a_model_is_told_of_a_tool_is_compared() -> None:
    found = difference(offering(5).table(), offering(9).table()).changes

    assert [(one.kind, one.what, one.now, one.part) for one in found] == [
        ("changed", "agent", "critic", "tool search")
    ]
    assert offering(5).fingerprint() == offering(9).fingerprint()


def test_a_table_that_does_not_hold_what_is_told_of_tools_is_not_different_for_it() -> None:
    old: dict[str, Any] = {**offering(5).table()}
    old["agents"] = [
        {name: value for name, value in agent.items() if name != "told"} for agent in old["agents"]
    ]

    assert not difference(old, offering(9).table())


def test_places_in_another_order_are_told_once() -> None:
    one, two, end = State("a", CODER, to("b")), State("b", CODER, to(None)), Junction("j", to("a"))

    found = _between(Flow("f", one, two, end), Flow("f", one, end, two))

    assert [(c.kind, c.part, c.before, c.after) for c in found] == [
        ("reordered", "places", ["a", "b", "j"], ["a", "j", "b"])
    ]


def test_nested_flows_are_compared_under_the_path_of_their_state() -> None:
    before = Flow("paper", Nested("draft", INNER, to(None)))
    after = Flow("paper", Nested("write", DEEPER, to(None), input="Outline it."))

    assert changes(after, before) == [
        "~ state 'draft' is now 'write'",
        "~ state 'write': input",
        "~ state 'write/expand': visits none → 2",
    ]


def test_branches_are_compared_by_their_names() -> None:
    one = Parallel("both", {"a": INNER, "b": INNER}, to(None))
    two = Parallel("both", {"a": INNER, "b": DEEPER, "c": INNER}, to(None), join="any")

    assert changes(Flow("p", two), Flow("p", one)) == [
        "+ agent 'c': flow",
        "~ state 'both': who speaks a, b → a, b, c",
        "~ state 'both': join 2 → 1",
        "~ state 'both/b/expand': visits none → 2",
    ]


def test_recursion_is_told_where_it_begins() -> None:
    before = Flow("paper", Nested("draft", INNER, to(None)))
    after = Flow("paper", Nested("draft", itself(), to(None)))

    assert "~ state 'draft': flow inner → itself" in changes(after, before)


def test_a_place_of_another_kind_is_told() -> None:
    before = Flow("f", State("a", CODER, to("b")), Final("b"))
    after = Flow("f", State("a", CODER, to("b")), Junction("b", to(None)))

    assert changes(after, before) == [
        "~ junction 'b': kind final → junction",
        "~ junction 'b': ok true → none",
        "+ transition 'b → done'",
    ]


def test_flows_nested_deeper_than_python_calls_functions_are_compared() -> None:
    def tower(prompt: str, height: int) -> dict[str, Any]:
        table: dict[str, Any] = {"name": "f", "initial": "a", "agents": [], "budget": {}}
        whole: dict[str, Any] = {**table, "places": [{"state": "a", "to": [], "prompt": prompt}]}
        for _ in range(height):
            nested = [{"as": "f", "flow": whole}]
            place = {"state": "a", "speaks": ["f"], "to": [], "flows": nested}
            whole = {**table, "places": [place]}
        return whole

    (change,) = difference(tower("x", 2_000), tower("y", 2_000)).changes

    assert (change.part, change.path.count("/")) == ("prompt", 2_000)


def test_a_great_flow_with_every_state_renamed_is_compared() -> None:
    def chain(stem: str, size: int) -> dict[str, Any]:
        names = [f"{stem}{at}" for at in range(size)]
        states = [
            State(name, CODER, to(after), prompt=f"Step {at}.")
            for at, (name, after) in enumerate(zip(names, [*names[1:], None], strict=True))
        ]
        return Flow("chain", *states).table()

    found = difference(chain("old", 500), chain("new", 500)).changes

    assert sentence(found) == "~ 500 states"
    assert {change.kind for change in found} == {"renamed"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "none"),
        ({"function": "f", "source": "x"}, "f"),
        ({}, "else"),
        (["a", "b"], "a, b"),
        ([], "none"),
        ("x\ny", "x y"),
        ("x" * 200, "x" * 79 + "…"),
        (3, "3"),
    ],
)
def test_values_are_told_in_one_short_line(value: Json, shown: str) -> None:
    line = told(Change(kind="added", what="flow", now="f", part="rules", after=value))
    assert line == f"flow 'f': rules {shown}"


def test_items_of_a_list_are_added_and_removed() -> None:
    before: dict[str, Any] = {**review().table(), "rules": [{"never": "a"}, {"always": "b"}]}
    after = {**before, "rules": [{"always": "b"}, {"never": "c"}]}
    turned = {**before, "rules": before["rules"][::-1]}

    assert [(c.kind, c.before, c.after) for c in difference(before, after).changes] == [
        ("removed", {"never": "a"}, None),
        ("added", None, {"never": "c"}),
    ]
    assert [c.kind for c in difference(before, turned).changes] == ["changed"]
