"""Names in guards, windows and tools that nobody has (SF119).

Nothing looks them up before they are needed: a guard that names a speaker who is not there never
holds, and no run says why.  Only what is certain is found: where an agent of the user's own may
say anything, or a server may offer any tool, names are not judged.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from stateflow.conversation.agent import Agent
from stateflow.machine.check.asked import args, asked_in, shown, word
from stateflow.machine.check.finding import Finding, listed
from stateflow.machine.check.speakers import (
    ends_of,
    fields_of,
    kind_of,
    last_speakers,
    model_fields,
    options_of,
    tools_of,
)
from stateflow.machine.flow import Flow
from stateflow.machine.nested import FlowAgent
from stateflow.machine.origin import Origin
from stateflow.machine.state import Place, State
from stateflow.value import Json

__all__ = ["unknown_names"]

_USER: Constant = "user"  # who gives the task
_ANY: Constant[tuple[str, ...]] = ()

_Names: TypeAlias = Collection[str]
"""Names in order, each once, and quick to look up."""

_Known: TypeAlias = tuple[str, Sequence[str], _Names | None]
"""What it names, the names asked for, and those there are; ``None``: nobody knows."""


def unknown_names(flow: Flow, others: Sequence[Flow] = ()) -> Iterator[Finding]:
    """Find the names in *flow* that nobody has.

    Args:
        flow: to look at.
        others: flows that the same agents may serve in, whose names handoffs may mean.
    """
    speakers = last_speakers(flow)
    names = _There(flow)
    for place in flow.places.values():
        for transition, atom in asked_in(place):
            what, given, known = names.asked(atom, speakers[place.name])
            yield from _missing(place, shown(atom), what, given, known, transition.origin)
        if isinstance(place, State):
            yield from _of_state(place, names, [flow, *others])


class _There:
    """The names that there are in one flow."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.speakers = _once(_USER, *(agent.name for agent in flow.everybody))
        self.targets = targets_of(flow)
        self._asked: Mapping[str, Callable[[Sequence[Any], Sequence[Agent]], _Known]] = {
            "spoke": lambda given, _: ("speaker", given, self.speakers),
            "visited": lambda given, _: ("state", given[:1], flow.places.keys()),
            "handed_to": self._handed_to,
            "called": lambda given, who: ("tool", given, _all(_tools, who)),
            "answered": lambda given, who: ("option", given, _all(_options, who)),
            "ended": lambda given, who: ("final", given, _all(_ends, who)),
            "replied": lambda given, who: ("field of the reply", given[:1], _fields(who)),
            "data_is": lambda given, _: ("field of the data", given[:1], self._data(given[0])),
        }

    def asked(self, atom: Mapping[str, Json], speakers: Sequence[Agent]) -> _Known:
        """Return what *atom* names, where *speakers* can have spoken last."""
        by = atom.get("by")
        if by is not None:
            return "speaker", [str(by)], self.speakers
        known = self._asked.get(word(atom))
        return ("", (), None) if known is None else known(args(atom), speakers)

    def _handed_to(self, given: Sequence[Any], speakers: Sequence[Agent]) -> _Known:
        """Return the targets; an agent of the user's own may hand over to anything."""
        known = self.targets if all(map(_composed, speakers)) else None
        return "state or agent", given, known

    def _data(self, name: str) -> _Names | None:
        model = self.flow.data
        if model is None:
            return ()
        return None if hasattr(model, name) else model_fields(model)


def targets_of(flow: Flow) -> Collection[str]:
    """Return whom the floor can be handed to in *flow*: its states and their agents."""
    names = (agent.name for agent in flow.agents)
    return _once(*(state.name for state in flow.states), *names)


def _of_state(state: State, names: _There, flows: Sequence[Flow]) -> Iterator[Finding]:
    """Find unknown names in what the state sees, and in what its agents have."""
    told = _only(state.sees)
    yield from _missing(state, f"only({_quoted(told)})", "speaker", told, names.speakers)
    for agent in state.agents:
        of: object = getattr(agent, "of", None)
        told = [of] if isinstance(of, str) else _ANY
        yield from _missing(state, f"of={of!r}", "speaker", told, names.speakers)
        if isinstance(agent, FlowAgent):
            told = _only(agent.carryover)
            shown_as = f"carryover=only({_quoted(told)})"
            yield from _missing(state, shown_as, "speaker", told, names.speakers)
        yield from _of_handoffs(state, agent, flows)


def _of_handoffs(state: State, agent: Agent, flows: Sequence[Flow]) -> Iterator[Finding]:
    """Find handoffs of *agent* to nobody of any flow that it serves in."""
    wanted = [str(tool.target) for tool in tools_of(agent) if isinstance(_target(tool), str)]
    if wanted:
        serves = [flow for flow in flows if any(one is agent for one in flow.agents)]
        known = _once(*(name for flow in serves for name in targets_of(flow)))
        yield from _missing(state, f"a handoff of {agent.name!r}", "state or agent", wanted, known)


def _target(tool: object) -> object:
    return getattr(tool, "target", None)


def _only(window: object) -> Sequence[str]:
    """Return the speakers that *window* is cut to."""
    form = cast("object", getattr(window, "form", None))
    if not isinstance(form, Mapping):
        return ()
    names = cast("Mapping[str, Sequence[object]]", form).get("only", ())
    return [str(name) for name in names]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _missing(
    place: Place,
    where: str,
    what: str,
    given: Sequence[Any],
    known: _Names | None,
    origin: Origin | None = None,
) -> Iterator[Finding]:
    """Find the first of *given* that is none of *known*."""
    missing = [str(name) for name in given if known is not None and str(name) not in known]
    if not missing or known is None:
        return
    name = missing[0]
    near = difflib.get_close_matches(name, known, 1)
    there = f"there are: {listed([*known])}" if known else "there is none here"
    cure = f"write {near[0]!r}" if near else there
    text = f"{where} names no {what}: {name!r} is nobody's name"
    if what.startswith(("field", "tool", "option", "final", "state")):
        text = f"{where}: there is no {what} {name!r}"
    yield Finding("SF119", "error", place.name, text, cure, origin=origin)


def _once(*names: str) -> _Names:
    return dict.fromkeys(names).keys()


def _composed(agent: object) -> bool:
    return bool(getattr(agent, "composed", False))


def _all(
    names: Callable[[Agent], Sequence[str] | None], speakers: Sequence[Agent]
) -> _Names | None:
    """Return the names of all *speakers*; ``None``: one of them may come with any name."""
    found = [names(agent) for agent in speakers]
    if not found or any(one is None for one in found):
        return None
    return _once(*(name for one in found for name in one or ()))


def _tools(agent: Agent) -> Sequence[str] | None:
    """Return the tools of *agent*; what a server offers is not known."""
    known = _composed(agent) and hasattr(agent, "toolbox") and not getattr(agent, "sources", ())
    return [str(tool.name) for tool in tools_of(agent)] if known else None


def _options(agent: Agent) -> Sequence[str] | None:
    """Return the options that a person is given; without some, any answer will do."""
    return (options_of(agent) or None) if kind_of(agent) == "human" else None


def _ends(agent: Agent) -> Sequence[str] | None:
    return ends_of(agent) if isinstance(agent, FlowAgent) else None


def _fields(speakers: Sequence[Agent]) -> _Names | None:
    """Return the fields of replies here; where nobody gives one, that is told elsewhere."""
    return _all(fields_of, speakers) or None
