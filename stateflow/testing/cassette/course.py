"""What follows from the flow's table and from what came before, so that no cassette writes it.

Writer and reader walk a run with one ``Course`` each, in the same order.  The writer leaves out
what the course expects; the reader takes from the course what is left out.
"""

# pyright: reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false
# What is parsed is any JSON.
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from stateflow.conversation.effect import ChildResult, Question
from stateflow.conversation.message import NO_USAGE, Usage
from stateflow.journal.event import (
    ChildEnded,
    ChildStarted,
    EffectBegun,
    EffectDone,
    EffectFailed,
    HumanAnswered,
    HumanAsked,
    Journal,
    RunPaused,
    Said,
    Step,
    TurnTaken,
)
from stateflow.journal.said import Answer
from stateflow.journal.stop import Stop
from stateflow.value import Json

__all__ = [
    "Asked",
    "Begun",
    "Course",
    "Did",
    "found_table",
    "last_text",
    "tables_in",
    "timeless",
    "tool_args",
    "usage_of",
    "waiting",
]

Begun: TypeAlias = EffectBegun | ChildStarted | HumanAsked
Table: TypeAlias = Mapping[str, Any]


class Did(NamedTuple):
    """An effect of a turn: how it began, where that is on the record, and what it came to."""

    ordinal: int
    begun: Begun | None
    came: Answer | None


@dataclass(slots=True)
class Asked:
    """What was asked before, at the same place: only the difference is written."""

    latest: dict[tuple[str, ...], Mapping[str, Any]] = field(
        default_factory=dict[tuple[str, ...], Mapping[str, Any]]
    )

    def before(
        self, flow: str, state: str, op: str, ordinal: int, model: str | None
    ) -> Mapping[str, Any]:
        """Return what the same effect asked at the last visit, else the one before it, if any."""
        here = (flow, state, op)
        found = self.latest.get((*here, str(ordinal))) or self.latest.get(here)
        if found is not None:
            return found
        if op != "model.call":
            return {}
        named = {} if model is None else {"model": model}
        return {"state": state, "render": 1, **named}

    def note(self, flow: str, state: str, op: str, ordinal: int, args: Mapping[str, Any]) -> None:
        """Remember what was asked."""
        self.latest[flow, state, op] = self.latest[flow, state, op, str(ordinal)] = args


@dataclass(slots=True)
class Course:
    """A run on its way."""

    table: Table
    flow: str
    task: str
    asked: Asked
    models: Mapping[str, str] | None = None
    """Models that replace the flow's, by agent."""
    places: dict[str, Mapping[str, Any]] = field(init=False)
    state: str = field(init=False)
    visits: dict[str, int] = field(init=False)
    last: str = field(init=False)
    """What was said last."""
    turns: int = 0
    usage: Usage = NO_USAGE
    stop: Stop | None = None
    """How the run ends with the last turn, if it does."""

    def __post_init__(self) -> None:
        """Stand at the beginning."""
        self.places = {_name(place): place for place in self.table["places"]}
        self.state, self.last = str(self.table["initial"]), self.task
        self.visits = {self.state: 1}

    def model(self, state: str) -> str | None:
        """Return the model of who speaks in *state*, as the flow names it."""
        speaks: Any = self.places.get(state, {}).get("speaks") or [None]
        if self.models and speaks[0] in self.models:
            return self.models[speaks[0]]
        for agent in self.table.get("agents", ()):
            if agent.get("name") == speaks[0]:
                model = agent.get("model")
                return model if isinstance(model, str) else None
        return None

    def rows(self, state: str) -> Sequence[Mapping[str, Any]]:
        """Return the transitions of *state*."""
        rows: Sequence[Mapping[str, Any]] = self.places.get(state, {}).get("to", ())
        return rows

    def steps(
        self,
        state: str,
        to: Sequence[str | None],
        taken: Sequence[int | None] | None,
        tried: Sequence[Sequence[bool | None]] | None,
    ) -> tuple[Step, ...]:
        """Return the steps from *state* to the places *to*; verdicts follow from what was taken."""
        made: list[Step] = []
        for number, target in enumerate(to):
            index = _way(self.rows(state), target) if taken is None else taken[number]
            verdicts = (
                tuple(tried[number])
                if tried is not None
                else ()
                if index is None
                else (*(False,) * index, True)
            )
            made.append(Step(state, verdicts, index, target))
            state = target or ""
        return tuple(made)

    def said(self, by: Sequence[str], did: Sequence[Did]) -> tuple[Said, ...]:
        """Return what the speakers *by* said, as it mostly is."""
        answers = {one.ordinal: one.came for one in did if one.came is not None}
        children = [
            came for came in answers.values() if isinstance(came, ChildEnded) and came.result
        ]
        if len(by) > 1 and len(children) == len(by):
            parts: list[dict[str, Any]] = [_part_of_child(one) for one in children]
        else:
            return tuple(_spoken(who, answers) for who in by)
        summaries = [n for n, one in answers.items() if not isinstance(one, ChildEnded)]
        ordinals = summaries if len(summaries) == len(by) else [one.key.ordinal for one in children]
        return tuple(
            Said(who, _first(answers, _text(answers[of])), part)
            for who, of, part in zip(by, ordinals, parts, strict=True)
        )

    def take(self, turn: TurnTaken, did: Sequence[Did]) -> None:
        """Move on by *turn*."""
        answers = {one.ordinal: one.came for one in did if one.came is not None}
        for said in turn.said:
            text = (said.part or {}).get("text")
            if text is None and said.of is not None:
                text = _text(answers.get(said.of))
            self.last = text if isinstance(text, str) else self.last
        self.usage += turn.usage
        self.turns += int(turn.spoken)
        self.turns += sum(one.turns for one in answers.values() if isinstance(one, ChildEnded))
        for step in turn.steps:
            if step.to is not None:
                self.visits[step.to] = self.visits.get(step.to, 0) + 1
        last = turn.steps[-1] if turn.steps else None
        self.stop = None if last is None else self._stop(turn, last)
        self.state = (last.to if last else None) or ""

    def _stop(self, turn: TurnTaken, last: Step) -> Stop | None:
        rows = self.rows(last.at)
        row = rows[last.taken] if last.taken is not None and last.taken < len(rows) else {}
        why = str(row.get("name", "else"))
        if last.taken is None and turn.fault is not None:
            why = f"on_error: {turn.fault}"
        if last.to is None:
            return Stop("done", turn.state, why, ok=True)
        place = self.places.get(last.to, {})
        if "final" in place:
            return Stop("final", last.to, why, ok=bool(place.get("ok", True)))
        return None

    def result(self) -> ChildResult | None:
        """Return what the run came to, as it mostly is; ``None`` where it has not ended."""
        stop = self.stop
        if stop is None:
            return None
        ended = "done" if stop.kind == "done" else stop.state
        return ChildResult(self.last, ended, stop.ok, self.usage, self.turns)


def usage_of(did: Sequence[Did]) -> Usage:
    """Return what the effects of a turn cost together."""
    total = NO_USAGE
    for one in did:
        usage = getattr(one.came, "usage", NO_USAGE)
        if usage is not NO_USAGE:
            total += usage
    return total


def tables_in(table: Table) -> Iterator[Table]:
    """Yield *table* and the tables of all flows in it."""
    open_parts: list[Any] = [table]
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, Mapping):
            if "initial" in part and "places" in part:
                yield part
            open_parts += part.values()
        elif isinstance(part, list):
            open_parts += part


def found_table(table: Table, flow: str) -> dict[str, Any] | None:
    """Return the table of the flow called *flow* in *table*."""
    return next((dict(one) for one in tables_in(table) if one.get("name") == flow), None)


def timeless(stop: Stop) -> Stop:
    """Return *stop* without when its questions are due."""
    return replace(stop, questions=tuple(replace(one, due=None) for one in stop.questions))


def waiting(state: str, did: Sequence[Did], path: str, children: Mapping[str, Journal]) -> Stop:
    """Return the stop of a run that waits for people, and of its nested runs that do."""
    asked: list[Question] = []
    for one in did:
        begun = one.begun
        if one.came is None and isinstance(begun, HumanAsked):
            name = f"{path}{begun.key}"
            asked.append(Question(name, begun.text, begun.options, begun.form, begun.default))
        elif one.came is None and isinstance(begun, ChildStarted):
            nested = children.get(str(begun.key))
            last = nested.events[-1].event if nested is not None and nested.events else None
            asked += timeless(last.stop).questions if isinstance(last, RunPaused) else ()
    return Stop("waiting", state, "a person has to answer", questions=tuple(asked))


def tool_args(tool: Json, seen: Sequence[Did]) -> dict[str, Any]:
    """Return what a tool call mostly says: the next call that the last model call asked for."""
    of, call = 0, 0
    for one in seen:
        if isinstance(one.came, EffectDone | EffectFailed) and one.came.op == "model.call":
            of, call = one.ordinal, 0
        elif one.came is not None and _calls_tool(one.came):
            call += 1
    return {"tool": tool, "of": of, "call": call}


def last_text(did: Sequence[Did]) -> str | None:
    """Return the text that the last effect of a turn made."""
    text = _text(did[-1].came) if did else None
    return text if isinstance(text, str) else None


def _name(place: Mapping[str, Any]) -> str:
    for kind in ("state", "junction", "final"):
        if kind in place:
            return str(place[kind])
    return ""


def _way(rows: Sequence[Mapping[str, Any]], target: str | None) -> int | None:
    """Return the first transition to *target*."""
    for index, row in enumerate(rows):
        if row.get("to") == target:
            return index
    return None


def _spoken(by: str, answers: Mapping[int, Answer]) -> Said:
    """Return what one speaker said with the last effect."""
    ran = [n for n, one in answers.items() if _op(one) == "code.run" and _done(one)]
    told = [n for n, one in answers.items() if _text(one) is not None or n in ran]
    picks = [n for n in told if _arg(answers[n], "candidates") is None] or told
    last = next((n for n in reversed(picks) if not _calls_tool(answers[n])), None)
    if last is None:
        return Said(by)
    came = answers[last]
    if ran and ran[-1] == last:
        return Said(by, None, {"outcome": _code_outcome(came), "ran": ran})
    of = _first(answers, _text(came))
    if _op(came) == "agent.reply":
        return Said(by, of)
    children = [one for one in answers.values() if isinstance(one, ChildEnded)]
    if children and children[0].args is None:
        return Said(by, of, _part_of_child(children[0]))
    if isinstance(came, HumanAnswered):
        return Said(by, of, {"answer": came.answer})
    return Said(by, of, _part_of_call(came, answers))


def _part_of_child(came: ChildEnded) -> dict[str, Any]:
    result = came.result
    if result is None:
        return {}
    detail = {} if result.ok else {"detail": f"ended in {result.ended!r}"}
    part: dict[str, Any] = {"outcome": {"ok": result.ok, **detail}, "ended": result.ended}
    if result.data is not None:
        part["reply"] = result.data
    return part


def _part_of_call(came: Answer, answers: Mapping[int, Answer]) -> dict[str, Any]:
    """Return what a model's turn says beside its text: its tool calls, its structured reply."""
    part: dict[str, Any] = {}
    tools = {n: one for n, one in answers.items() if _calls_tool(one)}
    if tools:
        part["used"] = sorted([_arg(one, "of"), _arg(one, "call"), n] for n, one in tools.items())
        results: list[Any] = [getattr(one, "result", None) for one in tools.values()]
        part["outcome"] = {"ok": all(_is_good(one) for one in results)}
        handoffs = [one["handoff"] for one in results if isinstance(one, dict) and "handoff" in one]
        if handoffs:
            part["handoff"] = handoffs[-1]
    if _arg(came, "schema") is not None:
        try:
            part["reply"] = json.loads(str(_text(came)))
        except (ValueError, RecursionError):
            return part
    return part


def _is_good(result: Any) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(result, ChildResult):
        return result.ok
    return isinstance(result, dict) and bool(result.get("ok", True))


def _calls_tool(came: Answer) -> bool:
    return _op(came) == "tool.call" or (isinstance(came, ChildEnded) and came.args is not None)


def _arg(came: Answer, name: str) -> Any:  # noqa: ANN401 - any JSON
    args = getattr(came, "args", None)
    return args.get(name) if isinstance(args, Mapping) else None


def _op(came: Answer) -> str:
    return came.op if isinstance(came, EffectDone | EffectFailed) else ""


def _done(came: Answer) -> bool:
    return isinstance(came, EffectDone)


def _code_outcome(came: Answer) -> dict[str, Any]:
    result: Any = getattr(came, "result", None)
    code, fault = result.get("exit_code"), str(result.get("fault", ""))
    return {
        "ok": code == 0 and not fault,
        **({} if code is None else {"exit_code": code}),
        **({"timed_out": True} if fault == "TimedOut" else {}),
        **({"fault": fault} if fault else {}),
    }


def _first(answers: Mapping[int, Answer], text: Any) -> int | None:  # noqa: ANN401 - any JSON
    """Return the first effect that made *text*: that is the one a message refers to."""
    if isinstance(text, str):
        for ordinal in sorted(answers):
            if _text(answers[ordinal]) == text:
                return ordinal
    return None


def _text(came: Answer | None) -> Any:  # noqa: ANN401 - any JSON
    match came:
        case EffectDone(result={"text": text}):
            return text
        case HumanAnswered():
            return came.answer
        case ChildEnded(result=ChildResult() as result):
            return result.text
        case _:
            return None
