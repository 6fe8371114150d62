"""What a run can take at most, held against runs."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import pytest
from pydantic import BaseModel

from stateflow import (
    UNLIMITED,
    Assistant,
    Budget,
    CodeRunner,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Human,
    Journal,
    Model,
    Nested,
    Parallel,
    Price,
    Runner,
    Scripted,
    Settings,
    State,
    View,
    by_model,
    exhausted,
    guard,
    itself,
    last,
    raised,
    says,
    summarised,
    to,
    tool,
)
from stateflow.cli.find import find_flow, flow_files
from stateflow.engine.ceiling import bound
from stateflow.journal.fold import fold as fold_of
from stateflow.machine.bound.bound import Figure
from tests.support.staged import staged
from tests.support.wild import Dice, counted, wild_flow

FLOWS = flow_files(Path(__file__).parents[2] / "flows")
SAY = FunctionAgent("say", lambda view: view.last.text)
WRITER = Assistant("writer", Model("scripted:x", Settings(max_tokens=50), price=Price(1.0, 2.0)))


class Mark(BaseModel):
    good: bool


@tool
def look(word: str) -> str:
    """Look a word up."""
    return word


def most(flow: Flow, **given: int) -> dict[str, float]:
    return {one.name: one.most for one in bound(flow, **given).figures}


def taken(journal: Journal) -> dict[str, float]:
    """Return what a run took, as budgets count it."""
    fold = fold_of(journal.events)
    spent = fold.spent
    assert spent.usd is not None
    return {
        "turns": fold.turns + fold.lost_turns,
        "calls": spent.calls,
        **counted(journal),
        "tokens": spent.tokens,
        "usd": spent.usd,
    }


@pytest.mark.parametrize("part", range(10))
async def test_no_random_run_takes_more_than_the_bound(part: int) -> None:
    """10,000 runs of 500 flows in all."""
    for seed in range(part * 50, part * 50 + 50):
        rng = Random(seed)  # noqa: S311 - a seed is wanted
        flow = wild_flow(rng)
        told = bound(flow)
        async with Runner(models={"dice": Dice(rng)}) as runner:
            for number in range(20):
                result = await runner.start(flow, "t" * 40, run=f"r{number}")
                for name, amount in taken(await runner.journal(result.run)).items():
                    assert amount <= told[name].most * (1 + 1e-9), f"{name} of flow {seed}"


async def reaches(flow: Flow, figure: Figure) -> None:
    fold = await staged(flow, figure.witness)

    amounts = {"turns": fold.turns + fold.lost_turns, "calls": fold.spent.calls}
    assert amounts[figure.name] == figure.most, figure


@pytest.mark.parametrize("part", range(4))
async def test_tight_figure_is_reached_by_its_witness_in_the_engine(part: int) -> None:
    tight = 0
    for seed in range(part * 100, part * 100 + 100):
        flow = wild_flow(Random(seed))  # noqa: S311 - a seed is wanted
        for figure in bound(flow).figures:
            if figure.tight and figure.most:
                await reaches(flow, figure)
                tight += 1
    assert tight > 5


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
async def test_flow_of_the_gallery_is_bounded_in_turns_and_reaches_what_is_tight(
    path: Path,
) -> None:
    flow = find_flow(str(path)).flow

    told = bound(flow)

    assert told["turns"].bounded
    for figure in told.figures:
        if figure.tight and figure.most:
            await reaches(flow, figure)


def test_caps_bound_turns_and_the_witness_is_told_turn_by_turn() -> None:
    critic = Scripted("critic", [])
    flow = Flow(
        "essay",
        State("write", Scripted("writer", []), to("review"), visits=4),
        State("review", critic, to(None, when=says("APPROVED")), to("write")),
    )

    turns = bound(flow)["turns"]

    assert (turns.most, turns.tight, turns.why) == (8, True, "visits=4 of 'write'")
    assert turns.path == ("write", "review") * 4
    assert [move.to for move in turns.witness][:2] == ["review", "write"]


def test_guard_that_never_holds_leaves_the_figure_at_most() -> None:
    @guard
    def never(view: View) -> bool:
        return False

    flow = Flow(
        "never",
        State("a", SAY, to("b", when=never), to(None)),
        State("b", SAY, to(None)),
    )

    turns = bound(flow)["turns"]

    assert (turns.most, turns.tight, turns.witness) == (2, False, ())


def test_budget_bounds_what_the_graph_does_not() -> None:
    flow = Flow("chat", State("a", WRITER, to("b")), State("b", SAY, to("a")))

    told = bound(flow)

    assert (told["turns"].most, told["turns"].why) == (100, "Budget(turns=100)")
    assert (told["calls"].most, told["calls"].tight) == (50, True)


def test_unbounded_names_the_cycle_and_the_cap() -> None:
    flow = Flow(
        "chat",
        State("a", WRITER, to("b")),
        State("b", SAY, to("a")),
        budget=Budget(turns=UNLIMITED),
    )

    told = bound(flow)

    assert not told.bounded
    assert told["calls"].why == (
        "nothing stops the cycle a → b → a: write visits= on 'a', or Budget(turns=...) on 'chat'"
    )
    assert str(told["turns"]).startswith("turns: unbounded: nothing stops the cycle")
    assert told["tools"].most == 0


def test_calls_of_a_turn_are_its_rounds_repairs_and_answer() -> None:
    given = Settings(max_tokens=7)
    busy = Assistant(
        "busy", Model("scripted:x", given), reply=Mark, tools=[look], rounds=3, repairs=2
    )
    flow = Flow("work", State("do", busy, to(None)))

    told = most(flow)

    assert (told["calls"], told["tools"]) == (6, 21)


def test_chooser_summary_and_restart_are_calls_too() -> None:
    chooser = by_model("scripted:x", retries=2)
    flow = Flow(
        "picks",
        State("a", SAY, to("b"), to(None), choose=chooser),
        State(
            "b", WRITER, to(None, restart=by_model("scripted:x")), sees=summarised(beyond=2, keep=1)
        ),
    )

    assert most(flow)["calls"] == 3 + 1 + 1 + 1


def test_code_is_bounded_by_the_blocks_of_a_message() -> None:
    flow = Flow("code", State("run", CodeRunner("runner"), to(None)))

    assert most(flow)["code"] == 100


def test_nested_turns_count_and_are_never_more_than_what_is_granted() -> None:
    inner = Flow("inner", State("a", WRITER, to("a")))
    flow = Flow("outer", Nested("in", inner, to("in")), budget=Budget(turns=10))

    told = most(flow)

    assert told["turns"] == 10
    assert told["calls"] == 10
    assert not bound(flow)["calls"].tight


def test_nested_figures_are_summed_up_where_caps_bound_them() -> None:
    inner = Flow("inner", State("a", WRITER, to("a", when=says("more")), to(None), visits=3))
    flow = Flow("outer", Nested("in", inner, to("in"), visits=2), budget=Budget(turns=UNLIMITED))

    assert most(flow)["calls"] == 6
    assert most(flow)["turns"] == 8


def test_branches_count_all_together() -> None:
    branch = Flow("branch", State("a", WRITER, to(None)))
    flow = Flow("fan", Parallel("read", {"one": branch, "two": branch, "three": branch}, to(None)))

    assert most(flow)["calls"] == 3


def test_recursion_goes_as_deep_as_the_budget_allows() -> None:
    def deep(depth: int) -> Flow:
        return Flow(
            "deep",
            State("a", WRITER, to("again"), visits=1),
            Nested("again", itself(), to(None), visits=1),
            budget=Budget(depth=depth, turns=UNLIMITED),
        )

    assert [most(deep(depth))["calls"] for depth in (0, 1, 4)] == [1, 2, 5]
    endless = bound(deep(10**9))
    assert endless["calls"].why.endswith("flows are nested without end; write Budget(depth=...)")
    assert endless["code"].most == 0


def test_tokens_grow_with_the_transcript_and_with_the_task() -> None:
    flow = Flow("talk", State("a", WRITER, to("a"), visits=3))

    small, large = (most(flow, task_tokens=size) for size in (10, 1_000))

    assert large["tokens"] - small["tokens"] == 3 * 990
    assert large["usd"] - small["usd"] == pytest.approx(3 * 990 / 1e6)


def test_window_keeps_tokens_from_growing() -> None:
    def talk(**how: object) -> Flow:
        return Flow("talk", State("a", WRITER, to("a"), visits=50, **how))  # type: ignore[arg-type]

    assert most(talk(sees=last(2)))["tokens"] < most(talk())["tokens"] / 1.5


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (Human("boss"), "'boss', a person, says has no limit"),
        (SAY, "what 'say' says has no limit"),
        (CodeRunner("runner"), "what code of 'runner' prints has no limit"),
        (Assistant("busy", "scripted:x", tools=[look]), "what tools give 'busy' has no limit"),
    ],
)
def test_what_nobody_can_measure_leaves_tokens_unbounded_by_name(agent: object, told: str) -> None:
    flow = Flow("f", State("a", agent, to("b")), State("b", WRITER, to(None)))  # type: ignore[arg-type]

    tokens = bound(flow)["tokens"]

    assert math.isinf(tokens.most)
    assert told in tokens.why
    assert tokens.why.endswith("write Budget(tokens=...) on 'f'")


def test_prompt_that_is_a_function_leaves_tokens_unbounded() -> None:
    flow = Flow("f", State("a", WRITER, to(None), prompt=lambda view: view.last.text))

    assert "the prompt of 'a' is a function" in bound(flow)["tokens"].why


def test_token_budget_bounds_tokens_always() -> None:
    flow = Flow(
        "f", State("a", WRITER, to("b")), State("b", SAY, to("a")), budget=Budget(tokens=500)
    )

    tokens = bound(flow)["tokens"]

    assert (tokens.most, tokens.tight) == (500, False)


def test_unknown_price_is_told_and_is_not_free() -> None:
    flow = Flow("f", State("a", Assistant("w", "openai:no-such-model"), to(None)))

    usd = bound(flow)["usd"]

    assert math.isinf(usd.most)
    assert usd.why.startswith("unknown price of model 'openai:no-such-model'")


@pytest.mark.parametrize(
    ("budget", "usd"),
    [(Budget(usd=0), 0), (Budget(usd=0.25), 0.25), (Budget(usd=0.25, unpriced=True), math.inf)],
)
def test_budget_of_money_bounds_unless_the_unpriced_is_allowed(budget: Budget, usd: float) -> None:
    flow = Flow("f", State("a", Assistant("w", "openai:no-such-model"), to("a")), budget=budget)

    assert bound(flow)["usd"].most == usd


def test_witness_respects_the_budget_of_calls() -> None:
    flow = Flow("f", State("a", WRITER, to("a"), visits=9), budget=Budget(calls=4))

    told = bound(flow)

    assert (told["calls"].most, told["calls"].tight) == (4, True)
    assert (told["turns"].most, told["turns"].tight) == (9, False)


def test_agent_that_makes_effects_of_its_own_is_told() -> None:
    class Own:
        name = "own"
        composed = True

        async def reply(self, turn: object, /) -> str:
            return "x"

    flow = Flow("f", State("a", Own(), to(None)))

    assert "'own' makes effects by code of its own" in bound(flow)["calls"].why
    assert bound(flow)["turns"].most == 100


@pytest.mark.parametrize(
    ("flow", "turns"),
    [
        (Flow("stuck", State("a", SAY)), 0),
        (Flow("one", State("a", SAY, to(None))), 1),
        (Flow("none", State("a", SAY, to(None)), budget=Budget(turns=0)), 0),
        (Flow("half", State("a", SAY, to("a")), budget=Budget(turns=2.5)), 3),
        (Flow("no_end", State("a", SAY, to("b")), State("b", SAY, to("a"))), 100),
        (
            Flow(
                "raised",
                State("a", SAY, to("a", when=raised()), to("end", when=exhausted), visits=5),
                Final("end"),
            ),
            5,
        ),
    ],
    ids=lambda given: given.name if isinstance(given, Flow) else str(given),
)
def test_odd_flow_is_answered(flow: Flow, turns: int) -> None:
    assert (bound(flow)["turns"].most, bound(flow)["turns"].tight) == (turns, True)


def test_flow_of_five_thousand_states_and_one_nested_two_hundred_deep_are_answered() -> None:
    wide = Flow(
        "wide",
        *(State(f"s{n}", SAY, to(f"s{n + 1}")) for n in range(4_999)),
        State("s4999", SAY, to(None)),
        budget=Budget(turns=UNLIMITED),
    )
    deep = Flow("f0", State("a", WRITER, to(None)))
    for level in range(1, 201):
        deep = Flow(f"f{level}", Nested("in", deep, to(None)), budget=Budget(turns=300, depth=300))

    assert most(wide)["turns"] == 5_000
    assert (most(deep)["turns"], most(deep)["calls"]) == (201, 1)


def test_same_flow_gives_the_same_bound() -> None:
    flows = [wild_flow(Random(5)) for _ in range(2)]  # noqa: S311 - a seed is wanted

    assert bound(flows[0]) == bound(flows[1])


def test_task_of_less_than_no_tokens_is_refused() -> None:
    with pytest.raises(DefinitionError, match="a task has 0 tokens or more"):
        bound(Flow("f", State("a", SAY, to(None))), task_tokens=-1)
