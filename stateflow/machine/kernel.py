"""The kernel: which transition is taken.  The only module that knows ``transitions``.

One ``Machine`` is compiled per flow and shared by all its runs.  The cursor that it moves is a
small private object that is never registered with ``add_model``, so no object of a user is ever
decorated and a step costs microseconds.  Its transitions are of a class of their own, as the
library allows: they ask their condition and move the cursor, and have no callbacks to look for.
``transitions`` stops at the first condition that holds, so where a chooser picks, the kernel
evaluates the guards itself and triggers the machine with the chosen index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from typing import Final as Constant

from transitions import Machine
from transitions import Transition as LibraryTransition

from stateflow.conversation.view import View
from stateflow.machine.guard import Guard
from stateflow.machine.state import Final, Place
from stateflow.value import quick

__all__ = ["Decision", "Event", "GuardRaised", "Kernel", "Verdicts"]

Event: TypeAlias = Literal["said", "raised", "exhausted"]
"""How a turn came to its step; it decides which transitions are offered."""

Verdicts: TypeAlias = tuple[bool | None, ...]
"""Verdict of each transition's guard, in order; ``None`` where it was not asked."""

_DONE: Constant = "\0done"
_CHOSEN: Constant = "chosen"


class GuardRaised(Exception):
    """A guard raised instead of answering."""

    def __init__(self, state: str, guard: str, tried: Verdicts, error: Exception) -> None:
        """Keep where it happened."""
        self.state = state
        self.guard = guard
        self.tried = tried
        super().__init__(
            f"guard {guard!r} of state {state!r} raised {type(error).__name__}: {error}; "
            "mend the guard, then resume"
        )


@quick
@dataclass(frozen=True, slots=True)
class Decision:
    """What a step came to."""

    tried: Verdicts
    taken: int | None
    """Index of the transition taken; ``None`` if no guard held."""
    target: str | None = None
    """Where it leads; ``None`` is done."""


class _Cursor:
    """What ``transitions`` moves.  It never leaves this file."""

    __slots__ = ("asked", "chosen", "state", "tried", "view")

    def __init__(self, state: str, view: View | None, chosen: int = -1) -> None:
        self.state = state
        self.view = view
        self.chosen = chosen
        self.tried: list[bool | None] = []
        self.asked = ""


class _Way(LibraryTransition):
    """A transition that has one condition, and no callbacks before or after it."""

    def execute(self, event_data: Any) -> bool:  # noqa: ANN401 - the library's own event
        """Move the cursor, if the condition holds."""
        (condition,) = self.conditions
        if not condition.func(event_data):  # type: ignore[operator]  # never given by name
            return False
        event_data.model.state = self.dest
        return True


class _Machine(Machine):
    """A machine of such transitions."""

    transition_cls = _Way


class Kernel:
    """A flow compiled once, stepped by all its runs."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        """Compile the table."""
        machine: Any = _Machine(
            model=None,
            states=[*places, _DONE],
            initial=next(iter(places)),
            auto_transitions=False,
            send_event=True,
        )
        self._guards: dict[str, tuple[Guard | None, ...]] = {}
        for place in places.values():
            if not isinstance(place, Final):
                self._guards[place.name] = tuple(t.when for t in place.transitions)
                for index, transition in enumerate(place.transitions):
                    target = _DONE if transition.target is None else transition.target
                    for event, condition in _conditions(index, transition.when):
                        machine.add_transition(event, place.name, target, conditions=[condition])
        self._events: dict[str, Any] = machine.events

    def step(self, state: str, event: Event, view: View) -> Decision:
        """Offer the turn to the transitions of *state* in order; the first that holds is taken.

        Raises:
            GuardRaised: a guard raised.

        Source:
            W3C SCXML 1.0, section 3.13, "Selecting and Executing Transitions".
        """
        cursor = _Cursor(state, view)
        known = self._events.get(event)
        if known is None or state not in known.transitions:
            return Decision((), None)
        try:
            moved: bool = known.trigger(cursor)
        except Exception as error:
            raise GuardRaised(state, cursor.asked, tuple(cursor.tried), error) from error
        tried = tuple(cursor.tried)
        if not moved:
            return Decision(tried, None)
        target = cursor.state
        return Decision(tried, len(tried) - 1, None if target == _DONE else target)

    def verdicts(self, state: str, view: View) -> Verdicts:
        """Return the verdict of every guard of *state*, for a chooser to pick among.

        Raises:
            GuardRaised: a guard raised.
        """
        tried: list[bool | None] = []
        for guard in self._guards[state]:
            try:
                tried.append(guard is None or guard(view))
            except Exception as error:
                name = guard.name if guard is not None else "else"
                raise GuardRaised(state, name, tuple(tried), error) from error
        return tuple(tried)

    def take(self, state: str, index: int, tried: Verdicts) -> Decision:
        """Take the transition that was chosen."""
        cursor = _Cursor(state, None, index)
        self._events[_CHOSEN].trigger(cursor)
        target = cursor.state
        return Decision(tried, index, None if target == _DONE else target)


def _conditions(index: int, guard: Guard | None) -> list[tuple[str, Callable[[Any], bool]]]:
    """Return the events that transition *index* answers, each with its condition."""
    name = guard.name if guard is not None else "else"
    test = guard.test if guard is not None else None

    def holds(event: Any) -> bool:  # noqa: ANN401 - the library's own event
        cursor: _Cursor = event.model
        cursor.asked = name
        tried = cursor.tried
        while len(tried) < index:
            tried.append(None)
        verdict = test is None or bool(test(cursor.view))  # type: ignore[arg-type]  # set where guards are asked
        tried.append(verdict)
        return verdict

    def chosen(event: Any) -> bool:  # noqa: ANN401 - the library's own event
        return bool(event.model.chosen == index)

    offered: list[tuple[str, Callable[[Any], bool]]] = [("said", holds), (_CHOSEN, chosen)]
    if guard is not None and guard.faults:
        offered.append(("raised", holds))
    if guard is not None and guard.exhausts:
        offered.append(("exhausted", holds))
    return offered
