"""A limit on how long an effect may take, which costs nothing where the effect never waits.

Only what waits can be cut off, so the timer is set when the work first waits, for what is left
of its time.  Work that is done at once needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from time import perf_counter
from types import coroutine
from typing import Any, TypeVar

__all__ = ["Overdue", "within"]

T = TypeVar("T")


class Overdue(Exception):
    """The work was cut off.  Never leaves the door, which turns it into a fault."""


async def within(limit_s: float | None, work: Awaitable[T], began: float) -> T:
    """Return what *work* comes to.

    Args:
        limit_s: how long it may take [s]; ``None``: as long as it likes.
        work: not begun yet.
        began: when its time began, as ``perf_counter`` tells it [s].

    Raises:
        Overdue: it was cut off.  A ``TimeoutError`` of its own comes through unchanged.
    """
    steps = work.__await__()
    try:
        waits_for: object = next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    left_s = None if limit_s is None else limit_s - (perf_counter() - began)
    clock = asyncio.timeout(left_s)
    try:
        async with clock:
            return await _rest(steps, waits_for)
    except TimeoutError as error:
        if clock.expired():
            raise Overdue from error
        raise


@coroutine
def _rest(steps: Generator[Any, Any, T], waits_for: object) -> Generator[Any, Any, T]:
    """Go on with *steps*, which wait for something already: ``await`` from its second step on.

    Source: PEP 380, "Formal Semantics".
    """
    while True:
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001 - handed on to the work, cancellation included
            try:
                waits_for = steps.throw(error)
            except StopIteration as done:
                result: T = done.value
                return result
        else:
            return (yield from steps)
