"""Which answers fit a question, and what is told of those that do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, Field

from stateflow import AnswerRefused, Flow, Nested, Runner, State, steps, to
from stateflow.agents.human import Human
from stateflow.conversation.agent import Agent, Turn
from stateflow.conversation.effect import Call, Question
from stateflow.engine.answering import answers_to, form_of
from stateflow.stores.memory import MemoryStore

BOTH = ("yes", "no")
NOON = 1795424400.0  # 2026-11-23 09:00 UTC


class Grade(BaseModel):
    """What a person fills in."""

    score: int = Field(ge=1, le=10)
    why: Any = ""


class Other(BaseModel):
    """What another person fills in."""

    colour: str


BOSS = Human("boss", "Grade it.", form=Grade)
FLOW = Flow("f", State("s", BOSS, to(None)))
ASKED = Question("s#1.0", "Grade it.", form=BOSS.schema)


def given(
    answer: object, asked: Question, flow: Flow | None = None, now: float | None = None
) -> str:
    """Return what goes on the record."""
    (kept,) = answers_to("r", {asked.id: asked}, answer, {}, flow=flow, now=now).values()
    return kept


def refused(
    answer: object, asked: Question, flow: Flow | None = None, now: float | None = None
) -> str:
    """Return why an answer is refused."""
    with pytest.raises(AnswerRefused) as why:
        given(answer, asked, flow, now)
    return str(why.value)


def test_an_answer_that_fits_no_option_is_told_which_there_are() -> None:
    asked = {"a#1.0": Question("a#1.0", "Allow it?", BOTH), "a#1.1": Question("a#1.1", "Why?")}
    kept = answers_to("r", asked, None, {"a#1.0": "N", "a#1.1": "because"})
    assert kept == {"a#1.0": "no", "a#1.1": "because"}
    with pytest.raises(AnswerRefused, match=r"'a#1\.0' is none of its options \('yes', 'no'\)"):
        answers_to("r", asked, None, {"a#1.0": "perhaps"})
    with pytest.raises(AnswerRefused, match=r"'a#1\.1' is empty; give it a text"):
        answers_to("r", asked, None, {"a#1.1": ""})


class Asks:
    """Asks a person, and says the answer."""

    name = "asks"
    composed = True

    async def reply(self, turn: Turn) -> str:
        """Ask."""
        return await turn.ask("Allow it?", BOTH)


async def test_an_answer_that_is_refused_leaves_the_question_open() -> None:
    """Nothing is written, not even beside a good answer."""
    flow, store = Flow("f", State("s", Asks(), to(None))), MemoryStore()
    async with Runner(store=store) as runner:
        await runner.start(flow, "go", run="r")
        before = await store.read("r")
        with pytest.raises(AnswerRefused):
            await runner.resume(flow, "r", answer="perhaps")
        assert await store.read("r") == before
        result = await runner.resume(flow, "r", answer="Y")
    assert (result.stop.kind, result.messages[-1].text) == ("done", "yes")


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (Question("a#1.0", "Which?", default="blue"), "blue"),
        (Question("a#1.0", "Allow it?", BOTH, default="no"), "no"),
        (Question("a#1.0", "Allow it?", BOTH, default=""), ""),
        (Question("a#1.0", "Why?", default=""), ""),
        (Question("s#1.0", "Grade it.", form=BOSS.schema, default='{"score": 5}'), '{"score": 5}'),
    ],
    ids=["text", "option", "may pass, option", "may pass", "form"],
)
@pytest.mark.parametrize("answer", ["", " \n", "\x1b"])
def test_an_empty_answer_is_the_default(asked: Question, kept: str, answer: str) -> None:
    assert given(answer, asked, FLOW) == kept


def test_who_may_pass_may_answer_all_the_same() -> None:
    assert given("because", Question("a#1.0", "Why?", default="")) == "because"
    assert "none of its options" in refused("x", Question("a#1.0", "?", BOTH, default=""))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"score": 11}', "score: Input should be less than or equal to 10"),
        ('{"score": "eight"}', "score: Input should be a valid integer"),
        ('{"score": 8, "colour": 1}', "colour: Extra inputs are not permitted"),
        ('{"score": 8, "why": ' + "[" * 99 + "1" + "]" * 99 + "}", "nested too deep"),
        ("{}", "score: Field required"),
        ("[8]", "the whole: Input should be an object"),
        ("NaN", "the whole: Input should be an object"),
        ("", "the whole: Invalid JSON"),
        ("x" * 10_000_000, "it is 10000000 characters long"),
    ],
    ids=lambda value: value[:24],
)
def test_a_form_that_is_filled_in_wrongly_is_refused_with_the_field(answer: str, told: str) -> None:
    sentence = refused(answer, ASKED, FLOW)

    assert sentence.startswith("the answer to question 's#1.0' does not fit its form: ")
    assert told in sentence
    assert sentence.endswith("; give a JSON object with 'score', 'why'")
    assert len(sentence) < 500
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("eight", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[8]", "it is no JSON object"),
    ],
    ids=["text", "deep", "list"],
)
def test_where_nobody_knows_whose_form_it_is_an_object_is_enough(answer: str, told: str) -> None:
    assert told in refused(answer, ASKED)
    assert given('{"score": 11}', ASKED) == '{"score": 11}'
    assert given('{"score": 11}', ASKED, Flow("g", State("t", BOSS, to(None))))


def test_a_form_may_be_given_as_an_object() -> None:
    assert given({"score": 8, "why": "für"}, ASKED, FLOW) == '{"score": 8, "why": "für"}'
    assert "score: Input should be" in refused({"score": 0}, ASKED, FLOW)
    assert "holds what is no JSON" in refused({"score": {8}}, ASKED, FLOW)
    assert "holds what is no JSON" in refused({"score": float("nan")}, ASKED, FLOW)


@pytest.mark.parametrize("answer", [8, True, ["yes"], {"a": 1}, b"yes"])
def test_what_is_no_text_is_no_answer(answer: object) -> None:
    kind = type(answer).__name__

    assert f"'a#1.0' is a {kind}; give it a text" in refused(answer, Question("a#1.0", "Why?"))


def test_an_answer_is_stored_without_what_no_store_can_hold() -> None:
    answer = "j\x1b[2Ja\r\n\ud800\x00 für 日本"

    assert given(answer, Question("a#1.0", "Why?")) == "j[2Ja\n für 日本"
    assert given("\x1by\x00", Question("a#1.0", "Allow it?", BOTH)) == "yes"
    assert given('{"score":\x1b 8}', ASKED, FLOW) == '{"score": 8}'


def test_an_answer_after_the_deadline_is_refused() -> None:
    asked = Question("a#1.0", "Allow it?", BOTH, due=NOON)

    assert given("y", asked, now=NOON - 0.1) == "yes"
    assert given("y", asked) == "yes"
    assert refused("yes", asked, now=NOON) == (
        "the answer to question 'a#1.0' comes too late: its deadline passed at 2026-11-23 09:00 "
        "UTC; resume without an answer, and the run goes on as its flow says"
    )


INNER = Flow("inner", State("ask", Human("in", form=Other), to(None)))


@pytest.mark.parametrize(
    ("flow", "path", "form"),
    [
        (lambda: FLOW, "s#1.0", Grade),
        (lambda: FLOW, "s#12.3", Grade),
        (lambda: Flow("o", Nested("sub", INNER, to(None))), "sub#1.0/ask#2.1", Other),
        (
            lambda: Flow("p", State("s", steps(Human("first"), BOSS, BOSS), to(None))),
            "s#1.1",
            Grade,
        ),
        (
            lambda: Flow("q", State("both", steps(INNER.as_agent(), FLOW.as_agent("x")), to(None))),
            "both#1.1/s#1.0",
            Grade,
        ),
    ],
    ids=["here", "another visit", "below", "several speakers", "several flows"],
)
def test_a_form_is_found_by_the_path_of_who_asks(
    flow: Callable[[], Flow], path: str, form: type[BaseModel]
) -> None:
    assert form_of(flow(), Question(path, "?", form=form.model_json_schema())) is form


@pytest.mark.parametrize("path", ["t#1.0", "s#1.0/s#1.0", "s", "", "s#1.0/", "#.", "/"])
def test_no_form_is_found_where_nobody_asks(path: str) -> None:
    assert form_of(FLOW, Question(path, "?", form=BOSS.schema)) is None


def test_a_form_that_was_not_asked_for_is_not_found() -> None:
    """As after a change of the flow: what was asked is what is answered."""
    assert form_of(FLOW, Question("s#1.0", "?", form=Other.model_json_schema())) is None


def test_a_second_answer_is_refused_by_name() -> None:
    asked = {"a#1.1": Question("a#1.1", "Why?")}

    with pytest.raises(AnswerRefused, match=r"no open question 'a#1\.0', or it was answered alr"):
        answers_to("r", asked, None, {"a#1.0": "yes"})


async def test_one_bad_answer_of_several_leaves_all_questions_open() -> None:
    """Answers are given together or not at all."""

    class Both:
        name = "both"
        composed = True

        async def reply(self, turn: Turn) -> str:
            calls = [Call("human.ask", {"text": t, "options": list(BOTH)}) for t in ("A?", "B?")]
            return " ".join([str(one.unwrap()) for one in await turn.perform(*calls)])

    agent: Agent = Both()
    flow, store = Flow("f", State("s", agent, to(None))), MemoryStore()
    async with Runner(store=store) as runner:
        await runner.start(flow, "go", run="r")
        before = await store.read("r")
        with pytest.raises(AnswerRefused, match=r"'s#1\.1' is none of its options"):
            await runner.resume(flow, "r", answers={"s#1.0": "yes", "s#1.1": "maybe"})
        assert await store.read("r") == before
        with pytest.raises(AnswerRefused, match="has 2 open questions"):
            await runner.resume(flow, "r", answer="yes")
        half = await runner.resume(flow, "r", answers={"s#1.1": "no"})
        assert [question.id for question in half.stop.questions] == ["s#1.0"]
        with pytest.raises(AnswerRefused, match="answered already"):
            await runner.resume(flow, "r", answers={"s#1.1": "yes"})
        result = await runner.resume(flow, "r", answer="y")
    assert result.messages[-1].text == "yes no"


async def test_a_form_is_refused_before_it_is_recorded() -> None:
    """The question stays open, and it is the same question."""
    store = MemoryStore()
    async with Runner(store=store) as runner:
        await runner.start(FLOW, "go", run="r")
        before = await store.read("r")
        with pytest.raises(AnswerRefused, match="score: Input should be less than or equal to 10"):
            await runner.resume(FLOW, "r", answer='{"score": 11}')
        assert await store.read("r") == before
        result = await runner.resume(FLOW, "r", answer=json.dumps({"score": 10}))
    assert result.messages[-1].reply == {"score": 10, "why": ""}
