"""What was said, put together from what the effects of the turn came to.

A message's text, its tool calls and what its code came to stand in the journal once, with the
effects that made them; ``Said`` refers to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from stateflow.conversation.effect import Made, Result
from stateflow.conversation.execution import Execution, tell
from stateflow.conversation.message import (
    Message,
    ToolCall,
    Usage,
    message_from,
)
from stateflow.journal.event import ChildEnded, EffectDone, EffectFailed, HumanAnswered, Said
from stateflow.value import Json

__all__ = [
    "Answer",
    "execution_of",
    "made_of",
    "message_of",
    "ran",
    "result_of",
    "used",
]

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
            came_to = answer.result
            value: Json = None if came_to is None else {"text": came_to.text, "ok": came_to.ok}
            return Result(value, answer.fault)


def made_of(answer: Answer) -> Made:
    """Return what an agent sees of a recorded answer."""
    if isinstance(answer, EffectDone | EffectFailed):
        return Made(answer.op, answer.args, result_of(answer), answer.seconds)
    if isinstance(answer, ChildEnded):
        return Made("child", answer.args, result_of(answer))
    return Made("human.ask", None, result_of(answer))


def used(made: Mapping[int, Made]) -> list[tuple[list[int], ToolCall]]:
    """Return the tool calls of a turn with their places, in the order they were asked for.

    A place is the ordinal of the model call, the index in it, and the ordinal of the effect that
    made the call.
    """
    places = [
        (m.args["of"], m.args["call"], ordinal) for ordinal, m in made.items() if m.calls_tool
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


def ran(made: Mapping[int, Made]) -> tuple[list[int], tuple[Execution, ...], str]:
    """Return the effects that ran the code of a turn, what it came to, and that in words."""
    ordinals = [n for n, one in made.items() if one.op == "code.run" and one.result.fault is None]
    return ordinals, *_told([made[ordinal] for ordinal in ordinals])


def _told(blocks: Sequence[Made]) -> tuple[tuple[Execution, ...], str]:
    executions = tuple(execution_of(one) for one in blocks)
    return executions, tell(executions, blocks[0].args["of"] if blocks else 0)


def execution_of(made: Made) -> Execution:
    """Return what one block came to."""
    result: Any = made.result.value
    return Execution.from_json(result, made.seconds)


def message_of(said: Said, answers: Mapping[int, Answer], usage: Usage) -> Message:
    """Return the message that *said* refers to."""
    part = said.part
    if part is not None and "used" in part:
        part = {**part, "calls": _calls(part["used"], answers)}
        del part["used"]
    if part is not None and "ran" in part:
        return _code_message(said.by, part, answers, usage)
    if said.of is None:
        return message_from(part or {"text": ""}, said.by, usage)
    source = answers[said.of]
    result: Any = source.result if isinstance(source, EffectDone) else None
    if isinstance(source, ChildEnded) and source.result is not None:
        result = {"text": source.result.text}
    elif isinstance(source, HumanAnswered):
        result = {"text": source.answer}
    if part is not None:
        result = {"text": result["text"], **part}
    return message_from(result, said.by, usage)


def _code_message(
    speaker: str, part: Mapping[str, Any], answers: Mapping[int, Answer], usage: Usage
) -> Message:
    """Return the message of a turn that ran code: its text tells what the blocks came to."""
    executions, text = _told([made_of(answers[ordinal]) for ordinal in part["ran"]])
    rest = {key: value for key, value in part.items() if key != "ran"}
    message = message_from({"text": text, **rest}, speaker, usage)
    return replace(message, executions=executions)


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
