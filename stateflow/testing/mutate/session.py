"""One session: the mutants of a flow, the tests that concern each, and what became of it.

A mutant concerns the tests whose runs come by the place that it changes; one that changes the flow
as a whole concerns all that run the flow.  The same tests are run without a mutant as well, in the
same way: what fails then would fail with every mutant, and would say nothing of any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final as Constant
from typing import Literal, TypeAlias

from stateflow.testing.home import Home, home_of
from stateflow.testing.mutate.crew import Crew, Finished, MutateError
from stateflow.testing.mutate.job import Job
from stateflow.testing.mutate.look import Look
from stateflow.testing.mutate.mutant import Mutant

__all__ = ["Fate", "Tried", "concerned", "score", "tried"]

Fate: TypeAlias = Literal["killed", "timed out", "survived", "accepted", "equivalent"]
"""What became of a mutant.  One that is accepted survived, and somebody says why that is right."""

_GRACE_S: Constant = 5.0
_SLOWER: Constant = 5.0
"""Tests may take so many times as long as without a mutant, and the grace beside that."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, and what became of it."""

    mutant: Mutant
    fate: Fate
    tests: Sequence[str] = ()
    """Those that it concerns, by node id."""
    killer: str = ""
    """The test that noticed; empty: none, or the process of the tests was ended."""
    why: str = ""
    """The reason, of one that is accepted or equivalent; else what is to be known beside."""


def concerned(mutant: Mutant, look: Look) -> list[str]:
    """Return the tests that *mutant* concerns, in the order in which they ran."""
    home = home_of(mutant.flow)
    return [
        name
        for name, test in look.tests.items()
        if home in test.places and (not mutant.at or mutant.at in test.places[home])
    ]


def tried(  # noqa: PLR0913 - all but the mutants say how
    mutants: Sequence[Mutant],
    look: Look,
    crew: Crew,
    folder: Path,
    *,
    at_once: int,
    accepted: Mapping[str, str],
    grace_s: float = _GRACE_S,
) -> Iterator[Tried]:
    """Yield what becomes of each of *mutants*, as soon as it is known.

    Args:
        mutants: in the order in which they are begun.
        look: which tests come by where.
        crew: runs them.
        folder: for what passes between the processes.
        at_once: so many mutants.
        accepted: survivors that are meant, each with the reason, by id.
        grace_s: what tests may take beside what they took without a mutant [s].

    Raises:
        MutateError: tests fail without a mutant, or pytest ends before it is done.
    """
    asked: list[tuple[Mutant, list[str]]] = []
    for mutant in mutants:
        tests = concerned(mutant, look)
        if mutant.equivalent:
            yield Tried(mutant, "equivalent", why=mutant.equivalent)
        elif not tests:
            yield _survived(mutant, tests, accepted, "no test comes by")
        else:
            asked.append((mutant, tests))
    controls = {tuple(tests): mutant for mutant, tests in asked}
    plan = [(home_of(one.flow), "", tests) for tests, one in controls.items()]
    plan += [(home_of(one.flow), one.id, tuple(tests)) for one, tests in asked]
    jobs = [
        _job(home, mutant, str(folder / f"{number}.json"), tests, look, grace_s)
        for number, (home, mutant, tests) in enumerate(plan)
    ]
    for finished in crew.run(jobs, at_once):
        if finished.number < len(controls):
            _refuse_red(finished)
        else:
            yield _tried(*asked[finished.number - len(controls)], finished, accepted)


def score(tried: Sequence[Tried]) -> float:
    """Return how many mutants were noticed, of those that could have been [%].

    Survivors that are accepted could have been.
    """
    able = [one for one in tried if one.fate != "equivalent"]
    noticed = sum(one.fate in {"killed", "timed out"} for one in able)
    return 100.0 * noticed / len(able) if able else 100.0


def _refuse_red(finished: Finished) -> None:
    """Refuse tests that fail though there is no mutant."""
    if finished.word == "late":
        raise MutateError("the tests take far longer when they are run again; mend that first")
    if finished.outcome is None:
        raise MutateError("the tests end their process when they are run again; mend that first")
    if finished.outcome.failed:
        raise MutateError(
            f"{finished.outcome.failed[0]!r} was green, and fails when it is run again without a "
            "mutant: it fails now and then, or needs tests that run before it; mend that first"
        )


def _job(
    home: Home, mutant: str, result: str, tests: Sequence[str], look: Look, grace_s: float
) -> Job:
    files = dict.fromkeys(look.tests[name].file for name in tests)
    wanted = frozenset(tests)
    others = [name for name, one in look.tests.items() if one.file in files and name not in wanted]
    seconds = grace_s + _SLOWER * sum(look.tests[name].seconds for name in tests)
    return Job(home, mutant, result, list(files), others, seconds)


def _tried(
    mutant: Mutant, tests: Sequence[str], finished: Finished, accepted: Mapping[str, str]
) -> Tried:
    outcome = finished.outcome
    if finished.word == "late":
        return Tried(mutant, "timed out", tests)
    if finished.word == "killed":
        killer = outcome.failed[0] if outcome is not None else ""
        return Tried(mutant, "killed", tests, killer, "" if killer else "it ended the tests")
    met = outcome is not None and outcome.met
    return _survived(mutant, tests, accepted, "" if met else "the tests made another flow of it")


def _survived(mutant: Mutant, tests: Sequence[str], accepted: Mapping[str, str], why: str) -> Tried:
    reason = accepted.get(mutant.id)
    if reason is not None:
        return Tried(mutant, "accepted", tests, why=reason)
    return Tried(mutant, "survived", tests, why=why)
