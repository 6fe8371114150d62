"""How a replay begins: whether the flow still has what the recording names, and the same data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from stateflow.engine.differing import Differing
from stateflow.engine.recorded import Stopped
from stateflow.engine.steady import Unsteady
from stateflow.engine.stepping import first_patch
from stateflow.errors import DefinitionError, RunError
from stateflow.journal.event import Journal, RunStarted, TurnTaken
from stateflow.journal.fold import Fold
from stateflow.machine.flow import Flow
from stateflow.machine.table_json import Table, kind_of, places_in

if TYPE_CHECKING:
    from stateflow.engine.replay_door import ReplayDoor

__all__ = ["opening_patch", "refuse_gone"]


def refuse_gone(flow: Flow, started: RunStarted, journal: Journal, differing: Differing) -> None:
    """Refuse a recording that names a place or an agent which *flow* does not have.

    Raises:
        Stopped: it does.
    """
    places, agents = places_in(started.table), _agents(started.table)
    now = [agent.name for agent in flow.agents]
    begins = {str(started.table.get("initial", flow.initial)): None}
    turns: list[TurnTaken | None] = [None]
    turns += [one.event for one in journal.events if isinstance(one.event, TurnTaken)]
    for number, turn in enumerate(turns):
        for name in begins if turn is None else _places_of(turn):
            if name not in flow.places:
                kind = kind_of(places.get(name, {}))
                told = _gone(kind, name, flow.name, flow.places, "states")
                raise Stopped(differing.gone(name, told, max(number, 1), turn))
        for said in turn.said if turn is not None else ():
            if said.by in agents and said.by not in now:
                told = _gone("agent", said.by, flow.name, now, "agents")
                raise Stopped(differing.gone(said.by, told, number, turn))


def _agents(table: Table) -> set[str]:
    return {str(agent.get("name")) for agent in table.get("agents", ())}


def _places_of(turn: TurnTaken) -> list[str]:
    """Return the places that *turn* names, in order."""
    return [turn.state, *(step.to for step in turn.steps if step.to is not None)]


def _gone(kind: str, name: str, flow: str, known: Iterable[str], what: str) -> str:
    text = f"{kind} {name!r} of the recording is not in flow {flow!r} any more"
    return f"{text} ({what}: {', '.join(known)})"


def opening_patch(flow: Flow, started: RunStarted, door: ReplayDoor) -> dict[str, Any] | None:
    """Return what the entry action of the initial state changes now, if that is as recorded.

    Raises:
        Stopped: it is not, or the recorded data do not fit the flow.
    """
    differing = door.differing
    given = cast("Mapping[str, Any] | None", started.data)
    try:
        data = flow.typed(given)
        patch = first_patch(flow, data, started.task, door.redact, twice=True)
    except DefinitionError as error:
        raise Stopped(differing.data(f"the recorded data do not fit: {error}")) from error
    except RunError as error:
        raise Stopped(differing.data(str(error))) from error
    except Unsteady as unsteady:
        raise Stopped(differing.unsteady(Fold(), unsteady.text)) from None
    initial = str(started.table.get("initial", ""))
    if started.patch is None and "entry" in places_in(started.table).get(initial, {}):
        return None  # written when the data held what the action changed
    if (started.patch or {}) != (patch or {}):
        text = f"the entry action of {flow.initial!r} changes the data otherwise"
        raise Stopped(differing.data(text, started.patch or {}, patch or {}))
    return started.patch
