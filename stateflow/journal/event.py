"""Events: all that a journal holds.  Few and whole.

A journal is an append-only list of these.  ``TurnTaken`` is one row for a whole turn; its
texts stay with the effects that made them, so nothing is stored twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from stateflow.conversation.effect import Attempt, ChildResult, Key
from stateflow.conversation.file import File
from stateflow.conversation.message import NO_USAGE, Fault, Usage
from stateflow.errors import StoreError
from stateflow.journal.stop import Stop
from stateflow.value import Json, quick

__all__ = [
    "EVENTS",
    "SCHEMA_VERSION",
    "ChildEnded",
    "ChildStarted",
    "EffectBegun",
    "EffectDone",
    "EffectFailed",
    "Event",
    "HumanAnswered",
    "HumanAsked",
    "Journal",
    "Recorded",
    "RunChanged",
    "RunEnded",
    "RunPaused",
    "RunResumed",
    "RunStarted",
    "Said",
    "Step",
    "TurnTaken",
]

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins."""

    flow: str
    table: dict[str, Any]
    """The whole flow as JSON, so that the journal can be read without the code."""
    print: str
    task: str = ""
    data: Json = None
    """Data at the start."""
    budget: Json = None
    """Limits that replace the flow's."""
    source: str | None = None
    """Where the flow's code lies, for the command line."""
    depth: int = 0
    forked: str | None = None
    """Run and turn that this one continues, as ``RUN@TURN``."""
    version: int = SCHEMA_VERSION
    models: dict[str, str] | None = None
    """Models that replace the flow's, by agent."""
    files: tuple[File, ...] = ()
    """Images and documents of the task, without their content."""
    prices: str = ""
    """Date of the price list that the run is priced with; a nested run has its root's."""
    sandboxes: dict[str, dict[str, str]] | None = None
    """Sandboxes that replace the flow's, by agent: ``sandbox``, and a print of its ``settings``."""
    patch: dict[str, Any] | None = None
    """What the initial state's entry action changed; ``None``: there is none, or ``data`` hold it,
    as in journals of earlier versions."""


@dataclass(frozen=True, slots=True)
class EffectBegun:
    """An effect that must not be repeated has begun."""

    key: Key
    op: str
    args: Json = None


@quick
@dataclass(frozen=True, slots=True)
class EffectDone:
    """An effect came to a value.  It will never be performed again."""

    key: Key
    op: str
    result: Json
    args: Json = None
    usage: Usage = NO_USAGE
    seconds: float = 0.0
    """How long it took [s]."""
    attempts: tuple[Attempt, ...] = ()
    """Failed tries before this one."""


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """An effect came to a fault."""

    key: Key
    op: str
    fault: Fault
    args: Json = None
    usage: Usage = NO_USAGE
    seconds: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    """Failed tries before the last one."""


@quick
@dataclass(frozen=True, slots=True)
class Said:
    """A message, by reference to the effect that made its text.

    With neither, the agent had its turn and said nothing: it passed, or it raised.
    """

    by: str
    of: int | None = None
    """Ordinal of the effect; ``None`` if the text is nobody's and stands in ``part``."""
    part: dict[str, Any] | None = None
    """Fields of the message beside the referred text; ``None``: the result is the message.
    ``used`` stands for its tool calls: ordinal of the model call, index in it, ordinal of the
    effect that made it."""


@quick
@dataclass(frozen=True, slots=True)
class Step:
    """One transition: where it left, what was asked, where it leads."""

    at: str
    tried: tuple[bool | None, ...] = ()
    """Verdict of each transition's guard in order; ``None`` where it was not asked."""
    taken: int | None = None
    """Index of the transition; ``None``: the flow's ``on_error``, or nothing held."""
    to: str | None = None
    """``None`` is done."""


@quick
@dataclass(frozen=True, slots=True)
class TurnTaken:
    """A whole turn: who said what, which guards were asked, where it leads."""

    state: str
    visit: int
    said: tuple[Said, ...] = ()
    fault: Fault | None = None
    """Set when the turn ended raised."""
    exhausted: str = ""
    """The limit that kept the turn from being spoken, or its target from being entered."""
    steps: tuple[Step, ...] = ()
    """One, and one more for each junction on the way."""
    patch: dict[str, Any] | None = None
    """Changes to the data."""
    usage: Usage = NO_USAGE
    spoken: bool = True
    """False where the budget did not let anybody speak."""
    restart: str | None = None
    """What the transcript is cleared to as the next state is entered."""


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """A nested run begins; its journal lies under the run's own name and this key."""

    key: Key
    flow: str
    args: Json = None
    grant: Json = None
    """Limits handed down."""


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """A nested run came to an end, or failed."""

    key: Key
    result: ChildResult | None = None
    fault: Fault | None = None
    usage: Usage = NO_USAGE
    turns: int = 0
    args: Json = None
    """What it was started for, where that is more than its turn: the tool call it answers."""
    cancelled: bool = False
    """Nobody needed it any more; what it came to until then is lost."""
    lost: Usage = NO_USAGE
    """Spent beside ``usage``: on what failed and was made again, or before it was cancelled."""
    lost_turns: int = 0
    """Turns it had taken before it was cancelled."""


@dataclass(frozen=True, slots=True)
class HumanAsked:
    """A person was asked; the run can wait for days."""

    key: Key
    text: str
    options: tuple[str, ...] = ()
    form: Json = None
    """JSON schema of the object that the answer has to be; ``None``: it is a text."""
    default: str | None = None
    """What an empty answer means."""
    due: float | None = None
    """When it is too late to answer [s since the epoch]."""


@dataclass(frozen=True, slots=True)
class HumanAnswered:
    """The answer came."""

    key: Key
    answer: str


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The run stopped and can go on."""

    stop: Stop
    turn: TurnTaken | None = None
    """The turn that could not be taken, with what was said and asked."""
    retry: int | None = None
    """Effects of the open turn that failed, from this ordinal on, are made again."""


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A process claims the run and goes on."""

    budget: Json = None
    """Limits that replace the run's."""
    print: str | None = None
    """Print of the flow it goes on with, where that has changed."""
    rename: dict[str, str] | None = None
    """What places are called from now on, by what they were called until now; of places of nested
    flows the whole paths, such as ``ask/write``."""
    table: dict[str, Any] | None = None
    """The flow that has the new names, as JSON, where there are any."""


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A person changed what a fork goes on with, where it leaves its origin."""

    patch: dict[str, Any] | None = None
    """Changes to the data."""
    reply: str | None = None
    """What the next speaker says, who is not asked."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over."""

    stop: Stop


Event: TypeAlias = (
    RunStarted
    | EffectBegun
    | EffectDone
    | EffectFailed
    | TurnTaken
    | ChildStarted
    | ChildEnded
    | HumanAsked
    | HumanAnswered
    | RunPaused
    | RunResumed
    | RunChanged
    | RunEnded
)

EVENTS: Final[dict[str, type[Event]]] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        EffectBegun,
        EffectDone,
        EffectFailed,
        TurnTaken,
        ChildStarted,
        ChildEnded,
        HumanAsked,
        HumanAnswered,
        RunPaused,
        RunResumed,
        RunChanged,
        RunEnded,
    )
}


class Recorded(NamedTuple):
    """An event in its place."""

    seq: int
    """Position in the journal, from 1."""
    at: float
    """When the store took it [s since the epoch]."""
    event: Event
    run: str = ""
    """The run, or nested run, whose journal it stands in; ``""`` where it came from no store."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Everything a run left behind, its nested runs included."""

    run: str
    events: tuple[Recorded, ...]
    children: dict[str, Journal] = field(default_factory=dict[str, "Journal"])
    """Nested journals by the key of their place, ``state#visit.ordinal``."""

    @property
    def started(self) -> RunStarted:
        """How the run began: its flow, and what it was given.

        Raises:
            StoreError: the journal does not begin with that.
        """
        first = self.events[0].event if self.events else None
        if not isinstance(first, RunStarted):
            raise StoreError(f"the journal of run {self.run!r} does not begin with RunStarted")
        return first
