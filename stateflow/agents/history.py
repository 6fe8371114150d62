"""What an assistant has done in this turn so far, as the messages its model is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from stateflow.conversation.effect import Made
from stateflow.conversation.file import File
from stateflow.conversation.message import ToolCall
from stateflow.models.base import ChatMessage
from stateflow.models.render import attached

__all__ = ["files_of", "history"]


def history(
    made: Mapping[int, Made], before: int, repair: Callable[[str], str]
) -> Iterator[ChatMessage]:
    """Yield the replies, tool results and complaints of the effects *before* an ordinal.

    Args:
        made: the effects of this turn.
        before: ordinal of the effect that is asked for now.
        repair: what the model is told of a reply that was not what was asked for.
    """
    for ordinal, one in made.items():
        if ordinal >= before or one.op != "model.call" or "summarise" in one.args:
            continue
        reply: Any = one.result.value
        calls = tuple(ToolCall(**call) for call in reply.get("calls", ()))
        native = reply.get("native")
        if reply["text"].strip() or calls or native:  # providers refuse an empty one
            yield ChatMessage("assistant", reply["text"], calls, native=native)
        if calls:
            yield from _results(made, ordinal, calls)
        else:
            yield ChatMessage("user", repair(reply["text"]))


def _results(
    made: Mapping[int, Made], of: int, calls: tuple[ToolCall, ...]
) -> Iterator[ChatMessage]:
    gave = {m.args["call"]: m for m in made.values() if m.calls_tool and m.args["of"] == of}
    for index, call in enumerate(calls):
        text, ok = gave[index].told()
        yield ChatMessage("tool", text, call_id=call.id, ok=ok)
    files = tuple(chain.from_iterable(files_of(one) for one in gave.values()))
    if files:
        yield attached(files)


def files_of(made: Made) -> tuple[File, ...]:
    """Return the files that a tool call gave."""
    gave: Any = made.result.value
    return tuple(File.from_json(file) for file in gave.get("files", ())) if gave else ()
