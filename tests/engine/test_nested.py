"""Nested runs: what goes in, what comes out, what they may use up, and how they fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from pydantic import BaseModel

from stateflow import (
    PASS,
    ChildFailed,
    DefinitionError,
    File,
    Final,
    Flow,
    FunctionAgent,
    Given,
    Guard,
    Message,
    Nested,
    Runner,
    Scripted,
    State,
    View,
    data_is,
    ended,
    failed,
    last,
    last_message,
    only,
    raised,
    replied,
    resume,
    run,
    spoke,
    succeeded,
    to,
)
from stateflow.journal.event import ChildStarted
from stateflow.machine.nested import Input
from stateflow.stores.memory import MemoryStore
from tests.support.branches import Order, one
from tests.support.six_ways import same_again, texts


def echo(name: str = "echo") -> Flow:
    """Return a flow that says what it was given."""
    return Flow(name, State("say", FunctionAgent(name, lambda v: v.transcript[0].text), to(None)))


# What goes in ----------------------------------------------------------------------------------


def _of_view(view: View) -> str:
    return f"{view.last.speaker} said {view.last.text}"


def _given(view: View) -> Given:
    return Given(f"given in {view.state}")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(None, "first", id="the-last-message"),
        pytest.param("do this", "do this", id="a-text"),
        pytest.param(_of_view, "starter said first", id="a-function"),
        pytest.param(_given, "given in nest", id="given"),
    ],
)
async def test_a_nested_run_starts_from_its_input(given: Input, told: str) -> None:
    flow = Flow(
        "outer",
        State("start", Scripted("starter", ["first"]), to("nest")),
        Nested("nest", echo(), to(None), input=given),
    )

    result = await run(flow, "task")

    assert texts(result) == ["first", told]
    same_again(flow, result)


async def test_a_nested_run_is_told_the_carryover_below_its_task() -> None:
    flow = Flow(
        "outer",
        State("a", Scripted("a", ["one"]), to("b")),
        State("b", Scripted("b", ["two"]), to("nest")),
        Nested("nest", echo(), to("last"), input="Go on.", carryover=only("a")),
        Nested("last", echo("other"), to(None), carryover=last(3)),
    )

    result = await run(flow, "task")

    assert texts(result)[2] == "Go on.\n\nContext:\na: one"
    context = "Context:\na: one\nb: two"
    assert texts(result)[3] == f"{texts(result)[2]}\n\n{context}", "its task is not told twice"


async def test_files_of_the_last_message_go_along() -> None:
    def looks(view: View) -> Message:
        (file,) = view.transcript[0].files
        return Message(f"{file.name} of {file.size} bytes", files=(file,))

    picture = File.from_bytes(b"%PDF-1.7 tiny", name="plan.pdf")
    inner = Flow("inner", State("look", FunctionAgent("eye", looks), to(None)))
    flow = Flow("outer", Nested("nest", inner, to(None)))

    async with Runner() as runner:
        live = runner.start(flow, "look", files=[picture])
        result = await live
        journal = await runner.journal(live.run)
        kept = await runner.store.file(picture.sha256)

    assert texts(result) == ["plan.pdf of 13 bytes"]
    assert kept == picture.content
    (begun,) = [e.event for e in journal.events if isinstance(e.event, ChildStarted)]
    assert begun.args == {"task": "look", "data": None, "files": [picture.sha256]}


async def test_data_that_is_given_fits_the_nested_flow_or_the_turn_fails() -> None:
    strict = Flow("strict", State("say", Scripted("s", ["fine"]), to(None)), data=Order)

    def nests(data: object) -> Flow:
        given = Given("x", data=data)  # type: ignore[arg-type]  # what a user may slip in
        return Flow("outer", Nested("nest", strict, to(None), input=lambda _: given))

    good = await run(nests({"pieces": 2}), "task")
    bad = nests({"pieces": "many"})
    refused = await run(bad, "task")

    assert good.messages[-1].reply == {"item": "nothing", "pieces": 2}
    assert refused.stop.kind == "failed"
    assert "data of flow 'strict' does not fit Order: pieces:" in refused.stop.why
    same_again(bad, refused)


async def test_data_given_to_a_flow_without_any_is_refused_by_name() -> None:
    flow = Flow(
        "outer", Nested("nest", echo(), to(None), input=lambda _: Given("x", data={"n": 1}))
    )

    result = await run(flow, "task")

    assert result.stop.kind == "failed"
    assert "flow 'echo' declares no data" in result.stop.why
    same_again(flow, result)


@pytest.mark.parametrize(
    ("how", "offender"),
    [
        pytest.param({"input": 7}, "input=7 is no task", id="input"),
        pytest.param({"carryover": "all"}, "carryover='all' cuts no transcript", id="carryover"),
        pytest.param({"summary": "short"}, "summary='short' summarises nothing", id="summary"),
        pytest.param({"output": {}}, "output={} names no fields", id="output"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_flow_is_written(
    how: dict[str, object], offender: str
) -> None:
    with pytest.raises(DefinitionError, match=offender):
        Nested("nest", echo(), to(None), **how)  # type: ignore[arg-type]  # the point


async def test_an_input_function_that_returns_no_text_fails_the_turn() -> None:
    flow = Flow("outer", Nested("nest", echo(), to(None), input=lambda _: 7))  # type: ignore[arg-type,return-value]  # the point

    result = await run(flow, "task")

    assert result.stop.kind == "failed"
    assert "the input function of 'echo' returned a int" in result.stop.why
    same_again(flow, result)


# What comes out --------------------------------------------------------------------------------


def _how_many(said: Sequence[Message]) -> str:
    return f"{len(said)} messages"


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        pytest.param(None, "two", id="by-default"),
        pytest.param(last_message, "two", id="last-message"),
        pytest.param(_how_many, "3 messages", id="a-function"),
    ],
)
async def test_the_message_of_a_nested_run_is_its_summary(
    summary: Callable[[Sequence[Message]], str] | None, said: str
) -> None:
    flow = Flow("outer", Nested("nest", one("inner", "one", "two"), to(None), summary=summary))

    result = await run(flow, "task")

    message = result.messages[-1]
    assert (message.speaker, message.text, message.ended) == ("inner", said, "done")
    assert message.outcome is not None
    assert message.outcome.ok
    same_again(flow, result)


@pytest.mark.parametrize("fault", [ValueError("odd"), None], ids=["raises", "is-no-text"])
async def test_a_summary_that_is_none_fails_the_turn_and_can_be_mended(
    fault: Exception | None,
) -> None:
    def broken(said: Sequence[Message]) -> str:
        if fault is not None:
            raise fault
        return len(said)  # type: ignore[return-value]  # the point

    counted: list[str] = []

    def counting(view: View) -> str:
        counted.append(view.state)
        return "said"

    inner = Flow("inner", State("say", FunctionAgent("inner", counting), to(None)))

    def flow(summary: Callable[[Sequence[Message]], str]) -> Flow:
        return Flow("outer", Nested("nest", inner, to(None), summary=summary))

    store = MemoryStore()
    result = await run(flow(broken), "task", store=store)
    mended = await resume(flow(_how_many), result.run, store=store)

    assert result.stop.kind == "failed"
    assert texts(mended) == ["2 messages"]
    assert counted == ["say"], "the nested run is not held again"


def verdict(word: str) -> Flow:
    """Return a flow with two finals that are not done."""
    done = to("rejected" if word == "bad" else "accepted")
    return Flow(
        "verdict",
        State("judge", Scripted("judge", [word]), done),
        Final("rejected", ok=False),
        Final("accepted"),
    )


@pytest.mark.parametrize(
    ("word", "guard", "holds"),
    [
        pytest.param("bad", ended("rejected"), True, id="ended"),
        pytest.param("bad", ended("done"), False, id="not-done"),
        pytest.param("bad", failed, True, id="failed"),
        pytest.param("good", failed, False, id="not-failed"),
        pytest.param("good", succeeded, True, id="succeeded"),
        pytest.param("good", ended("accepted") & spoke("verdict"), True, id="by-the-flow"),
        pytest.param("bad", raised(ChildFailed), False, id="said-not-raised"),
    ],
)
async def test_guards_read_the_final_of_a_nested_run(word: str, guard: Guard, holds: bool) -> None:
    flow = Flow(
        "outer",
        Nested("nest", verdict(word), to("yes", when=guard), to("no")),
        Final("yes"),
        Final("no"),
    )

    result = await run(flow, "task")

    assert result.stop.state == ("yes" if holds else "no")


def _doubled(view: View) -> dict[str, object]:
    return {"pieces": Order.model_validate(view.last.reply).pieces * 2}


@pytest.mark.parametrize(
    ("output", "pieces"),
    [
        pytest.param({"pieces": "pieces"}, 3, id="fields"),
        pytest.param(_doubled, 6, id="an-action"),
        pytest.param(None, 0, id="nothing"),
    ],
)
async def test_data_comes_out_as_the_output_says(output: object, pieces: int) -> None:
    inner = Flow(
        "inner",
        State("say", Scripted("s", ["x"]), to(None, do=lambda _: {"pieces": 3})),
        data=Order,
    )
    nest = Nested(
        "nest",
        inner,
        to("yes", when=data_is("pieces", pieces) & replied("pieces", 3)),
        output=output,  # type: ignore[arg-type]  # each of its kinds
    )
    flow = Flow("outer", nest, Final("yes"), data=Order)

    result = await run(flow, "task")

    assert result.stop.state == "yes"
    same_again(flow, result)


async def test_what_a_nested_run_came_to_can_be_saved() -> None:
    class Kept(BaseModel):
        text: str = ""
        order: dict[str, object] = {}

    inner = Flow("inner", State("say", Scripted("s", ["x"]), to(None)), data=Order)
    flow = Flow(
        "outer",
        Nested("plain", echo(), to("typed"), save="text"),
        Nested("typed", inner, to(None), save="order"),
        data=Kept,
    )

    result = await run(flow, "task")

    assert isinstance(result.data, BaseModel)
    assert result.data.model_dump() == {"text": "task", "order": {"item": "nothing", "pieces": 0}}


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ({"pieces": "weight"}, "flow 'inner' has no data 'weight'; it has: item, pieces"),
        ({"weight": "pieces"}, "flow 'outer' has no data 'weight'; it has: item, pieces"),
    ],
    ids=["there", "here"],
)
def test_an_output_that_names_an_unknown_field_is_refused(
    output: dict[str, str], told: str
) -> None:
    inner = Flow("inner", State("say", Scripted("s", ["x"]), to(None)), data=Order)

    with pytest.raises(DefinitionError, match=re.escape(told)):
        Flow("outer", Nested("nest", inner, to(None), output=output), data=Order)


async def test_a_nested_run_in_which_nobody_says_a_word_has_nothing_to_say() -> None:
    """Its task is the user's words, which must not pass for an answer."""
    inner = Flow("inner", State("think", FunctionAgent("mute", lambda _: PASS), to(None)))
    flow = Flow("outer", Nested("nest", inner, to(None)))

    result = await run(flow, "APPROVED")

    assert result.messages[-1].speaker == "inner"
    assert not result.messages[-1].text
