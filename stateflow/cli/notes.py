"""What is told of a turn beside its texts: tool calls, tries that failed, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from stateflow.cli.chart import cut
from stateflow.conversation.effect import Attempt
from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.journal.event import EffectDone, EffectFailed
from stateflow.journal.said import Answer, made_of, used

__all__ = ["files_line", "notes_of"]

_ARGUMENTS: Final = 3
"""Part of a line that the arguments of a call may take: one in so many."""


def notes_of(answers: Mapping[int, Answer], ordinal: int, columns: int | None = None) -> list[str]:
    """Return what is told of one of a turn's effects, a text each.

    Args:
        answers: what the effects of the turn came to, by ordinal.
        ordinal: which of them.
        columns: most that a text may take, so that it is cut; ``None``: it is whole.
    """
    answer = answers[ordinal]
    if not isinstance(answer, EffectDone | EffectFailed):
        return []
    notes = [_tried(one) for one in answer.attempts]
    if isinstance(answer, EffectDone):
        notes += _of_reply(answer)
    if columns is not None:
        notes = [cut(note, columns) for note in notes]
    return notes + [_call(call, columns) for call in _calls(answers, ordinal)]


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
    if not isinstance(answer, EffectDone | EffectFailed) or answer.op != "tool.call":
        return []
    args: Any = answer.args
    made = {at: made_of(answers[at]) for at in (args["of"], ordinal)}
    return [call for _, call in used(made)]


def _call(call: ToolCall, columns: int | None) -> str:
    arguments = call.arguments if columns is None else cut(call.arguments, columns // _ARGUMENTS)
    how = "ok" if call.ok else "failed"
    line = f"{call.name}({arguments}) {how}" + (f": {call.result}" if call.result else "")
    return line if columns is None else cut(line, columns)
