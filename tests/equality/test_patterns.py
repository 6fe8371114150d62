"""Every pattern is held to the six ways: its flow is a flow like any other."""

from __future__ import annotations

import json

import pytest

from stateflow import (
    Assistant,
    FunctionAgent,
    Human,
    Leg,
    Message,
    Scripted,
    at_random,
    by_model,
    debate,
    group_chat,
    handoff,
    hierarchy,
    in_sequence,
    in_turn,
    last,
    last_message,
    magentic,
    manual,
    nested,
    parallel,
    reflection,
    round_robin,
    says,
    selector,
    swarm,
    two_agents,
)
from stateflow.value import Json
from tests.support.six_ways import Case, elsewhere, hold_cut, hold_replayed, whole


def _speaker(name: str) -> FunctionAgent:
    return FunctionAgent(name, lambda view: f"{name} {view.turns + 1}", description=f"is {name}")


ANN, BOB, EVE = map(_speaker, ("ann", "bob", "eve"))
TEAM = [ANN, BOB, EVE]
PAIR = two_agents("pair", ANN, BOB, rounds=2)

CHATS = [
    Case(two_agents("two_agents", ANN, BOB, stop=says("bob 4"), rounds=3), "go"),
    Case(
        two_agents("two_agents_on_stop", ANN, BOB, stop=says("bob"), human="on_stop", rounds=2),
        "go",
    ),
    Case(two_agents("always", ANN, BOB, human="always", rounds=2), "go"),
    Case(
        in_sequence(
            "in_sequence",
            [
                PAIR,
                Leg(PAIR, "again", input="Once more.", summary=by_model("scripted:short")),
                Leg(PAIR, "apart", after=["pair"], summary=last_message),
                two_agents(
                    "asking",
                    EVE,
                    Human("boss", options=["yes", "no"]),
                    rounds=1,
                ),
            ],
        ),
        "go",
    ),
    Case(round_robin("round_robin", TEAM, turns=7, introductions=True), "go"),
    Case(group_chat("in_turn", TEAM, choose=in_turn(), turns=7, human="always"), "go"),
    Case(group_chat("at_random", TEAM, choose=at_random(seed=7), turns=7, repeat=False), "go"),
    Case(
        group_chat("by_function", TEAM, choose=lambda last, chat: chat.next_agent(), turns=5), "go"
    ),
    Case(
        selector(
            "selector",
            TEAM,
            "scripted:bob",
            fallback="eve",
            retries=1,
            allowed={ANN: [BOB, EVE], BOB: [ANN, EVE], EVE: [BOB, ANN]},
            stop=says("eve 6"),
            human="on_stop",
            turns=8,
        ),
        "go",
    ),
    Case(manual("manual", TEAM, turns=4), "go"),
]

BOSS = Scripted(
    "boss", [Message("Go.", handoff="pair"), Message("And?", handoff="reflection"), "DONE"]
)
REFLECTION = reflection("reflection", ANN, BOB, rounds=2)
CLERK = Assistant(
    "clerk",
    'scripted:transfer_to_user({"message": "Which?"})|transfer_to_ann({})|DONE',
    tools=[handoff("ann"), handoff("user")],
)


def _look(*, satisfied: bool = False, progressing: bool = True) -> Message:
    reply: dict[str, Json] = {"reason": "", "satisfied": satisfied, "progressing": progressing}
    return Message("ledger", reply={**reply, "looping": False, "next": "pair", "instruction": "x"})


LEAD = Scripted(
    "lead",
    [
        *("facts", "plan", _look(progressing=False), "facts", "plan", _look()),
        *(_look(satisfied=True), "answer"),
    ],
)

TEAMS = [
    Case(swarm("swarm", [CLERK, ANN], user=Human("user"), stop=says("DONE"), turns=9), "go"),
    Case(
        swarm("keeps", [ANN, BOB], handoffs={ANN: [BOB]}, stop=says("ann 3"), first=ANN, turns=4),
        "go",
    ),
    Case(
        nested(
            "nested",
            ANN,
            [PAIR, Leg(two_agents("ask", EVE, Human("boss"), rounds=1), input="Well?")],
            trigger=says("ann 1"),
            answerer=BOB,
            carryover=last(2),
            rounds=3,
        ),
        "go",
    ),
    Case(hierarchy("hierarchy", BOSS, [PAIR, REFLECTION], stop=says("DONE")), "go"),
    Case(
        hierarchy("chosen", ANN, [PAIR, REFLECTION], choose=by_model("scripted:pair"), turns=8),
        "go",
    ),
    Case(parallel("parallel", [ANN, Human("boss"), PAIR], then=EVE), "go"),
    Case(magentic("magentic", LEAD, [PAIR.as_agent(), EVE], stalls=1), "go"),
    Case(debate("debate", [ANN, BOB], EVE, rounds=2, stop=says("ann 3")), "go"),
    Case(REFLECTION, "go"),
]

CASES = [*CHATS, *TEAMS]
every_pattern = pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow.name)


@every_pattern
async def test_a_run_cut_at_any_commit_resumes_to_the_same_bytes(case: Case) -> None:
    await hold_cut(case)


@every_pattern
async def test_sync_async_and_replayed_are_the_same_bytes(case: Case) -> None:
    await hold_replayed(case)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_hash_seed_gives_the_same_bytes(seed: str) -> None:
    """In a process of its own."""
    here, there = elsewhere(__name__, CASES, seed)

    assert there == here


@every_pattern
def test_no_case_stops_before_its_end(case: Case) -> None:
    """A run that fails the same way six times would prove little."""
    events = [json.loads(line) for line in whole(case).splitlines()]

    end = [one for one in events if not one["place"]][-1]
    assert (end["kind"], end["stop"]["kind"] in {"done", "final"}) == ("RunEnded", True)
