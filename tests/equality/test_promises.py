"""What ``check`` says before a run is what runs do: errors are shown, and without any none sticks.

The flows are random, everybody in them says anything, and every run is one of the engine over a
store in memory.  What is said never to be is held against 10,000 such runs; what is said to
come about is brought about by its witness.  A flow without errors is run 10,000 times as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stateflow import UNLIMITED, Budget, Flow, Result, Runner, never
from stateflow.conversation.view import View
from stateflow.journal.event import RunPaused, TurnTaken
from stateflow.machine.algebra.arrival import arrivals
from stateflow.machine.algebra.atom import formula, negated
from stateflow.machine.algebra.search import Found, search
from stateflow.machine.algebra.witness import taken, told
from stateflow.machine.check.asked import asked_in, shown
from stateflow.machine.check.check import check
from stateflow.machine.check.finding import Finding
from stateflow.machine.check.guards import shadowed
from stateflow.machine.guard_form import guard_of
from tests.support.guide import around, guided, line_of
from tests.support.talks import SAID, Spy, Talk, a_sound_talk, a_talk
from tests.support.walking import dice

FLOWS = 500
RUNS = 20
"""For each of the flows."""
CAP = 40
"""A run that takes so many turns without any limit is endless [turns]."""


def errors(flow: Flow) -> list[Finding]:
    """Return the errors of *flow* itself, without those of flows in it."""
    return [one for one in check(flow) if one.severity == "error" and "/" not in one.place]


async def test_what_can_never_be_is_seen_in_none_of_10_000_runs() -> None:
    """SF101 is never entered, SF104 and SF110 are never taken, the guard of SF119 never holds.

    Who is in SF102 or SF109 comes to no end, and the states of SF107 and SF108 are left only by
    trouble.  Each is found more than once.
    """
    found: Counter[str] = Counter()
    for seed in range(FLOWS):
        talk = a_talk(dice(seed))
        wrong = {id(one): errors(one) for one in talk.flow.flows}
        for one in talk.flow.flows:
            one.kernel = Spy(one)
        for result in await runs(talk, seed):
            holds_trapped(talk.flow, result, wrong[id(talk.flow)])
        for one in talk.flow.flows:
            assert isinstance(one.kernel, Spy)
            holds_never(one, one.kernel, wrong[id(one)], seed)
            found.update(finding.code for finding in wrong[id(one)])

    expected = {"SF101", "SF102", "SF104", "SF107", "SF108", "SF109", "SF110", "SF119"}
    assert expected - {code for code, count in found.items() if count > 1} == set()


async def runs(
    talk: Talk, seed: int, many: int = RUNS, scores: Sequence[int] = range(-2, 10)
) -> list[Result]:
    """Run *talk*, its data with one of *scores* where it has data."""
    flow, chance = talk.flow, dice(seed)
    talk.mouth.chance = chance
    budget = flow.budget
    budget = replace(budget, turns=CAP) if budget.turns == UNLIMITED else budget
    found: list[Result] = []
    async with Runner() as runner:
        for _ in range(many):
            data = None if flow.data is None else {"score": chance.choice(scores)}
            live = runner.start(flow, "go", budget=budget, data=data)
            result = await live
            found.append(replace(result, journal=await runner.journal(live.run)))
    return found


def holds_never(flow: Flow, spy: Spy, wrong: Sequence[Finding], seed: int) -> None:
    """Hold what *spy* saw of *flow* against what is *wrong* with it."""
    for place in flow.places.values():
        for index, finding in shadowed(flow, place).items():
            if finding.severity == "error":
                assert not spy.taken[place.name, index], (seed, str(finding))
    for finding in wrong:
        assert not seen(flow, spy, finding), (seed, str(finding))


def seen(flow: Flow, spy: Spy, finding: Finding) -> bool:
    """Tell whether *spy* saw what *finding* says can never be."""
    if finding.code == "SF101":
        return finding.place in spy.entered
    if finding.code in {"SF107", "SF108"}:
        return (finding.place, "said") in spy.events
    if finding.code != "SF119":
        return False
    atoms = [atom for _, atom in asked_in(flow.places[finding.place])]
    named = [
        atom
        for atom in atoms
        if finding.text.startswith((f"{shown(atom)}:", f"{shown(atom)} names"))
    ]
    guards = [guard_of(dict(atom)) for atom in named]
    return any(one(view) for one in guards for view in spy.views.get(finding.place, []))


def holds_trapped(flow: Flow, result: Result, wrong: Sequence[Finding]) -> None:
    """Hold a run against the places that no end can be reached from."""
    steps = [(step.at, step) for turn in turns(result) for step in turn.steps]
    for finding in wrong:
        if finding.code not in {"SF102", "SF109"}:
            continue
        first = flow.initial if finding.code == "SF109" else finding.place
        entered = [0] if first == flow.initial else []
        entered += [n for n, (_, step) in enumerate(steps, 1) if step.to == first]
        failing = any(step.taken is None for _, step in steps[entered[0] :]) if entered else True
        assert failing or result.stop.kind not in {"done", "final"}, str(finding)


def turns(result: Result) -> Iterator[TurnTaken]:
    """Yield the turns of a run, the one that it paused in among them."""
    assert result.journal is not None
    for recorded in result.journal.events:
        event = recorded.event
        turn = event.turn if isinstance(event, RunPaused) else event
        if isinstance(turn, TurnTaken):
            yield turn


async def test_a_run_sticks_in_the_gap_by_its_witness() -> None:
    """SF103: what the finding says is said on a way there that is looked for, and the run sticks.

    Guards of these flows ask for what is said in the turn.  Where others ask for counts or data,
    a way may lead past the gap for good.
    """
    found = 0
    async with Runner() as runner:
        for seed in range(200):
            talk = a_talk(dice(seed), depth=0, topics=SAID)
            for finding in errors(talk.flow):
                if finding.code == "SF103":
                    found += 1
                    view = gap(talk.flow, finding)
                    assert told(view) == finding.witness
                    assert await sticks(runner, talk, finding.place, view), (seed, str(finding))
    assert found > 100


def gap(flow: Flow, finding: Finding) -> View:
    """Return the view that *finding* tells as its witness."""
    place = flow.places[finding.place]
    none_holds = [negated(formula(row.when)) for row in place.transitions]
    for way in arrivals(flow, place, "said"):
        found = search(
            [*way.formulas, *none_holds],
            way.setting,
            lambda view: taken(flow, place, "said", view, None),
        )
        if isinstance(found, Found) and told(found.view) == finding.witness:
            return found.view
    raise AssertionError(str(finding))


async def sticks(runner: Runner, talk: Talk, place: str, view: View) -> bool:
    """Tell whether a run gets stuck in *place* where what *view* has is said."""
    flow, chance = talk.flow, talk.mouth.chance
    there = {view.state: line_of(view)} if view.state else {}
    talk.mouth.plan = guided(flow, view.state or place, there, chance)
    for _ in range(300):
        result = await runner.start(flow, "go", budget=Budget(turns=CAP))
        if (result.stop.kind, result.stop.state) == ("stuck", place):
            return True
    return False


async def test_nothing_but_the_cap_of_the_test_ends_a_cycle_that_nothing_stops() -> None:
    """SF105: the run goes around the cycle that the finding tells as its witness."""
    found = 0
    async with Runner() as runner:
        for seed in range(200):
            talk = a_talk(dice(seed), depth=0, topics=SAID)
            for finding in errors(talk.flow):
                if finding.code == "SF105":
                    found += 1
                    cycle = finding.witness.split(" → ")[:-1]
                    assert await endless(runner, talk, cycle), (seed, str(finding))
    assert found > 20


async def endless(runner: Runner, talk: Talk, cycle: Sequence[str]) -> bool:
    """Tell whether a run goes around *cycle* until it is cut off."""
    talk.mouth.plan = around(talk.flow, cycle, talk.mouth.chance)
    talk.mouth.liked = cycle
    for _ in range(100):
        result = await runner.start(talk.flow, "go", budget=Budget(turns=CAP))
        if result.turns >= CAP:
            return True
    return False


async def test_a_flow_without_errors_neither_sticks_nor_goes_on_for_ever_in_10_000_runs() -> None:
    """A turn that raised and that nobody takes is ``failed``, which is not stuck.

    Data begin as the model has them: a gap that only other data open is told as a warning.
    """
    stops: Counter[str] = Counter()
    for seed in range(FLOWS):
        talk = a_sound_talk(dice(seed))
        assert [one for one in check(talk.flow) if one.severity == "error"] == []
        for result in await runs(talk, seed, scores=[0]):
            stops[result.stop.kind] += 1
            cut_off = talk.flow.budget.turns == UNLIMITED and result.stop.which == "turns"
            assert result.stop.kind != "stuck", (seed, str(result.stop))
            assert not cut_off, (seed, str(result.stop))

    assert sum(stops.values()) == FLOWS * RUNS
    assert {"done", "final", "failed", "budget"} == {*stops}


async def test_a_run_stops_before_it_breaks_a_rule_and_check_has_said_so() -> None:
    """SF122: where a run comes to a place, ``never(...)`` of it is an error; and it stops there."""
    broken = kept = 0
    for seed in range(100):
        talk = a_talk(dice(seed), depth=0)
        free = Spy(talk.flow)
        talk.flow.kernel = free
        await runs(talk, seed)
        for name in [*talk.flow.places][1:]:
            bound = ruled(talk.flow, name)
            wrong = [one for one in errors(bound) if one.code == "SF122"]
            results = await runs(Talk(bound, talk.mouth), seed, many=10)
            faults = {one.stop.fault.name for one in results if one.stop.fault is not None}
            assert wrong or name not in free.entered, (seed, name)
            assert wrong or "RuleBroken" not in faults, (seed, name)
            broken += "RuleBroken" in faults
            kept += not wrong

    assert broken > 30
    assert kept > 30


def ruled(flow: Flow, place: str) -> Flow:
    """Return *flow* with the rule that it never comes to *place*."""
    return Flow(
        flow.name,
        *flow.places.values(),
        budget=flow.budget,
        on_error=flow.on_error,
        data=flow.data,
        rules=[never(place)],
    )
