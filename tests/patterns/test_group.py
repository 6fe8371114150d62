"""Groups: the rows of who may follow, and who picks from them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from stateflow import (
    PASS,
    Agent,
    Assistant,
    Budget,
    Chat,
    DefinitionError,
    Flow,
    Human,
    Scripted,
    at_random,
    by_human,
    by_model,
    group_chat,
    in_turn,
    manual,
    round_robin,
    run_sync,
    says,
    selector,
)
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel
from tests.support.chatting import chat, errors, said, speaker, table

ann, bob, eve = speaker("ann", "asks"), speaker("bob", "builds"), speaker("eve")
TEAM = [ann, bob, eve]
OVER = says("9")
MODEL = "scripted:bob"


class Picking(ScriptedModel):
    """Picks *names* one after the other, and keeps what it was asked."""

    def __init__(self, *names: str) -> None:
        super().__init__(["-"], name=MODEL)
        self.names = list(names)
        self.requests: list[ModelRequest] = []

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        del on_delta
        self.requests.append(request)
        return ModelReply(self.names[len(self.requests) - 1])


def next_agent(last_speaker: Agent, chat: Chat) -> Agent | str | None:
    """AutoGen's kind of function."""
    return chat.next_agent(last_speaker)


def rows(flow: Flow) -> dict[str, list[str | None]]:
    """Return where each state leads to."""
    return {state.name: [way.target for way in state.transitions] for state in flow.states}


def test_what_is_over_and_what_goes_on_are_told_apart_by_guards() -> None:
    """So that nobody is asked who is next when it is over."""
    flow = group_chat("team", TEAM, choose=in_turn(), repeat=False, stop=OVER, turns=7)
    over = "(says('9') or turns_at_least(7))"

    assert table(flow)["bob"] == [(None, over), ("ann", f"not {over}"), ("eve", f"not {over}")]


def test_a_row_of_one_asks_nobody() -> None:
    flow = group_chat(
        "team", TEAM, choose=in_turn(), turns=5, allowed={ann: [bob], bob: [eve, ann], eve: [None]}
    )

    assert table(flow)["ann"] == [(None, "turns_at_least(5)"), ("bob", "else")]
    assert [state.choose is None for state in flow.states] == [True, False, True]


def test_done_in_a_row_is_a_candidate_while_the_chat_goes_on() -> None:
    flow = group_chat(
        "team",
        TEAM,
        choose=in_turn(),
        stop=OVER,
        allowed={ann: [bob, None], bob: [ann], eve: [ann]},
    )

    assert table(flow)["ann"] == [
        (None, "says('9')"),
        ("bob", "not says('9')"),
        (None, "not says('9')"),
    ]


@pytest.mark.parametrize(
    ("choose", "done"),
    [
        pytest.param(next_agent, True, id="function"),
        pytest.param(by_human(), True, id="person"),
        pytest.param(in_turn(), False, id="in-turn"),
        pytest.param(at_random(seed=1), False, id="chance"),
        pytest.param(by_model("scripted:x"), False, id="model"),
    ],
)
def test_who_knows_when_it_is_over_may_say_so(choose: Any, done: bool) -> None:  # noqa: ANN401 - any chooser
    """A function and a person may, as in AutoGen; nobody else, unless a row says so."""
    flow = group_chat("team", TEAM, choose=choose, turns=9)

    assert table(flow)["ann"].count((None, "not turns_at_least(9)")) == int(done)


def test_autogens_function_picks_and_ends() -> None:
    """It gets the last speaker and the chat, and returns an agent, or ``None`` to end it."""
    heard: list[str] = []

    def pick(last_speaker: Agent, chat: Chat) -> Agent | None:
        heard.append(f"{last_speaker.name}: {chat.messages[-1]['content']}")
        return {"ann": eve, "eve": bob}.get(last_speaker.name)

    result = chat(group_chat("team", TEAM, choose=pick))

    assert said(result) == "ann 1, eve 2, bob 3"
    assert heard == ["ann: ann 1", "eve: eve 2", "bob: bob 3"]
    assert result.stop.kind == "done"


def test_nobody_can_pick_who_is_off_the_table() -> None:
    """Not even a function, which in AutoGen can."""
    flow = group_chat("team", TEAM, choose=lambda last, chat: ann, repeat=False, turns=9)

    result = chat(flow)

    assert (result.stop.kind, result.stop.state) == ("failed", "ann")
    assert result.stop.fault is not None
    assert result.stop.fault.name == "OffTable"


def test_the_same_seed_picks_the_same_speakers() -> None:
    flow = group_chat("team", TEAM, choose=at_random(seed=7), repeat=False, turns=12)

    paths = {chat(flow).path for _ in range(3)}

    assert len(paths) == 1
    (path,) = paths
    assert len(path) == 12
    assert all(one != after for one, after in pairwise(path))


def test_round_robin_is_a_ring_in_which_nobody_picks() -> None:
    flow = round_robin("ring", TEAM, stop=says("eve 6"), turns=8)

    result = chat(flow)

    assert table(flow)["eve"] == [
        (None, "says('eve 6')"),
        (None, "turns_at_least(8)"),
        ("ann", "else"),
    ]
    assert errors(flow) == []
    assert said(result) == "ann 1, bob 2, eve 3, ann 4, bob 5, eve 6"
    assert result.stop.why == "says('eve 6')"


def test_a_model_picks_among_those_who_did_not_just_speak() -> None:
    """It is shown their descriptions, and is not asked when it is over."""
    model = Picking("eve", "**Bob**")
    flow = selector("team", TEAM, MODEL, turns=3, prompt="Pick the right one.")

    result = run_sync(flow, "go", models={"picking": model})

    assert said(result) == "ann 1, eve 2, bob 3"
    assert rows(flow)["ann"] == [None, "bob", "eve"]
    assert len(model.requests) == 2
    assert "Pick the right one." in model.requests[0].system
    assert "bob: builds" in model.requests[0].system
    assert "ann: asks" not in model.requests[0].system


@pytest.mark.parametrize("fallback", [eve, "eve"], ids=["agent", "name"])
def test_a_model_that_names_nobody_falls_back(fallback: Agent | str) -> None:
    model = Picking("nobody", "neither")
    flow = selector("team", TEAM, MODEL, turns=2, retries=1, fallback=fallback)

    result = run_sync(flow, "go", models={"picking": model})

    assert said(result) == "ann 1, eve 2"


def test_a_fallback_that_spoke_last_gives_way_to_the_next() -> None:
    """Nobody may follow itself, so one fallback could not do for all."""
    model = Picking("eve", "nobody", "nobody")
    flow = selector("team", TEAM, MODEL, turns=4, retries=0, fallback=[eve, "bob"])

    result = run_sync(flow, "go", models={"picking": model})

    assert said(result) == "ann 1, eve 2, bob 3, eve 4"


def test_a_selector_lets_repeat_who_is_allowed_to() -> None:
    """Rows of its own say all; else ``repeat`` does."""
    by_row = selector("team", TEAM, MODEL, turns=9, allowed={one: [one, bob] for one in TEAM})
    by_word = selector("team", TEAM, MODEL, turns=9, repeat=True)

    assert rows(by_row)["ann"] == [None, "ann", "bob"]
    assert rows(by_word)["ann"] == [None, "ann", "bob", "eve"]


def test_a_person_picks_until_it_is_done() -> None:
    flow = manual("team", TEAM)

    waiting = chat(flow, "eve")
    done = chat(flow, "eve", "eve", "DONE")

    assert waiting.stop.questions[0].options == ("ann", "bob", "eve", "DONE")
    assert said(done) == "ann 1, eve 2, eve 3"
    assert done.stop.kind == "done"
    assert errors(flow) == []


def test_a_person_is_offered_who_may_speak_again() -> None:
    assert rows(manual("team", TEAM, repeat=False))["ann"] == ["bob", "eve", None]
    assert rows(manual("team", TEAM, repeat=[ann]))["ann"] == ["ann", "bob", "eve", None]


def test_introductions_tell_agents_and_ask_no_person() -> None:
    """They are part of the prompt; a person's prompt would be the question."""
    boss = Human("boss", description="pays")
    flow = round_robin("ring", [ann, eve, boss], turns=3, introductions=True)

    assert [state.prompt for state in flow.states] == [
        *["In this conversation are:\n- ann: asks\n- eve\n- boss: pays"] * 2,
        "",
    ]


def test_introductions_reach_the_model() -> None:
    model = Picking("hello", "hello")
    team: list[Agent] = [Assistant("ann", MODEL, "You ask."), eve]
    flow = group_chat("team", team, choose=in_turn(), turns=1, introductions=True)

    run_sync(flow, "go", models={"picking": model})

    assert model.requests[0].system == "You ask.\n\nIn this conversation are:\n- ann\n- eve"


def test_a_turn_without_a_message_goes_on() -> None:
    """Nothing said is nothing that ends the chat."""
    flow = round_robin("ring", [ann, Scripted("mute", [PASS])], stop=says("ann 3"))

    assert said(chat(flow)) == "ann 1, ann 3"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(
            lambda: group_chat("team", TEAM, choose=in_turn()),
            "group_chat 'team': nothing ends the chat; write stop=says('DONE') or turns=12",
            id="endless",
        ),
        pytest.param(
            lambda: round_robin("ring", TEAM),
            "round_robin 'ring': nothing ends the chat; write stop=says('DONE') or turns=12",
            id="endless-ring",
        ),
        pytest.param(
            lambda: group_chat("team", TEAM, choose=None, turns=1),  # type: ignore[arg-type]  # on purpose
            "group_chat 'team': choose=None picks nobody; give in_turn(), by_model('openai:…') or "
            "a function, or let them speak one after the other with round_robin(...)",
            id="nobody-picks",
        ),
        pytest.param(
            lambda: round_robin("ring", [ann], turns=1),
            "round_robin 'ring': it takes 2 agents or more, and has 1; one agent alone needs no "
            "pattern: Flow(name, State('ann', agent, to(None, when=stop), to('ann')))",
            id="alone",
        ),
        pytest.param(
            lambda: round_robin("ring", [], turns=1),
            "round_robin 'ring': it takes 2 agents or more, and has 0",
            id="nobody",
        ),
        pytest.param(
            lambda: round_robin("ring", "ab", turns=1),  # type: ignore[arg-type]  # on purpose
            "round_robin 'ring': 'ab' is no list of agents; write [writer, critic]",
            id="no-list",
        ),
        pytest.param(
            lambda: round_robin("ring", [ann, bob, ann], turns=1),
            "round_robin 'ring': two of them are called 'ann'; give each a name of its own, and "
            "each agent once",
            id="twice",
        ),
        pytest.param(
            lambda: round_robin("ring", TEAM, turns=20, budget=Budget(turns=10)),
            "round_robin 'ring': turns=20 is never reached, because the budget ends the run at 10 "
            "turns; give budget=Budget(turns=20)",
            id="beyond-the-budget",
        ),
        pytest.param(
            lambda: group_chat("team", TEAM, choose=in_turn(), turns=0),
            "group_chat 'team': turns=0; give a whole number, 1 or more",
            id="no-turn",
        ),
        pytest.param(
            lambda: group_chat("team", TEAM, choose=in_turn(), turns=1, first=speaker("zoe")),
            "group_chat 'team': first='zoe' is none of its agents; there are: ann, bob, eve",
            id="first-is-nobody",
        ),
    ],
)
def test_what_could_never_work_is_refused(make: Callable[[], Flow], sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        make()

    assert str(caught.value) == sentence
