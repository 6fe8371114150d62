"""What is proved to behave the same does: random conversations go the same way in both."""

from __future__ import annotations

import random

import pytest

from flows import code_loop, flight_refund, grade, guarded_change, incident, slogan, stock_swarm
from stateflow import Flow, Message, Outcome, View
from stateflow.conversation.message import Fault
from stateflow.machine.kernel import Event, GuardRaised
from stateflow.machine.state import Final, State
from stateflow.testing.mutate.mutant import Mutant
from stateflow.testing.mutate.mutants import mutants

_GALLERY = (code_loop, flight_refund, grade, guarded_change, incident, slogan, stock_swarm)
_MOVES: tuple[Event, ...] = ("said", "raised", "exhausted")


def views(flow: Flow, place: State, dice: random.Random, event: Event) -> View:
    words = ["TERMINATE", "APPROVED", "exit", "yes", "no", "well"]
    names = [*(one.name for one in flow.agents), ""]
    last = Message(
        dice.choice(words),
        place.agent.name,
        dice.choice([None, Outcome.exited(0), Outcome.exited(1)]),
        handoff=dice.choice(names) or None,
        reply={"score": dice.randrange(12), "ok": dice.random() < 0.5},
    )
    fault = Fault(dice.choice(["TimedOut", "RateLimited", "NoCode"]), "it went wrong")
    if event == "raised":
        return View(fault=fault, visits={place.name: dice.randrange(1, 5)})
    limit = "turns" if event == "exhausted" else ""
    return View(last=last, visits={place.name: dice.randrange(1, 5)}, exhausted=limit)


def way(flow: Flow, place: str, event: Event, view: View) -> object:
    try:
        taken = flow.kernel.step(place, event, view).taken
    except GuardRaised:
        return "raised"
    if taken is None:
        return None
    row = flow.places[place].transitions[taken]
    return row.target, row.do, row.restart


def same(mutant: Mutant, dice: random.Random) -> list[View]:
    """Return views that lead to two places."""
    place = mutant.flow.places.get(mutant.at)
    if not isinstance(place, State) or isinstance(mutant.parts["places"][mutant.at], Final):
        return []
    made = mutant.made()
    found: list[View] = []
    for event in _MOVES:
        for _ in range(20):
            view = views(mutant.flow, place, dice, event)
            if way(mutant.flow, mutant.at, event, view) != way(made, mutant.at, event, view):
                found.append(view)
    return found


@pytest.mark.parametrize("flow", [pytest.param(one.flow, id=one.flow.name) for one in _GALLERY])
def test_no_view_that_can_come_about_tells_an_equivalent_mutant_apart(flow: Flow) -> None:
    dice = random.Random(7)  # noqa: S311 - the same views each time

    told = {one.id: same(one, dice) for one in mutants(flow) if one.equivalent}

    assert {name: found for name, found in told.items() if found} == {}


def test_the_same_views_tell_others_apart() -> None:
    dice = random.Random(7)  # noqa: S311 - the same views each time

    told = [bool(same(one, dice)) for one in mutants(code_loop.flow) if "guard" in one.operator]

    assert any(told)
