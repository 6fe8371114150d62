"""Effects: everything that is not deterministic, as values that can be journaled.

An effect names a registered operation, has a key that follows from its place alone (state,
visit, ordinal within the turn), and carries small JSON arguments that refer to messages by
key and never hold the transcript.  Because the key follows from the place, a journal can
answer for it in another process, on another day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE, Fault, Usage
from stateflow.errors import FaultError
from stateflow.value import Json, quick

__all__ = [
    "Attempt",
    "Call",
    "ChildResult",
    "Effect",
    "FaultRaised",
    "Given",
    "Key",
    "Made",
    "Question",
    "Result",
]


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
    ceiling: Usage | Callable[[], Usage] = NO_USAGE
    """The most it can cost; reserved from the budget before it is made.  A function is asked only
    then: a replay makes nothing, so it reckons nothing."""
    repeat: bool = True
    """False: must never be made twice; its beginning is journaled too."""
    timeout_s: float | None = None
    """Limit for this effect [s]; ``None`` takes the state's."""
    about: str = ""
    """What it does, for a person who is asked whether it was done; else the arguments are shown."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A failed try of an effect that was followed by another."""

    by: str
    """Who was asked, such as a model's name."""
    fault: Fault
    waited_s: float = 0.0
    """Wait before the next try [s]."""


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


@dataclass(frozen=True, slots=True)
class Made:
    """An effect of the present turn that came to something, or of an earlier one that is kept."""

    op: str
    args: Any
    """JSON, whose shape the operation knows."""
    result: Result
    seconds: float = 0.0
    """How long it took [s]."""

    @property
    def calls_tool(self) -> bool:
        """Whether it is the call of a tool: one that does something, or one that is a flow."""
        return self.op == "tool.call" or (self.op == "child" and self.args is not None)

    def told(self) -> tuple[str, bool]:
        """Return what a tool call came to in words, and whether that is what was wanted."""
        if self.result.fault is not None:
            return str(self.result.fault), False
        gave: Any = self.result.value
        return str(gave["text"]), bool(gave.get("ok", True))


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
    form: Json = None
    """JSON schema of the object that the answer has to be; ``None``: it is a text."""
    default: str | None = None
    """What an empty answer means; ``None``: nothing, it is refused."""
    due: float | None = None
    """When it is too late to answer [s since the epoch]; ``None``: never."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a nested run starts from."""

    task: str = ""
    data: Json = None
    files: tuple[File, ...] = ()
    """Images and documents of the task, which the parent's journal keeps."""
    args: Json = None
    """What it is started for, where that is more than its turn: the tool call it answers."""


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
    data: Json = None
    """Its typed data at the end; ``None`` where its flow declares none."""
