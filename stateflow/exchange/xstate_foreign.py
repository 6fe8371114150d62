"""Anybody's XState machine as a flow: states wait for events there, and agents speak here.

The rule: an event is a choice, and whoever speaks in a state makes it, typed where it can be.  An
assistant replies with the event's name beside its text; a person answers with it; any other agent
says it.  What a flow cannot do is named with its place in the JSON, all of it at once; nothing is
dropped but notes that change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final as Constant
from typing import TypeVar, cast

from stateflow.agents.assistant import Assistant
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent
from stateflow.errors import DefinitionError
from stateflow.exchange.xstate_config import Config, object_in
from stateflow.exchange.xstate_rows import LACKS, Level, Troubles, rows_of
from stateflow.machine.flow import Flow
from stateflow.machine.guard import Guard
from stateflow.machine.guards import answered, replied, says
from stateflow.machine.nested import Nested
from stateflow.machine.parallel import Parallel
from stateflow.machine.state import Final, Junction, Place, State
from stateflow.value import Json

__all__ = ["foreign"]

T = TypeVar("T")

_DEEPEST: Constant = 20
"""States in states; a run goes no deeper than its budget's depth, 5 if nobody says else."""
_NOTES: Constant = frozenset(
    {
        *("id", "key", "order", "type", "description", "meta", "tags", "version", "$schema"),
        *("schema", "types", "tsTypes", "strict", "initial", "states", "transitions"),
        *("predictableActionArguments", "preserveActionOrder"),
    }
)
"""Keys that change nothing, or are read elsewhere."""
_SPEAKING: Constant = _NOTES | {"on", "after", "always"}
_RUNNING: Constant = _NOTES | {"onDone", "after"}
_ENDING: Constant = _NOTES | {"output", "data"}


def foreign(
    machine: Config, agents: Mapping[str, Agent], guards: Mapping[str, Guard], model: str | None
) -> Flow:
    """Return the flow that *machine* is, with *agents* who speak in its states.

    Raises:
        DefinitionError: it is none; all that stands in the way is named.
    """
    name = machine.get("id")
    reader = _Reader(agents, guards, model, Troubles())
    called = name if isinstance(name, str) and name else "machine"
    reader.troubles.more("$", machine, _NOTES)
    flow = reader.flow(machine, "$", called, called, 1)
    for unused in [one for one in agents if one not in reader.asked]:
        reader.troubles.add(f"agents[{unused!r}]", "there is no such state")
    reader.troubles.refuse(called)
    if flow is None:
        raise DefinitionError(f"machine {called!r} has no states")
    return flow


class _Reader:
    """Reads one machine."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        guards: Mapping[str, Guard],
        model: str | None,
        troubles: Troubles,
    ) -> None:
        self.agents = agents
        self.guards = guards
        self.model = model
        self.troubles = troubles
        self.asked: set[str] = set()

    def flow(self, config: Config, path: str, name: str, ids: str, depth: int) -> Flow | None:
        """Return the states in *config* as a flow called *name*; ``None``: they are none."""
        given = object_in(config.get("states"))
        if config.get("type") == "parallel" and path == "$":
            self._bad(path, "regions of the whole; put them in one state of it")
            return None
        if depth > _DEEPEST:
            self._bad(path, f"states in states, more than {_DEEPEST} deep")
            return None
        if not given:
            self._bad(path, "it has no states")
            return None
        initial = config.get("initial", next(iter(given)))
        if not isinstance(initial, str) or initial not in given:
            self._bad(f"{path}.initial", f"there is no state {initial!r} beside it")
            return None
        level = Level(ids, given, self.guards, self.troubles)
        places: list[Place] = []
        for key in [initial, *(one for one in given if one != initial)]:
            place = self._place(level, f"{path}.states.{key}", key, given[key], depth)
            places += [] if place is None else [place]
        if self.troubles.found:
            return None
        return self._tried(path, lambda: Flow(name, *places))

    def _place(self, level: Level, path: str, key: str, given: object, depth: int) -> Place | None:
        config = object_in(given)
        if config is None:
            self._bad(path, "it is no state")
            return None
        kind = config.get("type")
        if kind == "history" or "history" in config:
            self._bad(path, LACKS["history"])
            return None
        if kind == "final":
            return self._final(path, key, config)
        if kind == "parallel" or config.get("states"):
            return self._running(level, path, key, config, depth)
        return self._speaking(level, path, key, config)

    def _final(self, path: str, key: str, config: Config) -> Place | None:
        self.troubles.more(path, config, _ENDING)
        output = config.get("output", config.get("data"))
        ok: object = (object_in(output) or {"ok": True}).get("ok")
        if not isinstance(ok, bool) or (output is not None and object_in(output) is None):
            self.troubles.add(f"{path}.output", LACKS["output"])
        return self._tried(path, lambda: Final(key, ok=ok is True))

    def _speaking(self, level: Level, path: str, key: str, config: Config) -> Place | None:
        """Return the state, or the junction, that an atomic state is."""
        self.troubles.more(path, config, _SPEAKING)
        on = object_in(config.get("on")) or {}
        if set(on) == {""}:  # as XState 4 writes it
            config = {**config, "always": on[""], "on": {}}
        if config.get("always"):
            if config.get("on") or config.get("after"):
                self._bad(f"{path}.always", LACKS["always"])
                return None
            rows = rows_of(level, path, config, says)
            return self._tried(path, lambda: Junction(key, *rows))
        if not config.get("on") and not config.get("after"):
            self._bad(path, "it leads nowhere and is not final; give it type: 'final'")
            return None
        return self._state(level, path, key, config)

    def _state(self, level: Level, path: str, key: str, config: Config) -> Place | None:
        events = [event for event in object_in(config.get("on")) or {} if event]
        agent = self._agent(level, path, key, config, events)
        if agent is None:
            rows_of(level, path, config, says)  # what else is wrong is told, too
            return None
        options = agent.options if isinstance(agent, Human) else ()
        for event in events if options else []:
            if event not in options:
                self.troubles.add(f"{path}.on.{event}", f"it is no option of {agent.name!r}")
        typed = key not in self.agents and f"{level.path}.{key}" not in self.agents

        def asks(event: str) -> Guard:
            if typed:
                return replied("event", event)
            return answered(event) if options else says(event, by=agent)

        rows = rows_of(level, path, config, asks)
        return self._tried(path, lambda: State(key, agent, *rows))

    def _agent(
        self, level: Level, path: str, key: str, config: Config, events: list[str]
    ) -> Agent | None:
        """Return who speaks in the state *key*."""
        for name in (f"{level.path}.{key}", key):
            if name in self.agents:
                self.asked.add(name)
                return self.agents[name]
        model = self.model
        if model is None:
            told = f"nobody speaks there; give agents={{{key!r}: agent}}, or model='openai:gpt-5'"
            self._bad(path, told)
            return None
        prompt = _prompt(key, config, events)
        reply = _reply(events) if events else None
        return self._tried(path, lambda: Assistant(key, model, prompt, reply=reply))

    def _running(
        self, level: Level, path: str, key: str, config: Config, depth: int
    ) -> Place | None:
        """Return the state in which flows run that a state with states in it is."""
        self.troubles.more(path, config, _RUNNING)
        ids = f"{level.path}.{key}"
        rows = rows_of(level, path, {k: v for k, v in config.items() if k != "on"}, says)
        if not config.get("onDone"):
            self.troubles.add(
                path, "it leads nowhere once the states in it have ended; give onDone"
            )
        if config.get("type") != "parallel":
            inner = self.flow(config, path, key, ids, depth + 1)
            return None if inner is None else self._tried(path, lambda: Nested(key, inner, *rows))
        branches: dict[str, Flow] = {}
        for name, given in (object_in(config.get("states")) or {}).items():
            here = f"{path}.states.{name}"
            region = object_in(given)
            if region is None:
                self.troubles.add(here, "it is no region")
                continue
            self.troubles.more(here, region, _NOTES)
            flow = self.flow(region, here, name, f"{ids}.{name}", depth + 1)
            branches |= {} if flow is None else {name: flow}
        return self._tried(path, lambda: Parallel(key, branches, *rows))

    def _tried(self, path: str, make: Callable[[], T]) -> T | None:
        """Return what *make* makes; ``None``: it cannot, which is kept."""
        try:
            return make()
        except DefinitionError as error:
            self._bad(path, str(error))
        return None

    def _bad(self, path: str, what: str) -> None:
        self.troubles.add(path, what)


def _prompt(key: str, config: Config, events: list[str]) -> str:
    """Return what an assistant is told in a state: what it is for, and how it is left."""
    told = config.get("description")
    lines = [told if isinstance(told, str) and told else f"This is the state {key!r}."]
    if events:
        lines += ["", "Answer with your text, and with the event that follows from it:"]
    for event in events:
        given = config["on"][event]
        first: object = (
            next(iter(cast("list[object]", given)), None) if isinstance(given, list) else given
        )
        why = (object_in(first) or {}).get("description")
        lines.append(f"- {event}: {why}" if isinstance(why, str) and why else f"- {event}")
    return "\n".join(lines)


def _reply(events: list[str]) -> dict[str, Json]:
    """Return the schema of a reply that names one of the *events*."""
    return {
        "type": "object",
        "properties": {"text": {"type": "string"}, "event": {"type": "string", "enum": events}},
        "required": ["text", "event"],
        "additionalProperties": False,
    }
