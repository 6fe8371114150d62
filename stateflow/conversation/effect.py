"""Effects: everything that is not deterministic, as values that can be journaled.

An effect names a registered operation, has a key that follows from its place alone (state,
visit, ordinal within the turn), and carries small JSON arguments that refer to messages by
key and never hold the transcript.  Because the key follows from the place, a journal can
answer for it in another process, on another day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from stateflow.conversation.message import NO_USAGE, Fault, Usage
from stateflow.errors import FaultError
from stateflow.value import Json, quick

__all__ = ["Call", "ChildResult", "Effect", "Given", "Key", "Question", "Result"]


class Key(NamedTuple):
    """The place of an effect: the same in every life of the run."""

    state: str
    visit: int
    ordinal: int

    def __str__(self) -> str:
        """Return ``state#visit.ordinal``."""
        return f"{self.state}#{self.visit}.{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Call:
    """What a composed agent asks of the door: an operation without its place yet."""

    op: str
    args: Json = None
    ceiling: Usage = NO_USAGE
    """The most it can cost; reserved from the budget before it is made."""
    repeat: bool = True
    """False: must never be made twice; its beginning is journaled too."""
    timeout_s: float | None = None
    """Limit for this effect [s]; ``None`` takes the state's."""


@quick
@dataclass(frozen=True, slots=True)
class Effect:
    """A call in its place."""

    key: Key
    call: Call


@quick
@dataclass(frozen=True, slots=True)
class Result:
    """What an effect came to: a JSON value, or a fault."""

    value: Json = None
    fault: Fault | None = None
    usage: Usage = NO_USAGE

    def unwrap(self) -> Any:  # noqa: ANN401 - JSON, whose shape the operation knows
        """Return the value.

        Raises:
            FaultError: the effect failed; raised again so that the turn ends *raised*.
        """
        if self.fault is not None:
            raise FaultRaised(self.fault)
        return self.value


class FaultRaised(FaultError):
    """A recorded fault on its way out of an agent; it keeps its recorded name."""

    def __init__(self, fault: Fault) -> None:
        """Carry *fault* unchanged."""
        self.fault = fault
        super().__init__(fault.text)


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person is asked."""

    id: str
    """Path of keys from the root run, such as ``approve#1.0``."""
    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What a nested run starts from."""

    task: str = ""
    data: Json = None


@dataclass(frozen=True, slots=True)
class ChildResult:
    """What a nested run came to."""

    text: str
    """Its last message."""
    ended: str
    """``done``, or the name of the final state."""
    ok: bool
    usage: Usage = NO_USAGE
    turns: int = 0
