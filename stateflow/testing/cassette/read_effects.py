"""The effects of a turn: what was asked, and what it came to."""

# pyright: reportUnknownVariableType=false
# what is parsed is any JSON
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from stateflow.conversation.effect import ChildResult, Key
from stateflow.conversation.message import NO_USAGE
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    HumanAnswered,
    HumanAsked,
    Journal,
    RunEnded,
    RunStarted,
)
from stateflow.testing.cassette import check
from stateflow.testing.cassette.course import Begun, Course, Did, found_table, tool_args
from stateflow.testing.cassette.names import EFFECT, LIFTED
from stateflow.testing.cassette.trouble import Wrong
from stateflow.testing.cassette.values import fault_in, files_in, usage_in

if TYPE_CHECKING:
    from stateflow.testing.cassette.read import Reader

__all__ = ["Effects"]


@dataclass(slots=True)
class Effects:
    """Reads the effects of one turn, nested runs included."""

    reader: Reader
    course: Course
    started: RunStarted
    run: str
    children: dict[str, Journal]
    """Where nested journals are put."""
    clocks: dict[int, float] = field(default_factory=dict[int, float])
    """When effects came, by ordinal, where that is told [s since the beginning]."""

    def of_turn(self, item: dict[str, Any], state: str, visit: int) -> list[Did]:
        """Return the effects of the turn *item*, one that stands in the turn itself included."""
        items: list[Any]
        if "does" in item:
            items = check.field(item, "does", list, [])
        elif item.keys() & EFFECT - {"clock"} - ({"to", "fault"} & item.keys()):
            items = [item]
        else:
            return []
        made: list[Did] = []
        for number, one in enumerate(items):
            if one is not item:
                try:
                    check.known(check.mapping(one, "an effect"), EFFECT, "an effect")
                except Wrong as error:
                    raise error.below(number).below("does") from None
            ordinal = check.field(one, "ordinal", int, number)
            try:
                made.append(self._effect(one, Key(state, visit, ordinal), made, whole=one is item))
            except Wrong as error:
                raise (error if one is item else error.below(number).below("does")) from None
            if one is not item and "clock" in one:
                self.clocks[ordinal] = check.field(one, "clock", float, 0.0)
        return made

    def _effect(self, item: dict[str, Any], key: Key, seen: Sequence[Did], *, whole: bool) -> Did:
        if "run" in item:
            return self._child(item, key, seen)
        begun: Begun | None = None
        if "question" in item:
            begun = HumanAsked(
                key,
                self.reader.text(item, "question", ""),
                tuple(check.texts(item, "options")),
                item.get("form"),
                item.get("default"),
            )
        if "answer" in item:
            return Did(key.ordinal, begun, HumanAnswered(key, self.reader.text(item, "answer", "")))
        op = self._op(item)
        fields = item.keys() & LIFTED - ({"to", "fault"} if whole else set())
        came = "failed" in item or "result" in item or bool(fields)
        if begun is not None and not came:
            return Did(key.ordinal, begun, None)
        args = self._args(item, key, op, seen)
        if item.get("begun") is True:
            begun = EffectBegun(key, op, args)
        if not came:
            return Did(key.ordinal, begun, None)
        usage = usage_in(item, "usage", 1)
        if "failed" in item:
            fault = fault_in(item["failed"], "failed", key.ordinal)
            return Did(key.ordinal, begun, EffectFailed(key, op, fault, args, usage))
        result = item["result"] if "result" in item else self._result(item, op, fields)
        return Did(key.ordinal, begun, EffectDone(key, op, result, args, usage))

    def _op(self, item: Mapping[str, Any]) -> str:
        if "do" in item:
            return check.field(item, "do", str, "")
        if "tool" in item:
            return "tool.call"
        return "model.call" if "asked" in item or "unasked" in item else "agent.reply"

    def _args(self, item: dict[str, Any], key: Key, op: str, seen: Sequence[Did]) -> Any:  # noqa: ANN401
        if "tool" in item:
            return tool_args(check.field(item, "tool", str, ""), seen)
        if "asked" not in item and "unasked" not in item:
            return item.get("args")
        flow, asked = self.course.flow, self.course.asked
        before = asked.before(flow, key.state, op, key.ordinal, self.course.model(key.state))
        args = dict(before)
        for name in check.field(item, "unasked", list, []):
            args.pop(name, None)
        for name, value in check.field(item, "asked", dict, {}).items():
            old = args.get(name)
            both = isinstance(old, dict) and isinstance(value, dict)
            args[name] = {**cast("dict[str, Any]", old), **value} if both else value
        asked.note(flow, key.state, op, key.ordinal, args)
        return args

    def _result(self, item: dict[str, Any], op: str, fields: set[str]) -> dict[str, Any]:
        result = {name: item[name] for name in sorted(fields)}
        for name in ("text", "stdout", "stderr"):
            if name in result:
                result[name] = self.reader.text(item, name, "")
        if op == "model.call":
            if result.get("calls"):
                result.setdefault("text", "")
            stop = result.get("stop", "tool_calls" if result.get("calls") else "stop")
            result["stop"] = stop
            if "stop" in item and stop is None:
                del result["stop"]
        return result

    def _child(self, item: dict[str, Any], key: Key, seen: Sequence[Did]) -> Did:
        flow = item["run"]
        begun: ChildStarted | None = None
        given: Any = None
        if flow is not None:
            given = item.get("given", {"task": self.course.last, "data": None})
            begun = ChildStarted(key, check.whole(flow, str, "'run'"), given)
        course: Course | None = None
        if "end" in item:
            journal, course = self._nested(item, key, str(flow), given)
            self.children[str(key)] = journal
            if not isinstance(journal.events[-1].event, RunEnded):
                course.stop = None
            started = journal.events[0].event
            if begun is not None and isinstance(started, RunStarted):
                begun = replace(begun, grant=started.budget)
        elif "turns" in item:
            raise Wrong("'end' is missing: how the nested run ended; `end: cut` if it did not")
        return Did(key.ordinal, begun, self._came(item, key, seen, course))

    def _nested(
        self,
        item: dict[str, Any],
        key: Key,
        flow: str,
        given: Any,  # noqa: ANN401 - JSON
    ) -> tuple[Journal, Course]:
        if "table" in item:
            table = self.reader.table(check.field(item, "table", str, ""))
        else:
            found = found_table(self.started.table, flow)
            if found is None:
                raise Wrong(f"there is no flow {flow!r} in {self.started.flow!r}; mend it", "run")
            table = found
        given = given if isinstance(given, dict) else {}
        usual = RunStarted(
            flow,
            table,
            "",
            task=check.field(given, "task", str, ""),
            data=given.get("data"),
            depth=self.started.depth + 1,
            files=files_in(given) if "files" in given else (),
        )
        return self.reader.run(item, usual, f"{self.run}/{key}")

    def _came(
        self, item: dict[str, Any], key: Key, seen: Sequence[Did], course: Course | None
    ) -> ChildEnded | None:
        expected = None if course is None else course.result()
        cancelled = check.field(item, "cancelled", bool, False)  # noqa: FBT003 - a default
        fault = fault_in(item["failed"], "failed", key.ordinal) if "failed" in item else None
        more: Any = item.get("came")
        silent = expected is None and "came" not in item and fault is None
        if (silent and not cancelled) or ("came" in item and more is None):
            return None
        more = {} if more is None else more
        known = {*("text", "ended", "ok", "turns", "data", "usage", "result"), "spent", "took"}
        try:
            check.known(check.mapping(more, "'came'"), known | {"lost", "lost_turns"}, "'came'")
        except Wrong as error:
            raise error.below("came") from None
        usage = NO_USAGE if course is None else course.usage
        turns = 0 if course is None else course.turns
        result: ChildResult | None = None
        if fault is None and not cancelled and more.get("result", 1) is not None:
            old = expected or ChildResult("", "done", ok=True)
            names = ("text", "ended", "ok", "turns", "data")
            result = replace(old, **{name: more[name] for name in names if name in more})
            if "usage" in more:
                result = replace(result, usage=usage_in(more, "usage", 0))
            usage, turns = result.usage, result.turns
        args: Any = item.get("args")
        if "tool" in item:
            args = tool_args(item["tool"], seen)
        return ChildEnded(
            key,
            result,
            fault,
            usage_in(more, "spent", 0) if "spent" in more else usage,
            more.get("took", turns),
            args,
            cancelled,
            usage_in(more, "lost", 0),
            more.get("lost_turns", 0),
        )
