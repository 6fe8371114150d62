"""Asking a model: tried again, asked elsewhere, and billed."""

from __future__ import annotations

import pytest

from stateflow import (
    Assistant,
    BadRequest,
    Budget,
    FallbackModel,
    FaultError,
    Flow,
    Model,
    Overloaded,
    Price,
    RateLimited,
    Refused,
    Retry,
    Runner,
    Settings,
    State,
    Usage,
    canonical,
    to,
)
from stateflow.engine.door import Delta
from stateflow.stores.memory import MemoryStore
from tests.support.flaky import AT_ONCE, Flaky, asking, go, only, patient, told

SECRET = "sk-0123456789"


def after(error: FaultError, seconds: float) -> FaultError:
    error.retry_after_s = seconds
    return error


# Retries ---------------------------------------------------------------------------------------


async def test_a_fault_that_passes_is_tried_again_and_told() -> None:
    """In the journal, and not in its canonical form."""
    smooth = await go(asking(patient()), Flaky())
    rough = await go(asking(patient()), Flaky(RateLimited("slow down"), Overloaded("full")))

    assert told(only(rough)) == [("one", "RateLimited"), ("one", "Overloaded")]
    assert [attempt.fault.text for attempt in only(rough).attempts] == ["slow down", "full"]
    assert rough.messages[-1].text == "whole"
    assert rough.journal is not None
    assert smooth.journal is not None
    assert canonical(rough.journal) == canonical(smooth.journal)


async def test_a_model_is_asked_so_often_and_no_more() -> None:
    """What failed last is the fault, the tries before it stand beside it; a resume asks anew."""
    model = Flaky(*(Overloaded(f"full {n}") for n in range(3)))
    flow, store = asking(patient()), MemoryStore()
    result = await go(flow, model, store=store)

    assert (result.stop.kind, len(model.requests)) == ("failed", 3)
    failed = only(result)
    assert failed.fault.text == "full 2"
    assert [attempt.fault.text for attempt in failed.attempts] == ["full 0", "full 1"]
    async with Runner(store=store, models={"of nobody": model}) as runner:
        assert (await runner.resume(flow, "r")).stop.kind == "done"
    assert len(model.requests) == 4


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        pytest.param(BadRequest("wrong"), AT_ONCE, id="not-one-of-those"),
        pytest.param(Overloaded("full"), Retry(on=("RateLimited",), wait_s=0.0), id="of-a-choice"),
        pytest.param(after(RateLimited("tomorrow"), 61.0), Retry(), id="too-long-a-wait"),
        pytest.param(Overloaded("full"), Retry(attempts=1), id="one-attempt"),
    ],
)
async def test_some_faults_are_not_tried_again(error: FaultError, retry: Retry) -> None:
    """They end the turn at once."""
    model = Flaky(error)
    result = await go(asking(patient(retry=retry)), model)
    assert (result.stop.kind, len(model.requests), only(result).attempts) == ("failed", 1, ())


@pytest.mark.parametrize(
    ("error", "retry", "waited_s"),
    [
        pytest.param(after(RateLimited("x"), 0.0), Retry(wait_s=1e6, most_s=1e6), 0.0, id="asked"),
        pytest.param(after(RateLimited("x"), 0.002), AT_ONCE, 0.002, id="asked-for-more"),
        pytest.param(RateLimited("x"), Retry(wait_s=1e6, most_s=0.002), 0.002, id="at-most"),
    ],
)
async def test_the_wait_is_what_the_server_asks_for_or_grows_to_a_limit(
    error: FaultError, retry: Retry, waited_s: float
) -> None:
    """It stands in the journal."""
    result = await go(asking(patient(retry=retry)), Flaky(error))
    assert [attempt.waited_s for attempt in only(result).attempts] == [waited_s]


async def test_a_wait_ends_with_the_time_of_its_state() -> None:
    """The limit is for all tries together."""
    model = Flaky(after(RateLimited("x"), 1e6))
    agent = Assistant("a", patient(retry=Retry(most_s=1e6)))
    result = await go(Flow("f", State("s", agent, to(None), timeout_s=0.01)), model)
    assert (only(result).fault.name, told(only(result))) == ("TimedOut", [("one", "RateLimited")])


async def test_each_try_streams_under_its_number() -> None:
    """What the first one said is taken back by the second."""
    deltas: list[Delta] = []
    await go(asking(patient()), Flaky(Overloaded("x"), Overloaded("y")), deltas=deltas)
    assert [(d.text, d.attempt) for d in deltas] == [("half", 1), ("half", 2), ("whole", 3)]


async def test_what_failed_tries_cost_is_added() -> None:
    """Of one that is answered in the end, and of one that is not."""
    first, second = Overloaded("x"), Overloaded("y")
    first.usage = Usage(1, 1_000_000, 1_000_000)
    second.usage = Usage(1, 2_000_000, 0)

    done = await go(asking(patient()), Flaky(first, second))
    assert (done.usage.calls, done.usage.input_tokens) == (3, 3_000_002)
    assert done.usage.usd == pytest.approx(4.000003)

    failed = await go(asking(patient(retry=Retry(attempts=2, wait_s=0.0))), Flaky(first, second))
    assert only(failed).usage == Usage(2, 3_000_000, 1_000_000, usd=4.0)


async def test_no_secret_of_a_failed_try_reaches_the_journal() -> None:
    """Nor the stream."""
    model = Flaky(Overloaded(f"bad key {SECRET}"))
    result = await go(asking(patient()), model, secrets=[SECRET])
    assert "bad key" in only(result).attempts[0].fault.text
    assert SECRET not in repr(result.journal)


# Fallbacks -------------------------------------------------------------------------------------


async def test_where_one_model_fails_the_next_is_asked() -> None:
    """After the first one's own retries; the result names who answered."""
    one, two = Flaky(*map(Overloaded, "xyz")), Flaky(says="from two", name="two")
    deltas: list[Delta] = []
    both = FallbackModel(patient("one", Retry(attempts=2, wait_s=0.0)), "two")
    result = await go(asking(both), one, two, deltas=deltas)

    assert (len(one.requests), len(two.requests)) == (2, 1)
    assert told(only(result)) == [("one", "Overloaded"), ("one", "Overloaded")]
    assert only(result).result["model"] == "two"
    assert (two.requests[0].model, result.messages[-1].text) == ("two", "from two")
    assert [d.attempt for d in deltas] == [1, 2, 3, 3]


async def test_who_is_asked_first_and_answers_is_not_named() -> None:
    """Nothing in the journal but what was said."""
    two = Flaky(name="two")
    result = await go(asking(FallbackModel("one", "two")), Flaky(), two)
    assert "model" not in only(result).result
    assert two.requests == []


async def test_the_last_of_several_models_gives_the_fault() -> None:
    """What it failed with is the turn's."""
    models = [Flaky(Overloaded(name), name=name) for name in ("one", "two", "three")]
    once = Retry(attempts=1)
    several = FallbackModel(*(patient(name, once) for name in ("one", "two", "three")))
    result = await go(asking(several), *models)
    assert only(result).fault.text == "three"
    assert told(only(result)) == [("one", "Overloaded"), ("two", "Overloaded")]


@pytest.mark.parametrize(
    ("on", "asked"),
    [(("RateLimited",), 0), (("Overloaded",), 1), (("RunError",), 1)],
    ids=["another", "this", "a-wider-one"],
)
async def test_a_fault_that_is_not_named_is_raised_at_once(on: tuple[str, ...], asked: int) -> None:
    """``on`` tells at which faults the next is asked."""
    two = Flaky(name="two")
    both = FallbackModel(patient("one", Retry(attempts=1)), "two", on=on)
    await go(asking(both), Flaky(Overloaded("x")), two)
    assert len(two.requests) == asked


async def test_a_model_that_cannot_be_opened_is_passed_over() -> None:
    """A name nobody knows is a fault as any other."""
    result = await go(asking(FallbackModel("nobody:knows", "two")), Flaky(name="two"))
    assert told(only(result)) == [("nobody:knows", "ModelNotFound")]
    assert only(result).result["model"] == "two"


async def test_what_failed_calls_cost_counts_over_every_resume() -> None:
    """A budget cannot be passed by failing, however often the run is taken up again."""

    def dear() -> FaultError:
        fault = Refused("no")
        fault.usage = Usage(calls=1, input_tokens=1_000_000)
        return fault

    model = Flaky(dear(), dear(), dear())
    flow = Flow(
        "f",
        State("s", Assistant("a", Model("scripted:-", Settings(max_tokens=1), price=Price(1, 1)))),
        budget=Budget(usd=1.5),
    )
    async with Runner(models={"a": model}) as runner:
        results = [await runner.start(flow, "go", run="r")]
        results += [await runner.resume(flow, "r") for _ in range(2)]
    assert [result.stop.kind for result in results] == ["failed", "failed", "budget"]
    assert [result.usage.usd for result in results] == pytest.approx([1.0, 2.0, 2.0])
