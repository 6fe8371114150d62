"""Tapes: a live run whose effects are answered from elsewhere."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from stateflow import Assistant, Flow, FunctionAgent, Runner, Scripted, State, run, to
from stateflow.conversation.effect import Effect, Key
from stateflow.conversation.message import Fault
from stateflow.conversation.view import View
from stateflow.engine.tape import PLAYERS, Asking
from stateflow.journal.event import EffectDone, EffectFailed, Journal
from stateflow.stores.base import Store
from stateflow.value import Json

ANSWER = "from the tape"
KEY = Key("say", 1, 0)


class Spy:
    """Plays one tape for every run, and knows what was asked of it."""

    def __init__(self, answer: EffectDone | EffectFailed | BaseException | None) -> None:
        self.runs: list[tuple[str, bool]] = []
        self.asked: list[str] = []
        self.stops: list[int] = []
        self._answer = answer

    def tape(self, flow: Flow, run: str, *, begins: bool) -> Spy:
        self.runs.append((flow.name, begins))
        return self

    async def answer(
        self, asking: Asking, effect: Effect, args: Json
    ) -> EffectDone | EffectFailed | None:
        self.asked.append(f"{effect.call.op} {asking.path}{effect.key}")
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    async def stopped(self, journal: Journal, store: Store) -> None:
        self.stops.append(len(journal.events))


@pytest.fixture
def spies() -> Generator[list[Spy]]:
    """Return who was put in; all are taken out again."""
    put: list[Spy] = []
    yield put
    for one in put:
        PLAYERS.remove(one)


def put_in(spies: list[Spy], answer: EffectDone | EffectFailed | BaseException | None) -> Spy:
    spy = Spy(answer)
    spies.append(spy)
    PLAYERS.append(spy)
    return spy


def talk(*lines: str) -> Flow:
    return Flow("talk", State("say", Scripted("host", lines), to(None)))


async def test_what_the_tape_says_is_what_an_effect_came_to(spies: list[Spy]) -> None:
    spy = put_in(spies, EffectDone(KEY, "agent.reply", {"text": ANSWER}))

    result = await run(talk("live"))

    assert result.messages[-1].text == ANSWER
    assert spy.runs == [("talk", True)]
    assert spy.asked == ["agent.reply say#1.0"]
    assert len(spy.stops) == 1


async def test_where_it_says_nothing_the_effect_is_made(spies: list[Spy]) -> None:
    put_in(spies, None)

    assert (await run(talk("live"))).messages[-1].text == "live"


async def test_a_recorded_fault_is_a_fault(spies: list[Spy]) -> None:
    put_in(spies, EffectFailed(KEY, "agent.reply", Fault("RateLimited", "slow down")))

    stop = (await run(talk("live"))).stop

    assert stop.fault is not None
    assert stop.fault.name == "RateLimited"


async def test_whoever_resumes_a_run_is_asked_again(spies: list[Spy]) -> None:
    spy = put_in(spies, None)
    flow = Flow("talk", State("say", Scripted("host", ["a", "b"]), to("say"), visits=2))

    async with Runner() as runner:
        live = runner.start(flow)
        live.pause()
        await live
        await runner.resume(flow, live.run)

    assert spy.runs == [("talk", True), ("talk", False)]
    assert len(spy.stops) == 2


async def test_a_run_inside_an_effect_has_no_tape(spies: list[Spy]) -> None:
    spy = put_in(spies, None)

    async def ask(view: View) -> str:
        return (await run(talk("inside"))).messages[-1].text

    outer = Flow("outer", State("ask", FunctionAgent("asker", ask), to(None)))

    assert (await run(outer)).messages[-1].text == "inside"
    assert spy.runs == [("outer", True)]


async def test_what_is_no_exception_ends_the_run_and_is_no_fault(spies: list[Spy]) -> None:
    put_in(spies, _Ends())
    sorry = State("sorry", Scripted("host", ["Sorry."]), to(None))
    ask = State("ask", Assistant("writer", model="scripted:a"), to(None))
    flow = Flow("talk", ask, sorry, on_error="sorry")

    with pytest.raises(_Ends):
        await run(flow)


class _Ends(BaseException):
    """Ends a test."""
