"""Transitions of an XState machine as ours; what they hold that ours cannot is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from typing import Final as Constant

from stateflow.errors import DefinitionError
from stateflow.exchange.xstate_config import Config, form_of, object_in, seconds_of
from stateflow.machine.guard import Guard
from stateflow.machine.guard_form import guard_of
from stateflow.machine.transition import Transition, to

__all__ = ["LACKS", "Level", "Troubles", "rows_of"]

Event: TypeAlias = Callable[[str], Guard]
"""What the name of an event asks."""

LACKS: Constant[Mapping[str, str]] = {
    "actions": "an action; give a flow data, and actions in Python",
    "activities": "an activity; let the state's agent do it",
    "always": "an eventless transition; put a state in front of it that has no others",
    "context": "a context; give a flow data=, a pydantic model, in Python",
    "data": "an output; only {'ok': true} and {'ok': false} say how a run ended",
    "entry": "an entry action; give a flow data, and actions in Python",
    "exit": "an exit action; give a flow data, and actions in Python",
    "history": "a history state; name the state to go on with",
    "in": "a condition on another region; ask what its branch said",
    "invoke": "an invoked actor; give the state an agent instead (agents=)",
    "on": "events that leave it from inside; put them on the states in it",
    "onDone": "an end of states that are not in it",
    "onError": "an error of an actor that is not in it",
    "output": "an output; only {'ok': true} and {'ok': false} say how a run ended",
}
"""What XState has and a flow has not, or not so, by its key."""

_KNOWN: Constant = frozenset({"target", "guard", "cond", "reenter"})
_NOTES: Constant = frozenset({"description", "meta", "eventType", "source", "delay"})


@dataclass(slots=True)
class Troubles:
    """All that a machine holds and a flow cannot, in order."""

    found: list[str] = field(default_factory=list[str])

    def add(self, path: str, what: str) -> None:
        """Keep that *what* is found at *path*."""
        self.found.append(f"{path}: {what}")

    def refuse(self, name: str) -> None:
        """Raise if there is anything.

        Raises:
            DefinitionError: there is; all is named.
        """
        if self.found:
            told = "; ".join(self.found)
            raise DefinitionError(f"machine {name!r} holds what no flow can: {told}")

    def more(self, path: str, config: Config, known: frozenset[str]) -> None:
        """Name the keys of *config* that are not *known*, unless they hold nothing."""
        for key, value in config.items():
            if key not in known and value not in (None, [], {}, "", False):
                self.add(f"{path}.{key}", LACKS.get(key, "it is not known here"))


@dataclass(frozen=True, slots=True)
class Level:
    """States beside each other, among which transitions lead."""

    path: str
    """Keys from the machine's id down, with dots between."""
    states: Config
    guards: Mapping[str, Guard]
    troubles: Troubles

    def target(self, path: str, given: object) -> str | None:
        """Return the state that a target names."""
        parts = cast("list[object]", given) if isinstance(given, list) else [given]
        if len(parts) != 1:
            self._bad(path, "it leads to several states; make them branches of one")
            return None
        (name,) = parts
        if name is None:
            self._bad(path, "it leads nowhere; name a target, the state itself perhaps")
            return None
        if not isinstance(name, str):
            self._bad(path, "its target is no text")
            return None
        if name in self.states:
            return name
        for key, state in self.states.items():
            own = (object_in(state) or {}).get("id")
            if name in {f"#{own}", f"#{self.path}.{key}"}:
                return key
        where = "of another level" if name[:1] in {"#", "."} or "." in name else "that is not there"
        self._bad(path, f"it leads to {name!r}, a state {where}; lead to a state beside it")
        return None

    def guard(self, path: str, given: object) -> Guard | None:
        """Return the guard that *given* calls."""
        call = {"type": given} if isinstance(given, str) else object_in(given)
        if call is None or not isinstance(call.get("type"), str):
            self._bad(path, "it is no guard that is called by name")
            return None
        name: str = call["type"]
        if name in self.guards:
            return self.guards[name]
        try:
            return guard_of(cast("Any", form_of(call)))
        except (DefinitionError, AttributeError, KeyError, TypeError) as error:
            self._bad(path, f"guard {name!r} is not known ({error}); give guards={{{name!r}: …}}")
            return None

    def _bad(self, path: str, what: str) -> None:
        self.troubles.add(path, what)


def rows_of(level: Level, path: str, config: Config, event: Event) -> list[Transition]:
    """Return the transitions of the state *config*, in the order in which XState tries them.

    Args:
        level: where they lead.
        path: of the state in the JSON.
        config: of the state.
        event: what an event's name asks there.
    """
    rows: list[Transition] = []
    for name, given in _mapping(level, f"{path}.on", config.get("on")).items():
        here = f"{path}.on.{name}"
        if name == "*" or name.endswith(".*"):
            level.troubles.add(here, "a wildcard; name the events")
        elif name:
            rows += _made(level, here, given, asks=event(name))
    for word in ("always", "onDone"):
        rows += _made(level, f"{path}.{word}", config.get(word))
    delays = _mapping(level, f"{path}.after", config.get("after"))
    if len(delays) > 1:
        level.troubles.add(f"{path}.after", "several delays; a state has one deadline")
    for delay, given in delays.items():
        seconds = _seconds(delay)
        if seconds is None:
            level.troubles.add(f"{path}.after.{delay}", "a delay by name; write milliseconds")
        else:
            rows += _made(level, f"{path}.after.{delay}", given, after=seconds)
    return rows


def _made(
    level: Level,
    path: str,
    given: object,
    *,
    asks: Guard | None = None,
    after: float | None = None,
) -> Iterator[Transition]:
    for here, entry in _entries(path, given):
        config = object_in(entry)
        if config is None:
            level.troubles.add(here, "it is no transition")
            continue
        level.troubles.more(here, config, _KNOWN | _NOTES)
        target = level.target(here, config.get("target"))
        called = config.get("guard", config.get("cond"))
        guard = None if called is None else level.guard(f"{here}.guard", called)
        when = guard if asks is None else asks if guard is None else asks & guard
        if target is not None:
            yield to(target, when=when, after=after)


def _entries(path: str, given: object) -> list[tuple[str, object]]:
    """Return each of the transitions that *given* is, with its path: one, or a list."""
    if given is None:
        return []
    if isinstance(given, list):
        listed = enumerate(cast("Sequence[object]", given))
        return [(f"{path}[{number}]", _entry(one)) for number, one in listed]
    return [(path, _entry(given))]


def _entry(given: object) -> object:
    return {"target": given} if isinstance(given, str) else given


def _mapping(level: Level, path: str, given: object) -> Config:
    found = {} if given is None else object_in(given)
    if found is not None:
        return found
    level.troubles.add(path, "it is no object")
    return {}


def _seconds(delay: str) -> float | None:
    try:
        seconds = seconds_of(delay)
    except ArithmeticError:
        return None
    return seconds if 0 < seconds < float("inf") else None
