"""Small flows whose places can be called otherwise, each about one way to name a place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from stateflow import (
    Assistant,
    Final,
    Flow,
    Human,
    Nested,
    Parallel,
    Runner,
    Scripted,
    State,
    by_model,
    canonical,
    ended,
    exhausted,
    says,
    summarised,
    to,
    visited,
)
from stateflow.journal.fold import fold
from stateflow.models.base import ModelRequest
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.base import Store
from stateflow.stores.memory import MemoryStore
from tests.support.cutting import RUN, answer

Called: TypeAlias = Callable[[str], str]
"""What a place is called."""


def before(name: str) -> str:
    """Return the name that was recorded."""
    return name


def after(name: str) -> str:
    """Return the name of now."""
    return {"write": "draft", "review": "judge", "ask": "hear", "gave_up": "let_go"}.get(name, name)


def reviewed(called: Called) -> Flow:
    """A guard names a state, and a limit does."""
    w, r = called("write"), called("review")
    return Flow(
        "reviewed",
        State(w, Scripted("writer", ["a", "b", "c"]), to(r), visits=2),
        State(
            r,
            Scripted("critic", ["no", "no"]),
            to(None, when=says("yes") & visited(w)),
            to(called("gave_up"), when=exhausted),
            to(w),
        ),
        Final(called("gave_up"), ok=False),
    )


def asked(called: Called) -> Flow:
    """A person answers, twice."""
    return Flow(
        "asked",
        State(called("write"), Scripted("writer", ["a", "b"]), to(called("review"))),
        State(
            called("review"),
            Human("boss", "Well?"),
            to(None, when=visited(called("write"), at_least=2)),
            to(called("write")),
        ),
    )


def nested(called: Called) -> Flow:
    """What runs inside waits, and is called otherwise, too."""
    inner = Flow(
        "inner",
        State(called("ask"), Human("boss", "Well?"), to(called("write"))),
        State(called("write"), Scripted("scribe", ["noted"]), to("fine")),
        Final("fine"),
    )
    return Flow(
        "outer",
        State(called("write"), Scripted("writer", ["a", "b"]), to(called("review"))),
        Nested(
            called("review"),
            inner,
            to(None, when=ended("fine") & visited(called("write"), at_least=2)),
            to(called("write")),
        ),
    )


def chosen(called: Called) -> Flow:
    """A model is told the states, and names one."""
    w, r = called("write"), called("review")
    return Flow(
        "chosen",
        State("plan", Scripted("planner", ["go"]), to(w), to(r), choose=by_model("scripted:c")),
        State(w, Scripted("writer", ["a"]), to("plan")),
        State(r, Scripted("critic", ["ok"]), to(None)),
    )


def spoken(called: Called) -> Flow:
    """Models are asked, and what was said is summed up for one."""
    writer = Assistant("writer", model="scripted:m", prompt="Write.")
    sees = summarised(beyond=2, keep=1)
    return Flow(
        "spoken",
        State(called("write"), writer, to(called("review")), sees=sees),
        State(
            called("review"),
            Scripted("critic", ["no", "no", "yes"]),
            to(None, when=says("yes")),
            to(called("write")),
        ),
    )


def at_once(called: Called) -> Flow:
    """Branches run in a state that is renamed, and take turns after it."""
    left = Flow("left", State("say", Scripted("l", ["left"]), to(None)))
    right = Flow("right", State("say", Human("boss", "Right?"), to(None)))
    return Flow(
        "at_once",
        State(called("write"), Scripted("writer", ["a", "b"]), to(called("review"))),
        Parallel(
            called("review"),
            [left, right],
            to(None, when=visited(called("write"), at_least=2)),
            to(called("write")),
        ),
    )


RENAME = {"write": "draft", "review": "judge"}
CASES: dict[str, tuple[Callable[[Called], Flow], Mapping[str, str]]] = {
    "guards and limits": (reviewed, {**RENAME, "gave_up": "let_go"}),
    "a person": (asked, RENAME),
    "nested": (nested, {**RENAME, "review/ask": "judge/hear", "review/write": "judge/draft"}),
    "chosen by a model": (chosen, RENAME),
    "models": (spoken, RENAME),
    "branches": (at_once, RENAME),
}


class Picks(ScriptedModel):
    """Names a state as a text first, and the other as JSON once somebody wrote."""

    def __init__(self, called: Called) -> None:
        super().__init__(
            [called("write"), json.dumps({"next": called("review")})], name="scripted:c"
        )

    def _said(self, request: ModelRequest) -> int:
        return int(any("writer" in message.text for message in request.messages))


def models(called: Called) -> dict[str, ScriptedModel]:
    """Return the models of all cases."""
    return {"c": Picks(called), "m": ScriptedModel(["m1", "m2", "m3"], name="scripted:m")}


async def whole(store: Store, flow: Flow, called: Called, rename: Mapping[str, str] | None) -> None:
    """Begin the run, or go on with it, renamed unless it is already, until it is over."""
    answers: dict[str, str] = {}
    while True:
        async with Runner(store=store, models=models(called)) as runner:
            events = await store.read(RUN)
            if not events:
                stop = (await runner.start(flow, "go", run=RUN)).stop
            else:
                told = any(getattr(one.event, "rename", None) for one in events)
                old = fold(events).started
                needed = (
                    rename if not told and old is not None and flow.table() != old.table else None
                )
                stop = (await runner.resume(flow, RUN, answers=answers, rename=needed)).stop
        if stop.kind != "waiting":
            return
        answers = {one.id: answer(one).split("#")[0][:3] for one in stop.questions}


async def bytes_of(store: Store) -> str:
    return canonical(await store.journal(RUN))


async def expected_of(made: Callable[[Called], Flow]) -> str:
    store = MemoryStore()
    await whole(store, made(after), after, None)
    return await bytes_of(store)


async def until_turn(store: Store, flow: Flow, turns: int) -> None:
    """Run *flow* until so many turns are over, or a person is asked."""
    async with Runner(store=store, models=models(before)) as runner:
        live = runner.start(flow, "go", run=RUN)
        async for _ in live:
            if live.door.fold.turns >= turns:
                live.pause()
        await live
