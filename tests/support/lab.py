"""A flow whose one turn does everything at once, for cutting it anywhere.

Three effects in a row, two at once, a question, a nested run that makes an effect and asks a
question itself, and a call that the budget refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stateflow import Budget, Call, Flow, Given, Message, State, Stop, Turn, Usage, to
from stateflow.conversation.effect import Effect
from stateflow.conversation.message import NO_USAGE
from stateflow.engine.scene import Operation, Scene
from stateflow.stores.base import Store
from stateflow.value import Json
from tests.support import cutting

Mark = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Lab:
    """The agent that does everything in one turn."""

    name: str = "lab"
    composed: bool = True

    async def reply(self, turn: Turn, /) -> Message:
        told: list[str] = []
        for number in range(3):
            (one,) = await turn.perform(Call("lab.mark", {"n": number}))
            told.append(str(one.unwrap()))
        both = await turn.perform(Call("lab.mark", {"n": 3}), Call("lab.mark", {"n": 4}))
        told += [str(one.unwrap()) for one in both]
        told.append(await turn.ask("go on?", ["yes", "no"]))
        child = await turn.child(CHILD, Given("look into it"))
        told.append(child.text)
        (dear,) = await turn.perform(Call("lab.mark", {"n": 5}, ceiling=Usage(calls=1000)))
        assert dear.fault is not None
        return Message(" ".join([*told, dear.fault.name]))


@dataclass(frozen=True, slots=True, eq=False)
class Asker:
    """The agent of the nested run."""

    name: str = "asker"
    composed: bool = True

    async def reply(self, turn: Turn, /) -> str:
        (one,) = await turn.perform(Call("lab.mark", {"n": 6}))
        return f"{one.unwrap()} {await turn.ask('and below?')}"


CHILD = Flow("below", State("ask", Asker(), to(None)))


def flow() -> Flow:
    """Return the flow: the same turn twice, then done."""
    lab = Lab()
    return Flow(
        "lab",
        State("first", lab, to("second")),
        State("second", lab, to(None)),
        budget=Budget(calls=10),
    )


def marking(mark: Mark, *, slow_first: bool = False) -> Operation:
    """Return the operation ``lab.mark``, which tells *mark* that it was really made."""

    async def operation(effect: Effect, scene: Scene) -> tuple[Json, Usage]:
        args: Any = effect.call.args
        number = args["n"]
        if number in {3, 4}:
            await asyncio.sleep(0.002 if (number == 3) is slow_first else 0)
        mark(f"{scene.turn.door.run}/{effect.key}")  # type: ignore[attr-defined]  # a live door
        return f"m{number}", NO_USAGE

    return operation


async def drive(store: Store, mark: Mark, *, slow_first: bool = False) -> Stop:
    """Begin the run, or go on with it, and answer whatever it asks, until it is over."""
    operations = {"lab.mark": marking(mark, slow_first=slow_first)}
    return await cutting.drive(store, flow(), "work", operations=operations)
