"""Asking a model whose replies are kept: the same request is paid for once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from stateflow import (
    BadRequest,
    FallbackModel,
    Overloaded,
    Result,
    Retry,
    Runner,
)
from stateflow.conversation.message import ToolCall
from stateflow.engine.door import Delta
from stateflow.journal.event import EffectDone
from stateflow.models.base import ModelReply
from stateflow.models.cache import request_key
from stateflow.stores.cache import SqliteReplyCache
from stateflow.stores.memory import MemoryStore
from stateflow.value import Json
from tests.support.flaky import Flaky, asking, effects, go, only, patient


def replies(result: Result) -> list[Any]:
    """Return what the models answered."""
    assert result.journal is not None
    made = [one for one in effects(result.journal) if one.op == "model.call"]
    return [one.result for one in made if isinstance(one, EffectDone)]


async def test_the_second_run_of_the_same_asks_nobody_and_costs_nothing(tmp_path: Path) -> None:
    """The journal says so, and needs no cache to be replayed."""
    model, deltas = Flaky(), list[Delta]()
    first = await go(asking(patient()), model, cache=tmp_path / "replies.db")
    second = await go(asking(patient()), model, cache=tmp_path / "replies.db", deltas=deltas)

    assert len(model.requests) == 1
    assert (first.usage.calls, second.usage.calls, second.usage.usd) == (1, 0, 0.0)
    assert (second.usage.input_tokens, second.usage.output_tokens) == (0, 0)
    assert ("cached" in only(first).result, only(second).result["cached"]) == (False, True)
    assert second.messages[-1].text == "whole"
    assert [(d.text, d.attempt) for d in deltas] == [("whole", 1)]


async def test_calls_of_tools_are_kept_too(tmp_path: Path) -> None:
    """A cached reply is as whole as the first."""

    def double(number: int) -> int:
        """Double it."""
        return 2 * number

    call = ToolCall("c1", "double", '{"number": 4}')
    said = ModelReply("", (call,), stop="tool_calls", native={"signed": "x"})
    flow = asking(patient(), tools=[double], rounds=1)
    first, second = [
        replies(await go(flow, Flaky(says=said), cache=tmp_path / "replies.db")) for _ in range(2)
    ]
    assert first[0]["native"] == {"signed": "x"}
    assert [{**one, "cached": True} for one in first] == second


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"reply": None},
        {"reply": "whole"},
        {"reply": {}},
        {"reply": {"text": 5}},
        {"reply": {"text": None, "calls": []}},
        {"reply": {"text": "x", "of another version": 1}},
        {"reply": {"text": "x", "calls": ["y"]}},
        {"reply": {"text": "x", "calls": [{"id": "1", "name": "y"}]}},
        {"reply": {"text": "x", "calls": [{"id": "1", "name": 2, "arguments": "{}"}]}},
        {"reply": {"text": "x", "calls": 3}},
        {"reply": {"text": "x", "stop": ["stop"]}},
    ],
    ids=str,
)
async def test_an_entry_that_is_no_reply_is_as_good_as_none(
    entry: dict[str, Json], tmp_path: Path
) -> None:
    """The model is asked, and its answer takes the entry's place."""
    flow, model = asking(patient()), Flaky()
    await go(flow, model)
    key = request_key(model.requests[0])
    cache = SqliteReplyCache(tmp_path / "replies.db")
    await cache.put(key, entry)

    result = await go(flow, model, cache=cache)

    assert (result.messages[-1].text, len(model.requests)) == ("whole", 2)
    cache = SqliteReplyCache(tmp_path / "replies.db")
    put: Any = await cache.get(key)
    await cache.aclose()
    assert put["reply"]["text"] == "whole"


async def test_a_cache_that_cannot_be_read_is_a_fault_that_names_it(tmp_path: Path) -> None:
    """Without it, or with another, the run goes on where it was."""
    (tmp_path / "replies.db").write_text("This is a text, and no database at all. " * 99)
    flow, store = asking(patient()), MemoryStore()
    stop = (await go(flow, Flaky(), store=store, cache=tmp_path / "replies.db")).stop
    assert (stop.kind, "replies.db" in stop.why) == ("failed", True)
    async with Runner(store=store, models={"of nobody": Flaky()}) as runner:
        assert (await runner.resume(flow, "r")).stop.kind == "done"


async def test_a_fault_is_not_kept(tmp_path: Path) -> None:
    """The next run asks again."""
    model = Flaky(BadRequest("no"))
    results = [await go(asking(patient()), model, cache=tmp_path / "replies.db") for _ in range(2)]
    assert [result.stop.kind for result in results] == ["failed", "done"]


async def test_each_of_several_models_has_replies_of_its_own(tmp_path: Path) -> None:
    """A second run, in which the first model works, does not get the reply of the second."""
    once = patient("one", Retry(attempts=1))
    texts: Sequence[str] = [
        (
            await go(
                asking(FallbackModel(once, "two")),
                Flaky(*faults, says="from one"),
                Flaky(says="from two", name="two"),
                cache=tmp_path / "replies.db",
            )
        )
        .messages[-1]
        .text
        for faults in ([Overloaded("x")], [])
    ]
    assert texts == ["from two", "from one"]
