"""The plain values of a cassette as a journal: what was left out follows from the rest."""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# what is parsed is any JSON
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

from stateflow.conversation.message import Fault
from stateflow.engine.spending import budget_from
from stateflow.errors import DefinitionError
from stateflow.journal.event import (
    SCHEMA_VERSION,
    Event,
    Journal,
    Recorded,
    RunEnded,
    RunPaused,
    RunStarted,
    Said,
    Step,
    TurnTaken,
)
from stateflow.machine.budget import Budget
from stateflow.machine.fingerprint import fingerprint
from stateflow.testing.cassette import check
from stateflow.testing.cassette.course import (
    Asked,
    Course,
    Did,
    last_text,
    usage_of,
    waiting,
)
from stateflow.testing.cassette.names import ROOT, TURN
from stateflow.testing.cassette.read_effects import Effects
from stateflow.testing.cassette.trouble import Wrong
from stateflow.testing.cassette.values import at, decoded, fault_in, files_in, usage_in

__all__ = ["Reader"]


@dataclass(slots=True)
class Reader:
    """Reads one cassette."""

    table_at: Callable[[str], dict[str, Any]]
    """Returns the flow's table that lies beside the cassette under this name."""
    text_at: Callable[[str], str]
    """Returns the text that lies beside it."""
    asked: Asked = field(default_factory=Asked)

    def root(self, body: dict[str, Any], run: str) -> Journal:
        """Return the journal of the whole cassette."""
        check.known(body, ROOT, "a cassette")
        for name in ("flow", "table", "end"):
            if name not in body:
                if name == "end":
                    sentence = "the file is cut in the middle; restore it, or record it anew"
                    raise Wrong(f"'end' is missing: {sentence}", *_last(body))
                raise Wrong(f"{name!r} is missing: add it, or record it anew")
        flow = check.field(body, "flow", str, "")
        table = self.table(check.field(body, "table", str, ""))
        if table.get("name") != flow:
            raise Wrong(f"the table is one of flow {table.get('name')!r}; mend the name", "flow")
        return self.run(body, RunStarted(flow, table, ""), run)[0]

    def table(self, name: str) -> dict[str, Any]:
        """Return the table called *name*."""
        try:
            return self.table_at(name)
        except Wrong as error:
            raise error.below("table") from None

    def run(self, body: dict[str, Any], given: RunStarted, run: str) -> tuple[Journal, Course]:
        """Return the journal that *body* tells, which was *given* the rest."""
        started = self._begin(body, given)
        course = Course(started.table, started.flow, started.task, self.asked, started.models)
        walk = _Walk(self, course, run, started)
        walk.add(started)
        if "events" in body:
            walk.raw(body)
            return Journal(run, tuple(walk.events), walk.children), course
        try:
            for number, item in enumerate(check.listed(body.get("turns", []), "'turns'")):
                try:
                    walk.turn(check.mapping(item, "a turn"))
                except Wrong as error:
                    raise error.below(number) from None
        except Wrong as error:
            raise error.below("turns") from None
        try:
            walk.end(body.get("end", "cut"))
        except Wrong as error:
            raise error.below("end") from None
        return Journal(run, tuple(walk.events), walk.children), course

    def _begin(self, body: dict[str, Any], given: RunStarted) -> RunStarted:
        limits = check.field(body, "budget", dict, None)
        at("budget", partial(_limits, limits or {}))
        for name, model in check.field(body, "models", dict, {}).items():
            at("models", partial(check.whole, model, str, repr(name)))
        return replace(
            given,
            print=check.field(body, "print", str, "") or fingerprint(given.table),
            task=self.text(body, "task", given.task),
            data=body.get("data", given.data),
            depth=check.field(body, "depth", int, given.depth),
            budget=limits,
            source=check.field(body, "source", str, None),
            files=files_in(body) if "files" in body else given.files,
            models=check.field(body, "models", dict, None),
            sandboxes=check.field(body, "sandboxes", dict, None),
            patch=check.field(body, "entered", dict, None),
            version=_version(body),
        )

    def text(self, found: Mapping[str, Any], name: str, default: str) -> str:
        """Return the text *name* of *found*, wherever it lies."""
        value: Any = found.get(name, default)
        if type(value) is str:
            return value
        try:
            if type(value) is dict and value.keys() == {"file"}:
                return self.text_at(check.field(value, "file", str, ""))
            return check.whole(value, str, repr(name))
        except Wrong as error:
            raise error.below(name) from None


@dataclass(slots=True)
class _Walk:
    """One run, turn by turn."""

    reader: Reader
    course: Course
    run: str
    started: RunStarted
    events: list[Recorded] = field(default_factory=list[Recorded])
    children: dict[str, Journal] = field(default_factory=dict[str, Journal])
    now: float = 0.0
    open: list[Did] = field(default_factory=list[Did])
    paused: TurnTaken | None = None

    def add(self, event: Event) -> None:
        self.events.append(Recorded(len(self.events) + 1, self.now, event, self.run))

    def turn(self, item: dict[str, Any]) -> None:
        """Take one item of ``turns``."""
        if "changed" in item:
            check.known(item, {"changed"}, "a change by hand")
            self.add(decoded("RunChanged", check.field(item, "changed", dict, {})))
            return
        check.known(item, TURN, "a turn")
        if self.course.state == "" or self.open or self.paused:
            raise Wrong("the run is over, or stands open, before this turn; remove what is behind")
        state = self._state(item)
        visit = check.field(item, "visit", int, self.course.visits.get(state, 0))
        did = self._effects(item, state, visit)
        self._clock(item)
        if item.get("open") is True:
            self.open = did or [Did(0, None, None)]
            return
        turn = self._taken(item, state, visit, did)
        if "open" in item:
            self.paused, self.open = turn, did
        else:
            self.add(turn)
            self.course.take(turn, did)

    def _state(self, item: dict[str, Any]) -> str:
        if "state" not in item:
            raise Wrong("'state' is missing: every turn says where it was taken")
        state = check.field(item, "state", str, "")
        at("state", partial(check.one_of, state, self.course.places, "state"))
        return state

    def _effects(self, item: dict[str, Any], state: str, visit: int) -> list[Did]:
        effects = Effects(self.reader, self.course, self.started, self.run, self.children)
        did = effects.of_turn(item, state, visit)
        for one in did:
            self.now = max(self.now, effects.clocks.get(one.ordinal, self.now))
            for event in (one.begun, one.came):
                if event is not None:
                    self.add(event)
        return did

    def _clock(self, item: Mapping[str, Any]) -> None:
        self.now = max(self.now, check.field(item, "clock", float, self.now))

    def _taken(self, item: dict[str, Any], state: str, visit: int, did: list[Did]) -> TurnTaken:
        restart: Any = item.get("restart")
        if restart is True:
            restart = last_text(did)
        elif restart is not None:
            restart = self.reader.text(item, "restart", "")
        total = item.get("total")
        return TurnTaken(
            state,
            visit,
            self._said(item, did),
            self._fault(item, did),
            check.field(item, "exhausted", str, ""),
            self._steps(item, state),
            check.field(item, "patch", dict, None),
            usage_of(did) if total is None else usage_in(item, "total", 0),
            check.field(item, "spoken", bool, True),  # noqa: FBT003 - a default
            restart,
        )

    def _said(self, item: dict[str, Any], did: Sequence[Did]) -> tuple[Said, ...]:
        if "said" not in item:
            by = item.get("by")
            names = [] if by is None else by if isinstance(by, list) else [by]
            for name in names:
                at("by", partial(check.whole, name, str, "'by'"))
            return self.course.said(names, did)
        ones = check.field(item, "said", list, [])
        try:
            by = [check.mapping(one, "what one said")["by"] for one in ones]
        except KeyError:
            raise Wrong("'by' is missing: who said it", "said") from None
        made: list[Said] = []
        for one, usual in zip(ones, self.course.said(by, did), strict=True):
            check.known(one, {"by", "of", "part", "text"}, "what one said")
            part = check.field(one, "part", dict, None) if "part" in one else usual.part
            if "text" in one:
                part = {**(part or {}), "text": self.reader.text(one, "text", "")}
            of = check.field(one, "of", int, None) if "of" in one else usual.of
            made.append(Said(check.field(one, "by", str, ""), of, part))
        return tuple(made)

    def _fault(self, item: dict[str, Any], did: Sequence[Did]) -> Fault | None:
        said = item.get("fault")
        if said is None or isinstance(said, dict):
            return None if said is None else fault_in(said, "fault", None)
        for one in did:
            if one.ordinal == said:
                fault: Fault | None = getattr(one.came, "fault", None)
                return fault
        raise Wrong(
            f"effect {check.shown(said)} of this turn raised nothing; name the fault", "fault"
        )

    def _steps(self, item: dict[str, Any], state: str) -> tuple[Step, ...]:
        if "steps" in item:
            made = decoded("TurnTaken", {"state": state, "visit": 0, "steps": item["steps"]})
            assert isinstance(made, TurnTaken)  # noqa: S101 - it was asked for
            return made.steps
        if "to" not in item:
            if "open" in item:
                return ()
            raise Wrong("'to' is missing: where the turn led; `to: ~` is done")
        to: Any = item["to"]
        ends: list[Any] = to if isinstance(to, list) else [to]
        for end in ends:
            if end is not None:
                at("to", partial(check.one_of, end, self.course.places, "state"))
        taken, tried = _each(item, "taken", ends), _each(item, "tried", ends)
        at("taken", partial(_all_of, taken or (), int, "'taken'"))
        at("tried", partial(_all_verdicts, tried or ()))
        steps = self.course.steps(state, ends, taken, tried)
        for step in steps:
            if step.taken is None and "taken" not in item:
                cure = "mend the name, or write `taken: ~` where the flow's on_error led there"
                raise Wrong(f"no transition of {step.at!r} leads to {step.to!r}; {cure}", "to")
        return steps

    def end(self, said: Any) -> None:  # noqa: ANN401 - what was parsed
        """End, pause, or cut off."""
        course = self.course
        if said == "cut":
            return
        if said == "waiting":
            if not self.open:
                cure = "add the turn that asks, with `open: true`, or write how the run ended"
                raise Wrong(f"'waiting' does not follow: no question is open; {cure}")
            path = self.run.partition("/")[2]
            path = f"{path}/" if path else ""
            self.add(RunPaused(waiting(course.state, self.open, path, self.children)))
        elif isinstance(said, str):
            if course.stop is None or course.stop.kind != said:
                now = "goes on" if course.stop is None else f"is {course.stop.kind}"
                cure = "write what follows: `end: cut`, done, final, waiting, or a mapping"
                raise Wrong(f"{said!r} does not follow: after the last turn the run {now}; {cure}")
            self.add(RunEnded(course.stop))
        else:
            check.known(check.mapping(said, "'end'"), {"stop", "pause", "retry"}, "'end'")
            if "stop" in said:
                self.add(decoded("RunEnded", {"stop": said["stop"]}))
            elif "pause" in said:
                self._pause(dict(check.field(said, "pause", dict, {})), said.get("retry"))
            else:
                raise Wrong("'stop' or 'pause' is missing: write how the run stands")

    def _pause(self, stop: dict[str, Any], retry: int | None) -> None:
        fault = None if self.paused is None else self.paused.fault
        same = stop.get("fault") is True
        if same:
            del stop["fault"]
            stop.setdefault("why", str(fault))
        event = decoded("RunPaused", {"stop": stop, "retry": retry})
        assert isinstance(event, RunPaused)  # noqa: S101 - it was asked for
        made = replace(event.stop, fault=fault) if same else event.stop
        self.add(RunPaused(made, self.paused, retry))

    def raw(self, body: dict[str, Any]) -> None:
        """Take the events as they are written, where a run could not be told turn by turn."""
        self.events.clear()
        events = check.listed(body["events"], "'events'")
        if not events:
            raise Wrong("no event stands here; restore them, or record the run anew", "events")
        for number, event in enumerate(events):
            try:
                rest = dict(check.mapping(event, "an event"))
                self.add(decoded(str(rest.pop("kind", None)), rest))
            except Wrong as error:
                raise error.below(number).below("events") from None
        first = self.events[0].event if self.events else None
        if isinstance(first, RunStarted):
            self.events[0] = self.events[0]._replace(event=replace(first, table=self.started.table))
        for key, nested in check.field(body, "children", dict, {}).items():
            table = self.reader.table(nested["table"]) if "table" in nested else {}
            given = RunStarted(str(nested.get("run", "")), table, "")
            child, _ = self.reader.run(nested, given, f"{self.run}/{key}")
            self.children[key] = child


def _each(item: Mapping[str, Any], name: str, ends: Sequence[Any]) -> list[Any] | None:
    """Return what *name* says of each step; it stands alone where there is one."""
    if name not in item:
        return None
    if len(ends) == 1:
        return [item[name]]
    found = check.field(item, name, list, [])
    if len(found) != len(ends):
        raise Wrong(f"{name!r} tells of {len(found)} steps, and 'to' of {len(ends)}", name)
    return found


def _all_of(values: Sequence[Any], kind: type, what: str) -> None:
    """Refuse what is neither of *kind* nor nothing."""
    if not isinstance(values, list | tuple):
        raise Wrong(f"{what} is {check.shown(values)}, and stands in a list")
    for value in values:
        if value is not None:
            check.whole(value, kind, what)


def _all_verdicts(tried: Sequence[Any]) -> None:
    for verdicts in tried:
        _all_of(verdicts, bool, "one of 'tried'")


def _last(body: Mapping[str, Any]) -> list[str | int]:
    """Return the keys that lead to the last thing that is there."""
    turns: Any = body.get("turns")
    key = list(body)[-1]
    return ["turns", len(turns) - 1] if key == "turns" and isinstance(turns, list) else [key]


def _limits(found: Mapping[str, Any]) -> None:
    """Refuse what is no budget."""
    check.known(found, [one.name for one in fields(Budget)], "a budget")
    try:
        budget_from(found)
    except DefinitionError as error:
        raise Wrong(str(error)) from error


def _version(body: Mapping[str, Any]) -> int:
    version = check.field(body, "version", int, 1)
    if not 1 <= version <= SCHEMA_VERSION:
        sentence = f"written in schema version {version}; this stateflow reads up to"
        raise Wrong(f"{sentence} {SCHEMA_VERSION}: upgrade it", "version")
    return version
