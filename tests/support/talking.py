"""Two who talk, one asking and one answering from what it sees, for as long as a test wants."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Any

from stateflow import (
    Assistant,
    Budget,
    File,
    Flow,
    FunctionAgent,
    Result,
    State,
    View,
    canonical,
    replay,
    run_sync,
    to,
    turns_at_least,
)
from stateflow.conversation.message import Message, Usage
from stateflow.conversation.window import Window
from stateflow.journal.event import EffectDone, EffectFailed, Journal
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel

__all__ = ["Talker", "asking", "effects", "go", "same", "summing", "talk", "told"]


class Talker(ScriptedModel):
    """Answers ``q3`` with ``a3``, sums up by all it was told, and keeps what it was asked."""

    def __init__(self, *, name: str = "scripted:x", counts: bool = True) -> None:
        super().__init__(["-"], name=name)
        self.requests: list[ModelRequest] = []
        self.counts = counts

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        del on_delta
        self.requests.append(request)
        known: list[str] = re.findall(r"\b[qa]\d+\b", "\n".join(m.text for m in request.messages))
        text = f"known: {' '.join(known)}" if summing(request) else f"a{known[-1][1:]}"
        return ModelReply(text, usage=Usage(1, self.words(request), len(text.split())))

    async def count(self, request: ModelRequest, /) -> int | None:
        return self.words(request) if self.counts else None

    def words(self, request: ModelRequest) -> int:
        """What it counts and bills: words, and a hundred for a file."""
        return self._words(request) + 100 * sum(len(m.files) for m in request.messages)


def summing(request: ModelRequest) -> bool:
    """Tell whether *request* asks for a summary."""
    return request.system.startswith("Summarise")


def told(request: ModelRequest) -> str:
    """Everything *request* shows, without the lines between."""
    return " | ".join(m.text.replace("\n\n", " | ") for m in request.messages)


def asking(size: int = 0, files: Container[int] = ()) -> FunctionAgent:
    """Somebody who asks one numbered question after the other, with a file in some."""

    def ask(view: View) -> Message:
        number = view.spoken.get("bob", 0)
        shown = (File.from_bytes(b"%d" % number, name="x.png"),) if number in files else ()
        return Message(f"q{number}{' x' * size}", files=shown)

    return FunctionAgent("bob", ask)


def talk(
    sees: Window,
    turns: int,
    *,
    model: Any = "scripted:x",  # noqa: ANN401 - whatever an assistant takes
    bob: FunctionAgent | None = None,
    budget: Budget | None = None,
) -> Flow:
    """Question and answer by turns."""
    ann = Assistant("ann", model, "Answer.")
    return Flow(
        "talk",
        State("ask", bob or asking(9), to("answer")),
        State("answer", ann, to(None, when=turns_at_least(turns - 1)), to("ask"), sees=sees),
        budget=budget,
    )


def go(flow: Flow, *models: Talker, ann: Talker | None = None) -> Result:
    """Run *flow*, and hold its replay against it."""
    ready = {**({} if ann is None else {"ann": ann}), **{one.name: one for one in models}}
    result = run_sync(flow, "Go.", models=ready)
    same(flow, result.journal)
    return result


def same(flow: Flow, journal: Journal | None) -> None:
    """The replay of *journal* is the same, byte for byte."""
    assert journal is not None
    again = replay(flow, journal).journal
    assert again is not None
    assert canonical(again) == canonical(journal)


def effects(result: Result, op: str) -> list[EffectDone | EffectFailed]:
    """What was done by that operation, or failed."""
    assert result.journal is not None
    events = [recorded.event for recorded in result.journal.events]
    return [e for e in events if isinstance(e, EffectDone | EffectFailed) and e.op == op]
