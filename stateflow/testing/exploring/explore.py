"""Exploring: random conversations through the real engine, and the shortest one that goes wrong.

Hypothesis draws the conversations and shortens a bad one.  It is imported here and nowhere else,
and is the same in every process: no seed of the day, no database of examples.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn
from typing import Final as Constant

from stateflow.errors import DefinitionError, StateflowError
from stateflow.journal.event import Journal
from stateflow.machine.flow import Flow
from stateflow.testing.cassette.cassette import dump_cassette, write_cassette
from stateflow.testing.exploring.guide import Map
from stateflow.testing.exploring.holding import Holding, Holds
from stateflow.testing.exploring.improvised import LARGEST, Improvised
from stateflow.testing.exploring.layout import laid_out
from stateflow.testing.exploring.menu import starts
from stateflow.testing.exploring.paths import checked
from stateflow.testing.exploring.play import Play, Row
from stateflow.testing.record import path_pattern

try:
    import hypothesis
    from hypothesis import strategies
    from hypothesis.errors import Flaky
except ImportError as error:
    raise ImportError("exploring needs Hypothesis: pip install 'stateflow-agents[test]'") from error

__all__ = ["agents_for", "explore"]

_MOST_TOLD: Constant = 12
"""So many messages of a conversation are told."""
_MOST_LINES: Constant = 60
"""So many lines of its cassette."""
_HINT: Constant = (
    "where words or data that were made up cannot be what Python is given, say so: "
    "explore(..., real=['agent'], data={...})"
)
_MOST_NUMBERS: Constant = 40
"""So many lines of a conversation are by chance; then it goes to its end."""
_MOST_TIMES: Constant = 5
"""So often is a conversation led over one transition, at most: loops are gone by chance seldom."""
_LONG: Constant = 12
"""So many at least in every other conversation: lists by chance are short, most of them."""
_HEALTH: Constant = [
    hypothesis.HealthCheck.too_slow,
    hypothesis.HealthCheck.data_too_large,
    hypothesis.HealthCheck.filter_too_much,
    hypothesis.HealthCheck.large_base_example,
    hypothesis.HealthCheck.differing_executors,
    hypothesis.HealthCheck.nested_given,
]
"""How fast a flow is, and how it is tested, is not Hypothesis's to judge."""


def agents_for(
    flow: Flow,
    *,
    task: str = "",
    data: Mapping[str, Any] | None = None,
    turns: int = 60,
    real: Collection[str] = (),
) -> strategies.SearchStrategy[Improvised]:
    """Return a strategy that draws what everybody in *flow* says, nested flows' agents included.

    Args:
        flow: what may happen.
        task: that each run starts from.
        data: that each run starts with; ``None``: data that fits the flow's model is drawn, too.
        turns: most of a run, where the flow allows more [turns].
        real: names of agents that speak for themselves, as plain Python without cost may.

    Raises:
        DefinitionError: *flow* is none.

    Example:
        >>> from hypothesis import find, settings
        >>> from stateflow import Assistant, Flow, State, says, to
        >>> critic = Assistant("critic", "openai:gpt-5")
        >>> judge = State("judge", critic, to(None, when=says("GOOD", by=critic)), to("judge"))
        >>> casts = agents_for(Flow("essay", judge))
        >>> cast = find(
        ...     casts,
        ...     lambda cast: len(cast.run().path) == 2,
        ...     settings=settings(derandomize=True, database=None),
        ... )
        >>> cast.run().path
        ('judge', 'judge')
    """
    checked(flow)
    known = Map(flow)
    number = strategies.integers(0, LARGEST)
    short = strategies.lists(number, max_size=_MOST_NUMBERS)
    numbers = short | strategies.lists(number, min_size=_LONG, max_size=_MOST_NUMBERS)
    begins = _begins(flow, data)

    def cast(
        said: list[int], start: Mapping[str, Any] | None, aim: Row | None, times: int
    ) -> Improvised:
        aims = () if aim is None else (aim,) * times
        return Improvised(known, said, data=start, task=task, turns=turns, real=real, aims=aims)

    return strategies.builds(
        cast,
        numbers,
        strategies.sampled_from(begins),
        strategies.sampled_from([None, *known.rows()]),
        strategies.integers(1, _MOST_TIMES),
    )


def _begins(flow: Flow, data: Mapping[str, Any] | None) -> list[Mapping[str, Any] | None]:
    """Return the data to start with: that given, or what fits."""
    if flow.data is None and data is None:
        return [None]
    if data is not None:
        flow.typed(data)
        return [data]
    fit: list[Mapping[str, Any] | None] = [*starts(flow)]
    try:
        flow.typed(fit[0])
    except DefinitionError as error:
        raise DefinitionError(f"{error}; give explore(..., data={{...}}) to start with") from error
    return fit


def explore(  # noqa: PLR0913 - all but the flow are keywords with defaults
    flow: Flow,
    runs: int = 200,
    *,
    holds: Holds | None = None,
    task: str = "",
    data: Mapping[str, Any] | None = None,
    turns: int = 60,
    seed: int | None = None,
    real: Collection[str] = (),
    save: str | Path | None = None,
) -> None:
    """Walk random conversations through *flow*, and hold each run against what must be so.

    A run stops for a reason that has a name; is not stuck, unless ``accept=`` of the flow names
    SF103; keeps its budget, its caps and its rules; its data fits; no guard and no action raises;
    what ``check`` rules out does not happen; and repeated from its journal it is the same.

    Args:
        flow: what may happen.
        runs: so many conversations.
        holds: a property of one's own: raises or returns ``False`` where it does not hold.
        task: that each run starts from.
        data: that each run starts with; ``None``: it is drawn, too.
        turns: most of a run, where the flow allows more [turns].
        seed: other conversations than those of every time.
        real: names of agents that speak for themselves, as plain Python without cost may.
        save: where to write the run that goes wrong, as a cassette.

    Raises:
        AssertionError: something does not hold; the sentence tells what, in the shortest
            conversation that was found, with the cassette of that run.
        DefinitionError: *flow* is none, *runs* are none, or the data does not fit.

    Example:
        >>> from stateflow import Assistant, Flow, State, says, to
        >>> critic = Assistant("critic", "openai:gpt-5")
        >>> good = to(None, when=says("GOOD", by=critic))
        >>> explore(Flow("essay", State("judge", critic, good, to("judge"))), runs=20)
        >>> try:
        ...     explore(Flow("essay", State("judge", critic, good)), runs=20)
        ... except AssertionError as error:
        ...     print(str(error)[:40])
        'essay' does not hold: stuck at 'judge':
    """
    __tracebackhide__ = True  # pytest shows the sentence, not how it was put together
    checked(flow)
    if isinstance(runs, bool) or runs < 1:
        raise DefinitionError(f"runs={runs!r} explores nothing; give 1 or more")
    if turns < 1:
        raise DefinitionError(f"turns={turns!r} lets nobody speak; give 1 or more")
    holding = Holding(flow, holds)

    shortest: list[_Broken] = []

    def walk(cast: Improvised) -> None:
        try:
            _walk(cast, holding)
        except _Broken as broken:
            shortest[:] = [min((*shortest, broken), key=lambda one: one.turns)]
            raise

    casts = agents_for(flow, task=task, data=data, turns=turns, real=real)
    test = hypothesis.given(casts)(walk)
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    test = hypothesis.settings(
        max_examples=runs,
        derandomize=seed is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=_HEALTH,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )(test)
    try:
        test()
    except _Broken as broken:
        _tell(flow, broken if broken.turns <= shortest[0].turns else shortest[0], save)
    except Flaky:  # the flow depends on more than what was said
        _tell(flow, shortest[0], save)


class _Broken(AssertionError):
    """Something does not hold of a run."""

    def __init__(self, why: str, cast: Improvised, play: Play | None) -> None:
        self.why = why
        self.cast = cast
        self.result = None if play is None else play.result
        self.turns = len(list(play or ()))
        super().__init__(why)


def _walk(cast: Improvised, holding: Holding) -> None:
    try:
        play = cast.play()
    except DefinitionError:
        raise
    except StateflowError as error:
        raise _Broken(f"the engine raises {type(error).__name__}: {error}", cast, None) from error
    why = holding.broken(play)
    if why:
        raise _Broken(why, cast, play)


def _tell(flow: Flow, broken: _Broken, save: str | Path | None) -> NoReturn:
    """Tell what went wrong, and in which conversation.

    Raises:
        AssertionError: always.
    """
    __tracebackhide__ = True
    lines = [f"{flow.name!r} does not hold: {broken.why}", *_conversation(broken), ""]
    lines += ["say it again:", "", *_again(broken)]
    fault = None if broken.result is None else broken.result.stop.fault
    if fault is not None and not fault.is_a("StateflowError"):
        lines += ["", _HINT]
    if broken.result is not None and broken.result.journal is not None:
        lines += ["", *_as_cassette(broken.result.journal, save)]
    raise AssertionError("\n".join(lines)) from None


def _conversation(broken: _Broken) -> Iterator[str]:
    result = broken.result
    if result is None:
        return
    said = [f"  {message.speaker}: {message.text!r}" for message in result.messages]
    if len(said) > _MOST_TOLD:
        between = f"  … {len(said) - _MOST_TOLD} more …"
        said = [*said[: _MOST_TOLD // 2], between, *said[-_MOST_TOLD // 2 :]]
    yield from ("", *said) if said else ()
    if result.path:
        yield f"  spoke: {path_pattern(result.path)}"
    if str(result.stop) not in broken.why:
        yield f"  stop: {result.stop}"


def _again(broken: _Broken) -> Iterator[str]:
    """Yield the Python that has the same said again."""
    cast = broken.cast
    given = ["flow", *([repr(cast.task)] if cast.task else [])]
    given += [] if cast.data is None else [f"data={dict(cast.data)!r}"]
    if cast.budget is not None and broken.turns >= cast.budget.turns - 1:
        given.append(f"budget=replace(flow.budget, turns={cast.budget.turns:g})")
    yield from laid_out(f"{cast!r}", 1, tail=f".run({', '.join(given)})")


def _as_cassette(journal: Journal, save: str | Path | None) -> Iterator[str]:
    if save is not None:
        write_cassette(journal, save)
        yield f"written: {shlex.quote(str(save))}"
        yield f"repeat it: stateflow replay {shlex.quote(str(save))} --flow FLOW"
        return
    text = dump_cassette(journal).splitlines()
    yield "explore(..., save='tests/cassettes/bad.yaml') writes this cassette:"
    yield ""
    yield from text[:_MOST_LINES]
    if len(text) > _MOST_LINES:
        yield f"… {len(text) - _MOST_LINES} more lines …"
