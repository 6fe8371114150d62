"""When a model is asked again, and when not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from stateflow.conversation.message import Fault
from stateflow.errors import DefinitionError, FaultError, RunError, StateflowError

__all__ = ["NO_RETRY", "Retry", "check_faults"]

_PASSING: Final = ("RateLimited", "Overloaded", "TimedOut", "Unreachable")
"""Faults that are likely to pass by themselves."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Which faults are tried again, how often, and how long.

    The wait doubles from attempt to attempt, with some chance in it so that many runs do not come
    back together; what a server asks for (``retry-after``) is honoured, up to ``most_s``.

    Raises:
        DefinitionError: it asks for less than one attempt, for negative waits, or for faults
            that do not exist.

    Example:
        >>> Retry(attempts=2).takes(Fault("RateLimited"))
        True
    """

    attempts: int = 4
    """How often the model is asked in all [attempts]."""
    on: tuple[str, ...] = _PASSING
    """Names of the faults that are tried again."""
    wait_s: float = 0.5
    """Wait before the second attempt [s]."""
    most_s: float = 60.0
    """Longest wait before an attempt [s]; a server that asks for more is not asked again."""

    def __post_init__(self) -> None:
        """Refuse what nobody can follow."""
        if self.attempts < 1 or self.wait_s < 0 or self.most_s < 0:
            raise DefinitionError(f"{self!r}: attempts are 1 or more, and waits are not negative")
        check_faults("Retry", self.on)

    def takes(self, fault: Fault) -> bool:
        """Tell whether *fault* is one that is tried again."""
        return any(fault.is_a(name) for name in self.on)


def check_faults(what: str, on: object) -> None:
    """Make sure that every name in *on* is one of a fault, or of what faults derive from.

    Args:
        what: who is to act on them, for the sentence.
        on: what was given.

    Raises:
        DefinitionError: it is no sequence of such names; a misspelt one would never match.
    """
    if isinstance(on, str) or not isinstance(on, Sequence):
        raise DefinitionError(f'{what}: on={on!r} is no tuple of names; write on=("RateLimited",)')
    kinds: list[type[StateflowError]] = [StateflowError, RunError, *_kinds(FaultError)]
    names = {kind.__name__ for kind in kinds}
    for name in cast("Sequence[object]", on):
        if name not in names:
            ours = [kind.__name__ for kind in kinds if kind.__module__ == FaultError.__module__]
            raise DefinitionError(
                f"{what}: on={on!r} holds {name!r}, which names no fault; "
                f"there are: {', '.join(ours)}"
            )


def _kinds(kind: type[FaultError]) -> Iterator[type[FaultError]]:
    """Yield *kind* and all that derive from it, a model's own included."""
    yield kind
    for more in kind.__subclasses__():
        yield from _kinds(more)


NO_RETRY: Final = Retry(attempts=1)
