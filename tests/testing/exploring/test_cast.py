"""Casts: whatever would cost money or time is answered by what the cast says."""

import re
from typing import Any

import pytest
from pydantic import BaseModel

from stateflow import (
    PASS,
    Assistant,
    Budget,
    CodeRunner,
    Fault,
    Flow,
    FunctionAgent,
    Human,
    Message,
    Outcome,
    Price,
    RateLimited,
    Result,
    State,
    ToolCall,
    ToolReply,
    Turn,
    Usage,
    answered,
    at_random,
    by_human,
    by_model,
    called,
    exit_code,
    failed,
    handed_to,
    in_turn,
    mcp_stdio,
    minutes,
    raised,
    replied,
    succeeded,
    swarm,
    timed_out,
    to,
    tool,
)
from stateflow.models.model import Model
from stateflow.testing import Cast, paths
from stateflow.testing.exploring.play import play
from stateflow.testing.exploring.stage import Ask, Speechless

MODEL = "openai:gpt-5"
writer = Assistant("writer", MODEL)


@tool
def look(what: str = "") -> str:
    """Look."""
    raise AssertionError(f"really looked at {what}")


@tool
def send() -> ToolReply:
    """Send on."""
    raise AssertionError("really sent")


looker = Assistant("looker", MODEL, tools=[look])


class _Form(BaseModel):
    score: int


def both(agent: Any, **given: Any) -> Flow:  # noqa: ANN401 - an agent of any kind
    """Return a flow that stays for all but the last of *given*, whatever it is."""
    return Flow("one", State("one", agent, to(None, **given), to("other")), State("other", writer))


def said(flow: Flow, lines: dict[str, list[Any]], **given: Any) -> Result:  # noqa: ANN401
    return Cast(lines, **given).run(flow, "Tea.")


@pytest.mark.parametrize(
    ("outcome", "guard"),
    [
        (Outcome.exited(3), exit_code(3)),
        (Outcome.exited(0), succeeded),
        (Outcome.passed(), exit_code(0)),
        (Outcome.failed(), exit_code(1)),
        (Outcome(ok=False, timed_out=True), timed_out),
        (Outcome(ok=False, fault="OutOfMemory"), failed),
    ],
    ids=["exit", "zero", "passed", "failed", "late", "fault"],
)
def test_code_comes_out_as_the_cast_says_and_nothing_runs(outcome: Outcome, guard: Any) -> None:  # noqa: ANN401 - of any kind
    run = State("run", CodeRunner("runner", approve="always"), to(None, when=guard), to("write"))
    flow = Flow("code", State("write", writer, to("run")), run)

    result = said(flow, {"writer": ["```python\n1 / 0\n```"], "runner": [outcome]})

    assert (result.path, result.stop.kind) == (("write", "run"), "done")


def test_a_tool_is_called_and_comes_back_as_the_cast_says() -> None:
    call = ToolCall("", "look", '{"what": "the sea"}', "It is blue.")

    result = said(both(looker, when=called("look")), {"looker": [Message("So.", calls=(call,))]})

    (made,) = result.messages[-1].calls
    assert (made.arguments, made.result, made.ok) == ('{"what": "the sea"}', "It is blue.", True)
    assert result.stop.kind == "done"


def test_a_tool_that_fails_leaves_the_message_failed() -> None:
    result = said(both(looker, when=failed), {"looker": [Message("", outcome=Outcome.failed())]})

    assert result.messages[-1].calls[0].result == "it failed"
    assert result.stop.kind == "done"


def test_a_tool_hands_over_where_the_cast_does() -> None:
    desk = Assistant("desk", MODEL, tools=[send])

    flow = both(desk, when=handed_to("other"))
    result = said(flow, {"desk": [Message("Over.", handoff="other")]})

    assert result.messages[-1].handoff == "other"
    assert result.messages[-1].calls[0].name == "send"


def test_handoff_tools_of_a_swarm_are_called_for_a_handoff() -> None:
    found = paths(
        swarm("two", [writer, looker], handoffs={writer: ["looker"], looker: ["writer"]}, turns=6)
    )

    assert found.taken + len(found.missed) > 0
    for one in found.conversations:
        assert one.cast.run(found.flow).path == one.path


def test_an_mcp_server_is_not_started_and_has_the_tool_that_a_guard_asks_for() -> None:
    served = Assistant("served", MODEL, tools=[mcp_stdio("no-such-server", name="files")])
    call = ToolCall("", "read_file", "{}", "text")

    result = said(
        both(served, when=called("read_file")), {"served": [Message("Read.", calls=(call,))]}
    )

    assert result.stop.kind == "done"
    assert result.messages[-1].calls[0].result == "text"


def test_structured_replies_are_given_in_their_form() -> None:
    scorer = Assistant("scorer", MODEL, reply=_Form)

    result = said(both(scorer, when=replied("score", at_least=8)), {"scorer": [{"score": 9}]})

    assert result.messages[-1].reply == {"score": 9}
    assert result.stop.kind == "done"


def test_what_a_message_costs_is_counted() -> None:
    dear = Message("Dear.", usage=Usage(1, 500, 700))

    result = said(Flow("one", State("one", writer, to(None))), {"writer": [dear]})

    assert (result.usage.input_tokens, result.usage.output_tokens) == (500, 700)


@pytest.mark.parametrize("budget", [Budget(tokens=5_000), Budget(usd=1.0)], ids=["tokens", "usd"])
def test_a_reply_costs_a_little_where_the_budget_is_in(budget: Budget) -> None:
    cheap = Assistant("cheap", Model(MODEL, price=Price(1.0, 2.0)))
    flow = Flow("one", State("one", cheap, to(None)), budget=budget)

    result = said(flow, {"cheap": ["Hi."]})

    assert result.usage.output_tokens == 10
    assert bool(result.usage.usd) is (budget.usd is not None)


@pytest.mark.parametrize(
    "error", [RateLimited("no"), Fault("RateLimited", "no")], ids=["error", "fault"]
)
@pytest.mark.parametrize(
    "agent", [writer, FunctionAgent("writer", lambda _: "real")], ids=["model", "function"]
)
def test_an_error_of_the_cast_is_raised_in_its_turn(error: Any, agent: Any) -> None:  # noqa: ANN401 - of any kind
    result = said(both(agent, when=raised("RateLimited")), {"writer": [error]})

    assert (result.path, result.stop.kind) == (("one",), "done")
    assert [one.text for one in result.messages] == ["Tea."]


def test_who_passes_says_nothing() -> None:
    quiet = FunctionAgent("quiet", lambda _: None)

    result = said(Flow("one", State("one", quiet, to(None))), {"quiet": [PASS]})

    assert [one.text for one in result.messages] == ["Tea."]


def test_who_is_real_speaks_for_themselves() -> None:
    parrot = FunctionAgent("parrot", lambda view: f"{view.last.text}!")

    result = said(Flow("one", State("one", parrot, to(None))), {}, real=["parrot"])

    assert result.messages[-1].text == "Tea.!"


def group(choose: Any) -> Flow:  # noqa: ANN401 - a chooser of any kind
    return Flow(
        "group",
        State("start", writer, to("a"), to("b"), to(None), choose=choose),
        State("a", looker, to("start")),
        State("b", looker, to("start")),
    )


class _Picker:
    """A chooser of one's own, that would ask somebody."""

    name = "picker"
    composed = False
    form = "picker"

    async def choose(self, chat: Any, turn: Turn, /) -> object:  # noqa: ANN401 - a protocol's
        del turn
        return chat.candidates[-1]


@pytest.mark.parametrize(
    "choose", [by_model(MODEL), by_human(), _Picker()], ids=["model", "person", "own"]
)
def test_whoever_picks_picks_as_the_cast_says(choose: object) -> None:
    lines = {"writer": ["One.", "Two."], "looker": ["Seen."]}

    result = said(group(choose), lines, picks={"start": ["b", None]})

    assert result.path == ("start", "b", "start")


@pytest.mark.parametrize(("picks", "told"), [([], "nobody"), (["c"], "'c'")], ids=["none", "wrong"])
def test_a_pick_that_is_no_candidate_is_told(picks: list[str | None], told: str) -> None:
    wrong = f"{told} is picked in state 'start', and the candidates are 'a', 'b', None; give picks="

    with pytest.raises(AssertionError, match=re.escape(wrong)):
        said(group(by_model(MODEL)), {"writer": ["One."]}, picks={"start": picks})


@pytest.mark.parametrize("choose", [in_turn(), at_random(seed=7)], ids=["in turn", "at random"])
def test_choosers_that_need_nobody_pick_themselves_and_the_search_foresees_it(
    choose: object,
) -> None:
    found = paths(group(choose))

    assert found.taken == 5
    for one in found.conversations:
        assert one.cast.run(found.flow).path == one.path


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_people_answer_as_the_cast_says(answer: str) -> None:
    boss = Human("boss", "Well?", options=["yes", "no"])

    result = said(both(boss, when=answered(answer)), {"boss": [answer]})

    assert (result.path, result.stop.kind) == (("one",), "done")


def test_people_fill_in_forms_as_the_cast_says() -> None:
    boss = Human("boss", "Well?", form=_Form)

    result = said(both(boss, when=replied("score", at_least=3)), {"boss": [{"score": 3}]})

    assert result.stop.kind == "done"


def test_a_person_who_passes_leaves_the_answer_empty() -> None:
    boss = Human("boss", "Well?", may_pass=True)

    result = said(Flow("one", State("one", boss, to(None))), {"boss": [PASS]})

    assert [one.text for one in result.messages] == ["Tea."]


def test_a_person_who_is_late_has_let_the_deadline_pass() -> None:
    found = paths(
        Flow(
            "late",
            State(
                "ask",
                Human("boss", "Well?"),
                to(None),
                to("write", after=minutes(5)),
            ),
            State("write", writer, to(None)),
        )
    )

    assert "ask → write" in str([one.takes for one in found.conversations])


class _Dice:
    """An agent of one's own whose effects are the engine's."""

    name = "dice"
    kind = "tool"
    description = ""
    composed = True

    async def reply(self, turn: Turn, /) -> str:
        return str(await turn.random())


def test_dice_fall_the_same_each_time() -> None:
    flow = Flow("one", State("one", _Dice(), to(None)))

    assert said(flow, {}).messages[-1].text == "0.5"


def test_a_cast_prints_as_python_that_makes_it() -> None:
    cast = Cast({"a": ["Hi.", Outcome.exited(1)]}, picks={"start": [None]}, real=["b"])

    again: Cast = eval(repr(cast), {"Cast": Cast, "Outcome": Outcome})  # noqa: S307 - just printed

    assert (again.lines, again.picks, again.real) == (cast.lines, cast.picks, cast.real)


class _Broken:
    def line(self, ask: Ask) -> str:
        raise LookupError(ask.agent.name)

    def pick(self, state: str, candidates: Any, run: str) -> None:  # noqa: ANN401 - a protocol's
        raise AssertionError((state, candidates, run))


def test_a_voice_that_breaks_is_no_fault_of_the_flow() -> None:
    flow = both(writer, when=raised("LookupError"))

    with pytest.raises(Speechless, match="'writer' has no line: LookupError"):
        play(flow, _Broken())
