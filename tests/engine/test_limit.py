from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

import pytest

from stateflow.engine.limit import Overdue, within


async def at_once() -> str:
    return "done"


async def later() -> str:
    await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    return "done"


@pytest.mark.parametrize("work", [at_once, later])
@pytest.mark.parametrize("limit_s", [None, 60.0])
async def test_work_within_its_limit_comes_to_its_result(
    work: Callable[[], Awaitable[str]], limit_s: float | None
) -> None:
    assert await within(limit_s, work(), perf_counter()) == "done"


async def test_work_that_never_returns_is_cut_off() -> None:
    with pytest.raises(Overdue):
        await within(0.01, asyncio.Event().wait(), perf_counter())


async def test_work_that_is_late_already_is_cut_off_where_it_waits() -> None:
    with pytest.raises(Overdue):
        await within(1.0, later(), perf_counter() - 2.0)


async def test_the_limit_holds_for_the_second_wait_too() -> None:
    async def twice() -> None:
        await asyncio.sleep(0)
        await asyncio.Event().wait()

    with pytest.raises(Overdue):
        await within(0.01, twice(), perf_counter())


@pytest.mark.parametrize("waits", [False, True])
async def test_a_timeout_of_the_work_itself_is_not_the_limit(waits: bool) -> None:
    async def impatient() -> None:
        if waits:
            await asyncio.sleep(0)
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await within(60.0, impatient(), perf_counter())


async def test_a_timeout_inside_the_work_is_its_own_business() -> None:
    async def careful() -> str:
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            await asyncio.sleep(0)
            return "gave up"
        return "heard"

    assert await within(60.0, careful(), perf_counter()) == "gave up"


async def test_an_error_reaches_the_work_that_waits_and_may_be_borne() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.get_running_loop().run_in_executor(None, int, "x")
        except ValueError:
            return "borne"
        return "heard"

    assert await within(60.0, stubborn(), perf_counter()) == "borne"


async def test_cancelling_reaches_the_work_and_is_no_timeout() -> None:
    tidied: list[str] = []

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append("tidy")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(within(60.0, tidy(), perf_counter()))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    assert tidied == ["tidy"]


async def test_work_may_swallow_the_cancelling_at_its_first_wait() -> None:
    async def deaf() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "stayed"
        return "heard"

    async with asyncio.TaskGroup() as group:
        task = group.create_task(within(60.0, deaf(), perf_counter()))
        await asyncio.sleep(0)
        task.cancel()
    assert task.result() == "stayed"
