"""What was said, put together from what the effects of the turn came to.

A message's text and its tool calls stand in the journal once, with the effects that made them;
``Said`` refers to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from stateflow.conversation.effect import Made, Result
from stateflow.conversation.message import (
    NO_USAGE,
    Message,
    ToolCall,
    Usage,
    message_from,
)
from stateflow.journal.event import ChildEnded, EffectDone, EffectFailed, HumanAnswered, Said

__all__ = ["Answer", "made_of", "message_of", "result_of", "used"]

Answer: TypeAlias = EffectDone | EffectFailed | HumanAnswered | ChildEnded
"""What the journal holds for an effect that came to something."""


def result_of(answer: Answer) -> Result:
    """Return what the core sees of a recorded answer."""
    match answer:
        case EffectDone():
            return Result(answer.result, None, answer.usage)
        case EffectFailed():
            return Result(None, answer.fault, answer.usage)
        case HumanAnswered():
            return Result(answer.answer)
        case ChildEnded():
            return Result(None, answer.fault)


def made_of(answer: Answer) -> Made:
    """Return what an agent sees of a recorded answer."""
    if isinstance(answer, EffectDone | EffectFailed):
        return Made(answer.op, answer.args, result_of(answer))
    op = "human.ask" if isinstance(answer, HumanAnswered) else "child"
    return Made(op, None, result_of(answer))


def used(made: Mapping[int, Made]) -> list[tuple[list[int], ToolCall]]:
    """Return the tool calls of a turn with their places, in the order they were asked for.

    A place is the ordinal of the model call, the index in it, and the ordinal of the effect that
    made the call.
    """
    places = [
        (m.args["of"], m.args["call"], ordinal)
        for ordinal, m in made.items()
        if m.op == "tool.call"
    ]
    rounds = {of: number for number, of in enumerate(dict.fromkeys(of for of, _, _ in places))}
    return [
        ([of, index, ordinal], _tool_call(made, (of, index, ordinal), rounds[of]))
        for of, index, ordinal in sorted(places)
    ]


def _tool_call(made: Mapping[int, Made], place: Sequence[int], number: int) -> ToolCall:
    of, index, ordinal = place
    asked: Any = made[of].result.value
    call = asked["calls"][index]
    text, ok = made[ordinal].told()
    return ToolCall(call["id"], call["name"], call["arguments"], text, ok, number)


def message_of(said: Said, answers: Mapping[int, Answer], usage: Usage) -> Message:
    """Return the message that *said* refers to."""
    part = said.part
    if part is not None and "used" in part:
        part = {**part, "calls": _calls(part["used"], answers)}
        del part["used"]
    if said.of is None:
        message = message_from(part or {"text": ""}, said.by)
    else:
        source = answers[said.of]
        result: Any = source.result if isinstance(source, EffectDone) else None
        if part is not None:
            result = {"text": result["text"], **part}
        message = message_from(result, said.by)
    if usage is NO_USAGE or usage == NO_USAGE:
        return message
    return replace(message, usage=usage)


def _calls(places: Sequence[Sequence[int]], answers: Mapping[int, Answer]) -> list[dict[str, Any]]:
    made = {ordinal: made_of(answer) for ordinal, answer in answers.items()}
    rounds = list(dict.fromkeys(of for of, _, _ in places))
    calls = [_tool_call(made, place, rounds.index(place[0])) for place in places]
    return [
        {
            "id": c.id,
            "name": c.name,
            "arguments": c.arguments,
            "result": c.result,
            "ok": c.ok,
            "round": c.round,
        }
        for c in calls
    ]
