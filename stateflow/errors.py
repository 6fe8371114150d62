"""Every error stateflow raises on purpose, in one tree.

* StateflowError
  x DefinitionError            the flow is wrong: fix the code, never retry
  x FlowNotFound               a reference leads to no flow that can be imported
  x RunError                   a sound flow met trouble: resume it, or report it
    - UnknownRun
    - AnswerRefused
    - FaultError               ends a turn *raised*; a guard can name it
      . RateLimited
      . Overloaded
      . TimedOut
        , DeadlinePassed
      . Refused
      . ContextTooLong
      . BadRequest
      . AuthFailed
      . ModelNotFound
      . Unreachable
      . BadReply
      . NoCode
      . OutOfMemory
      . SandboxUnavailable
      . SessionLost
      . NoReply
      . TooManyRounds
      . Exhausted
      . OffTable
      . ChildFailed
      . RuleBroken
  x ReplayDivergence           the flow no longer does what the journal says
  x StoreError                 the journal could not be read or written
    - RunHeld
    - RunTaken

Catch the widest class you can act on.  Every sentence names the offender and the
cure; the facts it is built from are attributes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Self

__all__ = [
    "AnswerRefused",
    "AuthFailed",
    "BadReply",
    "BadRequest",
    "ChildFailed",
    "ContextTooLong",
    "DeadlinePassed",
    "DefinitionError",
    "Exhausted",
    "FaultError",
    "FlowNotFound",
    "ModelNotFound",
    "NoCode",
    "NoReply",
    "OffTable",
    "OutOfMemory",
    "Overloaded",
    "RateLimited",
    "Refused",
    "ReplayDivergence",
    "RuleBroken",
    "RunError",
    "RunHeld",
    "RunTaken",
    "SandboxUnavailable",
    "SessionLost",
    "StateflowError",
    "StoreError",
    "TimedOut",
    "TooManyRounds",
    "UnknownRun",
    "Unreachable",
]


class StateflowError(Exception):
    """Base of everything raised on purpose by this package."""


class DefinitionError(StateflowError):
    """The flow is not well formed; found when it is built, never in the middle of a run."""


class FlowNotFound(StateflowError):
    """A reference such as ``path.py:attr`` leads to no flow that can be imported."""


class RunError(StateflowError):
    """A well-formed flow could not go on.  What was journaled stands."""


class UnknownRun(RunError):
    """The store holds no such run, or more than one begins like this."""

    def __init__(self, run: str, *, candidates: Iterable[str] = ()) -> None:
        """Build the sentence from the name asked for and the runs it could mean."""
        self.run = run
        self.candidates = tuple(candidates)
        if self.candidates:
            cure = f"it could mean {', '.join(map(repr, self.candidates[:5]))}: write more of it"
        else:
            cure = "`stateflow ls runs` lists those the store has"
        super().__init__(f"no one run is called {run!r}; {cure}")


class AnswerRefused(RunError):
    """An answer fits no open question.  Nothing was written; the run still waits."""


class FaultError(RunError):
    """Ends a turn *raised*: no message, only a fault that a guard may name."""

    retry_after_s: float | None = None
    """How long the server asks us to wait [s]; ``None``: it did not say."""
    usage: Any = None
    """What the failed call cost all the same (a ``Usage``), where the provider said so."""
    ordinal: int | None = None
    """The effect of the turn that is to blame: a resumed run makes it again."""

    def at(self, ordinal: int) -> Self:
        """Return the error with the effect that is to blame."""
        self.ordinal = ordinal
        return self


class RateLimited(FaultError):
    """The provider asks us to slow down."""


class Overloaded(FaultError):
    """The provider is up and cannot serve now."""


class TimedOut(FaultError):
    """Nothing came within the time allowed."""


class DeadlinePassed(TimedOut):
    """The state was not left within its ``after=``; late answers are refused."""


class Refused(FaultError):
    """The model or its provider declined to answer."""


class ContextTooLong(FaultError):
    """The request holds more than the model can read."""


class BadRequest(FaultError):
    """The provider calls the request wrong."""


class AuthFailed(FaultError):
    """The key is missing, wrong, or not allowed to do this."""


class ModelNotFound(FaultError):
    """The provider has no such model."""


class Unreachable(FaultError):
    """No connection to the server could be made or kept."""


class BadReply(FaultError):
    """What came back is not what was asked for."""


class NoCode(FaultError):
    """The message holds no code to run."""


class OutOfMemory(FaultError):
    """The code wanted more memory than it may have.  Usually an outcome, which names it."""


class SandboxUnavailable(FaultError):
    """What runs code cannot be reached, or is gone.  What was recorded stands."""


class SessionLost(FaultError):
    """What lived outside the run cannot be brought back: it did not come out as recorded."""


class NoReply(FaultError):
    """The agent returned nothing; silence is spelt ``PASS``."""


class TooManyRounds(FaultError):
    """The agent went on calling tools past its cap, and never answered."""


class Exhausted(FaultError):
    """The budget does not allow this effect, so it was not made."""

    def __init__(self, which: str, text: str) -> None:
        """Keep which limit it was: ``turns``, ``calls``, ``tokens``, ``usd``, ..."""
        self.which = which
        super().__init__(text)


class OffTable(FaultError):
    """A chooser named something that no enabled transition leads to."""


class ChildFailed(FaultError):
    """A nested run stopped without an end."""


class RuleBroken(FaultError):
    """The next step would break a rule of the flow, so it was not taken."""

    def __init__(self, rule: str, text: str) -> None:
        """Keep which rule it was, as it is written."""
        self.rule = rule
        super().__init__(text)


class ReplayDivergence(StateflowError):
    """The flow and the journal part ways; the first difference is told.

    ``str()`` is the whole report, over several lines where there is more to tell than a sentence.
    """

    def __init__(  # noqa: PLR0913 - the facts of a report, each told where it is known
        self,
        place: str,
        text: str,
        *,
        kind: str = "",
        run: str = "",
        turn: int | None = None,
        state: str = "",
        visit: int = 0,
        key: str = "",
        op: str = "",
        expected: str | None = None,
        actual: str | None = None,
        verdicts: Iterable[tuple[str, bool | None, bool | None]] = (),
        details: Iterable[str] = (),
        request: Iterable[str] = (),
        changes: Iterable[str] = (),
    ) -> None:
        """Build the report from its facts.

        Args:
            place: which turn or effect, in words.
            text: what differs, in one sentence.
            kind: ``step`` (another way was taken), ``turn`` (the turn came out otherwise),
                ``data``, ``request`` (it asks for something else), ``missing`` (the recording does
                not hold what is asked for), ``unused`` (it holds more than is asked for),
                ``stop``, ``budget`` (a call that was made would be refused), ``gone`` (a state, an
                agent or a field is no more), ``unsteady`` (a function answers twice and not the
                same), ``journal`` (it is none).
            run: path of the nested run, such as ``ask#1.0``; empty: the run itself.
            turn: number of the turn in its run, from 1.
            state: where.
            visit: which visit to the state, from 1.
            key: the effect, as ``state#visit.ordinal``.
            op: what the effect asks for, such as ``model.call``.
            expected: what was recorded: of a step, the place it leads to.
            actual: what is now.
            verdicts: guards in the order of trial: name, recorded verdict, verdict now; ``None``
                was not asked.
            details: more lines on what differs: guards that are others now, fields of the data.
            request: how the request has changed, line by line.
            changes: what has changed in the flow since the recording, a line each.
        """
        self.place, self.text, self.kind, self.run = place, text, kind, run
        self.turn, self.state, self.visit = turn, state, visit
        self.key, self.op = key, op
        self.expected, self.actual = expected, actual
        self.verdicts = tuple(verdicts)
        self.details, self.request, self.changes = tuple(details), tuple(request), tuple(changes)
        super().__init__("\n".join(self._lines()))

    def __reduce__(self) -> tuple[Callable[[], ReplayDivergence], tuple[()]]:
        """Let it pass between processes, with all its facts."""
        facts = {name: fact for name, fact in vars(self).items() if name != "__notes__"}
        return partial(type(self), **facts), ()

    def _lines(self) -> Iterator[str]:
        """Yield the report, line by line."""
        yield f"{self.place}: {self.text}"
        if self.verdicts:
            width = max(6, *(len(name) for name, _, _ in self.verdicts))
            yield f"    {'guard':<{width}}  recorded  now"
            for name, before, now in self.verdicts:
                same = "" if before == now else "  <- differs"
                yield f"    {name:<{width}}  {_verdict(before):<8}  {_verdict(now)}{same}"
        yield from (f"    {line}" for line in (*self.details, *self.request))
        if self.changes:
            yield "what changed in the flow:"
            yield from (f"    {line}" for line in self.changes)


def _verdict(verdict: bool | None) -> str:  # noqa: FBT001 - it is what is told
    return "-" if verdict is None else str(verdict)


class StoreError(StateflowError):
    """A journal could not be read or written.  What was committed before is whole."""


class RunHeld(StoreError):
    """The run is under way elsewhere, so nobody else can take it up.  Nothing was written."""

    def __init__(self, run: str, *, pid: int | None = None) -> None:
        """Keep the run, and the process that has it under way where it is known."""
        self.run = run
        self.pid = pid
        where = "another process" if pid is None else f"another process (pid {pid})"
        if pid == os.getpid():
            where = "this process"
        super().__init__(
            f"run {run!r} is under way in {where}; wait for its end or stop it there (Ctrl-C), "
            "then resume"
        )


class RunTaken(StoreError):
    """Another process has written to this run since we last read it."""

    def __init__(self, run: str, *, after: int, found: int) -> None:
        """Keep the run and both positions [events]."""
        self.run = run
        self.after = after
        self.found = found
        super().__init__(
            f"run {run!r} was taken over by another process (it has {found} events, we knew "
            f"{after}); nothing of ours was written. `stateflow show {run}` tells how it goes on"
        )
