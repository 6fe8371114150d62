"""Run the benchmarks and print a table: ``python -m benchmarks [--quick|--full]``."""

from __future__ import annotations

import argparse
import operator
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import checking, imports, journal, many, nested, replaying, sandboxes, turn

UNDER = operator.le
OVER = operator.ge


class Goal(NamedTuple):
    """A figure and what it is held against."""

    what: str
    unit: str
    figure: str
    """Its name in what the benchmark returns."""
    holds: Callable[[float, float], bool]
    limit: float


class Benchmark(NamedTuple):
    """A measurement and its goals.  A peer is one more of these."""

    measure: Callable[[bool], dict[str, float]]
    goals: tuple[Goal, ...]


BENCHMARKS = (
    Benchmark(
        turn.measure,
        (
            Goal("turn, guards and journal, to a bare machine's step", "x", "ratio", UNDER, 4.0),
            Goal("turn 10,000 to turn 300", "x", "growth", UNDER, 1.1),
        ),
    ),
    Benchmark(
        nested.measure,
        (
            Goal("turn in nested chats of four, to a flat one", "x", "nested_to_flat", UNDER, 2.0),
            Goal("threads that 100 branches add", "", "threads", UNDER, 0),
        ),
    ),
    Benchmark(
        many.measure,
        (
            Goal("many conversations in one process", "turns/s", "turns_per_s", OVER, 20_000),
            Goal("memory a turn", "bytes", "bytes_a_turn", UNDER, 1_500),
            Goal("SQLite a turn at rest, beside its text", "bytes", "bytes_at_rest", UNDER, 400),
        ),
    ),
    Benchmark(
        journal.measure,
        (Goal("SQLite journal, to a loop of bare inserts", "x", "ratio", UNDER, 3.0),),
    ),
    Benchmark(
        replaying.measure,
        (
            Goal("replay of 1,000 turns", "turns/s", "turns_per_s", OVER, 30_000),
            Goal("the same, to parsing its file", "x", "to_parse", UNDER, 8.0),
            Goal("200 replay tests of 20 turns, one process", "s", "suite_s", UNDER, 5.0),
        ),
    ),
    Benchmark(
        checking.measure,
        (
            Goal("check 1,000 states with 5,000 transitions", "s", "seconds", UNDER, 2.0),
            Goal("the same, to finding its components", "x", "to_components", UNDER, 400),
            Goal("check a state of 4,000, to one of 1,000", "x", "growth", UNDER, 1.3),
        ),
    ),
    Benchmark(
        imports.measure,
        (Goal("import stateflow, to import pydantic", "x", "ratio", UNDER, 2.5),),
    ),
    Benchmark(
        sandboxes.measure,
        (
            Goal("Docker, from nothing, to AutoGen", "x", "docker_begin_to_autogen", UNDER, 1.0),
            Goal("Docker, one more block, to AutoGen", "x", "docker_warm_to_autogen", UNDER, 1.0),
            Goal("the same after a pause", "x", "docker_paused_to_autogen", UNDER, 1.0),
        ),
    ),
)


def main() -> int:
    """Print one line a goal; with ``--full``, return 1 if one is missed.

    The quick figures only show that the benchmarks run: a shared machine is too noisy to fail on.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="under half a minute in all (default)")
    size.add_argument("--full", action="store_true", help="more repeats, larger runs")
    quick = not parser.parse_args().full
    missed = 0
    print(f"{'what':<52} {'figure':>12} {'goal':>14} {'unit':<8} ok?")
    for benchmark in BENCHMARKS:
        figures = benchmark.measure(quick)
        for goal in benchmark.goals:
            figure = figures.get(goal.figure)
            if figure is None:  # it needs what is not here; the benchmark has said so
                continue
            ok = goal.holds(figure, goal.limit)
            missed += not ok
            verdict = "yes" if ok else "NO"
            limit = f"{'<=' if goal.holds is UNDER else '>='} {goal.limit:,.4g}"
            print(f"{goal.what:<52} {figure:>12,.2f} {limit:>14} {goal.unit:<8} {verdict}")
        named = {goal.figure for goal in benchmark.goals}
        for name, figure in figures.items():
            if name not in named:
                print(f"    {name:<48} {figure:>12,.2f}")
    return 1 if missed and not quick else 0


if __name__ == "__main__":
    raise SystemExit(main())
