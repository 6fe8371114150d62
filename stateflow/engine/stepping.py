"""Stepping: from what was said to the next state.  Pure but for the one question to a chooser.

The view is the fold plus the new messages; the fold itself changes only when the turn is
applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import BaseModel

from stateflow.conversation.message import SILENCE, Fault, Message
from stateflow.conversation.view import View
from stateflow.engine.steady import Unsteady, apart
from stateflow.errors import DefinitionError, RunError
from stateflow.journal.event import Said, Step
from stateflow.journal.fold import Fold
from stateflow.machine.flow import Flow
from stateflow.machine.guard import function_print
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Action
from stateflow.value import Json

__all__ = ["ActionRaised", "Spoken", "Stepping", "first_patch", "view_of"]


class ActionRaised(Exception):
    """An action raised, or its patch does not fit the data."""


@dataclass(slots=True)
class Spoken:
    """How the speaking half of a turn came out."""

    messages: list[Message] = field(default_factory=list[Message])
    said: list[Said] = field(default_factory=list[Said])
    fault: Fault | None = None
    exhausted: str = ""
    """The limit that let nobody speak."""
    next_ordinal: int = 0
    at_once: bool = False
    """The messages are of branches; else the last is the turn's."""


def view_of(fold: Fold, data: BaseModel | None) -> View:
    """Return what an agent about to speak sees."""
    transcript = fold.transcript
    return View(
        fold.state,
        transcript.last,
        None,
        transcript,
        data,
        fold.seen,
        fold.turns,
        fold.usage,
        fold.heard,
    )


class Stepping:
    """One turn on its way through guards, junctions and actions."""

    __slots__ = (
        *("data", "entered", "flow", "fold", "patch", "redact"),
        *("restart", "steps", "twice", "view"),
    )

    def __init__(
        self,
        flow: Flow,
        fold: Fold,
        data: BaseModel | None,
        spoken: Spoken,
        redact: Callable[[Json], Json],
        *,
        twice: bool = False,
    ) -> None:
        """Build the view the first guards read.

        Args:
            flow: what may happen.
            fold: the run before the turn.
            data: the run's data as the flow's model.
            spoken: what was said in the turn.
            redact: keeps secrets out of the data.
            twice: run actions twice, and refuse those that differ.
        """
        self.redact = redact
        self.twice = twice
        transcript = fold.transcript
        for message in spoken.messages:
            transcript = transcript.append(message)
        self.flow = flow
        self.data = data
        self.patch: dict[str, Any] = {}
        self.steps: list[Step] = []
        self.entered: dict[str, int] = {}
        self.fold = fold
        self.restart: str | None = None
        self.view = View(
            fold.state,
            spoken.messages[-1] if spoken.messages else SILENCE,
            spoken.fault,
            transcript,
            data,
            fold.seen,
            fold.turns,
            fold.usage,
            fold.heard,
            spoken.exhausted,
            tuple(spoken.messages[:-1]) if spoken.at_once else (),
        )

    def save(self, state: State) -> None:
        """Put what was said into the data, as the state says."""
        last = self.view.last
        if last is SILENCE:
            return
        if state.save is not None:
            worth: Json = _worth(last)
            if isinstance(state, Parallel):
                worth = {one.speaker: _worth(one) for one in self.view.said}
            self._merge(state.name, {state.save: worth})
        self.act(state.name, state.output)

    def clear(self, place: str, summary: Callable[[Sequence[Message]], str]) -> None:
        """Go on with the *summary* of the transcript alone.

        Raises:
            ActionRaised: it raised, or is no text.
        """
        name = function_print(summary)["function"]
        try:
            text = cast("object", summary(self.view.transcript))
        except Exception as error:
            raise ActionRaised(
                f"summary {name!r} at {place!r} raised {type(error).__name__}: {error}; mend the "
                "summary, then resume"
            ) from error
        if not isinstance(text, str):
            raise ActionRaised(f"summary {name!r} at {place!r} returned {text!r}, not a text")
        self.restart = str(self.redact(text))

    def used_up(self, target: str | None) -> bool:
        """Tell whether *target* may not be entered again."""
        place = self.flow.places[target] if target is not None else None
        if not isinstance(place, State) or place.visits is None:
            return False
        entered = self.fold.visits.get(place.name, 0) + self.entered.get(place.name, 0)
        return entered >= place.visits

    def exhaust(self, which: str) -> None:
        """Go on with a view in which *which* stands in the way."""
        self.view = replace(self.view, exhausted=which)

    def take(self, at: Place, step: Step, do: Action | None) -> None:
        """Run exit, transition and entry actions, and note the step."""
        target = self.flow.places[step.to] if step.to is not None else None
        if isinstance(at, State):
            self.act(at.name, at.exit)
        self.act(at.name, do)
        if target is not None:
            self.entered[target.name] = self.entered.get(target.name, 0) + 1
            if not isinstance(target, Junction):
                self.act(target.name, target.entry)
        self.steps.append(step)

    def act(self, place: str, action: Action | None) -> None:
        """Run *action* and keep its patch.

        Raises:
            ActionRaised: it raised, or its patch does not fit the data.
        """
        if action is None:
            return
        name = function_print(action)["function"]
        try:
            before = action(apart(self.view)) if self.twice else None
            patch = action(self.view)
        except Exception as error:
            raise ActionRaised(
                f"action {name!r} at {place!r} raised {type(error).__name__}: {error}; mend the "
                "action, then resume"
            ) from error
        if patch is not None and not isinstance(patch, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ActionRaised(f"action {name!r} at {place!r} returned {patch!r}, not a mapping")
        if self.twice and before != patch and self._came(before) != self._came(patch):
            raise Unsteady(
                place,
                f"action {name!r} at {place!r} returned {before!r}, then {patch!r}, on the same "
                "view: an action must depend on the view alone",
            )
        if patch:
            self._merge(place, patch)

    def _came(self, patch: object) -> object:
        """Return what the data come to with *patch*, to compare."""
        if self.data is None or not isinstance(patch, Mapping | None):
            return patch
        try:
            typed = self.flow.typed({**self.data.model_dump(), **(patch or {})})
        except DefinitionError as error:
            return str(error)
        return None if typed is None else typed.model_dump(mode="json")

    def _merge(self, place: str, patch: Mapping[str, Any]) -> None:
        model = self.flow.data
        if model is None or self.data is None:
            raise ActionRaised(f"{place!r} changes data, and flow {self.flow.name!r} declares none")
        unknown = [name for name in patch if name not in model.model_fields]
        if unknown:
            raise ActionRaised(
                f"{place!r} sets unknown data {', '.join(map(repr, unknown))}; "
                f"{model.__name__} has: {', '.join(model.model_fields)}"
            )
        try:
            typed = self.flow.typed({**self.data.model_dump(), **patch})
        except DefinitionError as error:
            raise ActionRaised(f"{place!r}: {error}") from error
        if typed is not None:
            whole = typed.model_dump(mode="json")
            told: Any = self.redact({name: whole[name] for name in patch})
            if any(told[name] != whole[name] for name in patch):  # guards see what a replay sees
                typed = self.flow.typed({**self.data.model_dump(), **told})
            self.patch.update(told)
            self.data = typed
            self.view = replace(self.view, data=typed)


def _worth(message: Message) -> Json:
    """Return what a message is worth keeping for: its structured reply, or else its text."""
    return message.text if message.reply is None else message.reply


def first_patch(
    flow: Flow,
    data: BaseModel | None,
    task: str,
    redact: Callable[[Json], Json],
    *,
    twice: bool = False,
) -> dict[str, Any] | None:
    """Return what the entry action of the initial state changes; ``None``: there is none.

    Raises:
        RunError: it raised, or what it returned does not fit the data.
    """
    place = flow.places[flow.initial]
    if data is None or not isinstance(place, State | Final) or place.entry is None:
        return None
    fold = Fold()
    fold.state = flow.initial
    stepping = Stepping(flow, fold, data, Spoken(), redact, twice=twice)
    stepping.view = replace(stepping.view, last=Message(task, "user"))
    try:
        stepping.act(place.name, place.entry)
    except ActionRaised as error:
        raise RunError(str(error)) from error
    return stepping.patch
