"""Whether what was read is a reply, and which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stateflow.conversation.message import Usage
from stateflow.errors import BadReply, Refused
from stateflow.models.base import ModelReply, ModelRequest, estimate_text, estimate_tokens
from stateflow.models.http import check_uncut
from stateflow.models.stream import Reading, whole

__all__ = ["reply_of"]


def reply_of(
    request: ModelRequest, reading: Reading, name: str, quote: Callable[[str], str]
) -> ModelReply:
    """Return what was read.

    Args:
        request: what was asked.
        reading: what came.
        name: what error sentences call the model.
        quote: makes words of the server harmless.

    Raises:
        Refused: the model or its provider declined.
        BadReply: it is not whole.
    """
    text, calls = whole("".join(reading.text)), reading.calls()
    if reading.refusal or reading.stop == "content_filter":
        why = quote("".join(reading.refusal)) or "its content filter stepped in"
        raise Refused(f"{name} declined: {why}; change the task or the prompt")
    if not reading.stop:
        raise BadReply(f"{name}: the reply broke off before its end; try again")
    if reading.cut:
        check_uncut(request, text, calls, name)
    if not all(call.name for call in calls):
        raise BadReply(f"{name} called a tool without naming it; try again")
    return ModelReply(
        text,
        calls=calls,
        reasoning=whole("".join(reading.reasoning)),
        stop=whole(reading.stop),
        usage=_usage(request, reading, text),
        request_id=reading.request_id,
        native=reading.native(),
    )


def _usage(request: ModelRequest, reading: Reading, text: str) -> Usage:
    """Return what the server counted, or our estimate where it did not count."""
    counted = reading.usage() or Usage()
    called = [call.name + call.arguments for call in reading.calls()]
    written = "".join((*reading.reasoning, text, *called))
    return replace(
        counted,
        calls=1,
        input_tokens=counted.input_tokens or estimate_tokens(request),
        output_tokens=counted.output_tokens or estimate_text(written),
    )
