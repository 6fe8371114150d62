"""What a drawing is made of: boxes, frames and arrows, as plain data.

Keys are paths: ``write/outline`` is the place ``outline`` of the flow that runs in the state
``write``, and ``review/critic/read`` one of the flow that runs there in the branch ``critic``.
Boxes that are no places have a key whose last part begins with ``/``, which no name can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final as Constant
from typing import Literal, TypeAlias

from stateflow.diagram.look import Direction, Look, Stroke

__all__ = ["DONE", "MORE", "START", "Arrow", "Box", "Frame", "Mark", "Picture", "at"]

START: Constant = "/start"
DONE: Constant = "/done"
MORE: Constant = "/more"

Frame: TypeAlias = Literal["", "flow", "parallel", "steps", "phase"]
"""What a box may hold: the places of one flow, branches, agents that speak in order, or those
places of a flow that are one phase of it."""

Mark: TypeAlias = Literal["", "added", "removed", "changed", "kept", "live", "taken", "never"]
"""What is drawn over a box or an arrow: how two versions differ, where a run is and was."""


def at(frame: str, key: str) -> str:
    """Return the key of what is called *key* in the frame with the key *frame*.

    Example:
        >>> at("", "write"), at("write", "outline")
        ('write', 'write/outline')
    """
    return f"{frame}/{key}" if frame else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A place to draw, or the start dot, or done, or a branch."""

    key: str
    name: str
    id: str
    look: Look
    tag: str = ""
    who: str = ""
    """Names of the agents."""
    by: str = ""
    """What the agent works by: a model or a sandbox."""
    limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Who picks, what is saved, what a nested flow is given, entry and exit actions."""
    within: str = ""
    """Key of the frame it belongs to: its flow, or what is around that; empty on the paper."""
    phase: str = ""
    """Key of the phase that it stands in, a frame in that; empty: in none."""
    frame: Frame = ""
    holds: str = ""
    """How much is in it, for where it is drawn closed."""
    open: bool = False
    """Whether what it holds is drawn, too."""
    on_error: str | None = None
    """Key of what takes every error of the flow in this frame."""
    mark: Mark = ""
    count: int | None = None
    """How often recorded runs came by; ``None``: nobody counted."""
    heat: float = 0.0
    """Its count as a part of the greatest, 0 to 1."""

    @property
    def path(self) -> str:
        """Its name, after the names of the frames around it."""
        return at(self.within, self.name)

    @property
    def stands(self) -> str:
        """Key of the frame it is drawn in; empty on the paper itself."""
        return self.phase or self.within

    @property
    def done(self) -> bool:
        """Whether this is the end that ``to(None)`` leads to."""
        return self.key == at(self.within, DONE)

    @property
    def ends(self) -> bool:
        """Whether the flow ends here."""
        return self.look in {"final", "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A transition to draw, or the way from the start dot, or ``on_error``."""

    source: str
    target: str
    id: str
    stroke: Stroke = "plain"
    order: int | None = None
    """When it is tried; ``None`` where there is one exit."""
    when: str = ""
    """Name of the guard, ``on X`` for faults, ``else``; empty where nothing is asked."""
    action: str = ""
    """The action, and ``restart`` where the transcript is cleared to a summary."""
    within: str = ""
    """Key of the frame it is drawn in; empty on the paper itself."""
    mark: Mark = ""
    count: int | None = None
    """How often recorded runs took it; ``None``: nobody counted."""
    heat: float = 0.0
    """Its count as a part of the greatest, 0 to 1."""
    number: int | None = None
    """Which of its source's transitions it is, from 0; ``None``: no transition."""

    @property
    def text(self) -> str:
        """Guard and action, in full."""
        return f"{self.when} / {self.action}".strip() if self.action else self.when


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A flow to draw."""

    name: str
    description: str
    caption: str
    initial: str
    on_error: str | None
    boxes: tuple[Box, ...]
    """In definition order; what a frame holds follows it."""
    arrows: tuple[Arrow, ...]
    direction: Direction = "tb"
    _boxes: dict[str, Box] = field(init=False, repr=False, compare=False)
    _inside: dict[str, list[Box]] = field(init=False, repr=False, compare=False)
    _exits: dict[str, list[Arrow]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put all where it is looked for."""
        inside: dict[str, list[Box]] = {}
        exits: dict[str, list[Arrow]] = {}
        for box in self.boxes:
            inside.setdefault(box.stands, []).append(box)
        for arrow in self.arrows:
            exits.setdefault(arrow.source, []).append(arrow)
        object.__setattr__(self, "_boxes", {box.key: box for box in self.boxes})
        object.__setattr__(self, "_inside", inside)
        object.__setattr__(self, "_exits", exits)

    def box(self, key: str) -> Box:
        """Return the box with this key."""
        return self._boxes[key]

    def find(self, key: str) -> Box | None:
        """Return the box with this key, if there is one."""
        return self._boxes.get(key)

    def inside(self, key: str) -> Sequence[Box]:
        """Return the boxes that stand in the frame with this key, not those in frames there."""
        return self._inside.get(key, ())

    def exits(self, key: str) -> Sequence[Arrow]:
        """Return the arrows that leave the box with this key, in the order they are tried."""
        return self._exits.get(key, ())
