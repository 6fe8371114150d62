"""An engine that is not there, goes away or comes back: one sentence soon, and never a hang."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from stateflow.conversation.file import File
from stateflow.errors import SandboxUnavailable
from stateflow.sandbox.base import SandboxSession
from stateflow.sandbox.blocks import Block
from stateflow.sandbox.docker import DockerSandbox
from tests.support.boxes import SOON_S, opened, sleeping, small
from tests.support.engine import Engine
from tests.support.image import shell_image

LONG = Block("echo began > began; sleep 50", "sh")


@asynccontextmanager
async def open_session(sandbox: DockerSandbox) -> AsyncGenerator[SandboxSession]:
    """Open a session whose engine may be gone when it ends."""
    session = await sandbox.open()
    try:
        yield session
    finally:
        async with asyncio.timeout(SOON_S):
            await session.aclose()


async def test_without_an_engine_the_sentence_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(SandboxUnavailable, match=r"none\.sock.*start it.*DOCKER_HOST"):
        await DockerSandbox("python:3.12-slim").open()


async def test_what_listens_but_never_answers_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/mute.sock")
    server = await asyncio.start_unix_server(never, tmp_path / "mute.sock")

    async with server, asyncio.timeout(SOON_S):
        with pytest.raises(SandboxUnavailable, match="did not answer"):
            await DockerSandbox("python:3.12-slim", start_limit_s=1.0).open()


async def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x")

    with pytest.raises(SandboxUnavailable, match="nonsense"):
        await DockerSandbox("python:3.12-slim").open()


async def test_an_image_that_is_nowhere_is_named_with_the_cure(engine: Engine) -> None:
    async with asyncio.timeout(SOON_S):
        with pytest.raises(SandboxUnavailable, match=r"127\.0\.0\.1:1/no/such:1.*docker pull"):
            await small("127.0.0.1:1/no/such:1").open()


async def kill_engine(engine: Engine) -> None:
    await asyncio.to_thread(engine.stop)


async def remove_container(engine: Engine) -> None:
    for one in engine.containers():
        await asyncio.to_thread(engine.ask, "DELETE", f"/containers/{one}?force=1&v=1")


async def stop_container(engine: Engine) -> None:
    for one in engine.containers():
        await asyncio.to_thread(engine.ask, "POST", f"/containers/{one}/kill")


Ending: TypeAlias = Callable[[Engine], Awaitable[None]]
ENDINGS = (kill_engine, remove_container, stop_container)


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
async def test_what_went_away_between_two_blocks_is_unavailable(
    mortal: Engine, ending: Ending
) -> None:
    async with open_session(small(mortal.image)) as session:
        await session.run(Block("echo a", "sh"))
        await ending(mortal)

        async with asyncio.timeout(SOON_S):
            with pytest.raises(SandboxUnavailable, match=r"docker"):
                await session.run(Block("echo b", "sh"))


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
async def test_what_goes_away_in_the_middle_of_a_block_is_unavailable(
    mortal: Engine, ending: Ending
) -> None:
    async with open_session(small(mortal.image, time_limit_s=60.0)) as session:
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            running = group.create_task(outcome(session))
            await sleeping(mortal)
            await ending(mortal)

        assert isinstance(running.result(), SandboxUnavailable), running.result()


async def outcome(session: SandboxSession) -> object:
    try:
        return await session.run(LONG)
    except SandboxUnavailable as error:
        return error


async def test_files_cannot_be_put_where_the_engine_is_gone(mortal: Engine) -> None:
    async with open_session(small(mortal.image)) as session:
        await kill_engine(mortal)

        async with asyncio.timeout(SOON_S):
            with pytest.raises(SandboxUnavailable):
                await session.put([File.from_bytes(b"a", name="a")])


async def test_a_new_session_works_when_the_engine_is_back(mortal: Engine) -> None:
    async with open_session(small(mortal.image)):
        await kill_engine(mortal)
    await asyncio.to_thread(mortal.start, [shell_image(mortal.image)])

    async with opened(mortal, small(mortal.image)) as box:
        execution = await box.sh("echo back")

    assert execution.stdout == "back\n"


async def test_an_engine_that_stands_still_holds_a_block_no_longer_than_its_limit(
    mortal: Engine,
) -> None:
    """Its process is stopped, so connections stay open and nothing ever comes."""
    async with open_session(small(mortal.image, time_limit_s=1.0, start_limit_s=2.0)) as session:
        mortal.halt()
        try:
            async with asyncio.timeout(SOON_S):
                with pytest.raises(SandboxUnavailable):
                    await session.run(Block("echo a", "sh"))
        finally:
            mortal.halt(on=True)
