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

from stateflow.engine.result import Result
from stateflow.errors import DefinitionError, StateflowError
from stateflow.machine.flow import Flow
from stateflow.testing.cassette.cassette import dump_cassette, write_cassette
from stateflow.testing.exploring.guide import Map
from stateflow.testing.exploring.holding import Holding, Holds
from stateflow.testing.exploring.improvised import Improvised
from stateflow.testing.exploring.menu import starts
from stateflow.testing.exploring.paths import checked

try:
    import hypothesis
    from hypothesis import strategies
except ImportError as error:
    raise ImportError("exploring needs Hypothesis: pip install 'stateflow-agents[test]'") from error

__all__ = ["agents_for", "explore"]

_MOST_NUMBERS: Constant = 40
"""So many lines of a conversation are by chance; then it goes to its end."""
_HEALTH: Constant = [
    hypothesis.HealthCheck.too_slow,
    hypothesis.HealthCheck.data_too_large,
    hypothesis.HealthCheck.filter_too_much,
    hypothesis.HealthCheck.large_base_example,
    hypothesis.HealthCheck.differing_executors,
    hypothesis.HealthCheck.nested_given,
]
"""How fast a flow is, and how it is tested, is not Hypothesis's to judge."""
_LARGEST: Constant = 48
"""More than any menu has lines."""


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
    numbers = strategies.lists(strategies.integers(0, _LARGEST), max_size=_MOST_NUMBERS)
    begins = _begins(flow, data)

    def cast(said: list[int], start: Mapping[str, Any] | None) -> Improvised:
        return Improvised(known, said, data=start, task=task, turns=turns, real=real)

    return strategies.builds(cast, numbers, strategies.sampled_from(begins))


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
    checked(flow)
    if isinstance(runs, bool) or runs < 1:
        raise DefinitionError(f"runs={runs!r} explores nothing; give 1 or more")
    if turns < 1:
        raise DefinitionError(f"turns={turns!r} lets nobody speak; give 1 or more")
    holding = Holding(flow, holds)

    def walk(cast: Improvised) -> None:
        _walk(cast, holding)

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
        _tell(flow, broken, save)


class _Broken(AssertionError):
    """Something does not hold of a run."""

    def __init__(self, why: str, cast: Improvised, result: Result | None) -> None:
        self.why = why
        self.cast = cast
        self.result = result
        self.journal = None if result is None else result.journal
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
        raise _Broken(why, cast, play.result)


def _tell(flow: Flow, broken: _Broken, save: str | Path | None) -> NoReturn:
    """Tell what went wrong, and in which conversation.

    Raises:
        AssertionError: always.
    """
    lines = [f"{flow.name!r} does not hold: {broken.why}", *_conversation(broken)]
    if broken.journal is not None:
        if save is None:
            lines += ["", "explore(..., save='tests/cassettes/bad.yaml') writes this cassette:", ""]
            lines += dump_cassette(broken.journal).splitlines()
        else:
            write_cassette(broken.journal, save)
            lines += ["", f"written: {shlex.quote(str(save))}"]
    raise AssertionError("\n".join(lines)) from None


def _conversation(broken: _Broken) -> Iterator[str]:
    yield ""
    yield f"  the cast: {broken.cast!r}"
    if broken.cast.data is not None:
        yield f"  data to start with: {dict(broken.cast.data)!r}"
    if broken.result is None:
        return
    result = broken.result
    yield f"  the path: {' → '.join(result.path) or '(nobody speaks)'}"
    for message in result.messages:
        yield f"  {message.speaker}: {message.text!r}"
    yield f"  the stop: {result.stop}"
