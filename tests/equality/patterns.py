"""A case of every pattern, for running it every way: its flow is a flow like any other."""

from __future__ import annotations

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
from tests.support.six_ways import Case

__all__ = ["CASES"]


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
