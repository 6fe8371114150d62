"""Why a run ended or paused: exactly one stop, always with a reason.

Stuck is not done: a run in which no guard held never looks like success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from stateflow.conversation.effect import Question
from stateflow.conversation.message import Fault

__all__ = ["Stop", "StopKind"]

StopKind: TypeAlias = Literal[
    "done", "final", "cancelled", "waiting", "paused", "budget", "stuck", "failed"
]
"""The first three are ends; the others are pauses, and resumable."""

_ENDS = frozenset({"done", "final", "cancelled"})


@dataclass(frozen=True, slots=True)
class Stop:
    """Where and why a run stopped.

    Example:
        >>> Stop("stuck", "review", "no guard held").resumable
        True
    """

    kind: StopKind
    state: str
    """Where the run stands: the final state for ``final``, else the last one that spoke."""
    why: str
    """The guard that was taken, the limit that was met, or the fault's sentence."""
    ok: bool = False
    """Done, or a final that counts as success."""
    fault: Fault | None = None
    which: str = ""
    """The limit, for ``budget``: ``turns``, ``calls``, ..., ``visits of 'write'``."""
    questions: tuple[Question, ...] = ()
    """What is open, for ``waiting``."""
    tried: tuple[tuple[str, bool | None], ...] = ()
    """Every guard with its verdict, for ``stuck`` and for a guard that raised."""

    @property
    def resumable(self) -> bool:
        """Whether the run can go on."""
        return self.kind not in _ENDS

    def __str__(self) -> str:
        """Return one line for people."""
        match self.kind:
            case "final":
                return f"final {self.state!r}: {self.why}"
            case "budget":
                return f"budget ({self.which}) at {self.state!r}: {self.why}"
            case "waiting":
                return f"waiting for {len(self.questions)} answer(s) at {self.state!r}"
            case _:
                return f"{self.kind} at {self.state!r}: {self.why}"
