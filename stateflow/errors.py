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
from collections.abc import Iterable
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
    """The flow and the journal part ways; the first difference is told."""

    def __init__(self, place: str, text: str) -> None:
        """Keep *place* (which turn or effect) apart from the sentence."""
        self.place = place
        super().__init__(f"{place}: {text}")


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
