"""Flows as tools of an assistant: each call is a nested run, and goes back to the model as text."""

from __future__ import annotations

import asyncio

import pytest

from stateflow import (
    Assistant,
    Budget,
    DefinitionError,
    Final,
    Flow,
    FunctionAgent,
    Result,
    Runner,
    Scripted,
    State,
    called,
    canonical,
    failed,
    resume,
    run,
    succeeded,
    to,
    tool,
)
from stateflow.journal.event import ChildEnded, ChildStarted, EffectDone
from stateflow.machine.flow_tool import FlowTool
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.memory import MemoryStore
from tests.support.branches import asks, counts, ends_of, fails
from tests.support.six_ways import same_again, texts


def echo(name: str = "echo") -> Flow:
    """Return a flow that says what it was given."""
    agent = FunctionAgent(name, lambda view: f"{name}: {view.transcript[0].text}")
    return Flow(name, State("say", agent, to(None)), description="Say it again.")


def boss(*tools: object, says: str) -> Flow:
    """Return a flow whose one assistant has *tools* and is a script of texts with ``|`` between."""
    model = ScriptedModel(says.split("|"), name="boss")
    agent = Assistant("boss", "scripted:-", tools=list(tools))  # type: ignore[arg-type]  # any of them
    flow = Flow("work", State("work", agent, to("bad", when=failed), to(None)), Final("bad"))
    MODELS[flow] = model
    return flow


MODELS: dict[Flow, ScriptedModel] = {}


async def held(flow: Flow, **how: object) -> Result:
    """Run it with its model."""
    return await run(flow, "task", models={"boss": MODELS[flow]}, **how)  # type: ignore[arg-type]  # as given


async def test_a_call_is_a_nested_run_and_its_last_message_the_result() -> None:
    flow = boss(echo().as_tool(), says='echo({"task": "hello"})|That was it.')

    result = await held(flow)

    (call,) = result.messages[-1].calls
    assert (call.name, call.arguments, call.result, call.ok) == (
        "echo",
        '{"task": "hello"}',
        "echo: hello",
        True,
    )
    assert texts(result) == ["That was it."]
    assert result.journal is not None
    (begun,) = [one.event for one in result.journal.events if isinstance(one.event, ChildStarted)]
    assert list(result.journal.children) == [str(begun.key)]
    assert result.turns == 2
    same_again(flow, result)


async def test_calls_of_one_round_are_held_at_once_beside_other_tools() -> None:
    both = asyncio.Event()
    begun: list[str] = []

    async def meet(view: object) -> str:
        begun.append("x")
        if len(begun) == 2:
            both.set()
        await both.wait()  # for ever, were they one after the other
        return f"met {len(begun)}"

    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    inner = Flow("meet", State("say", FunctionAgent("meet", meet), to(None)), description="Meet.")
    script = 'meet({"task": "a"}) add({"a": 1, "b": 2}) meet({"task": "b"})|Done.'
    flow = boss(inner.as_tool(), add, says=script)

    result = await held(flow)

    calls = result.messages[-1].calls
    assert [(one.name, one.result) for one in calls] == [
        ("meet", "met 2"),
        ("add", "3"),
        ("meet", "met 2"),
    ]
    assert {one.round for one in calls} == {0}
    same_again(flow, result)


async def test_a_nested_run_that_fails_goes_back_to_the_model_as_text() -> None:
    flow = boss(
        fails().as_tool(description="Try."),
        echo().as_tool(),
        says='fails({"task": "a"})|echo({"task": "b"})|It would not.',
    )

    result = await held(flow)

    first, second = result.messages[-1].calls
    assert not first.ok
    assert "nested run 'fails' stopped: failed at 'try': ValueError: no way" in first.result
    assert second.ok
    assert result.stop.state == "bad", "a tool that failed and never worked after"
    same_again(flow, result)


async def test_a_final_that_is_not_ok_is_a_call_that_failed() -> None:
    rejects = Flow(
        "rejects",
        State("say", Scripted("r", ["not like this"]), to("rejected")),
        Final("rejected", ok=False),
        description="Judge.",
    )
    flow = boss(rejects.as_tool(), says='rejects({"task": "a"})|Well.')

    result = await held(flow)

    (call,) = result.messages[-1].calls
    assert (call.result, call.ok) == ("not like this", False)
    same_again(flow, result)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param('{"text": "say it"}', id="another-name"),
        pytest.param('{"task": 7}', id="no-text"),
        pytest.param("{}", id="nothing"),
        pytest.param('{"task": "say it", "soon": true}', id="more"),
    ],
)
async def test_what_is_no_task_goes_back_to_the_model(arguments: str) -> None:
    """As with any tool: no nested run is held, and the model can mend it."""
    flow = boss(echo().as_tool(), says=f'echo({arguments})|echo({{"task": "x"}})|Done.')

    result = await held(flow)

    wrong, right = result.messages[-1].calls
    assert not wrong.ok
    assert "it takes one text called task, and nothing else" in wrong.result
    assert (right.result, right.ok) == ("echo: x", True)
    same_again(flow, result)


async def test_a_call_that_needs_leave_waits_and_a_refusal_holds_no_run() -> None:
    flow = boss(
        echo().as_tool(approve=True), says='echo({"task": "a"}) echo({"task": "b"})|So be it.'
    )
    store = MemoryStore()

    waiting = await held(flow, store=store)
    first, second = (one.id for one in waiting.stop.questions)
    done = await resume(
        flow,
        waiting.run,
        store=store,
        models={"boss": MODELS[flow]},
        answers={first: "no", second: "yes"},
    )

    refused, made = done.messages[-1].calls
    assert not refused.ok
    assert made.result == "echo: b"
    assert done.journal is not None
    assert len(done.journal.children) == 1
    same_again(flow, done)


async def test_a_question_in_a_tool_makes_the_run_wait_and_the_model_is_not_asked_again() -> None:
    flow = boss(
        asks().as_tool(description="Ask."),
        counts("count", 3).as_tool(description="Count."),
        says='asks({"task": "a"}) count({"task": "b"})|Done.',
    )
    store = MemoryStore()

    waiting = await held(flow, store=store)
    (question,) = waiting.stop.questions
    done = await resume(
        flow, waiting.run, store=store, models={"boss": MODELS[flow]}, answer="the red one"
    )

    assert question.id.endswith("/ask#1.0")
    assert [one.result for one in done.messages[-1].calls] == ["the red one", "3"]
    assert done.journal is not None
    asked = [one.event for one in done.journal.events if isinstance(one.event, EffectDone)]
    assert sum(one.op == "model.call" for one in asked) == 2
    same_again(flow, done)


async def test_calls_share_what_the_budget_has_left() -> None:
    count = counts("count", 4).as_tool(description="Count.")
    flow = boss(count, says='count({"task": "a"}) count({"task": "b"})|Too much.')

    result = await held(flow, budget=Budget(turns=6))

    assert result.journal is not None
    assert [one.fault is None for one in ends_of(result.journal)] == [False, False]
    assert all("turns" in one.result for one in result.messages[-1].calls)
    assert result.turns <= 6
    same_again(flow, result)


async def test_a_tool_in_a_tool_has_a_journal_below() -> None:
    inner = Assistant("clerk", "scripted:-", tools=[echo().as_tool()])
    desk = Flow("desk", State("sit", inner, to(None)), description="Ask the desk.")
    flow = boss(desk.as_tool(), says='desk({"task": "deep"})|Done.')
    clerk = ScriptedModel(['echo({"task": "deeper"})', "The clerk is done."], name="clerk")

    async with Runner(models={"boss": MODELS[flow], "clerk": clerk}) as runner:
        result = await runner.start(flow, "task")
        journal = await runner.journal(result.run)

    assert result.messages[-1].calls[0].result == "The clerk is done."
    (below,) = journal.children.values()
    assert len(below.children) == 1
    assert [one.name for one in flow.flows] == ["work", "desk", "echo"]


async def test_guards_read_the_calls_of_flows_as_of_any_tool() -> None:
    agent = Assistant("boss", "scripted:-", tools=[echo().as_tool("say_again")])
    flow = Flow(
        "work",
        State("work", agent, to("yes", when=called("say_again") & succeeded), to(None)),
        Final("yes"),
    )
    model = ScriptedModel(['say_again({"task": "x"})', "Done."], name="boss")

    result = await run(flow, "task", models={"boss": model})

    assert result.stop.state == "yes"


async def test_two_runs_of_the_same_calls_are_the_same_bytes_whoever_ended_first() -> None:
    rounds = [0, 5]

    async def slow(view: object) -> str:
        for _ in range(rounds[0]):
            await asyncio.sleep(0)
        rounds.reverse()
        return "said"

    inner = Flow("slow", State("say", FunctionAgent("slow", slow), to(None)), description="Say.")
    flow = boss(inner.as_tool(), says='slow({"task": "a"}) slow({"task": "b"})|Done.')

    first, second = await held(flow), await held(flow)

    assert first.journal is not None
    assert second.journal is not None
    assert canonical(first.journal) == canonical(second.journal)
    assert any(isinstance(one.event, ChildEnded) for one in first.journal.events)


# What is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "called_by"),
    [("with space", None), ("x" * 65, None), ("plain", "with space"), ("plain", "")],
)
def test_a_tool_is_named_so_that_providers_take_it(name: str, called_by: str | None) -> None:
    flow = Flow(name, State("say", Scripted("s", ["x"]), to(None)), description="Say.")

    if called_by is None:
        made = flow.as_tool()
        assert made.name == name.replace(" ", "_")[:64]
    else:
        with pytest.raises(DefinitionError, match="cannot name a tool"):
            flow.as_tool(called_by)


def test_a_tool_without_a_description_is_refused_with_the_cure() -> None:
    with pytest.raises(DefinitionError, match=r"as_tool\(description='…'\)"):
        asks().as_tool()


def test_a_tool_says_what_it_wants() -> None:
    made = echo().as_tool(approve=True)

    assert isinstance(made, FlowTool)
    assert (made.name, made.description, made.approve) == ("echo", "Say it again.", True)
    assert made.parameters["required"] == ["task"]


async def test_a_tool_that_is_called_without_a_run_says_who_can() -> None:
    with pytest.raises(DefinitionError, match="only an Assistant of a run can call it"):
        await echo().as_tool().call({"task": "x"})
