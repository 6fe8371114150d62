"""Messages: what one speaker put on the record in one turn.

A message is frozen.  Its outcome is typed (an exit code is a number, a failed check is
``ok=False``), because guards that read outcomes out of text are how the published
machines went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from stateflow.conversation.execution import Execution
from stateflow.conversation.file import File
from stateflow.value import Json, quick

__all__ = [
    "NO_USAGE",
    "PASS",
    "SILENCE",
    "Fault",
    "Message",
    "Outcome",
    "Pass",
    "ToolCall",
    "Usage",
    "message_from",
    "message_json",
    "usage_json",
]


@quick
@dataclass(frozen=True, slots=True)
class Usage:
    """What calls to models cost, as counted by their providers.

    Example:
        >>> (Usage(calls=1, input_tokens=5) + Usage(calls=1, usd=None)).usd is None
        True
    """

    calls: int = 0
    """Model calls made."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Part of the input that the provider had cached [tokens]."""
    reasoning_tokens: int = 0
    """Part of the output that nobody sees [tokens]."""
    usd: float | None = 0.0
    """Money [USD]; ``None`` where the price is not known, which is not the same as free."""
    written_tokens: int = 0
    """Part of the input that the provider put into its cache, which some charge for [tokens]."""

    @property
    def tokens(self) -> int:
        """Input and output together [tokens]."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        """Return the sum; an unknown cost makes the sum unknown."""
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            None if self.usd is None or other.usd is None else self.usd + other.usd,
            self.written_tokens + other.written_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        """Return what is left of this without *other*; unknown costs stay unknown."""
        return Usage(
            self.calls - other.calls,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.cached_tokens - other.cached_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
            None if self.usd is None or other.usd is None else self.usd - other.usd,
            self.written_tokens - other.written_tokens,
        )


NO_USAGE: Final = Usage()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an executed step came out.  Plain speech has none.

    Example:
        >>> Outcome.exited(1).ok
        False
    """

    ok: bool
    exit_code: int | None = None
    """Process exit status; 0 means success."""
    timed_out: bool = False
    detail: str = ""
    """One line for people; guards never read it."""
    fault: str = ""
    """What ended the step early, by the name of an error, such as ``OutOfMemory``."""

    @classmethod
    def passed(cls, detail: str = "") -> Outcome:
        """Return a good outcome."""
        return cls(ok=True, detail=detail)

    @classmethod
    def failed(cls, detail: str = "") -> Outcome:
        """Return a bad outcome."""
        return cls(ok=False, detail=detail)

    @classmethod
    def exited(cls, exit_code: int, detail: str = "") -> Outcome:
        """Return the outcome of a process that ended with *exit_code*."""
        return cls(ok=exit_code == 0, exit_code=exit_code, detail=detail)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a turn ended without a message.  A value: errors become faults at the door."""

    name: str
    """The error's class, such as ``RateLimited``."""
    text: str = ""
    kinds: tuple[str, ...] = ()
    """Names of the wider errors it also is, nearest first, as ``except`` would match."""
    ordinal: int | None = None
    """The effect of this turn that raised it; ``None`` if none did."""
    which: str = ""
    """The limit that was met, for ``Exhausted``."""

    def is_a(self, name: str) -> bool:
        """Tell whether ``except name`` would have caught it."""
        return name == self.name or name in self.kinds

    def __str__(self) -> str:
        """Return ``Name: text``."""
        return f"{self.name}: {self.text}" if self.text else self.name


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that an agent used while it spoke, with what came back."""

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""
    result: str = ""
    ok: bool = True
    round: int = 0
    """Calls of one round were asked for together; later rounds had seen the earlier results."""


@quick
@dataclass(frozen=True, slots=True)
class Message:
    """What one speaker said.

    Example:
        >>> Message("boom", outcome=Outcome.exited(1))["content"]
        'boom'
    """

    text: str
    speaker: str = ""
    """Name of the agent; ``user`` for the task.  Set by the engine."""
    outcome: Outcome | None = None
    calls: tuple[ToolCall, ...] = ()
    reply: Json = None
    """The structured reply, where one was asked for."""
    handoff: str | None = None
    """The state or agent the speaker gives the floor to."""
    answer: str | None = None
    """What a person answered, where the speaker is one."""
    ended: str | None = None
    """The final state a nested flow ended in, where the speaker is one."""
    usage: Usage = NO_USAGE
    files: tuple[File, ...] = ()
    """Images and documents that belong to it."""
    executions: tuple[Execution, ...] = ()
    """What the code came to, where the speaker ran some; ``text`` tells of it."""

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - AutoGen's messages are untyped dicts
        """Return a field by AutoGen's name: ``content``, ``name``, ``role``."""
        match key:
            case "content":
                return self.text
            case "name":
                return self.speaker
            case "role":
                return "user"
            case _:
                raise KeyError(key)

    def by(self, speaker: str) -> Message:
        """Return the message as said by *speaker*."""
        return self if self.speaker == speaker else replace(self, speaker=speaker)


SILENCE: Final = Message("")
"""Stands where nobody has said anything, so that guards need no ``None`` test."""


class Pass:
    """The type of ``PASS``: nothing to say, and no error."""

    def __repr__(self) -> str:
        """Return ``PASS``."""
        return "PASS"


PASS: Final = Pass()
"""Returned by an agent that has nothing to say in this turn."""


def message_json(message: Message) -> dict[str, Json]:
    """Return what *message* says as JSON: text first, only fields that are set, no speaker."""
    said: dict[str, Json] = {"text": message.text}
    if message.outcome is not None:
        outcome = message.outcome
        said["outcome"] = {
            "ok": outcome.ok,
            **({} if outcome.exit_code is None else {"exit_code": outcome.exit_code}),
            **({"timed_out": True} if outcome.timed_out else {}),
            **({"detail": outcome.detail} if outcome.detail else {}),
            **({"fault": outcome.fault} if outcome.fault else {}),
        }
    if message.calls:
        said["calls"] = [
            {
                "id": c.id,
                "name": c.name,
                "arguments": c.arguments,
                "result": c.result,
                "ok": c.ok,
                **({"round": c.round} if c.round else {}),
            }
            for c in message.calls
        ]
    for name in ("reply", "handoff", "answer", "ended"):
        value: Json = getattr(message, name)
        if value is not None:
            said[name] = value
    if message.usage is not NO_USAGE and message.usage != NO_USAGE:
        said["usage"] = usage_json(message.usage)
    if message.files:
        said["files"] = [file.to_json() for file in message.files]
    if message.executions:
        said["executions"] = [
            {**one.to_json(), **({"seconds": one.seconds} if one.seconds else {})}
            for one in message.executions
        ]
    return said


def message_from(said: Mapping[str, Any], speaker: str, usage: Usage = NO_USAGE) -> Message:
    """Return the message that :func:`message_json` wrote, as said by *speaker*.

    It cost *usage*; if that is nothing, what *said* tells of it.
    """
    if len(said) == 1:
        return Message(said["text"], speaker, usage=usage)
    rest = {key: value for key, value in said.items() if key != "text"}
    if "outcome" in rest:
        rest["outcome"] = Outcome(**rest["outcome"])
    if "calls" in rest:
        rest["calls"] = tuple(ToolCall(**call) for call in rest["calls"])
    if usage is not NO_USAGE and usage != NO_USAGE:
        rest["usage"] = usage
    elif "usage" in rest:
        rest["usage"] = Usage(**rest["usage"])
    if "files" in rest:
        rest["files"] = tuple(File.from_json(file) for file in rest["files"])
    if "executions" in rest:
        rest["executions"] = tuple(Execution.from_json(one) for one in rest["executions"])
    return Message(said["text"], speaker, **rest)


def usage_json(usage: Usage) -> dict[str, Json]:
    """Return the figures of *usage* that are not zero."""
    figures: dict[str, Json] = {
        name: value
        for name in ("calls", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
        if (value := getattr(usage, name))
    }
    if usage.usd is None or usage.usd:
        figures["usd"] = usage.usd
    if usage.written_tokens:
        figures["written_tokens"] = usage.written_tokens
    return figures
