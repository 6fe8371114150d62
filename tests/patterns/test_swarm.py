"""Swarms: who may hand off to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from stateflow import (
    Assistant,
    DefinitionError,
    Human,
    Message,
    Runner,
    Scripted,
    handoff,
    run_sync,
    says,
    swarm,
)
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel
from tests.support.chatting import chat, errors, said, speaker, table

DONE = says("DONE")


def desk() -> Assistant:
    """Return somebody whose tools lead to the cashier and to the user."""
    return Assistant("desk", "scripted:x", tools=[handoff("cashier"), handoff("user")])


def test_the_table_is_made_of_the_tools() -> None:
    """The stop is tried first, then the handoffs; who hands off to nobody keeps the floor."""
    cashier = Assistant("cashier", "scripted:x", tools=[handoff("clerk")])
    clerk = Assistant("clerk", "scripted:x", tools=[handoff("cashier")])

    flow = swarm("shop", [clerk, cashier], stop=DONE, turns=9)

    over = [(None, DONE.name), (None, "turns_at_least(9)")]
    assert table(flow) == {
        "clerk": [*over, ("cashier", "handed_to('cashier')"), ("clerk", "else")],
        "cashier": [*over, ("clerk", "handed_to('clerk')"), ("cashier", "else")],
    }
    assert errors(flow) == []


def test_the_user_answers_who_asked() -> None:
    """One state for each agent, so that the answer finds its way back."""
    cashier = Assistant("cashier", "scripted:x", tools=[handoff("desk")])

    done = says("DONE", by="desk")

    flow = swarm("shop", [desk(), cashier], user=Human("user"), stop=done)

    over = (None, done.name)
    leaves = (None, "equals('exit', by='user')")
    assert table(flow) == {
        "desk": [
            over,
            ("cashier", "handed_to('cashier')"),
            ("user after desk", "handed_to('user')"),
            ("user after desk", "else"),
        ],
        "cashier": [over, ("desk", "handed_to('desk')"), ("user after cashier", "else")],
        "user after desk": [over, leaves, ("desk", "else")],
        "user after cashier": [over, leaves, ("cashier", "else")],
    }
    assert errors(flow) == []


def test_a_row_holds_instead_of_the_tools() -> None:
    """Names do as well as agents, and nobody hands off to itself."""
    ann, bob, eve = (
        Assistant(name, "scripted:x", tools=[handoff("bob"), handoff("eve"), handoff("ann")])
        for name in ("ann", "bob", "eve")
    )

    flow = swarm("s", [ann, bob, eve], handoffs={ann: ["bob"], bob: [eve, "bob"]}, turns=5)

    rows = {name: [target for target, _ in row] for name, row in table(flow).items()}
    assert rows == {
        "ann": [None, "bob", "ann"],
        "bob": [None, "eve", "bob"],
        "eve": [None, "bob", "ann", "eve"],
    }


def test_the_floor_goes_where_it_is_handed_and_stays_otherwise() -> None:
    ann = Scripted("ann", [Message("Bob?", handoff="bob"), "DONE"])
    bob = Scripted("bob", ["Hm.", Message("Here.", handoff="ann")])

    result = chat(swarm("pair", [ann, bob], handoffs={ann: [bob], bob: [ann]}, stop=DONE))

    assert result.path == ("ann", "bob", "bob", "ann")
    assert result.stop.why == DONE.name


def test_a_handoff_off_the_table_gives_nobody_the_floor() -> None:
    """Neither a stranger nor somebody whom only others may hand off to."""
    ann = Scripted("ann", [Message("?", handoff="eve"), Message("?", handoff="zed"), "DONE"])
    bob, eve = speaker("bob"), speaker("eve")

    flow = swarm("trio", [ann, bob, eve], handoffs={ann: [bob], bob: [eve]}, stop=DONE)

    assert chat(flow).path == ("ann", "ann", "ann")


class Listening(ScriptedModel):
    """Keeps the names of the tools that it was offered."""

    def __init__(self) -> None:
        super().__init__(["DONE"])
        self.offered: list[str] = []

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        self.offered += [tool.name for tool in request.tools]
        return await super().complete(request, on_delta=on_delta)


def test_only_handoffs_along_the_table_are_offered() -> None:
    ann = Assistant("ann", "scripted:x", tools=[handoff("bob"), handoff("eve")])
    bob, eve = speaker("bob"), speaker("eve")
    flow = swarm("trio", [ann, bob, eve], handoffs={ann: [bob], bob: [eve]}, stop=DONE)
    model = Listening()

    run_sync(flow, "go", models={"ann": model})

    assert model.offered == ["transfer_to_bob"]


def test_the_user_is_asked_what_the_handoff_says() -> None:
    """And who hands off to nobody asks the user, too."""
    model = 'scripted:transfer_to_user({"message": "Which flight?"})|And which day?|Well. DONE'
    agent = Assistant("desk", model, tools=[handoff("user")])
    flow = swarm("desk", [agent], user=Human("user"), stop=DONE)

    first, second, last = (chat(flow, *answers) for answers in ([], ["X1"], ["X1", "Monday"]))

    assert [one.text for one in first.stop.questions] == ["Which flight?"]
    assert [one.text for one in second.stop.questions] == ["And which day?"]
    assert last.stop.why == DONE.name
    assert said(last) == ", X1, And which day?, Monday, Well. DONE"


def test_the_user_leaves_with_a_word() -> None:
    flow = swarm("desk", [speaker("desk")], user=Human("user"))

    result = chat(flow, "exit now or later", "exit")

    assert result.path == ("desk", "user after desk", "desk", "user after desk")
    assert result.stop.why == "equals('exit', by='user')"


BEGINS = speaker("bob")


@pytest.mark.parametrize("first", [BEGINS, "bob"], ids=["agent", "name"])
def test_first_begins(first: Any) -> None:  # noqa: ANN401 - as in a group
    flow = swarm("pair", [speaker("ann"), BEGINS], handoffs={BEGINS: ["ann"]}, first=first, turns=1)

    assert chat(flow).path == ("bob",)


def test_turns_end_it_whoever_has_the_floor() -> None:
    """AutoGen counts the task too; this does not."""
    flow = swarm("desk", [speaker("desk")], user=Scripted("user", ["a", "b"]), turns=3)

    result = chat(flow)

    assert result.path == ("desk", "user after desk", "desk")
    assert result.stop.kind == "done"


ANN, BOB = speaker("ann"), speaker("bob")
TABLE = {ANN: [BOB]}


@pytest.mark.parametrize(
    ("agents", "how", "sentence"),
    [
        pytest.param([ANN], {"turns": 5}, "2 agents or more", id="one"),
        pytest.param([ANN, ANN], {"turns": 5}, "called 'ann'", id="twice"),
        pytest.param([ANN, BOB], {"handoffs": TABLE}, "nothing ends the chat", id="endless"),
        pytest.param([ANN, BOB], {"turns": 5}, "nobody hands off to 'bob'", id="unreached"),
        pytest.param([ANN, BOB], {"handoffs": TABLE, "turns": 0}, "turns=0", id="no-turns"),
        pytest.param(
            [ANN, BOB], {"handoffs": TABLE, "stop": "DONE"}, "stop='DONE' is not a guard", id="stop"
        ),
        pytest.param(
            [ANN, BOB],
            {"handoffs": {ANN: ["zed"]}, "turns": 5},
            "'ann' hands off to 'zed', who is not in it",
            id="to-a-stranger",
        ),
        pytest.param(
            [ANN, BOB],
            {"handoffs": {speaker("zed"): [BOB]}, "turns": 5},
            "has a row for 'zed', who is not in it",
            id="row-of-a-stranger",
        ),
        pytest.param(
            [ANN, BOB],
            {"handoffs": {ANN: "bob"}, "turns": 5},
            "the row of 'ann' in handoffs= is no list",
            id="row-is-a-name",
        ),
        pytest.param(
            [ANN, BOB],
            {"handoffs": {ANN: [7]}, "turns": 5},
            "the row of 'ann' in handoffs= names nobody",
            id="row-of-numbers",
        ),
        pytest.param(
            [ANN, BOB],
            {"handoffs": TABLE, "first": speaker("zed"), "turns": 5},
            "first='zed' is none of its agents; there are: ann, bob",
            id="first",
        ),
        pytest.param([ANN, BOB], {"handoffs": TABLE, "user": ANN}, "called 'ann'", id="user"),
    ],
)
def test_what_is_wrong_is_told(
    agents: Sequence[Any], how: Mapping[str, Any], sentence: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        swarm("team", agents, **how)

    assert str(caught.value).startswith("swarm 'team': ")
    assert sentence in str(caught.value)


def test_who_can_only_be_reached_from_an_island_is_told() -> None:
    """They hand off to each other, and nobody to them."""
    ann, bob, eve = speaker("ann"), speaker("bob"), speaker("eve")

    with pytest.raises(DefinitionError, match="nobody hands off to 'bob'"):
        swarm("team", [ann, bob, eve], handoffs={bob: [eve], eve: [bob]}, turns=5)


async def test_a_run_of_assistants_is_replayed_without_them() -> None:
    """The handoffs are tools like any other."""
    ann = Assistant("ann", "scripted:transfer_to_bob({})|DONE", tools=[handoff("bob")])
    bob = Assistant("bob", "scripted:transfer_to_ann({})", tools=[handoff("ann")])
    flow = swarm("pair", [ann, bob], stop=DONE)

    async with Runner() as runner:
        result = await runner.start(flow, "go")

    assert result.path == ("ann", "bob", "ann")
    assert [call.result for call in result.messages[1].calls] == ["bob has the floor."]
