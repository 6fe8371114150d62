"""Runs that show images: what the provider is sent, what the journal keeps, what comes back."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from stateflow import (
    Assistant,
    File,
    Flow,
    Result,
    Runner,
    State,
    StoreError,
    attach,
    canonical,
    replay,
    to,
    tool,
)
from stateflow.journal.event import Journal
from stateflow.stores.file import dump_lines
from tests.support.hostile import Hostile, hostile, sized
from tests.support.wires import NAMES, WIRES, Wire

CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
CODED = base64.b64encode(CONTENT).decode()
SHOWN = {
    "chat": f'"image_url":{{"url":"data:image/png;base64,{CODED}"}}',
    "responses": f'"type":"input_image","image_url":"data:image/png;base64,{CODED}"',
    "messages": f'"source":{{"type":"base64","media_type":"image/png","data":"{CODED}"}}',
}
every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
viewer = Assistant("viewer", "scripted:-", "Say what you see.")
FLOW = Flow(
    "vision",
    State("look", viewer, to("again")),
    State("again", viewer, to("last")),
    State("last", viewer, to(None)),
)


@pytest.fixture
def picture(tmp_path: Path) -> File:
    """Return a picture that was attached, and is gone from the disk."""
    path = tmp_path / "cup.png"
    path.write_bytes(CONTENT)
    file = attach(path)
    path.unlink()
    return file


async def shown(wire: Wire, flow: Flow, store: Path, files: Sequence[File], *calls: int) -> str:
    """Run *flow* at a server that calls so many tools in each reply; return its requests."""
    answers = [[sized(wire.body(number))] for number in calls]
    async with hostile(*answers) as server:
        model = wire.client(server.url, None)
        async with Runner(store=store, models={"viewer": model}) as runner:
            result = await runner.start(flow, "What is this?", files=files, run="seen")
            assert result.stop.kind == "done", result.stop
    return b"\n".join(server.requests).decode()


def compact(said: str) -> str:
    """Return JSON without the spaces that some clients put between its parts."""
    return said.replace('": ', '":').replace(', "', ',"')


async def journal_of(store: Path) -> Journal:
    """Read the run back."""
    async with Runner(store=store) as runner:
        return await runner.journal("seen")


def rows(store: Path) -> tuple[str, list[int]]:
    """Return all that the database holds beside the contents of files, and their sizes."""
    with closing(sqlite3.connect(store)) as db:
        sizes = [int(size) for (size,) in db.execute("SELECT length(content) FROM file")]
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        kept = [
            db.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - names from the database
            for (name,) in tables
            if name != "file"
        ]
        return repr(kept), sizes


@every_wire
async def test_an_image_is_shown_in_three_turns_and_kept_once(
    wire: Wire, tmp_path: Path, picture: File
) -> None:
    """The requests hold it in the provider's own form; the journal holds its hash."""
    store = tmp_path / "runs.db"

    sent = await shown(wire, FLOW, store, [picture], 0)

    journal = await journal_of(store)
    lines = "\n".join(dump_lines(journal))
    kept, sizes = rows(store)
    assert compact(sent).count(SHOWN[wire.name]) == sent.count(CODED) == 3
    assert sizes == [len(CONTENT)]
    for text in (lines, kept):
        assert picture.sha256 in text
        assert CODED[:40] not in text
        assert "\\x89PNG" not in text
        assert "PNG\\r\\n" not in text


@every_wire
async def test_a_run_with_an_image_is_replayed_without_a_server_or_the_image(
    wire: Wire, tmp_path: Path, picture: File
) -> None:
    """What was seen is in the hash; nobody looks again."""
    store = tmp_path / "runs.db"
    await shown(wire, FLOW, store, [picture], 0)
    journal = await journal_of(store)

    again = replay(FLOW, journal)

    assert again.journal is not None
    assert canonical(again.journal) == canonical(journal)


async def paused(wire: Wire, server: Hostile, store: Path, picture: File) -> None:
    """Run the first turn only."""
    async with Runner(store=store, models={"viewer": wire.client(server.url, None)}) as runner:
        live = runner.start(FLOW, "What is this?", files=[picture], run="seen")
        live.pause()
        assert (await live).stop.kind == "paused"


async def gone_on(wire: Wire, server: Hostile, store: Path) -> Result:
    """Go on with it, in a runner that knows only the store."""
    async with Runner(store=store, models={"viewer": wire.client(server.url, None)}) as runner:
        return await runner.resume(FLOW, "seen")


@every_wire
async def test_a_resumed_run_shows_the_image_from_the_store(
    wire: Wire, tmp_path: Path, picture: File
) -> None:
    """The file on disk may be gone by then."""
    store = tmp_path / "runs.db"
    async with hostile([sized(wire.body(0))]) as server:
        await paused(wire, server, store, picture)
        before = len(server.requests)

        result = await gone_on(wire, server, store)

    assert result.stop.kind == "done"
    assert len(server.requests) == 3
    assert all(CODED.encode() in request for request in server.requests[before:])


async def test_an_image_that_the_store_has_lost_is_told_in_one_sentence(
    tmp_path: Path, picture: File
) -> None:
    """Nothing is sent, and the run stands where it was."""
    (wire, *_), store = WIRES, tmp_path / "runs.db"
    async with hostile([sized(wire.body(0))]) as server:
        await paused(wire, server, store, picture)
        with closing(sqlite3.connect(store)) as db, db:
            db.execute("DELETE FROM file")
        before = len(server.requests)

        with pytest.raises(StoreError) as caught:
            await gone_on(wire, server, store)

        assert len(server.requests) == before
    said = str(caught.value)
    assert picture.sha256 in said
    assert "attach the file anew" in said
    assert "\n" not in said


@every_wire
async def test_an_image_that_a_tool_gives_is_shown_to_the_model(wire: Wire, tmp_path: Path) -> None:
    """In the request after the call, and with the message from then on."""

    @tool(name=NAMES[0])
    def draw(city: str) -> File:
        """Draw a map of a city."""
        return File.from_bytes(CONTENT, name=f"{city}.png")

    agent = Assistant("viewer", "scripted:-", tools=[draw])
    flow = Flow("drawn", State("look", agent, to("again")), State("again", agent, to(None)))
    store = tmp_path / "runs.db"

    sent = await shown(wire, flow, store, [], 1, 0)

    journal = await journal_of(store)
    _, sizes = rows(store)
    first, *rest = sent.split("POST ")[1:]
    assert CODED not in first
    assert [compact(request).count(SHOWN[wire.name]) for request in rest] == [1, 1]
    assert sizes == [len(CONTENT)]
    assert CODED[:40] not in json.dumps(list(dump_lines(journal)))
    again = replay(flow, journal)
    assert again.messages[-1].text
