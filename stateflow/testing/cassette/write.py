"""A journal as the plain values of a cassette: what follows from the rest is left out.

Turns stand in reading order: where, who said what, what was asked and what it came to, where it
led.  A run that cannot be told like this is told event by event, so that none is refused.
"""

# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# what is parsed is any JSON
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stateflow.conversation.effect import ChildResult
from stateflow.conversation.message import NO_USAGE
from stateflow.engine.recorded import stamps_of
from stateflow.journal.codec import event_json
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    Event,
    HumanAnswered,
    HumanAsked,
    Journal,
    RunChanged,
    RunEnded,
    RunPaused,
    RunStarted,
    TurnTaken,
)
from stateflow.machine.fingerprint import fingerprint
from stateflow.testing.cassette.course import (
    Asked,
    Course,
    Did,
    found_table,
    last_text,
    timeless,
    tool_args,
    usage_of,
    waiting,
)
from stateflow.testing.cassette.emit import Block
from stateflow.testing.cassette.events import (
    course_of,
    effects_of,
    is_timed,
    json_of,
    limits_of,
    settled_events,
)
from stateflow.testing.cassette.names import CAME, LIFTED, OWN_OF_TURN
from stateflow.testing.cassette.words import (
    change,
    ended,
    fault_json,
    figures,
    loses,
    one_or_all,
    order_of,
    place_of,
    raised_by,
    same,
    tool_of,
)

__all__ = ["Writer"]

_KNOWN = LIFTED | {"request_id"}


@dataclass(slots=True)
class Writer:
    """Writes one cassette; nested runs are written where they are part of a turn."""

    keep_table: Callable[[str, Mapping[str, Any]], str]
    """Puts a flow's table beside the cassette, and returns its name there."""
    keep_text: Callable[[str], str | None]
    """Puts a text beside the cassette if it is long, and returns its name there."""
    asked: Asked

    def root(self, journal: Journal) -> dict[str, Any]:
        """Return the whole cassette."""
        started = journal.started
        head = {"flow": started.flow}
        if started.source is not None:
            head["source"] = started.source
        head["table"] = self.keep_table(started.flow, started.table)
        return {**head, **self.run(journal, RunStarted(started.flow, started.table, ""))}

    def run(self, journal: Journal, given: RunStarted, path: str = "") -> dict[str, Any]:
        """Return what *journal* says beyond what it was *given*."""
        events = settled_events(journal)
        started = journal.started
        body = self._begin(started, given, journal)
        course = Course(started.table, started.flow, started.task, self.asked, started.models)
        told = _Told(self, journal, course, stamps_of(journal) if is_timed(journal) else {}, path)
        turns: list[dict[str, Any]] = []
        open_effects: list[Event] = []
        stop: Event | None = None
        for event in events[1:]:
            if isinstance(event, TurnTaken):
                turns.append(told.turn(event, effects_of(open_effects)))
                open_effects = []
            elif isinstance(event, RunEnded | RunPaused):
                stop = event
            elif isinstance(event, RunChanged):
                turns.append(Block({"changed": event_json(event)}))
            else:
                open_effects.append(event)
        paused = stop.turn if isinstance(stop, RunPaused) else None
        if open_effects or paused is not None:
            turns.append(told.open_turn(effects_of(open_effects), paused))
        body["turns"] = turns
        body["end"] = told.end(stop, effects_of(open_effects))
        return body

    def _begin(self, started: RunStarted, given: RunStarted, journal: Journal) -> dict[str, Any]:
        limits = limits_of(journal)
        fields = event_json(started)
        body: dict[str, Any] = {
            "print": None if started.print == fingerprint(started.table) else started.print,
            "task": None if started.task == given.task else self.long(started.task),
            "depth": None if started.depth == given.depth else started.depth,
            "budget": None if limits == started.table.get("budget") else limits,
            "files": None if started.files == given.files else fields.get("files", []),
            "models": started.models,
            "sandboxes": started.sandboxes,
            "entered": started.patch,
            "version": None if started.version == 1 else started.version,
        }
        body = {name: value for name, value in body.items() if value is not None}
        if started.data != given.data:
            body["data"] = fields.get("data")
        return body

    def long(self, text: str) -> Any:  # noqa: ANN401 - a text, or where it lies
        """Return *text*, or where it lies if it is long."""
        name = self.keep_text(text)
        return text if name is None else {"file": name}


@dataclass(slots=True)
class _Told:
    """One run, turn by turn."""

    writer: Writer
    journal: Journal
    course: Course
    stamps: Mapping[int, float]
    path: str
    """The keys that lead to it from the root run, each with a stroke behind it."""

    def turn(self, turn: TurnTaken, did: Sequence[Did]) -> dict[str, Any]:
        item = self._item(turn, did)
        course = self.course
        to = [step.to for step in turn.steps]
        taken, tried = [step.taken for step in turn.steps], [step.tried for step in turn.steps]
        if course.steps(turn.state, to, taken, None) != turn.steps:
            item["tried"] = one_or_all([list(one) for one in tried])
        # None: the flow's on_error led there, and no slip of whoever edits the cassette
        if None in taken or course.steps(turn.state, to, None, tried) != turn.steps:
            item["taken"] = one_or_all(taken)
        item["to"] = one_or_all(to)
        course.take(turn, did)
        return Block(item)

    def open_turn(self, did: Sequence[Did], turn: TurnTaken | None) -> dict[str, Any]:
        if turn is None:
            state = self.course.state
            now = TurnTaken(state, self.course.visits.get(state, 0))
            item = self._item(now, did, said=False)
            return Block({**item, "open": True})
        item = self._item(turn, did)
        if turn.steps:
            item["steps"] = event_json(turn)["steps"]
        return Block({**item, "open": "paused"})

    def _item(self, turn: TurnTaken, did: Sequence[Did], *, said: bool = True) -> dict[str, Any]:
        item: dict[str, Any] = {"state": turn.state}
        if turn.visit != self.course.visits.get(turn.state, 0):
            item["visit"] = turn.visit
        if said:
            item |= self._said(turn, did)
        effects = self._effects(turn.state, did)
        if len(effects) == 1 and not effects[0].keys() & OWN_OF_TURN:
            item |= effects[0]
        elif effects:
            item["does"] = [Block(one) for one in effects]
        if said:
            item |= self._rest(turn, did)
        return item

    def _said(self, turn: TurnTaken, did: Sequence[Did]) -> dict[str, Any]:
        if not turn.said:
            return {}
        by = [said.by for said in turn.said]
        expected = self.course.said(by, did)
        if expected == turn.said:
            return {"by": one_or_all(by)}
        items: list[dict[str, Any]] = []
        for said, usual in zip(turn.said, expected, strict=True):
            one: dict[str, Any] = {"by": said.by}
            if said.of != usual.of:
                one["of"] = said.of
            if said.part != usual.part:
                part = said.part
                if part is not None and isinstance(part.get("text"), str):
                    one["text"] = self.writer.long(part["text"])
                    part = {k: v for k, v in part.items() if k != "text"}
                one["part"] = part
            items.append(one)
        return {"said": items}

    def _rest(self, turn: TurnTaken, did: Sequence[Did]) -> dict[str, Any]:
        rest: dict[str, Any] = {}
        if turn.fault is not None:
            raised = raised_by(turn.fault, did)
            rest["fault"] = fault_json(turn.fault) if raised is None else raised
        if turn.exhausted:
            rest["exhausted"] = turn.exhausted
        if not turn.spoken:
            rest["spoken"] = False
        if turn.usage != usage_of(did):
            rest["total"] = figures(turn.usage, 0)
        if turn.patch is not None:
            rest["patch"] = turn.patch
        if turn.restart is not None:
            text = turn.restart
            rest["restart"] = True if text == last_text(did) else self.writer.long(text)
        if (clock := self.stamps.get(id(turn))) is not None:
            rest["clock"] = self._since(clock)
        return rest

    def _since(self, clock: float) -> float:
        return round(clock - self.journal.events[0].at, 4)

    def _effects(self, state: str, did: Sequence[Did]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        seen: list[Did] = []
        for one in did:
            item: dict[str, Any] = {} if one.ordinal == len(items) else {"ordinal": one.ordinal}
            item |= self._effect(state, one, seen)
            if one.came is not None and (clock := self.stamps.get(id(one.came))) is not None:
                item["clock"] = self._since(clock)
            seen.append(one)
            items.append(item)
        return items

    def _effect(self, state: str, did: Did, seen: Sequence[Did]) -> dict[str, Any]:
        begun, came = did.begun, did.came
        if isinstance(begun, ChildStarted) or isinstance(came, ChildEnded):
            return self._child(did, seen)
        item = self._question(begun) if isinstance(begun, HumanAsked) else {}
        if isinstance(came, HumanAnswered):
            return {**item, "answer": self.writer.long(came.answer)}
        made = came if came is not None else begun
        if isinstance(made, EffectBegun | EffectDone | EffectFailed):
            item |= self._asked(state, did.ordinal, made, seen)
        if isinstance(begun, EffectBegun):
            item["begun"] = True
        return item | self._came(came)

    def _question(self, asked: HumanAsked) -> dict[str, Any]:
        fields = event_json(asked)
        more: dict[str, Any] = {
            name: fields[name] for name in ("options", "form", "default") if name in fields
        }
        return {"question": self.writer.long(asked.text), **more}

    def _asked(
        self,
        state: str,
        ordinal: int,
        made: EffectBegun | EffectDone | EffectFailed,
        seen: Sequence[Did],
    ) -> dict[str, Any]:
        op: str = made.op
        args: Any = made.args
        if op == "tool.call" and args == (usual := tool_args(tool_of(args), seen)):
            return {"tool": usual["tool"]}
        if args is None:
            return {} if op == "agent.reply" else {"do": op}
        if not isinstance(args, Mapping):
            return {"do": op, "args": args}
        item: dict[str, Any] = {} if op == "model.call" else {"do": op}
        asked, flow = self.course.asked, self.course.flow
        before = asked.before(flow, state, op, ordinal, self.course.model(state))
        asked.note(flow, state, op, ordinal, args)
        gone = [k for k, old in before.items() if k not in args or loses(old, args[k])]
        rest = {k: v for k, v in before.items() if k not in gone}
        item["asked"] = {
            k: change(rest.get(k), v)
            for k, v in sorted(args.items(), key=order_of)
            if k not in rest or not same(rest[k], v)
        }
        if gone:
            item["unasked"] = sorted(gone)
        return item

    def _came(self, came: Event | None) -> dict[str, Any]:
        if isinstance(came, EffectFailed):
            item: dict[str, Any] = {"failed": fault_json(came.fault, came.key.ordinal)}
        elif isinstance(came, EffectDone):
            item = self._lifted(came)
        else:
            return {}
        if came.usage != NO_USAGE:
            item["usage"] = figures(came.usage, 1)
        return item

    def _lifted(self, came: EffectDone) -> dict[str, Any]:
        """Return the result, its fields beside those of the effect where they have names here."""
        result: Any = came.result
        if not isinstance(result, dict) or not result or not result.keys() <= _KNOWN:
            return {"result": result}
        fields: dict[str, Any] = {name: result[name] for name in CAME if name in result}
        if came.op == "model.call":
            if fields.get("calls") and fields.get("text") == "":
                del fields["text"]
            usual = "tool_calls" if fields.get("calls") else "stop"
            fields["stop"] = fields.get("stop")
            if fields["stop"] == usual:
                del fields["stop"]
        for name in ("text", "stdout", "stderr"):
            if isinstance(fields.get(name), str):
                fields[name] = self.writer.long(fields[name])
        return fields

    def _child(self, did: Did, seen: Sequence[Did]) -> dict[str, Any]:
        begun, came = did.begun, did.came
        item: dict[str, Any] = {}
        if isinstance(came, ChildEnded) and came.args is not None:
            usual = tool_args(tool_of(came.args), seen)
            item |= {"tool": usual["tool"]} if came.args == usual else {"args": came.args}
        item["run"] = begun.flow if isinstance(begun, ChildStarted) else None
        given: Any = begun.args if isinstance(begun, ChildStarted) else None
        usual_given = {"task": self.course.last, "data": None}
        if isinstance(begun, ChildStarted) and given != usual_given:
            item["given"] = given
        cancelled = isinstance(came, ChildEnded) and came.cancelled
        nested = self.journal.children.get(f"{place_of(did)}")
        expected: ChildResult | None = None
        usage, turns = NO_USAGE, 0
        if nested is not None and nested.events and not cancelled:
            body, course = self._nested(nested, given, f"{self.path}{place_of(did)}/")
            item |= body
            expected, usage, turns = course.result(), course.usage, course.turns
        item |= ended(came, expected, usage, turns)
        return item

    def _nested(
        self,
        nested: Journal,
        given: Any,  # noqa: ANN401 - JSON
        path: str,
    ) -> tuple[dict[str, Any], Course]:
        started = nested.started
        body: dict[str, Any] = {}
        if found_table(self.course.table, started.flow) != started.table:
            body["table"] = self.writer.keep_table(started.flow, started.table)
        if started.source is not None:
            body["source"] = started.source
        given = given if isinstance(given, Mapping) else {}
        usual = replace(
            started,
            task=given.get("task", ""),
            data=given.get("data"),
            depth=self.journal.started.depth + 1,
            files=started.files if "files" in given else (),
        )
        body |= self.writer.run(nested, usual, path)
        return body, course_of(nested)

    def end(self, stop: Event | None, did: Sequence[Did]) -> Any:  # noqa: ANN401 - JSON
        """Return how the run ends, pauses, or is cut off."""
        if stop is None:
            return "cut"
        if isinstance(stop, RunEnded):
            if stop.stop == self.course.stop:
                return stop.stop.kind
            return {"stop": json_of(stop)["stop"]}
        assert isinstance(stop, RunPaused)  # noqa: S101 - the only other one
        usual = waiting(self.course.state, did, self.path, self.journal.children)
        if replace(stop, stop=timeless(stop.stop)) == RunPaused(usual):
            return "waiting"
        fields = json_of(RunPaused(timeless(stop.stop)))
        said: dict[str, Any] = {"pause": fields["stop"]}
        turn = stop.turn
        if turn is not None and turn.fault is not None and stop.stop.fault == turn.fault:
            said["pause"]["fault"] = True
            if stop.stop.why == str(turn.fault):
                said["pause"].pop("why")
        if stop.retry is not None:
            said["retry"] = stop.retry
        return said
