"""A model that says what it was told to say: for demos, tests and dry runs.

It keeps nothing: which text comes follows from what the request shows it to have said before,
so it resumes right, and one object serves many runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from stateflow.conversation.message import Usage
from stateflow.errors import BadReply, ModelNotFound
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.price import FREE, Price
from stateflow.models.stream import unique_calls

__all__ = ["ScriptedModel"]

_WORD: Final = re.compile(r"\S*\s*")
_CALL: Final = re.compile(r"([a-zA-Z0-9_-]+)\((\{.*\})\)", re.DOTALL)
"""A text that calls a tool: ``add({"a": 1})``."""
_JSON: Final = json.JSONDecoder()
_OPENING: Final = re.compile(r"\s*([a-zA-Z0-9_-]+)\(")


class ScriptedModel:
    """Says *replies* one after the other; the last one repeats.

    A reply is a text, or a ``ModelReply``, which can call tools.  A text such as ``add({"a": 1})``
    calls the tool of that name, where tools are offered; several calls stand side by side, with
    white space between them.  Usage is counted in words.
    """

    def __init__(
        self,
        replies: Sequence[str | ModelReply],
        *,
        name: str = "scripted",
        price: Price | None = FREE,
    ) -> None:
        if not replies:
            sentence = (
                f"model {name!r} has nothing to say; write its texts, as in 'scripted:one|two'"
            )
            raise ModelNotFound(sentence)
        self._replies = tuple(
            ModelReply(one, stop="stop") if isinstance(one, str) else one for one in replies
        )
        self.name = name
        self.price = price

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the next reply, its text word by word.

        Raises:
            BadReply: it calls a tool that is not among those offered.
        """
        said = self._said(request)
        reply = self._called(self._reply(said), request, said)
        for piece in _WORD.findall(reply.text):
            if piece:
                on_delta(piece)
        read, written = self._words(request), len(reply.text.split())
        return replace(reply, usage=Usage(calls=1, input_tokens=read, output_tokens=written))

    async def count(self, request: ModelRequest, /) -> int | None:
        """Count its words."""
        return self._words(request)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _words(self, request: ModelRequest) -> int:
        shown = [request.system, *(message.text for message in request.messages)]
        return sum(len(part.split()) for part in shown)

    def _reply(self, said: int) -> ModelReply:
        return self._replies[min(said, len(self._replies) - 1)]

    def _said(self, request: ModelRequest) -> int:
        """Count the replies so far; rendering merges those that follow each other."""
        said = 0
        for message in request.messages:
            if message.role != "assistant":
                continue
            rest = message.text
            said += 1
            while rest.startswith(self._reply(said - 1).text + "\n\n"):
                rest = rest.removeprefix(self._reply(said - 1).text + "\n\n")
                said += 1
        return said

    def _called(self, reply: ModelReply, request: ModelRequest, said: int) -> ModelReply:
        """Return *reply* as calls, if its text is made of calls and there are tools.

        Where there are none, such a text is code, and said.  Where there are, it is meant as a
        call; said as a text, a misspelt one would end the turn well, with nothing called.
        """
        found = _calls_in(reply.text.strip()) if request.tools else ()
        offered = {tool.name for tool in request.tools}
        for name, _ in found:
            if name not in offered:
                raise BadReply(
                    f"model {self.name!r} calls a tool {name!r}, which is not offered; "
                    f"there are: {', '.join(sorted(offered))}"
                )
        if not found:
            return reply
        calls = unique_calls((f"call-{said}", name, arguments) for name, arguments in found)
        return ModelReply("", calls, stop="tool_calls")


def _calls_in(text: str) -> Sequence[tuple[str, str]]:
    """Return names and arguments of the calls that *text* is made of; none: it says something.

    Arguments that are no JSON are still those of a call, as with any model.

    Example:
        >>> _calls_in('add({"a": 1}) add({"a": 2})')
        [('add', '{"a": 1}'), ('add', '{"a": 2}')]
    """
    calls: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        opening = _OPENING.match(text, at)
        end = _end_of_object(text, opening.end()) if opening else 0
        if opening is None or text[end : end + 1] != ")":
            broken = _CALL.fullmatch(text)
            return [] if broken is None else [(broken[1], broken[2])]
        calls.append((opening[1], text[opening.end() : end]))
        at = end + 1
    return calls


def _end_of_object(text: str, at: int) -> int:
    """Return where the JSON object ends that begins at *at*; 0: there is none."""
    try:
        value, end = _JSON.raw_decode(text, at)
    except (ValueError, RecursionError):
        return 0
    return end if isinstance(value, dict) else 0
