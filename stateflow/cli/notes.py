"""What is told of a turn beside its texts: tool calls, nested runs, tries that failed, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from stateflow.cli.chart import Chart, cut
from stateflow.conversation.effect import Attempt
from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.diagram.words import counted
from stateflow.journal.event import ChildEnded, ChildStarted, EffectDone, EffectFailed
from stateflow.journal.fold import Fold
from stateflow.journal.said import Answer, made_of, used

__all__ = ["came_to", "files_line", "notes_of"]

_ARGUMENTS: Final = 3
"""Part of a line that the arguments of a call may take: one in so many."""


def notes_of(
    chart: Chart, fold: Fold, ordinal: int, columns: int | None = None, answer: Answer | None = None
) -> list[str]:
    """Return what is told of one of the open turn's effects, a text each.

    Args:
        chart: of the run.
        fold: of the run, within the turn.
        ordinal: which of the turn's effects.
        columns: most that a text may take, so that it is cut; ``None``: it is whole.
        answer: what it came to, where *fold* has not seen that yet.
    """
    answers = fold.answers if answer is None else {**fold.answers, ordinal: answer}
    answer = answers[ordinal]
    notes: list[str] = []
    if isinstance(answer, EffectDone | EffectFailed):
        notes += [_tried(one) for one in answer.attempts]
    if isinstance(answer, EffectDone):
        notes += _of_reply(answer)
    if isinstance(answer, ChildEnded):
        begun = fold.begun.get(ordinal)
        flow = begun.flow if isinstance(begun, ChildStarted) else answer.key.state
        name = chart.branch(answer.key.state, ordinal, flow)
        notes.append(f"FLOW {name}: {came_to(answer)}")
    if columns is not None:
        notes = [cut(note, columns) for note in notes]
    return notes + [_call(call, columns) for call in _calls(answers, ordinal)]


def came_to(ended: ChildEnded) -> str:
    """Return what came of a nested run.

    Example:
        >>> from stateflow.conversation.effect import Key
        >>> came_to(ChildEnded(Key("write", 1, 0), cancelled=True, lost_turns=1))
        'cancelled after 1 turn'
    """
    if ended.cancelled:
        return f"cancelled after {counted(ended.lost_turns, 'turn')}"
    result, fault = ended.result, ended.fault
    if fault is not None and fault.is_a("ChildFailed"):  # its own turns tell more
        what = f"{fault.which} used up" if fault.which else "failed"
        return f"{what} after {counted(ended.turns, 'turn')}"
    if fault is not None:
        return str(fault)
    name = "done" if result is None or result.ended == "done" else f"final {result.ended!r}"
    failed = "" if result is None or result.ok else ", not ok"
    return f"{name} in {counted(ended.turns, 'turn')}{failed}"


def files_line(files: Sequence[File]) -> str:
    """Return the names of *files*.

    Example:
        >>> files_line([File.from_bytes(b"%PDF-1.7", name="bill.pdf")])
        'with bill.pdf'
    """
    return f"with {', '.join(file.name or file.media_type for file in files)}"


def _tried(one: Attempt) -> str:
    return f"waited {one.waited_s:.3g} s: {one.fault}" if one.waited_s else f"{one.by}: {one.fault}"


def _of_reply(answer: EffectDone) -> Iterator[str]:
    """Yield what is special about a model's reply."""
    args: Any = answer.args
    reply: Any = answer.result
    if answer.op != "model.call":
        return
    if reply.get("model"):
        yield f"answered by {reply['model']}"
    if reply.get("cached"):
        yield "answered from the cache"
    if args and "summarise" in args:
        yield "earlier messages were summarised"


def _calls(answers: Mapping[int, Answer], ordinal: int) -> list[ToolCall]:
    """Return the tool call that an effect made, or those that an opaque agent tells of."""
    answer = answers[ordinal]
    if isinstance(answer, EffectDone) and answer.op == "agent.reply":
        reply: Any = answer.result  # None where it passed
        calls: list[dict[str, Any]] = reply.get("calls", []) if reply is not None else []
        return [ToolCall(**call) for call in calls]
    made_here = made_of(answer)
    args: Any = made_here.args
    if not made_here.calls_tool:
        return []
    made = {args["of"]: made_of(answers[args["of"]]), ordinal: made_here}
    return [call for _, call in used(made)]


def _call(call: ToolCall, columns: int | None) -> str:
    arguments = call.arguments if columns is None else cut(call.arguments, columns // _ARGUMENTS)
    how = "ok" if call.ok else "failed"
    line = f"{call.name}({arguments}) {how}" + (f": {call.result}" if call.result else "")
    return line if columns is None else cut(line, columns)
