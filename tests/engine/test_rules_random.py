"""Rules on random flows: no run contradicts the graph or breaks a rule, and its paths can be gone.

Every state hears the words that were written for its turn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from stateflow import (
    UNLIMITED,
    Budget,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Junction,
    Result,
    State,
    View,
    canonical,
    exhausted,
    raised,
    replay,
    run,
    says,
    to,
)
from stateflow.journal.event import RunPaused
from stateflow.journal.ruled import violation
from stateflow.machine.check.rules import verdicts
from stateflow.machine.rule.rule import Rule, always, at_most, never
from stateflow.machine.state import Place
from stateflow.machine.transition import Transition

PLACES = ("a", "b", "c", "by")
FINALS = ("won", "lost")
NAMES = (*PLACES, *FINALS, "done")


@dataclass
class Script:
    """What is said in the k-th turn; ``None`` raises."""

    lines: list[str | None]

    def __call__(self, view: View) -> str:
        line = self.lines[view.turns]
        if line is None:
            raise ValueError("nothing to say")
        return line


def word(place: str, index: int) -> str:
    """Return the word that takes transition *index* of *place*."""
    return f"{place}{index}"


@st.composite
def rows(draw: st.DrawFn, place: str, *, exhausts: bool) -> list[Transition]:
    row: list[Transition] = []
    targets = [*(name for name in (*PLACES, *FINALS) if place != "by" or name != "by"), None]
    for index in range(draw(st.integers(1, 3))):
        target = draw(st.sampled_from(targets))
        by_word = says(word(place, index))
        guards = [by_word, by_word, None]
        taken = any(one.when is not None and one.when.faults for one in row)
        if not taken and "by" not in {target, place}:  # what words take there, a fault does not
            guards += [by_word | raised(), raised()]
        row.append(to(target, when=draw(st.sampled_from(guards))))
    if exhausts and draw(st.booleans()):
        row.append(to(draw(st.sampled_from([*FINALS, None])), when=exhausted))
    return row


@st.composite
def made(draw: st.DrawFn, script: Script, *, exhausts: bool) -> Flow:
    """Draw a flow of three states, a junction and two finals, with caps and on_error."""
    agent = FunctionAgent("x", script)
    caps = st.sampled_from([None, None, 1, 2])
    places: list[Place] = [
        State(name, agent, *draw(rows(name, exhausts=exhausts)), visits=draw(caps))
        for name in PLACES[:3]
    ]
    places += [
        Junction("by", *draw(rows("by", exhausts=exhausts))),
        Final("won"),
        Final("lost", ok=False),
    ]
    on_error = draw(st.sampled_from([None, *PLACES[:3], *FINALS]))
    return Flow("f", *places, on_error=on_error, budget=Budget(turns=UNLIMITED))


def ruled(flow: Flow, *rules: Rule) -> Flow:
    """Return *flow* with *rules*."""
    budget, on_error = flow.budget, flow.on_error
    return Flow("f", *flow.places.values(), on_error=on_error, budget=budget, rules=rules)


@st.composite
def rule_for(draw: st.DrawFn, flow: Flow) -> Rule:
    """Draw a rule that fits *flow*."""
    place, first, last = (draw(st.sampled_from(NAMES)) for _ in range(3))
    rule = draw(st.sampled_from([never(place), always(place), at_most(place, 2)]))
    scope = draw(st.sampled_from(["", "before", "after", "between"]))
    try:
        match scope:
            case "before":
                rule = rule.before(first)
            case "after":
                rule = rule.after(first)
            case "between":
                rule = rule.between(first, last)
            case _:
                pass
        ruled(flow, rule)
    except DefinitionError:
        return at_most("b", 1)
    return rule


def lines() -> st.SearchStrategy[str | None]:
    """Draw what is said in a turn: a word of each place, none of some, or a fault."""
    words = [st.sampled_from(["", *(word(name, index) for index in range(3))]) for name in PLACES]
    return st.none() | st.tuples(*words).map(" ".join)


async def spoken(flow: Flow, script: Script, said: list[str | None]) -> Result:
    """Run *flow* until nothing more is *said*."""
    script.lines = said
    return await run(flow, "t", budget=Budget(turns=len(said)))


def entered(result: Result) -> list[str | None]:
    """Return the places entered, those of a turn included that got stuck in a junction."""
    assert result.journal is not None
    events = [one.event for one in result.journal.events]
    turns = [one.turn if isinstance(one, RunPaused) else one for one in events]
    return ["a", *(step.to for turn in turns for step in getattr(turn, "steps", ()))]


@given(st.data())
def test_a_rule_that_holds_on_the_graph_is_broken_by_no_run(data: st.DataObject) -> None:
    """Whatever is said, raised or used up."""
    script = Script([])
    flow = data.draw(made(script, exhausts=True))
    rules = [data.draw(rule_for(flow)) for _ in range(2)]
    held = [one.rule for one in verdicts(ruled(flow, *rules)) if one.holds]
    scripts = data.draw(st.lists(st.lists(lines(), min_size=1, max_size=9), max_size=8))

    async def walk() -> None:
        for said in scripts:
            free = await spoken(flow, script, said)
            bound = await spoken(ruled(flow, *held), script, said)

            assert free.journal is not None
            assert [violation(free.journal.events, rule) for rule in held] == [None] * len(held)
            assert (free.path, free.stop) == (bound.path, bound.stop)

    asyncio.run(walk())


WAYS = product(range(4), range(4))
ALL = [
    None,
    *(" ".join([*(word(name, n) for name in PLACES[:3]), word("by", by)]) for n, by in WAYS),
]
"""All that can be said in a turn: which way its state goes, and which the junction."""


@settings(max_examples=40)
@given(st.data())
def test_what_breaks_a_rule_on_the_graph_can_be_gone(data: st.DataObject) -> None:
    """The kernel takes the very path, one turn after the other.

    Guards are not asked on the graph, so here none of a junction contradicts those before it.
    """
    script = Script([])
    flow = data.draw(made(script, exhausts=False))
    (one,) = verdicts(ruled(flow, data.draw(rule_for(flow))))
    path = list(one.path)

    async def walk() -> None:
        said: list[str | None] = []
        so_far: list[str | None] = ["a"]
        while len(so_far) < len(path):  # a rule that holds has none
            after = {reply: entered(await spoken(flow, script, [*said, reply])) for reply in ALL}
            fitting = [
                reply for reply in ALL if after[reply][: len(path)] == path[: len(after[reply])]
            ]
            assert fitting, f"{path} stops after {so_far}"
            said.append(max(fitting, key=lambda reply: len(after[reply])))
            assert len(after[said[-1]]) > len(so_far), f"{path} stops after {so_far}"
            so_far = after[said[-1]]

    asyncio.run(walk())


@given(st.data())
def test_no_run_breaks_a_rule_of_its_flow(data: st.DataObject) -> None:
    """It stops first, and replays to the same bytes; one that kept it goes as without it."""
    script = Script([])
    plain = data.draw(made(script, exhausts=True))
    rules = [data.draw(rule_for(plain)) for _ in range(2)]
    flow = ruled(plain, *rules)
    said = data.draw(st.lists(lines(), min_size=1, max_size=9))

    result = asyncio.run(spoken(flow, script, said))
    free = asyncio.run(spoken(plain, script, said))

    assert result.journal is not None
    assert free.journal is not None
    assert [violation(result.journal.events, rule) for rule in rules] == [None, None]
    again = replay(flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)
    stuck_between = free.stop.state == "by"  # which was entered in no turn that was taken
    if not stuck_between and not any(violation(free.journal.events, rule) for rule in rules):
        assert (free.path, free.stop) == (result.path, result.stop)
