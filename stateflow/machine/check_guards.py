"""What is wrong with the transitions of one place: gaps between guards, and hidden ones.

No guard is asked.  Its JSON form is enough to tell when two guards, between them, always hold,
and when an earlier transition takes whatever a later one could.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final as Constant
from typing import NamedTuple, TypeAlias, cast

from stateflow.errors import DeadlinePassed, FaultError
from stateflow.machine.check_finding import Finding
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.nested import FlowAgent
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.machine.transition import Transition
from stateflow.value import Json, canonical_json

__all__ = ["Hidden", "moves_of", "shadowed", "without_else"]

Hidden: TypeAlias = Mapping[int, Finding]
"""Findings about transitions of a place that an earlier one hides, by index."""

_MOST_ATOMS: Constant = 8  # 256 worlds
_LATE: Constant = frozenset(
    kind.__name__ for kind in DeadlinePassed.__mro__ if issubclass(kind, FaultError)
)
"""What a deadline that passed is, for ``raised(...)``."""


class _Ending(NamedTuple):
    """One of the ends that a nested flow can come to."""

    name: str
    ok: bool


def moves_of(flow: Flow, hidden: Mapping[str, Hidden]) -> dict[str, list[Transition]]:
    """Return the transitions that can be taken: those in the table, without the hidden ones."""
    return {
        name: [
            transition
            for index, transition in enumerate(place.transitions)
            if index not in hidden[name] or hidden[name][index].severity == "warning"
        ]
        for name, place in flow.places.items()
    }


def without_else(place: Place) -> Iterator[Finding]:
    """Find the gap between the guards of *place*, if there is one."""
    guards = [transition.when for transition in place.transitions]
    if guards and not _exhaustive(guards, _endings(place)):
        asked = ", ".join(guard.name for guard in guards if guard is not None)
        yield Finding(
            "SF103",
            "warning",
            place.name,
            f"a run gets stuck here where none of these holds: {asked}",
            "end the state with a bare to(...), which always holds",
        )


def _endings(place: Place) -> list[_Ending]:
    """Return what the guards of *place* can be told, where one nested flow speaks last there."""
    if not isinstance(place, State) or isinstance(place, Parallel):
        return []
    if not isinstance(place.agent, FlowAgent):
        return []
    inner = place.agent.flow
    rows = [row for one in inner.places.values() for row in one.transitions]
    done = [_Ending("done", ok=True)] if any(row.target is None for row in rows) else []
    finals = (one for one in inner.places.values() if isinstance(one, Final))
    return done + [_Ending(one.name, one.ok) for one in finals]


def _exhaustive(guards: Sequence[Guard | None], endings: Sequence[_Ending]) -> bool:
    """Tell whether one of *guards* holds whatever their simple parts say."""
    forms = [guard.form for guard in guards if guard is not None]
    if len(forms) < len(guards):
        return True  # one of them is bare
    atoms = {canonical_json(atom): atom for form in forms for atom in _atoms(form)}
    if len(atoms) > _MOST_ATOMS:
        return any({"not": form} in forms for form in forms)
    return all(
        any(_holds(form, world.__getitem__) for form in forms) for world in _worlds(atoms, endings)
    )


def _worlds(atoms: Mapping[str, Json], endings: Sequence[_Ending]) -> Iterator[dict[str, bool]]:
    """Yield all that *atoms* can say, for each of *endings* where the turn has some."""
    for ending in endings or (None,):
        known: dict[str, bool] = {}
        if ending is not None:
            told = {name: _told(atom, ending) for name, atom in atoms.items()}
            known = {name: verdict for name, verdict in told.items() if verdict is not None}
        free = [name for name in atoms if name not in known]
        for world in itertools.product((False, True), repeat=len(free)):
            yield {**known, **dict(zip(free, world, strict=True))}


def _told(atom: Json, ending: _Ending) -> bool | None:
    """Return what *atom* says of a turn that came to *ending*; ``None``: one or the other."""
    match atom:
        case {"guard": "failed"}:
            return not ending.ok
        case {"guard": "succeeded"}:
            return ending.ok
        case {"guard": "ended", "args": [*names]}:
            return ending.name in names
        case {"guard": "ended"}:
            return True
        case _:
            return None


def _parts(form: Json) -> tuple[str, Sequence[Json]]:
    """Return how *form* joins its parts: ``and``, ``or``, ``not``; or ``""`` for a simple one."""
    if isinstance(form, Mapping) and len(form) == 1:
        ((word, parts),) = form.items()
        if word == "not":
            return word, [parts]
        if word in {"and", "or"}:
            return word, cast("Sequence[Json]", parts)
    return "", ()


def _atoms(form: Json) -> Iterator[Json]:
    word, parts = _parts(form)
    if not word:
        yield form
    for part in parts:
        yield from _atoms(part)


def _holds(form: Json, verdict: Callable[[str], bool]) -> bool:
    """Answer *form* where each simple guard answers as *verdict* says."""
    word, parts = _parts(form)
    if not word:
        return verdict(canonical_json(form))
    verdicts = [_holds(part, verdict) for part in parts]
    if word == "not":
        return not verdicts[0]
    return all(verdicts) if word == "and" else any(verdicts)


def shadowed(place: Place) -> dict[int, Finding]:
    """Return a finding for each transition of *place* that an earlier one hides, by index."""
    if isinstance(place, Final) or (isinstance(place, State) and place.choose is not None):
        return {}
    found: dict[int, Finding] = {}
    for index, transition in enumerate(place.transitions):
        findings = _hiding(place, transition, place.transitions[:index])
        first = next(findings, None)
        if first is not None:
            found[index] = first
    return found


def _hiding(
    place: State | Junction, transition: Transition, before: Iterable[Transition]
) -> Iterator[Finding]:
    for earlier in before:
        finding = _hidden(place, transition, earlier)
        if finding is not None:
            yield finding


def _hidden(place: State | Junction, transition: Transition, earlier: Transition) -> Finding | None:
    """Return a finding if *earlier* is taken wherever *transition* could be."""
    guard, before = transition.when, earlier.when
    if before is not None:
        return None if guard is None else _repeated(place.name, transition, earlier, guard, before)
    cure = f"move {_shown(transition)} before {_shown(earlier)}"
    if guard is None or not (guard.faults or guard.exhausts):
        text = f"{_shown(transition)} is never taken: {_shown(earlier)} before it always holds"
        return Finding("SF104", "error", place.name, text, cure)
    if _needs(guard.form, "raised", "exhausted", "after"):
        return None  # a bare transition never takes a raised or an exhausted turn
    text = (
        f"{_shown(transition)} takes only turns without a message: {_shown(earlier)} before it "
        "takes all others, bad outcomes too"
    )
    return Finding("SF104", "warning", place.name, text, cure)


def _repeated(
    place: str, transition: Transition, earlier: Transition, guard: Guard, before: Guard
) -> Finding | None:
    """Return a finding if *before* holds wherever *guard* does."""
    text = f"{_shown(transition)} is never taken: {_shown(earlier)}"
    if _same(guard, before):
        cure = "remove one, or let them ask two things"
        return Finding("SF104", "error", place, f"{text} asks the same before it", cure)
    if not (_needs(guard.form, "after") and _takes_deadlines(before.form)):
        return None
    text += " before it takes every deadline that passes"
    cure = f"move {_shown(transition)} before {_shown(earlier)}"
    return Finding("SF104", "error", place, text, cure)


def _same(one: Guard, other: Guard) -> bool:
    """Tell whether both ask the same.  Two closures may share name and source, and differ."""
    return one is other or (one.exportable and one == other)


def _shown(transition: Transition) -> str:
    guard = transition.when
    if guard is None:
        return f"to({transition.target!r})"
    word = "" if transition.after is not None else "when="
    return f"to({transition.target!r}, {word}{guard.name})"


def _needs(form: Json, *words: str) -> bool:
    """Tell whether *form* can hold only where a simple guard called one of *words* does."""
    word, parts = _parts(form)
    if word == "and":
        return any(_needs(part, *words) for part in parts)
    if word == "or":
        return all(_needs(part, *words) for part in parts)
    return isinstance(form, Mapping) and form.get("guard") in words


def _takes_deadlines(form: Json) -> bool:
    """Tell whether *form* holds for every deadline that passes."""
    word, parts = _parts(form)
    if word:
        verdicts = [_takes_deadlines(part) for part in parts]
        return word != "not" and (any(verdicts) if word == "or" else all(verdicts))
    match form:
        case {"guard": "raised", "args": [*names]}:
            return not _LATE.isdisjoint(map(str, names))
        case {"guard": "after" | "failed" | "timed_out" | "raised"}:
            return True
        case _:
            return False
