"""Summaries of what was said before: made once, paid for, and gone on from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stateflow import (
    Assistant,
    BadReply,
    Budget,
    FallbackModel,
    Flow,
    Model,
    Price,
    RateLimited,
    Retry,
    Runner,
    Settings,
    State,
    canonical,
    raised,
    run_sync,
    steps,
    summarised,
    to,
    turns_at_least,
)
from stateflow.journal.event import EffectFailed
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.stores.memory import MemoryStore
from tests.support.embedded import need_embedded
from tests.support.talking import Talker, asking, effects, go, same, summing, talk, told

BEFORE = "summary of what was before: known:"


def test_a_summary_tells_what_was_before_and_goes_on_from_the_last_one() -> None:
    """Nothing is lost, and nothing is summarised twice."""
    ann = Talker()
    result = go(talk(summarised(beyond=6, keep=2), 22, bob=asking()), ann=ann)

    sums = [told(request) for request in ann.requests if summing(request)]
    first, second = "q0 a0 q1 a1 q2", "a2 q3 a3 q4 a4 q5"
    assert sums == [
        "user: Go. | bob: q0 | ann: a0 | bob: q1 | ann: a1 | bob: q2",
        f"{BEFORE} {first} | ann: a2 | bob: q3 | ann: a3 | bob: q4 | ann: a4 | bob: q5",
        f"{BEFORE} {first} {second} | ann: a5 | bob: q6 | ann: a6 | bob: q7 | ann: a7 | bob: q8",
    ]
    shown = [told(request) for request in ann.requests if not summing(request)]
    assert shown[2] == "user: Go. | bob: q0 | a0 | bob: q1 | a1 | bob: q2"
    assert shown[3] == f"{BEFORE} q0 a0 q1 a1 q2 | a2 | bob: q3"
    assert shown[4] == f"{BEFORE} q0 a0 q1 a1 q2 | a2 | bob: q3 | a3 | bob: q4"
    assert [m.text for m in result.messages if "known" in m.text] == []


def test_a_summary_reserves_what_its_own_model_may_write() -> None:
    """Not what another one may."""
    ann, brief = Talker(), Talker(name="scripted:brief")
    window = summarised(beyond=4, keep=1, model=Model("scripted:brief", Settings(max_tokens=5000)))
    own = Model("scripted:x", Settings(max_tokens=10))
    result = go(talk(window, 12, model=own, budget=Budget(tokens=4000)), brief, ann=ann)
    assert (result.stop.kind, result.stop.which, brief.requests) == ("budget", "tokens", [])


def test_a_summary_may_be_made_by_the_next_of_several_models() -> None:
    """At the faults that they name, whatever the agent's own model is."""

    class Busy(Talker):
        async def complete(
            self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
        ) -> ModelReply:
            raise RateLimited("Busy.")

    ann, brief = Talker(), Talker(name="scripted:brief")
    busy = Model("scripted:busy", retry=Retry(attempts=1))
    window = summarised(beyond=4, keep=1, model=FallbackModel(busy, "scripted:brief"))
    result = go(talk(window, 8), Busy(name="scripted:busy"), brief, ann=ann)
    assert (result.stop.kind, len(brief.requests)) == ("done", 1)


@pytest.mark.parametrize("at", [3, 5, 6, 7, 8, 12])
async def test_a_fork_goes_on_from_the_summary_that_stood_then(at: int) -> None:
    """Before the first summary, in the turn of it, and after it."""
    flow, ann = talk(summarised(beyond=4, keep=1), 16), Talker()
    async with Runner(models={"ann": ann}) as runner:
        await runner.start(flow, "Go.", run="r")
        before = len(ann.requests)
        await (await runner.fork(flow, "r", at=at, name="f"))
        assert canonical(await runner.journal("f")) == canonical(await runner.journal("r"))
    again = [told(request) for request in ann.requests[before:]]
    assert again == [told(request) for request in ann.requests[before - len(again) : before]]


def test_every_state_and_every_agent_has_a_summary_of_its_own() -> None:
    """Each is told by its own prompt, and of what that agent has not yet been told."""
    ann, eve = Talker(), Talker(name="scripted:y")
    window = summarised(beyond=4, keep=2)
    both = steps(Assistant("ann", "scripted:x"), Assistant("eve", "scripted:y"))
    flow = Flow(
        "talk",
        State("ask", asking(), to("answer")),
        State("answer", both, to("again"), sees=window),
        State("again", both, to(None, when=turns_at_least(8)), to("ask"), sees=window),
    )
    go(flow, eve, ann=ann)
    for model in (ann, eve):
        firsts = [r for r in model.requests if summing(r) and "summary of" not in told(r)]
        assert len(firsts) == 2


def test_another_model_can_summarise() -> None:
    """With its own settings, and paid for."""
    ann, brief = Talker(), Talker(name="scripted:brief")
    price = Price(1e6, 0.0)
    model = Model("scripted:brief", Settings(max_tokens=7), price=price)
    result = go(talk(summarised(beyond=4, keep=1, model=model), 12), brief, ann=ann)

    assert brief.requests
    assert not any(map(summing, ann.requests))
    assert {request.settings.max_tokens for request in brief.requests} == {7}
    assert result.usage.calls == len(ann.requests) + len(brief.requests)
    assert result.usage.usd == sum(map(brief.words, brief.requests))


async def test_a_summary_that_fails_ends_the_turn_and_is_made_again_on_resume() -> None:
    """A transition may take the fault, as it may any other."""
    busy = Model("scripted:x", retry=Retry(attempts=1))
    flow = talk(summarised(beyond=4, keep=1), 8, model=busy)

    class Busy(Talker):
        async def complete(
            self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
        ) -> ModelReply:
            if summing(request):
                raise RateLimited("Busy.")
            return await super().complete(request, on_delta=on_delta)

    store = MemoryStore()
    async with Runner(store=store, models={"scripted:x": Busy()}) as runner:
        result = await runner.start(flow, "Go.", run="r")
    assert result.stop.kind == "failed"
    assert result.stop.fault is not None
    assert result.stop.fault.name == "RateLimited"

    ann = Talker()
    async with Runner(store=store, models={"scripted:x": ann}) as runner:
        result = await runner.resume(flow, "r")
    assert result.stop.kind == "done"
    assert summing(ann.requests[0])
    same(flow, await store.journal("r"))


class Mute(Talker):
    """Makes an empty summary first."""

    async def complete(
        self, request: ModelRequest, /, *, on_delta: Callable[[str], None]
    ) -> ModelReply:
        reply = await super().complete(request, on_delta=on_delta)
        first = summing(request) and len([r for r in self.requests if summing(r)]) == 1
        return ModelReply(" ", usage=reply.usage) if first else reply


async def test_an_empty_summary_is_a_bad_reply_and_made_again_on_resume() -> None:
    """It stands for nothing."""
    flow, ann, store = talk(summarised(beyond=4, keep=1), 8), Mute(), MemoryStore()
    async with Runner(store=store, models={"ann": ann}) as runner:
        failed = await runner.start(flow, "Go.", run="r")
        result = await runner.resume(flow, "r")
    assert "'ann' was given an empty summary in state 'answer'" in failed.stop.why
    assert result.stop.kind == "done"
    same(flow, await store.journal("r"))


def test_an_empty_summary_loses_nothing_where_the_fault_is_taken() -> None:
    """The next one begins at the beginning."""
    ann = Mute()
    flow = Flow(
        "talk",
        State("ask", asking(), to("answer")),
        State(
            "answer",
            Assistant("ann", "scripted:x"),
            to("ask", when=raised(BadReply)),
            to(None, when=turns_at_least(8)),
            to("ask"),
            sees=summarised(beyond=4, keep=1),
        ),
    )
    go(flow, ann=ann)
    sums = [told(request) for request in ann.requests if summing(request)]
    assert [one.startswith("user: Go. | bob: q0 | ann: a0") for one in sums[:2]] == [True, True]


def test_files_are_not_shown_to_who_summarises() -> None:
    """Not every model can see them."""
    ann = Talker()
    go(talk(summarised(beyond=4, keep=1), 12, bob=asking(0, files=range(9))), ann=ann)
    assert all(not m.files for r in ann.requests if summing(r) for m in r.messages)
    assert any(m.files for r in ann.requests for m in r.messages)


def test_a_summary_that_the_budget_does_not_allow_is_not_made() -> None:
    """Three answers are paid for; the call that is refused is the summary."""
    ann = Talker()
    result = go(talk(summarised(beyond=4, keep=1), 12, budget=Budget(calls=2)), ann=ann)
    assert (result.stop.kind, result.stop.which) == ("budget", "calls")
    assert not any(map(summing, ann.requests))
    assert isinstance(effects(result, "model.call")[-1], EffectFailed)


def test_the_embedded_model_summarises(tmp_path: Path) -> None:
    """A real one; a run that was stopped goes on with the summary it has."""
    need_embedded()
    brief = Settings(temperature=0.0, max_tokens=24)
    flow = talk(summarised(beyond=3, keep=1), 6, model=Model("llama:smollm2", brief))
    result = run_sync(flow, "Name colours.", store=tmp_path / "runs.db")

    assert result.stop.kind == "done"
    args: list[Any] = [effect.args for effect in effects(result, "model.call")]
    assert [one.get("summarise", one.get("from")) for one in args] == [0, [0, 3], 3, 3]
    same(flow, result.journal)
