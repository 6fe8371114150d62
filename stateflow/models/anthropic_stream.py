"""What a stream of Anthropic's events has said so far."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as fresh
from typing import Final, cast

from stateflow.conversation.message import ToolCall, Usage
from stateflow.models.anthropic_wire import SIGNED
from stateflow.models.stream import (
    ErrorSent,
    Reading,
    count,
    field,
    rows,
    string,
    unique_calls,
    whole,
)
from stateflow.value import Json

__all__ = ["MessageReading"]

_CUT: Final = {"max_tokens", "model_context_window_exceeded"}
_PIECE: Final = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
}
_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class _Block:
    """One block of the reply's content."""

    kind: str
    start: object
    """As it was opened."""
    pieces: list[str] = fresh(default_factory=list[str])
    """Of its text, its thinking or its JSON."""
    signature: str = ""
    """Or what is hidden, of thinking that is not shown."""


class MessageReading(Reading):
    """A message of Anthropic's: its events, or the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = False
        self.ended = False
        self._counts: dict[str, object] = {}
        self._blocks: dict[int, _Block] = {}

    def take(self, event: object) -> str:
        """See :meth:`Reading.take`."""
        match string(event, "type"):
            case "message_start":
                self._begin(field(event, "message"))
            case "content_block_start":
                return self._open(_index(event), field(event, "content_block"))
            case "content_block_delta":
                return self._add(_index(event), field(event, "delta"))
            case "message_delta":
                self._finish(field(event, "delta"), field(event, "usage"))
            case "message_stop":
                self.ended = True
            case "message":
                return self._take_whole(event)
            case "error":
                raise ErrorSent(field(event, "error"))
            case _:  # the vendor says that new kinds of events may come
                pass
        return ""

    def _take_whole(self, message: object) -> str:
        self._begin(message)
        blocks = enumerate(rows(message, "content", needed=True))
        text = "".join([self._open(index, block) for index, block in blocks])
        self._finish(message, field(message, "usage"))
        self.ended = True
        return text

    def _begin(self, message: object) -> None:
        self.begun = True
        self._count(field(message, "usage"))

    def _finish(self, delta: object, usage: object) -> None:
        self.stop = whole(string(delta, "stop_reason")) or self.stop
        self.keep(self.refusal, string(field(delta, "stop_details"), "explanation"))
        self._count(usage)

    def _count(self, usage: object) -> None:
        """Keep the latest of all figures; they are sums, not steps."""
        if isinstance(usage, Mapping):
            said = cast("Mapping[str, object]", usage)
            self._counts.update({name: said[name] for name in said if said[name] is not None})

    def _open(self, index: int, start: object) -> str:
        kind = string(start, "type")
        if index in self._blocks or not kind:
            raise ValueError("content_block")
        block = self._blocks[index] = _Block(kind, start)
        if kind == "tool_use":
            if not (string(start, "id") and string(start, "name")):
                raise ValueError("tool_use")
            given = field(start, "input")
            return self._keep(block, json.dumps(given, ensure_ascii=False) if given else "")
        block.signature = string(start, "data" if kind == "redacted_thinking" else "signature")
        if kind == "thinking":
            self.keep(self.reasoning, "\n\n" if self.reasoning else "")
        return self._keep(block, string(start, kind) if kind in {"text", "thinking"} else "")

    def _add(self, index: int, delta: object) -> str:
        if index not in self._blocks:
            raise ValueError("index")
        block, kind = self._blocks[index], string(delta, "type")
        if kind == "signature_delta":
            block.signature += string(delta, "signature")
        return self._keep(block, string(delta, _PIECE[kind])) if kind in _PIECE else ""

    def _keep(self, block: _Block, piece: str) -> str:
        self.keep(block.pieces, piece)
        if block.kind == "thinking" and piece:
            self.reasoning.append(piece)
        if block.kind != "text" or not piece:
            return ""
        self.text.append(piece)
        return piece

    @property
    def cut(self) -> bool:
        """See :meth:`Reading.cut`."""
        return self.stop in _CUT

    def calls(self) -> tuple[ToolCall, ...]:
        """See :meth:`Reading.calls`; the arguments of one that was cut off are no JSON."""
        nothing = "" if self.cut else "{}"  # a tool without arguments may be called without any
        return unique_calls(
            (string(block.start, "id"), string(block.start, "name"), _said(block) or nothing)
            for block in self._of("tool_use")
        )

    def native(self) -> Json:
        """Return the signed blocks, which the vendor wants back with what the tools gave."""
        if not self._of("tool_use"):
            return None
        return [_native(block) for block in self._of(*SIGNED)] or None

    def usage(self) -> Usage | None:
        """See :meth:`Reading.usage`.

        The last figure comes with the reason to stop; before that what was said is estimated.
        """
        if not self._counts:
            return None
        written = count(self._counts, "output_tokens")
        cached = count(self._counts, "cache_read_input_tokens")
        kept = count(self._counts, "cache_creation_input_tokens")
        return Usage(
            calls=1,
            input_tokens=count(self._counts, "input_tokens") + cached + kept,
            output_tokens=written
            if self.stop
            else max(written, self.size // _CHARACTERS_PER_TOKEN),
            cached_tokens=cached,
            written_tokens=kept,
            reasoning_tokens=count(self._counts.get("output_tokens_details"), "thinking_tokens"),
        )

    def _of(self, *kinds: str) -> Sequence[_Block]:
        return [block for _, block in sorted(self._blocks.items()) if block.kind in kinds]


def _said(block: _Block) -> str:
    return whole("".join(block.pieces))


def _native(block: _Block) -> Json:
    if block.kind != "thinking":
        return {"type": block.kind, "data": whole(block.signature)}
    return {"type": block.kind, "thinking": _said(block), "signature": whole(block.signature)}


def _index(event: object) -> int:
    index = field(event, "index")
    if not isinstance(index, int):
        raise ValueError("index")  # noqa: TRY004 - told as garbage by our caller
    return index
