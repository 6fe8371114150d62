"""``stateflow mutate``: which mistakes in a flow the tests would let live."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from stateflow.cli.console import console, is_lively
from stateflow.cli.coverage import check_percent
from stateflow.cli.find import find_flow
from stateflow.cli.mutants import as_json, list_mutants, tell_report
from stateflow.cli.trouble import INTERRUPTED, BadInput, Misused
from stateflow.diagram.words import counted
from stateflow.engine.finding import parted

if TYPE_CHECKING:
    from stateflow.testing.mutate.look import Look
    from stateflow.testing.mutate.mutant import Mutant
    from stateflow.testing.mutate.session import Tried

__all__ = ["mutate"]

_INSTALL = "pip install 'stateflow-agents[test]'"


def mutate(  # noqa: PLR0913 - options of a command
    flow: str,
    /,
    *pytest_args: Annotated[str, Parameter(help="After --: words for pytest, as in -- -k slow.")],
    tests: Annotated[list[Path] | None, Parameter(help="Files or folders; else tests/.")] = None,
    jobs: Annotated[int | None, Parameter(help="So many at once; else one for each core.")] = None,
    limit: Annotated[int | None, Parameter(help="So many mutants, spread over all.")] = None,
    only: Annotated[
        list[str] | None, Parameter(help="Mutants of this operator; repeatable.")
    ] = None,
    fail_under: Annotated[
        float | None, Parameter(help="Exit with 1 where fewer are killed [%].")
    ] = None,
    list: Annotated[  # noqa: A002 - the option's name
        bool, Parameter(help="Tell the mutants; run no test.")
    ] = False,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json"], Parameter(help="How it is told.")
    ] = "text",
) -> int:
    """Change a flow in all the small ways, and tell which changes its tests do not notice.

    Parameters
    ----------
    flow
        path.py[:attr] or pkg.mod:attr
    """
    from stateflow.testing.mutate.mutants import mutants
    from stateflow.testing.reasons import acceptances, pyproject_of

    _check(jobs, limit, fail_under)
    found = find_flow(flow)
    if found.flow.origin is None or parted(found.source)[0].endswith(".json"):
        raise BadInput(f"{flow!r} is not in Python; tests run flows that are")
    chosen = _chosen(mutants(found.flow), only or (), limit)
    if list:
        list_mutants(chosen, format)
        return 0
    accepted = acceptances(pyproject_of(Path.cwd()))
    told, whole = _tried(flow, chosen, tests or [Path("tests")], pytest_args, jobs, accepted)
    if format == "json":
        as_json(found.flow.name, told, whole=whole)
    else:
        tell_report(found.source, found.flow.name, told, accepted, missing=len(chosen) - len(told))
    return _code(told, fail_under, whole=whole)


def _check(jobs: int | None, limit: int | None, fail_under: float | None) -> None:
    check_percent(fail_under)
    for word, number in (("--jobs", jobs), ("--limit", limit)):
        if number is not None and number < 1:
            raise Misused(f"{word} {number} is less than one")


def _chosen(mutants: Sequence[Mutant], only: Sequence[str], limit: int | None) -> Sequence[Mutant]:
    from stateflow.testing.mutate.mutants import OPERATORS

    for word in only:
        if word not in OPERATORS:
            raise Misused(f"--only {word!r} is no operator; there are: {', '.join(OPERATORS)}")
    mutants = [one for one in mutants if not only or one.operator in only]
    if limit is None or limit >= len(mutants):
        return mutants
    return [mutants[number * len(mutants) // limit] for number in range(limit)]


def _tried(
    flow: str,
    mutants: Sequence[Mutant],
    tests: Sequence[Path],
    args: Sequence[str],
    jobs: int | None,
    accepted: Mapping[str, str],
) -> tuple[Sequence[Tried], bool]:
    """Return what became of the mutants, in their order, and whether all were tried."""
    from stateflow.testing.mutate.crew import Crew
    from stateflow.testing.mutate.session import tried

    if find_spec("pytest") is None:
        raise BadInput(f"mutants are tried with pytest, which is not installed; {_INSTALL}")
    for path in tests:
        if not path.exists():
            raise BadInput(f"there are no tests at {str(path)!r}; --tests takes a file or a folder")
    found: dict[str, Tried] = {}
    with tempfile.TemporaryDirectory(prefix="stateflow-mutate-") as folder:
        crew = Crew([str(path) for path in tests], args, Path(folder))
        progress = _Progress(len(mutants))
        try:
            look = _look(crew, flow, mutants, tests)
            at_once = jobs or os.cpu_count() or 1
            for one in tried(mutants, look, crew, Path(folder), at_once=at_once, accepted=accepted):
                found[one.mutant.id] = one
                progress.add(one)
        except KeyboardInterrupt:
            if not found:
                raise
        progress.end()
    return [found[one.id] for one in mutants if one.id in found], len(found) == len(mutants)


def _look(crew: object, flow: str, mutants: Sequence[Mutant], tests: Sequence[Path]) -> Look:
    """Return which tests run the flow.

    Raises:
        BadInput: none does, or they are red without a mutant.
    """
    from stateflow.testing.home import home_of
    from stateflow.testing.mutate.crew import Crew

    assert isinstance(crew, Crew)  # noqa: S101 - imported where it is used
    look, said = crew.look()
    if look is None or not look.whole:
        raise BadInput(f"pytest did not come to its end: {_last_word(said)}")
    if look.failed:
        more = f" and {len(look.failed) - 1} more" if len(look.failed) > 1 else ""
        raise BadInput(
            f"the tests are red without a mutant: {look.failed[0]}{more}; mend them first"
        )
    homes = {home_of(one.flow): None for one in mutants}
    if mutants and not any(home in test.places for test in look.tests.values() for home in homes):
        names = ", ".join(map(str, tests))
        raise BadInput(
            f"no test of {names} runs flow {mutants[0].flow.name!r} of {flow!r}, of "
            f"{counted(len(look.tests), 'test')} that pass there"
        )
    return look


def _last_word(said: str) -> str:
    """Return what pytest said went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith(("INTERNALERROR>", "ERROR", "!"))]
    return (wrong or lines or ["it said nothing"])[-1].removeprefix("INTERNALERROR>").strip(" !")


class _Progress:
    """One line on a terminal, written over and over."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._fates: Counter[str] = Counter()
        self._lively = is_lively("stderr")
        self._out = console("stderr")

    def add(self, one: Tried) -> None:
        self._fates[one.fate] += 1
        if self._lively:
            told = " · ".join(f"{count} {fate}" for fate, count in sorted(self._fates.items()))
            line = f"\r\x1b[K{self._fates.total()} of {self._total}: {told}"
            self._out.file.write(line)
            self._out.file.flush()

    def end(self) -> None:
        if self._lively:
            self._out.file.write("\r\x1b[K")


def _code(told: Sequence[Tried], fail_under: float | None, *, whole: bool) -> int:
    from stateflow.testing.mutate.session import score

    if not whole:
        return INTERRUPTED
    return int(fail_under is not None and score(told) < fail_under)
