"""What a call can read at most, held against runs that read it."""

from __future__ import annotations

from random import Random

import pytest

from stateflow import (
    Assistant,
    Flow,
    Model,
    Price,
    Runner,
    Scripted,
    Settings,
    State,
    by_model,
    summarised,
    to,
    visited,
)
from stateflow.engine.ceiling import bound
from stateflow.journal.fold import fold as fold_of
from stateflow.models.base import ModelRequest
from tests.support.wild import Dice

WRITER = Assistant("writer", Model("scripted:x", Settings(max_tokens=50), price=Price(1.0, 2.0)))


class _Plain(Dice):
    """A model that answers in a word, and bills what it read."""

    def _text(self, request: ModelRequest) -> str:
        del request
        return "ok"


LONG = "word " * 1_000
TALK = Scripted("talker", [LONG] * 30)


@pytest.mark.parametrize(
    "flow",
    [
        Flow(
            "late summary",
            State(
                "talk", TALK, to("sum", when=visited("talk", at_least=30)), to("talk"), visits=30
            ),
            State("sum", WRITER, to(None), sees=summarised(beyond=3, keep=1)),
        ),
        Flow(
            "long prompt of a summary",
            State("talk", TALK, to("sum", when=visited("talk", at_least=5)), to("talk"), visits=5),
            State("sum", WRITER, to(None), sees=summarised(beyond=3, keep=1, prompt=LONG * 9)),
        ),
        Flow(
            "described candidates",
            State("who", Scripted("z", ["k"]), to("x"), to("y"), choose=by_model(WRITER.model)),
            State("x", Assistant("b", WRITER.model, description=LONG * 9), to(None)),
            State("y", Assistant("c", WRITER.model, description=LONG * 9), to(None)),
        ),
    ],
    ids=lambda flow: flow.name,
)
async def test_what_is_read_once_and_at_length_is_in_the_bound(flow: Flow) -> None:
    told = bound(flow, task_tokens=1)

    async with Runner(models={"x": _Plain(Random(1))}) as runner:  # noqa: S311 - a seed is wanted
        result = await runner.start(flow, "t", run="r")
        spent = fold_of((await runner.journal(result.run)).events).spent

    assert spent.calls > 1
    assert spent.tokens <= told["tokens"].most
    assert (spent.usd or 0.0) <= told["usd"].most
