"""Sessions: what a container keeps from block to block, and what stays when it ends: nothing."""

from __future__ import annotations

import asyncio

import pytest

from stateflow.conversation.file import File
from stateflow.sandbox.blocks import Block
from tests.support.boxes import SOON_S, is_sleeping, opened, sleeping, small
from tests.support.engine import Engine, need_engine
from tests.support.image import node, node_image

NODE_IMAGE = "stateflow/node:test"


async def test_one_container_serves_all_blocks_of_a_session(engine: Engine) -> None:
    async with opened(engine, small(engine.image)) as box:
        before = engine.containers()
        await box.sh("echo a > /tmp/a")
        execution = await box.sh("cat /tmp/a")

        assert execution.stdout == "a\n"
        assert engine.containers() == before
        assert len(before) == 1


async def test_a_container_for_each_block_keeps_nothing(engine: Engine) -> None:
    async with opened(engine, small(engine.image, keep=False)) as box:
        before = engine.containers()
        await box.session.run(Block("echo a > a; echo a > /tmp/a", "sh"))
        execution = await box.session.run(Block("ls -A; ls -A /tmp", "sh"))

        assert execution.stdout.split() == [".block.sh"]
        assert not set(before) & set(engine.containers())


async def test_files_put_in_are_there_in_every_container(engine: Engine) -> None:
    async with opened(engine, small(engine.image, keep=False)) as box:
        await box.session.put([File.from_bytes(b"given", name="a/b")])

        texts = [(await box.session.run(Block("cat a/b", "sh"))).stdout for _ in range(2)]

    assert texts == ["given", "given"]


async def test_languages_are_those_that_the_image_really_has(engine: Engine) -> None:
    async with opened(engine, small(engine.image)) as box:
        languages = tuple(box.session.languages)

    assert {"python", "sh"} <= set(languages)
    assert "javascript" not in languages


async def test_javascript_runs_where_the_image_has_it(engine: Engine) -> None:
    need_engine(node())
    engine.ask("POST", "/images/load?quiet=1", await asyncio.to_thread(node_image, NODE_IMAGE))
    sandbox = small(NODE_IMAGE, memory_mb=256, workspace_mb=16)

    async with opened(engine, sandbox) as box:
        execution = await box.run(
            "require('fs').writeFileSync('a.txt', 'x'); console.log(process.argv.length);"
            "process.exitCode = 3",
            "javascript",
        )

        assert tuple(box.session.languages)[-1:] == ("javascript",)
    assert (execution.exit_code, execution.stdout, execution.stderr) == (3, "2\n", "")
    assert [file.name for file in execution.files] == ["a.txt"]


async def test_the_identity_is_the_image_that_really_runs(engine: Engine) -> None:
    image = engine.ask("GET", f"/images/{engine.image}/json")

    async with opened(engine, small(engine.image)) as box:
        identity = box.session.identity

    assert identity["image"] == engine.image
    assert identity["id"] == image["Id"]


async def test_an_image_may_be_pinned_by_what_it_holds(engine: Engine) -> None:
    pinned = engine.ask("GET", f"/images/{engine.image}/json")["Id"]

    async with opened(engine, small(pinned)) as box:
        execution = await box.sh("echo pinned")

    assert execution.stdout == "pinned\n"


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "one-for-each-block"])
async def test_a_cancelled_block_ends_and_the_session_goes_on(
    engine: Engine, *, keep: bool
) -> None:
    async with opened(engine, small(engine.image, keep=keep, time_limit_s=60.0)) as box:
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            block = group.create_task(box.session.run(Block("sleep 50 & sleep 50", "sh")))
            await sleeping(engine)
            block.cancel()

        assert block.cancelled()
        assert not is_sleeping(engine)
        assert (await box.sh("echo on")).stdout == "on\n"


async def test_a_session_may_be_closed_twice(engine: Engine) -> None:
    session = await small(engine.image).open()

    await session.aclose()
    await session.aclose()

    assert engine.leftovers() == []


async def test_a_session_that_is_cancelled_while_it_opens_leaves_nothing(engine: Engine) -> None:
    async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
        opening = group.create_task(small(engine.image).open())
        while not engine.containers():  # noqa: ASYNC110 - the engine tells nobody
            await asyncio.sleep(0.005)
        opening.cancel()

    if not opening.cancelled():
        await opening.result().aclose()
    assert engine.leftovers() == []


async def test_two_sessions_share_nothing(engine: Engine) -> None:
    sandbox = small(engine.image)
    async with opened(engine, sandbox) as one, opened(engine, sandbox) as two:
        await one.session.run(Block("echo a > a; echo a > /tmp/a", "sh"))
        execution = await two.session.run(Block("ls -A; ls -A /tmp", "sh"))

    assert execution.stdout.split() == [".block.sh"]


async def test_output_so_far_is_kept_when_the_time_is_up(engine: Engine) -> None:
    async with opened(engine, small(engine.image, time_limit_s=0.5)) as box:
        execution = await box.sh("echo out; echo err >&2; sleep 50")

    assert (execution.fault, execution.stdout, execution.stderr) == ("TimedOut", "out\n", "err\n")
    assert "0.5" in execution.detail


async def test_blocks_of_one_session_may_be_asked_for_at_once(engine: Engine) -> None:
    async with opened(engine, small(engine.image)) as box, asyncio.TaskGroup() as group:
        asked = [group.create_task(box.session.run(Block(f"echo {one}", "sh"))) for one in range(3)]

    assert [one.result().stdout for one in asked] == ["0\n", "1\n", "2\n"]
