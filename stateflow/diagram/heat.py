"""Recorded runs over a drawing: how often they came by, or the way that one of them took.

Read from journals alone: a place is visited when a step leads to it, an arrow is taken when its
transition is.  Runs of an older version of the flow count as far as their steps are still drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stateflow.diagram.box import DONE, START, Arrow, Box, Mark, Picture, at
from stateflow.diagram.look import line
from stateflow.diagram.words import counted
from stateflow.journal.event import ChildStarted, Journal, Step, TurnTaken
from stateflow.journal.fold import Fold, fold

__all__ = ["followed", "heated", "warmed"]


def heated(drawn: Picture, journals: Sequence[Journal]) -> Picture:
    """Return *drawn* with how often *journals* came by each place and transition.

    Frames that are closed afterwards tell the greatest count of what is in them.

    Args:
        drawn: the flow, nested flows opened as far as their runs are to be counted.
        journals: recorded runs of it.
    """
    tally = _Tally(drawn)
    for journal in journals:
        tally.run(journal, "")
    told = counted(len(journals), "recorded run")
    warm = warmed(drawn, tally.visits, tally.taken, told)
    return replace(warm, caption=warm.caption + tally.lost())


def warmed(
    drawn: Picture, visits: Mapping[str, int], taken: Mapping[str, int], told: str
) -> Picture:
    """Return *drawn* with counts that somebody else took.

    Args:
        drawn: the flow.
        visits: how often each place was come by, by the key of its box [times].
        taken: how often each transition was taken, by the id of its arrow [times].
        told: what was counted, in words.
    """
    most = max(visits.values(), default=0)
    often = max(taken.values(), default=0)
    boxes = tuple(
        _warm_box(box, visits.get(box.key, 0), most) if _counted(drawn, box) else box
        for box in drawn.boxes
    )
    arrows = tuple(
        _warm_arrow(arrow, taken.get(arrow.id, 0), often) if _moves(arrow) else arrow
        for arrow in drawn.arrows
    )
    return replace(drawn, boxes=boxes, arrows=arrows, caption=_caption(boxes, arrows, told))


def followed(drawn: Picture, journal: Journal) -> Picture:
    """Return *drawn* with the way that the run *journal* took, and where it stands.

    Args:
        drawn: its flow, nested flows opened as far as their runs are to be followed.
        journal: the run.
    """
    tally = _Tally(drawn)
    tally.run(journal, "")
    boxes = tuple(_passed(box, tally) for box in drawn.boxes)
    arrows = tuple(_trodden(arrow, tally.taken[arrow.id]) for arrow in drawn.arrows)
    now = fold(journal.events)
    came = line(str(now.stop)) if now.stop is not None else "cut off, or still running"
    caption = (
        f"run {line(journal.run)[-8:].rpartition('_')[2]} · {counted(now.turns, 'turn')} · {came}"
    )
    return replace(drawn, boxes=boxes, arrows=arrows, caption=caption + tally.lost())


@dataclass(slots=True)
class _Tally:
    """How often journals came by what is drawn."""

    drawn: Picture
    visits: Counter[str] = field(default_factory=Counter[str])
    taken: Counter[str] = field(default_factory=Counter[str])
    """By the arrow's id."""
    here: list[str] = field(default_factory=list[str])
    """Where runs stand that have not ended."""
    unknown: int = 0
    """Steps that are not drawn."""

    def run(self, journal: Journal, within: str) -> None:
        """Count *journal*, whose flow is drawn in the frame *within*."""
        self._enter(at(within, START))
        for arrow in self.drawn.exits(at(within, START)):
            self.taken[arrow.id] += 1
            self._enter(arrow.target)
        now = Fold()
        for recorded in journal.events:
            event = recorded.event
            if isinstance(event, ChildStarted):
                self._child(journal, event, within)
            if isinstance(event, TurnTaken):
                for step in event.steps:
                    self._step(step, within)
            now.apply(recorded)
        if not now.ended and now.state:
            self.here.append(at(within, now.state))

    def lost(self) -> str:
        """Return how many steps are not drawn, in words."""
        return f" · {counted(self.unknown, 'step')} not drawn" if self.unknown else ""

    def _enter(self, key: str) -> None:
        self.visits[key] += 1

    def _step(self, step: Step, within: str) -> None:
        target = at(within, DONE if step.to is None else step.to)
        arrow = self._arrow(step, at(within, step.at), target)
        self._enter(target)
        if arrow is not None:
            self.taken[arrow.id] += 1
        elif step.taken is not None:
            self.unknown += 1

    def _arrow(self, step: Step, source: str, target: str) -> Arrow | None:
        """Return the arrow of *step*, where the flow has it still."""
        ways = [arrow for arrow in self.drawn.exits(source) if arrow.target == target]
        if step.taken is None:
            return next((arrow for arrow in ways if arrow.stroke == "error"), None)
        same = next((arrow for arrow in ways if arrow.number == step.taken), None)
        return same or next((arrow for arrow in ways if arrow.number is not None), None)

    def _child(self, journal: Journal, event: ChildStarted, within: str) -> None:
        below = journal.children.get(str(event.key))
        frame = self._frame(event, at(within, event.key.state))
        if below is not None and frame is not None:
            if frame.key != at(within, event.key.state):
                self._enter(frame.key)
            self.run(below, frame.key)

    def _frame(self, event: ChildStarted, key: str) -> Box | None:
        """Return the open frame that the nested run is drawn in."""
        around = self.drawn.find(key)
        if around is None or not around.open:
            return None
        if around.frame == "flow":
            return around
        parts = self.drawn.inside(key)
        if around.frame == "steps":
            parts = [box for box in parts if event.flow in {box.who, box.name}]
            ordinal = 0 if len(parts) == 1 else len(parts)
        else:
            ordinal = event.key.ordinal
        frame = parts[ordinal] if ordinal < len(parts) else None
        return frame if frame is not None and frame.open else None


def _counted(drawn: Picture, box: Box) -> bool:
    """Tell whether runs come by *box*: not the dot, nor a phase, nor a step that is no flow."""
    if box.look == "start" or box.frame == "phase":
        return False
    return box.open or not box.within or drawn.box(box.within).frame not in {"parallel", "steps"}


def _moves(arrow: Arrow) -> bool:
    """Tell whether *arrow* is something that is taken, and not the order of steps in one turn."""
    begins = arrow.source == at(arrow.within, START)
    return arrow.number is not None or arrow.stroke == "error" or begins


def _warm_box(box: Box, count: int, most: int) -> Box:
    return replace(box, count=count, heat=count / max(most, 1), mark=_seldom(count))


def _warm_arrow(arrow: Arrow, count: int, most: int) -> Arrow:
    return replace(arrow, count=count, heat=count / max(most, 1), mark=_seldom(count))


def _seldom(count: int) -> Mark:
    return "" if count else "never"


def _passed(box: Box, tally: _Tally) -> Box:
    times = tally.visits[box.key]
    if box.frame == "phase":
        return box
    mark: Mark = "live" if box.key in tally.here else "taken" if times else "kept"
    return replace(box, mark=mark, count=times if times > 1 else None)


def _trodden(arrow: Arrow, times: int) -> Arrow:
    return replace(arrow, mark="taken" if times else "kept", count=times if times > 1 else None)


def _caption(boxes: Sequence[Box], arrows: Sequence[Arrow], told: str) -> str:
    places = [box for box in boxes if box.count is not None and not box.done]
    ways = [arrow for arrow in arrows if arrow.number is not None]
    visited = sum(box.count != 0 for box in places)
    taken = sum(arrow.count != 0 for arrow in ways)
    return " · ".join(
        (
            told,
            f"states {visited}/{len(places)} visited",
            f"transitions {taken}/{len(ways)} taken",
        )
    )
