"""Mutants: a flow with one thing changed, as somebody might have written it by mistake.

What makes one is a list of new parts for the flow, so that the same change can be made on a copy,
which is checked and compared, and in place, where tests hold the flow already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent, itself
from stateflow.machine.origin import Origin
from stateflow.machine.state import Final, Place, State
from stateflow.machine.transition import Transition

__all__ = ["Mutant", "shown"]


@dataclass(frozen=True, slots=True, eq=False)
class Mutant:
    """A flow with one thing changed."""

    operator: str
    """What kind of change it is, as ``--only`` names it."""
    flow: Flow = field(repr=False)
    """What is changed: the flow that was asked about, or one that is nested in it."""
    at: str
    """The place that is changed; empty: the flow as a whole."""
    number: str
    """Which transition of the place, counted from 1, or which part; empty: all of it."""
    before: str
    """What is written."""
    after: str
    """What the mutant has instead."""
    origin: Origin | None
    """Where that is written."""
    parts: Mapping[str, Any] = field(repr=False)
    """New parts of the flow: ``places``, ``budget``, ``on_error``."""
    equivalent: str = ""
    """Why it leads to the same places with the same data; empty: that is not proved."""

    @property
    def id(self) -> str:
        """What tells it from all other mutants, as long as its place stays as it is."""
        spot = f"{self.flow.name}/{self.at}" if self.at else self.flow.name
        return f"{self.operator} at {spot}{'.' if self.number else ''}{self.number}"

    @property
    def text(self) -> str:
        """The change in one line."""
        return f"{self.before} → {self.after}"

    def made(self) -> Flow:
        """Return the mutant: a copy of the flow with the change.

        Raises:
            DefinitionError: that is no flow.
        """
        flow = self.flow
        places: Mapping[str, Place] = self.parts.get("places", flow.places)
        new = Flow(
            flow.name,
            *(_turned(place, flow, itself()) for place in places.values()),
            budget=self.parts.get("budget", flow.budget),
            on_error=self.parts.get("on_error", flow.on_error),
            data=flow.data,
            description=flow.description,
            accept=flow.accept,
            rules=flow.rules,
        )
        new.origin = flow.origin
        return new

    def change(self) -> None:
        """Make the change in place: whoever holds the flow holds the mutant from now on.

        Raises:
            DefinitionError: that would be no flow; it is left as it was.
        """
        new = self.made()
        places = {name: _turned(place, new, self.flow) for name, place in new.places.items()}
        vars(self.flow).update({**vars(new), "places": places})


def _turned(place: Place, old: Flow, new: Flow) -> Place:
    """Return *place* with *new* where *old* is nested in itself."""
    if not isinstance(place, State):
        return place
    agents = tuple(
        replace(one, flow=new) if isinstance(one, FlowAgent) and one.flow is old else one
        for one in place.agents
    )
    return place.changed(agents=agents)


def shown(part: Transition | Place) -> str:
    """Return *part* as it is written, in short.

    Example:
        >>> from stateflow import says, to
        >>> shown(to("write", when=~says("DONE")))
        "to('write', when=not says('DONE'))"
    """
    if not isinstance(part, Transition):
        kind = "Final" if isinstance(part, Final) else type(part).__name__
        return f"{kind}({part.name!r})"
    given = [repr(part.target)]
    if part.when is not None:
        given.append(part.when.name if part.after is not None else f"when={part.when.name}")
    given += [
        f"{word}={getattr(one, '__name__', type(one).__name__)}"
        for word, one in (("do", part.do), ("restart", part.restart))
        if one is not None
    ]
    return f"to({', '.join(given)})"
