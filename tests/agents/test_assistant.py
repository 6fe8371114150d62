"""Assistants that use tools, hand off, and give structured replies."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from stateflow import (
    Assistant,
    DefinitionError,
    Final,
    Flow,
    Message,
    Result,
    Runner,
    State,
    ToolReply,
    called,
    canonical,
    failed,
    handed_to,
    handoff,
    raised,
    replay,
    replied,
    run_sync,
    succeeded,
    to,
    tool,
)
from stateflow.conversation.message import ToolCall
from stateflow.journal.event import EffectDone, EffectFailed
from stateflow.models.base import ModelReply, ModelRequest
from stateflow.models.scripted import ScriptedModel
from stateflow.stores.memory import MemoryStore


def calls(*wanted: tuple[str, str], text: str = "") -> ModelReply:
    """A reply that calls tools: names with arguments."""
    return ModelReply(
        text,
        tuple(ToolCall(f"c{n}", name, given) for n, (name, given) in enumerate(wanted)),
        stop="tool_calls",
    )


class Recorded(ScriptedModel):
    """A scripted model that keeps what it was asked."""

    def __init__(self, *replies: str | ModelReply, name: str = "scripted:x") -> None:
        super().__init__(replies, name=name)
        self.requests: list[ModelRequest] = []

    async def complete(self, request: ModelRequest, /, *, on_delta: Any) -> ModelReply:  # noqa: ANN401
        self.requests.append(request)
        return await super().complete(request, on_delta=on_delta)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def fail(why: str) -> str:
    """Fail."""
    raise RuntimeError(why)


def go(model: ScriptedModel, agent: Assistant, *transitions: Any, **more: Any) -> Result:  # noqa: ANN401
    """Run one state, and hold the replay against it."""
    flow = Flow(
        "f", State("s", agent, *(transitions or (to(None),)), **more), Final("bad", ok=False)
    )
    result = run_sync(flow, "go", models={agent.name: model})
    assert result.journal is not None
    again = replay(flow, result.journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(result.journal)
    assert list(again.messages) == list(result.messages)
    return result


def effects(result: Result) -> list[str]:
    """The operations of the run, in order."""
    assert result.journal is not None
    return [
        r.event.op for r in result.journal.events if isinstance(r.event, EffectDone | EffectFailed)
    ]


def test_every_model_call_and_every_tool_call_is_an_effect_of_its_own() -> None:
    """The model sees the results of each round before it goes on."""
    model = Recorded(
        calls(("add", '{"a": 1, "b": 2}'), ("add", '{"a": 3, "b": 4}')),
        calls(("add", '{"a": 3, "b": 7}')),
        "10",
    )
    result = go(model, Assistant("a", "scripted:x", tools=[add]), to(None, when=called("add")))

    assert effects(result) == [
        "model.call",
        "tool.call",
        "tool.call",
        "model.call",
        "tool.call",
        "model.call",
    ]
    said = result.messages[-1]
    assert [(c.name, c.result, c.ok, c.round) for c in said.calls] == [
        ("add", "3", True, 0),
        ("add", "7", True, 0),
        ("add", "10", True, 1),
    ]
    assert said.text == "10"
    shown = [(m.role, m.text, m.call_id) for m in model.requests[2].messages]
    assert shown == [
        ("user", "user: go", ""),
        ("assistant", "", ""),
        ("tool", "3", "c0"),
        ("tool", "7", "c1"),
        ("assistant", "", ""),
        ("tool", "10", "c0"),
    ]
    assert [t.name for t in model.requests[0].tools] == ["add"]


def test_arguments_and_results_stand_in_the_journal_once() -> None:
    """A message refers to them."""
    model = Recorded(calls(("add", '{"a": 410000014, "b": 1}')), "It is done.")
    result = go(model, Assistant("a", "scripted:x", tools=[add]))

    assert result.journal is not None
    text = canonical(result.journal)
    assert text.count("410000014") == 1
    assert text.count("410000015") == 1
    assert text.count("It is done.") == 1


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("fail", '{"why": "no luck"}', "RuntimeError: no luck"),
        ("nothing", "{}", "there is no tool 'nothing'; there are: add, fail"),
        ("add", '{"a": 1', "The arguments are no JSON"),
        ("add", "[1, 2]", "The arguments are no JSON object"),
        ("add", '{"a": "x", "b": 1}', "ValueError: add: a: Input should be a valid integer"),
    ],
)
def test_errors_go_back_to_the_model_and_into_the_outcome(name: str, given: str, told: str) -> None:
    """Whatever the model made of it, the table can tell."""
    model = Recorded(calls((name, given)), "Sorry.")
    agent = Assistant("a", "scripted:x", tools=[add, fail])
    result = go(model, agent, to("bad", when=failed), to(None))

    assert result.stop.state == "bad"
    (call,) = result.messages[-1].calls
    assert (call.ok, told in call.result) == (False, True)
    assert told in model.requests[1].messages[-1].text
    assert not model.requests[1].messages[-1].ok


def test_a_tool_that_works_at_the_second_try_is_no_failure() -> None:
    """The agent got over it."""
    model = Recorded(calls(("add", "{}")), calls(("add", '{"a": 1, "b": 1}')), "2")
    result = go(model, Assistant("a", "scripted:x", tools=[add]), to(None, when=succeeded))
    assert [c.ok for c in result.messages[-1].calls] == [False, True]


def test_who_never_stops_calling_tools_is_stopped_at_the_cap() -> None:
    """A fault that a guard can name."""
    model = Recorded(calls(("add", '{"a": 1, "b": 1}')))
    agent = Assistant("a", "scripted:x", tools=[add], rounds=2)
    result = go(model, agent, to("bad", when=raised("TooManyRounds")), to(None))
    assert (result.stop.state, effects(result).count("tool.call")) == ("bad", 2)


def test_without_reflection_what_the_tools_gave_is_the_answer() -> None:
    """As AutoGen's assistants do where they are not told to reflect."""
    model = Recorded(calls(("add", '{"a": 1, "b": 2}'), ("add", '{"a": 3, "b": 4}')), "never")
    result = go(model, Assistant("a", "scripted:x", tools=[add], reflect=False))
    assert (result.messages[-1].text, effects(result).count("model.call")) == ("3\n\n7", 1)


@pytest.mark.parametrize("choice", ["required", "none"])
def test_a_tool_choice_holds_until_a_tool_was_called(choice: Any) -> None:  # noqa: ANN401
    """Who must call forever never answers."""
    model = Recorded(calls(("add", '{"a": 1, "b": 2}')), "3")
    go(model, Assistant("a", "scripted:x", tools=[add], tool_choice=choice))
    assert [request.tool_choice for request in model.requests] == [choice, "auto"]


def test_a_slow_tool_is_cut_off_and_the_model_is_told() -> None:
    """By the tool's own limit."""
    import asyncio

    @tool(timeout_s=0.01)
    async def wait() -> str:
        await asyncio.Event().wait()
        return "never"

    model = Recorded(calls(("wait", "{}")), "Too slow.")
    result = go(model, Assistant("a", "scripted:x", tools=[wait]), to(None, when=failed))
    assert "TimedOut" in result.messages[-1].calls[0].result


def test_a_handoff_goes_along_the_table_only() -> None:
    """Only what a transition leads to is offered, and only that is taken."""
    model = Recorded(calls(("transfer_to_bob", '{"message": "Your turn."}')))
    other = Recorded("Hello.", name="scripted:y")
    ann = Assistant("ann", "scripted:x", tools=[handoff("bob"), handoff("eve")])
    bob, eve = (Assistant(name, "scripted:x") for name in ("bob", "eve"))
    flow = Flow(
        "f",
        State("ann", ann, to("bob", when=handed_to("bob")), to(None)),
        State("bob", bob, to(None), to("eve", when=failed)),
        State("eve", eve, to(None)),
    )
    result = run_sync(flow, "go", models={"ann": model, "bob": other})

    assert result.path == ("ann", "bob")
    assert result.messages[1].handoff == "bob"
    assert [t.name for t in model.requests[0].tools] == ["transfer_to_bob"]
    assert "Your turn." in other.requests[0].messages[0].text


def test_a_function_that_hands_off_the_table_is_told_who_could_be() -> None:
    """The model reads it and may choose another."""

    @tool
    def escalate(to_whom: str) -> ToolReply:
        """Escalate."""
        return ToolReply("escalated", handoff=to_whom)

    model = Recorded(calls(("escalate", '{"to_whom": "mallory"}')), "I cannot.")
    result = go(model, Assistant("a", "scripted:x", tools=[escalate]))
    assert "'mallory' cannot be handed to from here" in result.messages[-1].calls[0].result
    assert result.messages[-1].handoff is None


class Verdict(BaseModel):
    """A review."""

    score: int = Field(ge=0, le=10)
    why: str = ""


def test_a_structured_reply_is_read_by_guards() -> None:
    """The schema is closed, as strict modes want it."""
    model = Recorded('{"score": 8, "why": "fine"}')
    agent = Assistant("a", "scripted:x", reply=Verdict)
    result = go(model, agent, to(None, when=replied("score", at_least=8)))

    assert result.stop.kind == "done"
    assert result.messages[-1].reply == {"score": 8, "why": "fine"}
    schema: Any = model.requests[0].schema
    assert (schema["required"], schema["additionalProperties"]) == (["score", "why"], False)


def test_an_invalid_reply_is_shown_what_is_wrong_and_asked_again() -> None:
    """Each try is an effect."""
    model = Recorded('{"score": 11}', "eight", '{"score": 7}')
    result = go(model, Assistant("a", "scripted:x", reply=Verdict))

    assert result.messages[-1].reply == {"score": 7, "why": ""}
    complaints = [m.text for m in model.requests[2].messages if "asked for" in m.text]
    assert ["score: Input should be less than or equal to 10" in c for c in complaints] == [
        True,
        False,
    ]
    assert "it is not JSON" in complaints[1]


def test_an_empty_reply_is_complained_about_and_not_shown() -> None:
    """Providers refuse a message without content."""
    model = Recorded(" ", '{"score": 7}')
    go(model, Assistant("a", "scripted:x", reply=Verdict, repairs=1))

    assert [m.role for m in model.requests[1].messages] == ["user", "user"]


async def test_a_reply_that_stays_invalid_is_a_bad_reply_and_asked_once_more_on_resume() -> None:
    """The repairs are bounded."""
    agent = Assistant("a", "scripted:x", reply=Verdict, repairs=1)
    flow = Flow("f", State("s", agent, to(None)))
    store = MemoryStore()
    async with Runner(store=store, models={"a": Recorded("no")}) as runner:
        result = await runner.start(flow, "go", run="r")
    assert result.stop.fault is not None
    assert (result.stop.fault.name, effects_of(await store.journal("r"))) == ("BadReply", 2)
    assert "asked for Verdict 2 times" in result.stop.why

    async with Runner(store=store, models={"a": Recorded("no", '{"score": 1}')}) as runner:
        result = await runner.resume(flow, "r")
    assert (result.stop.kind, result.messages[-1].reply) == ("done", {"score": 1, "why": ""})


def effects_of(journal: Any) -> int:  # noqa: ANN401 - a journal
    """How many effects were made."""
    return sum(isinstance(r.event, EffectDone) for r in journal.events)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"reply": "text"}, "no pydantic model"),
        ({"tools": [3]}, "3"),
        ({"rounds": 0}, "rounds=0"),
        ({"repairs": -1}, "repairs=-1"),
        ({"tool_choice": "required"}, "must call a tool and has none"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_declared(more: Any, told: str) -> None:  # noqa: ANN401
    """Never in the middle of a run."""
    with pytest.raises(DefinitionError, match=told):
        Assistant("a", "scripted:x", **more)


async def test_a_tool_that_needs_approval_waits_for_a_person() -> None:
    """Several at once are several questions; a refusal is told to the model with its reason."""

    @tool(approve=True)
    def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    model = Recorded(calls(("pay", '{"amount": 5}'), ("pay", '{"amount": 500}')), "Done.")
    flow = Flow("f", State("s", Assistant("a", "scripted:x", tools=[pay]), to(None)))
    store = MemoryStore()
    async with Runner(store=store, models={"a": model}) as runner:
        waiting = await runner.start(flow, "go", run="r")
        assert waiting.stop.kind == "waiting"
        first, second = waiting.stop.questions
        assert (first.text, first.options) == ('Allow pay with {"amount": 5}?', ("yes", "no"))
        result = await runner.resume(
            flow, "r", answers={first.id: "yes", second.id: "No, too much"}
        )
    assert [(c.ok, c.result) for c in result.messages[-1].calls] == [
        (True, "paid 5"),
        (False, "A person refused this call: no, too much"),
    ]
    journal = await store.journal("r")
    again = replay(flow, journal)
    assert again.journal is not None
    assert canonical(again.journal) == canonical(journal)


def test_own_calls_stay_native_in_later_turns_and_those_of_others_become_text() -> None:
    """Rounds stay apart."""
    model = Recorded(
        calls(("add", '{"a": 1, "b": 1}')), calls(("add", '{"a": 2, "b": 2}')), "4", "again 4"
    )
    critic = Recorded("ok", name="scripted:y")
    flow = Flow(
        "f",
        State("s", Assistant("a", "scripted:x", tools=[add]), to("t")),
        State("t", Assistant("b", "scripted:x"), to("u")),
        State("u", Assistant("a", "scripted:x", tools=[add]), to(None)),
    )
    run_sync(flow, "go", models={"a": model, "b": critic})
    assert "a called add with" in critic.requests[0].messages[0].text
    roles = [m.role for m in model.requests[-1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "tool", "assistant", "user"]


def test_a_message_of_an_opaque_agent_may_hold_calls_of_its_own() -> None:
    """They stand in the journal as they are."""
    from stateflow import Scripted

    said = Message("x", calls=(ToolCall("1", "add", "{}", "2"),))
    result = run_sync(Flow("f", State("s", Scripted("a", [said]), to(None))))
    assert result.messages[-1].calls == said.calls
