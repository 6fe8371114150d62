"""Whole runs against a server that cannot be trusted."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from stateflow import Assistant, Flow, Model, Result, Retry, Runner, State, run, to, tool
from stateflow.conversation.effect import Attempt
from stateflow.journal.event import EffectDone, EffectFailed
from tests.support.hostile import Hostile, Script, Step, head, hostile, until_closed
from tests.support.wires import KEY, NAMES, TEXT, WIRES, WORDS, Wire

each = pytest.mark.parametrize("wire", WIRES, ids=repr)
BUSY = [head("429 Slow", "retry-after: 0.2", "content-length: 0")]


@tool(name=NAMES[0])
def look_up(city: str) -> str:
    """Look a city up."""
    return f"{city} is fine"


MODEL = Model("there", retry=Retry(attempts=3, wait_s=0.0))
BOT = Assistant("bot", model=MODEL, tools=[look_up])
FLOW = Flow("talk", State("say", BOT, to(None)))


async def run_against(
    wire: Wire, *scripts: Script, store: Path | None = None
) -> tuple[Result, Hostile]:
    """Run the flow with its model at a server that plays *scripts*."""
    async with hostile(*scripts) as server:
        way = httpx2.AsyncClient(trust_env=False, verify=False)
        result = await run(FLOW, "hi", store=store, models={"bot": wire.client(server.url, way)})
    return result, server


def attempts(result: Result) -> list[Attempt]:
    """Return the failed attempts that the journal holds."""
    assert result.journal is not None
    assert KEY not in repr(result.journal)
    events = [one.event for one in result.journal.events]
    done = [event for event in events if isinstance(event, EffectDone | EffectFailed)]
    return [attempt for event in done for attempt in event.attempts]


@each
async def test_a_busy_server_is_asked_again_after_the_wait_it_asked_for(wire: Wire) -> None:
    """The run is done, and its journal tells of the attempt that failed."""
    result, server = await run_against(wire, BUSY, [until_closed(wire.body(0))])

    assert (result.stop.kind, result.messages[-1].text) == ("done", TEXT)
    assert [(one.fault.name, one.waited_s) for one in attempts(result)] == [("RateLimited", 0.2)]
    assert len(server.requests) == 2


@each
async def test_a_connection_that_breaks_in_the_middle_is_tried_again(wire: Wire) -> None:
    """What the broken reply had said is no part of the run."""
    events = wire.reply(0)
    broken: Script = [head(), *events[:-2], Step.RESET]
    result, _ = await run_against(wire, broken, [until_closed(wire.body(0))])

    assert result.messages[-1].text == TEXT
    assert [one.fault.name for one in attempts(result)] == ["Unreachable"]


@each
async def test_a_server_that_stays_busy_is_left_alone_after_the_last_attempt(wire: Wire) -> None:
    """The run fails with the fault of the last one."""
    result, server = await run_against(wire, [head("503 Busy", "retry-after: 0")])

    assert result.stop.fault is not None
    assert result.stop.fault.name == "Overloaded"
    assert len(server.requests) == 3


@each
@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT", "1e400"])
async def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for(
    wire: Wire, wait: str
) -> None:
    """The flow decides what to do meanwhile."""
    busy = [head("429 Slow", f"retry-after: {wait}", "content-length: 0")]
    result, server = await run_against(wire, busy, [until_closed(wire.body(0))])

    assert result.stop.fault is not None
    assert result.stop.fault.name == "RateLimited"
    assert len(server.requests) == 1


@each
@pytest.mark.parametrize(
    ("old", "new"),
    [(NAMES[0], "rm_rf"), ("city", "town"), (WORDS[0], r"\\ud800"), ('{\\"city', "[[[")],
    ids=["unknown-tool", "unknown-argument", "half-character", "not-an-object"],
)
async def test_a_call_that_cannot_be_made_is_told_to_the_model(
    wire: Wire, old: str, new: str
) -> None:
    """It gets another round, and says something sensible."""
    body = wire.body()
    assert old.encode() in body
    wrong = [until_closed(body.replace(old.encode(), new.encode()))]
    result, server = await run_against(wire, wrong, wrong, [until_closed(wire.body(0))])

    assert result.stop.kind in {"done", "failed"}
    if result.stop.fault is None:
        assert result.messages[-1].text == TEXT
        assert len(server.requests) == 3
    else:
        assert result.stop.fault.name == "BadReply"


ODD = {
    "nested": b'"x":%s1%s' % (b"[" * 700, b"]" * 700),
    "half-character": rb'"x":"\ud800"',
    "half-character-key": rb'"\ud800":1',
    "not-a-number": b'"x":NaN',
    "infinite": b'"x":1e999',
    "long-number": b'"x":%s' % (b"9" * 4000),
}
KEPT = {
    "chat": b'data: {"choices":[],%s}\n\n',
    "responses": b"""event: response.output_item.done
data: {"type":"response.output_item.done","item":{"type":"reasoning","summary":[],%s}}

""",
    "messages": b"""event: content_block_start
data: {"type":"content_block_start","index":9,"content_block":{"type":"redacted_thinking",%s}}

""",
}


@each
@pytest.mark.parametrize("odd", ODD)
async def test_what_a_provider_wants_back_is_something_that_a_store_can_hold(
    wire: Wire, odd: str, tmp_path: Path
) -> None:
    """It is parsed, then written, and sent again; and read back, it is the same."""
    events = wire.reply(1)
    said = until_closed(b"".join((events[0], KEPT[wire.name] % ODD[odd], *events[1:])))
    store = tmp_path / "runs.db"
    result, _ = await run_against(wire, [said], [until_closed(wire.body(0))], store=store)

    assert result.stop.fault is None or result.stop.fault.name == "BadReply"
    assert result.journal is not None
    async with Runner(store=store) as runner:
        assert (await runner.journal(result.run)).events == result.journal.events
