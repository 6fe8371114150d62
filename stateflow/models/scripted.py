"""A model that says what it was told to say: for demos, tests and dry runs.

It keeps nothing: which text comes follows from what the request shows it to have said before,
so it resumes right, and one object serves many runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from stateflow.conversation.message import Usage
from stateflow.errors import ModelNotFound
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.price import FREE, Price

__all__ = ["ScriptedModel"]

_WORD: Final = re.compile(r"\S*\s*")


class ScriptedModel:
    """Says *texts* one after the other; the last one repeats.

    Usage is counted in words.
    """

    def __init__(
        self, texts: Sequence[str], *, name: str = "scripted", price: Price | None = FREE
    ) -> None:
        if not texts:
            sentence = (
                f"model {name!r} has nothing to say; write its texts, as in 'scripted:one|two'"
            )
            raise ModelNotFound(sentence)
        self._texts = tuple(texts)
        self.name = name
        self.price = price

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        """Return the next text, word by word."""
        text = self._text(self._said(request))
        for piece in _WORD.findall(text):
            if piece:
                on_delta(piece)
        shown = [request.system, *(message.text for message in request.messages)]
        read, written = sum(len(part.split()) for part in shown), len(text.split())
        usd = None if self.price is None else self.price.cost(read, written)
        usage = Usage(calls=1, input_tokens=read, output_tokens=written, usd=usd)
        return ModelReply(text, stop="stop", usage=usage)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _text(self, said: int) -> str:
        return self._texts[min(said, len(self._texts) - 1)]

    def _said(self, request: ModelRequest) -> int:
        """Count the replies so far; rendering merges those that follow each other."""
        said = 0
        for message in request.messages:
            if message.role != "assistant":
                continue
            rest = message.text
            said += 1
            while rest.startswith(self._text(said - 1) + "\n\n"):
                rest = rest.removeprefix(self._text(said - 1) + "\n\n")
                said += 1
        return said
