"""What comes back through the door, as values that can be journaled: errors become faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from stateflow.conversation.effect import Effect, FaultRaised, Key
from stateflow.conversation.message import (
    NO_USAGE,
    Fault,
    Message,
    message_from,
    message_json,
)
from stateflow.errors import BadReply, RunError
from stateflow.journal.event import HumanAnswered, HumanAsked
from stateflow.journal.redact import Redactor
from stateflow.journal.said import Answer
from stateflow.value import Json

__all__ = ["Said", "check_json", "cleaned", "fault_of", "same_operation", "same_question"]

Said = TypeVar("Said", Message, Fault)

_DEEPEST = 100
"""Most levels of a JSON value; pydantic writes no more than about 250."""


def cleaned(value: Said, redactor: Redactor) -> Said:
    """Return a message or a fault without secrets.

    Raises:
        BadReply: the message holds something that is no JSON.
    """
    if isinstance(value, Fault):
        return replace(value, text=redactor.text(value.text))
    usage = value.usage
    written = message_json(value if usage is NO_USAGE else replace(value, usage=NO_USAGE))
    said = redactor.json(written)
    if said == written == {"text": value.text}:  # nearly every message
        return value
    check_json(said, f"the message of {value.speaker!r}")
    clean = message_from(said, value.speaker)
    return clean if usage is NO_USAGE else replace(clean, usage=usage)


def check_json(value: Any, op: str, depth: int = 0) -> None:  # noqa: ANN401 - that is the question
    """Refuse what a journal cannot hold, so that every life of a run reads the same.

    Raises:
        BadReply: *value* is no JSON, or nested deeper than what writes it to disk can follow.
    """
    if depth > _DEEPEST:
        raise BadReply(f"{op} came to something nested too deep for a journal")
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, dict):
        for part in value.values():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - of an Any
            check_json(part, op, depth + 1)
    elif isinstance(value, list):
        for part in value:  # pyright: ignore[reportUnknownVariableType] - of an Any
            check_json(part, op, depth + 1)
    elif not (isinstance(value, float) and math.isfinite(value)):
        shown = repr(value)[:80]
        sentence = f"{op} came to {shown}, which JSON cannot hold; return texts and numbers"
        raise BadReply(sentence)


def fault_of(error: BaseException, key: Key | None = None) -> Fault:
    """Return *error* as a fault; a recorded one keeps its name."""
    if isinstance(error, FaultRaised):
        return error.fault
    kinds = [kind.__name__ for kind in type(error).__mro__[1:] if issubclass(kind, Exception)]
    if kinds and kinds[-1] == "Exception":
        kinds.pop()
    if isinstance(error, TimeoutError) and "TimedOut" not in kinds:
        kinds.append("TimedOut")
    ordinal = key.ordinal if key is not None else getattr(error, "ordinal", None)
    which = str(getattr(error, "which", ""))
    return Fault(type(error).__name__, str(error), tuple(kinds), ordinal, which)


def same_operation(effect: Effect, known: Answer) -> None:
    """Hold what the journal has for *effect* against what is asked now.

    Raises:
        RunError: the agent's code has changed.
    """
    op = getattr(known, "op", "human.ask" if isinstance(known, HumanAnswered) else "child")
    if op != effect.call.op:
        raise RunError(
            f"{effect.key}: the journal holds {op!r} here, and the agent now asks for "
            f"{effect.call.op!r}; its code has changed since. Fork the run at its last whole turn"
        )
    args, asked = getattr(known, "args", None), effect.call.args
    if op.startswith("code.") and _code(args) != _code(asked):
        raise RunError(
            f"{effect.key}: what the journal holds here is of other code than is to be run now; "
            "the flow has changed since. Fork the run at its last whole turn"
        )


def _code(args: object) -> object:
    return cast("Mapping[str, object]", args).get("code") if isinstance(args, Mapping) else None


def same_question(effect: Effect, asked: object, redact: Callable[[Json], Json]) -> None:
    """Hold the question that a person has answered against what is asked now.

    Leave to run one piece of code is no leave to run another.

    Raises:
        RunError: it is another question.
    """
    if effect.call.op != "human.ask":
        return
    args: Any = redact(effect.call.args)
    if isinstance(asked, HumanAsked) and asked.text != args["text"]:
        raise RunError(
            f"{effect.key}: the answer on record is to another question than the one that is "
            "asked now; the flow has changed since. Fork the run at its last whole turn"
        )
